"""Measure how often the networks of each series of a figure agree, and what that tells of their accuracy."""

from pretraining_robustness.beyond.measure_agreement import measure_agreement
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: measure_agreement(
            predictions=list(snakemake.input.predictions),
            tables=dict(zip(snakemake.params.stores, snakemake.input.tables, strict=True)),
            **snakemake.output,
            **snakemake.params.agreement,
        ),
    )
