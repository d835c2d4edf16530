"""The splits of a downstream task, from the table of its store."""

from pathlib import Path

import numpy as np
import pyarrow.compute
import pyarrow.parquet

from pretraining_robustness.errors import InputError


def read_split(table: str | Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and classes (y) of a split's images, both int64 (N,), in the order of the store.

    Raises InputError if the table has no image of that split.
    """
    columns = pyarrow.parquet.read_table(table, columns=["row", "y", "split"])
    chosen = columns.filter(pyarrow.compute.equal(columns["split"], split))
    if chosen.num_rows == 0:
        known = ", ".join(sorted(pyarrow.compute.unique(columns["split"]).to_pylist()))
        raise InputError(f"{table}: no image has split '{split}' (there are: {known}); check the task's metadata.csv")
    return chosen["row"].to_numpy(), chosen["y"].to_numpy()


def task_classes(table: str | Path) -> int:
    """Return the number of classes: one more than the highest y of any split, as WILDS counts them."""
    return int(pyarrow.compute.max(pyarrow.parquet.read_table(table, columns=["y"])["y"]).as_py()) + 1


def class_numbers(table: str | Path) -> dict[str, int]:
    """Return the class number (y) of each class_id of a task's table."""
    columns = pyarrow.parquet.read_table(table, columns=["class_id", "y"])
    pairs = columns.group_by(["class_id", "y"]).aggregate([])
    return dict(zip(pairs["class_id"].to_pylist(), pairs["y"].to_pylist(), strict=True))
