"""Hold what a study shows against what the paper reports."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.calibration import tabulate_calibration

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_calibration(
            comparisons=snakemake.input.comparisons,
            contrasts=snakemake.input.contrasts,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
