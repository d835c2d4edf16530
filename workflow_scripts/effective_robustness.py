"""Measure the effective and relative robustness of checkpoints and of series."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.effective_robustness import effective_robustness

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: effective_robustness(
            scores=snakemake.input.scores,
            left_out=snakemake.input.left_out,
            checkpoints=snakemake.output.checkpoints,
            series=snakemake.output.series,
            **snakemake.params.robustness,
        ),
    )
