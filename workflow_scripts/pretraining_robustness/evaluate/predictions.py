"""Predictions on disk: the most likely class of every image of every test set, by checkpoint.

A Parquet file with one row per image: test_set, row (of the store) and one int16 column per checkpoint, named
"architecture/seed_0/epoch_1"; after all of these, what is `KEPT` beside the class, one float16 column per checkpoint,
named "architecture/seed_0/epoch_1/confidence". The file's metadata holds the digest of each test set's images.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
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
KEPT = ("confidence", "margin")
"""What may be kept: the probability of the most likely class, 0..1; how far its logit is above the next, 0 or more."""
_COLUMN = re.compile(r"(?P<architecture>.+)/seed_(?P<seed>\d+)/epoch_(?P<epoch>\d+)(?:/(?P<kept>.+))?")


@dataclass(frozen=True, order=True)
class Checkpoint:
    """One checkpoint of a series: its architecture (by name), seed and epoch."""

    architecture: str
    seed: int
    epoch: int

    def column(self, kept: str | None = None) -> str:
        """Return the name of its column: of its classes, or of what is `KEPT` beside them."""
        return "/".join([self.architecture, f"seed_{self.seed}", f"epoch_{self.epoch}", *([kept] if kept else [])])


def write_predictions(
    path: str | Path,
    test_sets: list[TestSet],
    predicted: Mapping[Checkpoint, Mapping[str, np.ndarray]],
    kept: Sequence[str] = (),
) -> None:
    """Write the predictions of checkpoints: per test set int16 (n,), or int16 (n, 1 + k) with what is `kept`.

    The bits of the k further columns are those of float16 numbers.
    """
    columns: dict[str, object] = {
        "test_set": pyarrow.array(np.concatenate([np.full(len(one.rows), one.name) for one in test_sets])),
        "row": np.concatenate([one.rows for one in test_sets]),
    }
    whole = {
        checkpoint: np.concatenate([predicted[checkpoint][one.name] for one in test_sets]).reshape(-1, 1 + len(kept))
        for checkpoint in sorted(predicted)
    }
    columns |= {checkpoint.column(): answer[:, 0].copy() for checkpoint, answer in whole.items()}
    for place, name in enumerate(kept, 1):
        columns |= {one.column(name): answer[:, place].copy().view(np.float16) for one, answer in whole.items()}
    digests = json.dumps({one.name: one.digest for one in test_sets})
    table = pyarrow.table(columns).replace_schema_metadata({_DIGESTS: digests})
    with atomic_path(path) as temporary:
        pyarrow.parquet.write_table(table, temporary)


def same_images(path: str | Path, test_sets: Iterable[TestSet]) -> list[TestSet]:
    """Return those test sets of which a table of predictions has the same images under the same name."""
    digests = json.loads(pyarrow.parquet.read_schema(path).metadata[_DIGESTS])
    return [one for one in test_sets if digests.get(one.name) == one.digest]


def read_predictions(
    path: str | Path, test_sets: list[TestSet], kept: str | None = None
) -> dict[Checkpoint, dict[str, np.ndarray]]:
    """Return the predictions of every checkpoint, int16 (n,) per test set, or what is `KEPT` of them, float16 (n,).

    Raises InputError for a file that is no such table, for predictions of other images than those of `test_sets`, and
    where what is asked for is not kept.
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
        if (match := _COLUMN.fullmatch(column)) and match["kept"] == kept:
            checkpoint = Checkpoint(match["architecture"], int(match["seed"]), int(match["epoch"]))
            predicted = table[column].to_numpy()
            found[checkpoint] = {name: predicted[place] for name, place in places.items()}
    if kept and not found:
        raise InputError(f"{path}: no {kept} beside the classes; put it into predictions.kept and predict again")
    return found
