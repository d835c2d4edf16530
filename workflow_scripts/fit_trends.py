"""Fit the trends of a figure's series."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.fit import fit_trends

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: fit_trends(
            scores=snakemake.input.get("scores") or None,
            trends=snakemake.output.trends,
            bands=snakemake.output.bands,
            published=list(snakemake.input.get("published", [])),
            **snakemake.params.trends,
        ),
    )
