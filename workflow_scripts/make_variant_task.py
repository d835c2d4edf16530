"""Make a downstream task of a variant of ImageNet: fine-tune on it, evaluate on all variants."""

import csv
from pathlib import Path

from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.rule import run_rule


def main() -> None:
    with Path(snakemake.input.classes).open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    key = "wnid" if "wnid" in rows[0] else "class_id"
    make_variant_task(
        table=snakemake.input.table,
        task=snakemake.output.table,
        class_ids=[row[key] for row in rows],
        index=snakemake.input.get("index") or None,
        **snakemake.params.choice,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
