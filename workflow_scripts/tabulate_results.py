"""Make a table of any kind from its files and typeset it."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.tabulate import tabulate

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate(
            files={name: list(found) for name, found in snakemake.input.items()},
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
