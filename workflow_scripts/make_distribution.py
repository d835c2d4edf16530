"""Choose the classes and images of a pre-training distribution and publish the choice."""

from pretraining_robustness.distributions.selection import write_distribution
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_distribution(
            table=snakemake.input.table,
            classes=snakemake.input.classes,
            superclasses=snakemake.input.get("superclasses"),
            copies=snakemake.input.get("copies") or None,
            declared=snakemake.params.declared,
            index=snakemake.output.index,
            chosen=snakemake.output.classes,
            manifest=snakemake.output.manifest,
        ),
    )
