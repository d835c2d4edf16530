"""The stored answers of a series to its two test sets, in and out of distribution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.evaluate.left_out import jackknife_clusters
from pretraining_robustness.evaluate.predictions import Checkpoint, read_predictions
from pretraining_robustness.tasks.splits import class_numbers
from pretraining_robustness.tasks.test_sets import TestSet, read_test_set

ROLES = ("id", "ood")


@dataclass(frozen=True)
class Images:
    """The n images of a test set; `clusters` (0 .. C-1) are left out together by the jackknife."""

    test_set: TestSet
    clusters: NDArray[np.int64]


def read_images(
    tables: Mapping[str, str | Path], test_sets: Sequence[Mapping[str, Any]], pair: Mapping[str, str], *columns: str
) -> dict[str, Images]:
    """Return the images of the test sets `id` and `ood` of a pair.

    Args:
        tables: images.parquet of each store that a test set is taken from, the task's own first.
        test_sets: {name, store, split, classes, clusters} each.
        pair: the names of the two.
        columns: of the store, which are read too.
    """
    own = next(iter(tables))
    numbers = class_numbers(tables[own])
    found = {}
    for role in ROLES:
        spec = next(one for one in test_sets if one["name"] == pair[role])
        asked = list(dict.fromkeys([*columns, *filter(None, [spec.get("clusters")])]))
        told = {**spec, "own": spec["store"] == own}
        test_set = read_test_set(told, tables[spec["store"]], numbers, asked)
        named = test_set.columns[spec["clusters"]] if spec.get("clusters") else None
        found[role] = Images(test_set, jackknife_clusters(test_set.name, len(test_set.rows), named))
    return found


def read_answers(
    path: str | Path, images: Mapping[str, Images], kept: str | None = None
) -> tuple[list[Checkpoint], dict[str, NDArray[Any]]]:
    """Return the m fine-tuned checkpoints of a series and their answers by role, int16 (m, n) each.

    The network before fine-tuning is none of them. `kept`: what stands beside the answers instead, float16 (m, n).
    """
    found = read_predictions(path, [images[role].test_set for role in ROLES], kept)
    checkpoints = [one for one in sorted(found) if one.epoch > 0]
    return checkpoints, {
        role: np.stack([found[one][images[role].test_set.name] for one in checkpoints]) for role in ROLES
    }
