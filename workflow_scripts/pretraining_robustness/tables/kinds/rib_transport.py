"""Distances between variants of ImageNet by optimal transport."""

from collections.abc import Mapping
from typing import Any

from pretraining_robustness.tables.reading import Files, read_frames
from pretraining_robustness.tables.typeset import NOTHING, Column, Made, typeset
from pretraining_robustness.tables.words import number

READS = {"distances": "imagenet_rib/distances.csv"}


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the matrix of `distances`, as `imagenet_rib.embedding` measured them."""
    facts = read_frames(files)["distances"]
    found = {frozenset((row["first"], row["second"])): row["otdd"] for row in facts.to_dict("records")}
    names = [name for name in table["variants"] if name in set(facts["first"]) | set(facts["second"])]
    columns = [
        Column("variant", "", 1.5),
        *(Column(name, table["variants"][name], 1.0, numeric=True) for name in names),
    ]
    rows = [
        {
            **{"group": f"Features of {table['embedding']}", "variant": table["variants"][one]},
            **{other: NOTHING if one == other else number(found[frozenset((one, other))], 2) for other in names},
        }
        for one in names
    ]
    notes = [
        "Optimal transport dataset distance (OTDD; Alvarez-Melis & Fusi 2020) between samples of "
        f"{table['count']:,} images of each variant, in units of the features before the head; labels are Gaussians "
        "with diagonal covariance; exact transport. Two samples of one data set have a distance above 0.",
        "Sample, features and covariances of the paper (arXiv 2410.21582) are not known; these are ours.",
    ]
    return facts, typeset(table, columns, rows, notes)
