"""Typeset the effective and relative robustness of all series."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.robustness import tabulate_robustness

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_robustness(
            series=snakemake.input.series,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
