"""The splits of a downstream task, from the table of its store."""

import json
from pathlib import Path

import numpy as np
import pyarrow.compute
import pyarrow.parquet

from pretraining_robustness.errors import InputError

# Metadata of a table whose images have only some of the classes: all class_ids, in the order of y.
CLASS_IDS = b"class_ids"


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


def read_originals(table: str | Path, split: str) -> np.ndarray:
    """Return the number, int (N,), of the class_id and original that each image of a split is a rendering of."""
    columns = pyarrow.parquet.read_table(table, columns=["class_id", "original", "split"])
    chosen = columns.filter(pyarrow.compute.equal(columns["split"], split))
    parts = (chosen[name].cast(pyarrow.large_string()) for name in ("class_id", "original"))
    originals = pyarrow.compute.binary_join_element_wise(*parts, pyarrow.scalar("/", pyarrow.large_string()))
    return originals.combine_chunks().dictionary_encode().indices.to_numpy()


def task_classes(table: str | Path) -> int:
    """Return the number of classes: those that the table names, or the highest y plus one, as in WILDS."""
    named = _named_classes(table)
    if named is not None:
        return len(named)
    return int(pyarrow.compute.max(pyarrow.parquet.read_table(table, columns=["y"])["y"]).as_py()) + 1


def class_numbers(table: str | Path) -> dict[str, int]:
    """Return the class number (y) of each class_id of a task's table."""
    named = _named_classes(table)
    if named is not None:
        return {class_id: number for number, class_id in enumerate(named)}
    columns = pyarrow.parquet.read_table(table, columns=["class_id", "y"])
    pairs = columns.group_by(["class_id", "y"]).aggregate([])
    return dict(zip(pairs["class_id"].to_pylist(), pairs["y"].to_pylist(), strict=True))


def present_classes(table: str | Path) -> np.ndarray | None:
    """Return the y of the classes that have images, int64 ascending, where the table names more; None if all do.

    A network whose head knows more classes than the task has is trained on the outputs of the task's classes only.
    """
    if _named_classes(table) is None:
        return None
    present = np.unique(pyarrow.parquet.read_table(table, columns=["y"])["y"].to_numpy())
    present = present[present >= 0]  # images of other classes than the task's have y = -1
    return None if len(present) == task_classes(table) else present


def _named_classes(table: str | Path) -> list[str] | None:
    """Return the class_ids that the metadata of a table names."""
    metadata = pyarrow.parquet.read_schema(table).metadata or {}
    return list(json.loads(metadata[CLASS_IDS])) if CLASS_IDS in metadata else None
