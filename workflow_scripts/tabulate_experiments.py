"""Put every experiment into one table: what was changed and what was kept."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.experiments import tabulate_experiments

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: tabulate_experiments(
            classes=snakemake.input.classes,
            promises=snakemake.input.promises,
            experiments=snakemake.params.experiments,
            table=snakemake.params.table,
            csv=snakemake.output.csv,
            html=snakemake.output.html,
            tex=snakemake.output.tex,
        ),
    )
