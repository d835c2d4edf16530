"""Test sets of a downstream task: a store's split, or all of it, with the classes that a network may predict."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute
import pyarrow.parquet

from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError

ALL = "all"  # the split of a test set that takes every image of its store
PRESENT = "present"  # in place of a class mask: the classes of its store's images
ALSO = "also"  # a column of a store: further correct class_ids of an image, separated by spaces


@dataclass(frozen=True)
class TestSet:
    """The n images of a test set.

    Attributes:
        name: its name.
        rows: rows of its store, int64 (n,).
        truth: the class number of each image in the task, int64 (n,).
        answers: the classes that a network may predict, int64 (k,), or None for all of the task's.
        counts_as: the class that each prediction counts as, int64 (classes,), or None where each is itself.
        columns: the requested columns of the store, each an array (n,).
        digest: identifies the images; predictions for other images have another one.
    """

    __test__ = False  # not a test class of pytest

    name: str
    rows: np.ndarray
    truth: np.ndarray
    answers: np.ndarray | None
    counts_as: np.ndarray | None
    columns: Mapping[str, np.ndarray]
    digest: str


def read_test_set(
    spec: Mapping[str, Any], table: str | Path, classes: Mapping[str, int], columns: Sequence[str] = ()
) -> TestSet:
    """Read a test set.

    Args:
        spec: {name, split, own, classes}: `own` says whether the store is the task's own, whose y are the task's
            classes; images of another store are matched by class_id. `classes` is a CSV with a column class_id of
            the classes a network may predict, PRESENT for those of the store's images, or None. A class in a store's
            column ALSO counts as that of its image: the best of an image's classes is its score.
        table: images.parquet of its store.
        classes: which of the network's outputs belongs to each class_id of the task (see `splits.class_numbers`).
        columns: further columns of the store to read.

    Raises:
        InputError: a split without images, a column that is missing, images of classes that the task lacks, a mask with
            such a class or without one of the images' classes.
    """
    names = pyarrow.parquet.read_schema(table).names
    lacking = [column for column in columns if column not in names]
    if lacking:
        raise InputError(
            f"{table}: no column '{lacking[0]}' for the test set {spec['name']}; it has {', '.join(names)}"
        )
    wanted = ["row", "image", "class_id", ALSO, *(["y"] if spec["own"] else []), "split", *columns]
    frame = pyarrow.parquet.read_table(table, columns=[name for name in dict.fromkeys(wanted) if name in names])
    stored = set(frame["class_id"].unique().to_pylist())
    if spec["split"] != ALL:
        splits = frame["split"].to_numpy(zero_copy_only=False) if "split" in names else np.array([])
        chosen = np.flatnonzero(splits == spec["split"])
        if len(chosen) == 0:
            known = ", ".join(sorted(set(splits))) or "none"
            raise InputError(
                f"{table}: no image has split '{spec['split']}', which the test set {spec['name']} takes (there are: "
                f"{known}); check the task's metadata.csv, or leave that test set out of the config"
            )
        frame = frame.take(chosen)
    elif spec["own"]:
        frame = frame.filter(
            pyarrow.compute.greater_equal(frame["y"], 0)
        )  # without images of other classes than the task's
    class_ids = frame["class_id"].to_pylist()
    if spec["own"]:
        truth = frame["y"].to_numpy()
    else:
        strange = sorted({name for name in class_ids if name not in classes})
        if strange:
            raise InputError(
                f"{table}: the task has no class '{strange[0]}' of the test set {spec['name']} "
                f"({len(strange)} such classes); choose a store of the task's classes"
            )
        truth = np.array([classes[name] for name in class_ids], dtype=np.int64)
    also = frame[ALSO].to_pylist() if ALSO in names else []
    counts_as = _counts_as(zip(class_ids, also, strict=True), classes) if any(also) else None
    answers: np.ndarray | None = None
    if spec.get("classes") == PRESENT:
        counted = np.arange(len(classes)) if counts_as is None else counts_as
        answers = np.flatnonzero(np.isin(counted, [classes[name] for name in stored if name in classes]))
    elif spec.get("classes"):
        answers = _answers(spec, classes, set(class_ids))
    images = "\n".join(frame["image"].to_pylist())
    return TestSet(
        spec["name"],
        frame["row"].to_numpy(),
        truth,
        answers,
        counts_as,
        {column: frame[column].to_numpy(zero_copy_only=False) for column in columns},
        hashlib.sha256(images.encode("utf-8", "surrogateescape")).hexdigest()[:16],
    )


def _counts_as(pairs: Iterable[tuple[str, str]], classes: Mapping[str, int]) -> np.ndarray:
    """Return the class that each class counts as, given each image's class_id and further correct classes."""
    counts_as = np.arange(len(classes))
    for class_id, also in set(pairs):
        counts_as[[classes[other] for other in also.split() if other in classes]] = classes[class_id]
    return counts_as


def _answers(spec: Mapping[str, Any], classes: Mapping[str, int], present: set[str]) -> np.ndarray:
    """Return the numbers of the classes that a mask names."""
    path = spec["classes"]
    named = read_csv_table(path, ("class_id",), what=f"class mask of the test set {spec['name']}").columns["class_id"]
    strange = [name for name in named if name not in classes]
    if strange:
        raise InputError(
            f"{path}: class '{strange[0]}' is not among the network's {len(classes)} classes ({len(strange)} such "
            f"classes), so the class mask of the test set {spec['name']} does not fit its head"
        )
    unanswered = sorted(present - set(named))
    if unanswered:
        raise InputError(
            f"{path}: the class mask of the test set {spec['name']} leaves out its class '{unanswered[0]}'"
        )
    return np.unique([classes[name] for name in named])
