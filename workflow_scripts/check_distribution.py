"""Check a distribution's manifest against its declaration and write the promises that it keeps."""

from dataclasses import asdict

import pandas as pd

from pretraining_robustness.distributions.promises import check_promises, demand_kept
from pretraining_robustness.files import atomic_path
from pretraining_robustness.rule import run_rule


def write_promises(manifest: str, enclosing: str | None, declared: dict, promises: str) -> None:
    columns = ["image", "class_id", "label"]
    outer = pd.read_csv(enclosing, usecols=columns, dtype={"class_id": str}) if enclosing else None
    found = check_promises(pd.read_csv(manifest, usecols=columns, dtype={"class_id": str}), declared, outer)
    demand_kept(found, declared["distribution"])
    with atomic_path(promises) as path:
        pd.DataFrame([asdict(promise) for promise in found]).to_csv(path, index=False)


if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_promises(
            manifest=snakemake.input.manifest,
            enclosing=snakemake.input.get("enclosing"),
            declared=snakemake.params.declared,
            promises=snakemake.output.promises,
        ),
    )
