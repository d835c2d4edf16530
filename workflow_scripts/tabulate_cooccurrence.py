"""Typeset how often animals and objects are in one image, beside the paper's own check."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.cooccurrence import tabulate_cooccurrence

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_cooccurrence(
            counts=snakemake.input.counts,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
