"""Bring a data set's archives to their place: checked and linked from where the user put them, or downloaded."""

from pretraining_robustness.acquire.acquire import acquire
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: acquire(
            **snakemake.params.downloads,
            outputs=snakemake.output,
            place=snakemake.params.place,
            optional=snakemake.params.get("optional"),
        ),
    )
