"""Choose the classes and images of a pre-training distribution and publish the choice."""

import pandas as pd

from pretraining_robustness.distributions.label_maps import distribution_label_map
from pretraining_robustness.distributions.selection import class_table, make_distribution
from pretraining_robustness.files import atomic_path
from pretraining_robustness.rule import run_rule


def write_distribution(
    table: str, classes: str, superclasses: str | None, declared: dict, index: str, chosen: str, manifest: str
) -> None:
    images = pd.read_parquet(table, columns=["row", "image", "class_id"])
    label_map = distribution_label_map(declared["label_map"], superclasses or classes)
    selected = make_distribution(images, pd.read_csv(classes, dtype={"class_id": str}), label_map, declared)
    with atomic_path(index) as path:
        selected[["row", "label"]].to_parquet(path, index=False)
    with atomic_path(chosen) as path:
        class_table(selected).to_csv(path, index=False)
    with atomic_path(manifest) as path:
        selected.drop(columns="row").to_csv(path, index=False)


if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_distribution(
            table=snakemake.input.table,
            classes=snakemake.input.classes,
            superclasses=snakemake.input.get("superclasses"),
            declared=snakemake.params.declared,
            index=snakemake.output.index,
            chosen=snakemake.output.classes,
            manifest=snakemake.output.manifest,
        ),
    )
