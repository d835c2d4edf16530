"""Make a downstream task of a variant of ImageNet: fine-tune on it, evaluate on all variants."""

from pretraining_robustness.imagenet_rib.variant_task import make_variant_task, read_class_ids
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: make_variant_task(
            table=snakemake.input.table,
            task=snakemake.output.table,
            class_ids=read_class_ids(snakemake.input.classes),
            index=snakemake.input.get("index") or None,
            **snakemake.params.choice,
        ),
    )
