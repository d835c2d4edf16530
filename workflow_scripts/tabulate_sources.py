"""Count what differs between the pre-training sources and typeset it."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.sources import tabulate_sources

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_sources(
            classes=snakemake.input.classes,
            copies=snakemake.input.copies,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
