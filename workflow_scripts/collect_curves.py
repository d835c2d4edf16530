"""Put the training curves of all runs into one table."""

from pretraining_robustness.report.curves import collect_curves
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: collect_curves(
            metrics=snakemake.input.metrics, curves=snakemake.output.curves, runs=snakemake.params.runs
        ),
    )
