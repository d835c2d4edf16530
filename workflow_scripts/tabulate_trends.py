"""Typeset the trends of all series on one scale."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.trends import tabulate_trends

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_trends(
            trends=snakemake.input.trends,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
