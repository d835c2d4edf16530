"""Check a distribution's manifest against its declaration and write the promises that it keeps."""

from dataclasses import asdict

import pandas as pd

from pretraining_robustness.distributions.label_maps import distribution_label_map
from pretraining_robustness.distributions.promises import check_promises, demand_kept
from pretraining_robustness.files import atomic_path
from pretraining_robustness.rule import run_rule


def write_promises(
    manifest: str, classes: str, superclasses: str | None, others: dict[str, str], declared: dict, promises: str
) -> None:
    label_map = distribution_label_map(declared["label_map"], superclasses or classes)
    found = check_promises(
        _read(manifest),
        declared,
        pd.read_csv(classes, dtype={"class_id": str}),
        label_map,
        {relation: _read(path) for relation, path in others.items()},
    )
    demand_kept(found, declared["distribution"])
    with atomic_path(promises) as path:
        pd.DataFrame([asdict(promise) for promise in found]).to_csv(path, index=False)


def _read(manifest: str) -> pd.DataFrame:
    return pd.read_csv(manifest, dtype={"class_id": str})


if __name__ == "__main__":
    own = ("manifest", "classes", "superclasses")
    run_rule(
        snakemake,
        lambda: write_promises(
            manifest=snakemake.input.manifest,
            classes=snakemake.input.classes,
            superclasses=snakemake.input.get("superclasses"),
            others={name: path for name, path in snakemake.input.items() if name not in own},
            declared=snakemake.params.declared,
            promises=snakemake.output.promises,
        ),
    )
