"""Put RI and mRI of every network into one table and typeset it."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.rib import tabulate_rib

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_rib(
            indices=snakemake.input.indices,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
