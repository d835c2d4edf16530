"""Typeset the tests of every panel and the differences of its pairs of series."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.contrasts import tabulate_contrasts

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_contrasts(
            comparisons=snakemake.input.comparisons,
            contrasts=snakemake.input.contrasts,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
