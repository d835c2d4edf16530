"""Find images of a source that are copies of images of a task."""

from pretraining_robustness.distributions.copies import find_copies
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: find_copies(
            images=snakemake.input.images,
            table=snakemake.input.table,
            others=snakemake.input.others,
            tables=snakemake.input.tables,
            copies=snakemake.output.copies,
            **snakemake.params.search,
        ),
    )
