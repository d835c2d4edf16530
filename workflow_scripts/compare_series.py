"""Test whether the series of a figure share one trend, and compare them pairwise."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.comparisons import compare_series

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: compare_series(
            scores=snakemake.input.get("scores") or None,
            comparisons=snakemake.output.comparisons,
            contrasts=snakemake.output.contrasts,
            left_out=snakemake.input.get("left_out") or None,
            published=list(snakemake.input.get("published", [])),
            **snakemake.params.comparison,
        ),
    )
