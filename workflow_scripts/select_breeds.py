"""Choose BREEDS' superclasses from its published hierarchy; the committed table must hold the same."""

from pretraining_robustness.acquire.breeds import confirm_breeds
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: confirm_breeds(
            class_hierarchy=snakemake.input.hierarchy,
            node_names=snakemake.input.names,
            class_info=snakemake.input.info,
            committed=snakemake.input.committed,
            table=snakemake.output.table,
        ),
    )
