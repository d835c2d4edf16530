"""Put results of ImageNet-RIB into one table and typeset it."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.rib import tabulate_rib

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_rib(
            files=dict(snakemake.input.items()),
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
