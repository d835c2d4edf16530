"""Predictions on disk: the most likely class of every image of every test set, by checkpoint.

A Parquet file with one row per image: test_set, row (of the store) and one int16 column per checkpoint, named
"architecture/seed_0/epoch_1". The file's metadata holds the digest of each test set's images.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.compute
import pyarrow.parquet

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.tasks.test_sets import TestSet

_DIGESTS = b"test_sets"
_COLUMN = re.compile(r"(?P<architecture>.+)/seed_(?P<seed>\d+)/epoch_(?P<epoch>\d+)")


@dataclass(frozen=True, order=True)
class Checkpoint:
    """One checkpoint of a series: its architecture (by name), seed and epoch."""

    architecture: str
    seed: int
    epoch: int

    def column(self) -> str:
        """Return the name of its column."""
        return f"{self.architecture}/seed_{self.seed}/epoch_{self.epoch}"


def write_predictions(
    path: str | Path, test_sets: list[TestSet], predicted: Mapping[Checkpoint, Mapping[str, np.ndarray]]
) -> None:
    """Write the predictions of checkpoints, each an array int16 (n,) per test set."""
    columns: dict[str, object] = {
        "test_set": pyarrow.array(np.concatenate([np.full(len(one.rows), one.name) for one in test_sets])),
        "row": np.concatenate([one.rows for one in test_sets]),
    }
    for checkpoint in sorted(predicted):
        columns[checkpoint.column()] = np.concatenate([predicted[checkpoint][one.name] for one in test_sets])
    digests = json.dumps({one.name: one.digest for one in test_sets})
    table = pyarrow.table(columns).replace_schema_metadata({_DIGESTS: digests})
    with atomic_path(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def same_images(path: str | Path, test_sets: Iterable[TestSet]) -> list[TestSet]:
    """Return those test sets of which a table of predictions has the same images under the same name."""
    digests = json.loads(pyarrow.parquet.read_schema(path).metadata[_DIGESTS])
    return [one for one in test_sets if digests.get(one.name) == one.digest]


def read_predictions(path: str | Path, test_sets: list[TestSet]) -> dict[Checkpoint, dict[str, np.ndarray]]:
    """Return the predictions of every checkpoint, int16 (n,) per test set.

    Raises InputError for a file that is no such table and for predictions of other images than those of `test_sets`.
    """
    try:
        table = pyarrow.parquet.read_table(path)
        digests = json.loads(table.schema.metadata[_DIGESTS])
    except (OSError, KeyError, TypeError, pyarrow.ArrowInvalid) as error:
        raise InputError(
            f"{path}: not a table of predictions ({type(error).__name__}); remove it to predict again"
        ) from error
    places = {}
    for one in test_sets:
        if one.name not in digests:
            raise InputError(f"{path}: no predictions of the test set {one.name}; remove it to predict again")
        places[one.name] = np.flatnonzero(pyarrow.compute.equal(table["test_set"], one.name))
        if digests[one.name] != one.digest:
            raise InputError(
                f"{path}: the predictions of the test set {one.name} are of other images than its store holds now; "
                "remove it to predict again"
            )
    found = {}
    for column in table.column_names:
        if match := _COLUMN.fullmatch(column):
            checkpoint = Checkpoint(match["architecture"], int(match["seed"]), int(match["epoch"]))
            predicted = table[column].to_numpy()
            found[checkpoint] = {name: predicted[place] for name, place in places.items()}
    return found
