"""Scores without one cluster of the test images: what comparisons need to know of the draw of the test images.

A score depends on which cameras were set up, or which images were taken. How far a difference between two checkpoints
depends on them cannot be told from their intervals, for both are tested on the same ones. It can from the scores of
each without each cluster in turn (the delete-one jackknife; Efron & Stein 1981, "The jackknife estimate of variance"):
whatever is computed of scores is computed again of these. Images without clusters are dealt into `BLOCKS` at random
(the delete-a-group jackknife; Kott 2001). The tables are small beside predictions, one number per cluster, and travel
with the score tables: figures and tests are made again without predictions.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.intervals import counts_by_unit
from pretraining_robustness.evaluate.metrics import Floats, Metric, Whole
from pretraining_robustness.evaluate.scores import CHECKPOINT, KEY
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import named_generator

BLOCKS = 100
COLUMNS = [*KEY, "without"]
"""`without` is a list: the score without each cluster, in the order of their names; the same for every checkpoint."""
WITHOUT = {"id": "id_without", "ood": "ood_without"}
"""The columns of paired scores that hold such lists."""


def jackknife_clusters(test_set: str, images: int, clusters: Whole | None) -> Whole:
    """Return what is left out together: the clusters of a test set, or random blocks of its images, as 0 .. C-1."""
    if clusters is not None:
        return np.unique(clusters, return_inverse=True)[1]
    dealt = np.arange(images) * min(BLOCKS, images) // images
    return named_generator(0, f"blocks/{test_set}").permutation(dealt)


def scores_without(metric: Metric, truth: Whole, predicted: Whole, groups: Whole, clusters: Whole) -> Floats:
    """Return the metric's score without each cluster, shape (C,).

    Args:
        metric: a metric.
        truth, predicted, groups, clusters: of the n images, each int64 (n,), clusters 0 .. C-1.
    """
    columns, counters = metric.tally(truth, predicted, groups)
    counts = counts_by_unit(clusters, columns, (int(clusters.max()) + 1, counters)).toarray()
    return metric.of_counts(counts.sum(axis=0) - counts)


def write_left_out(path: str | Path, rows: Sequence[Mapping[Any, Any]]) -> None:
    """Write rows of `COLUMNS` as Parquet, in single precision."""
    table = pd.DataFrame(rows, columns=COLUMNS).sort_values(KEY, ignore_index=True)
    table["without"] = table["without"].map(lambda scores: np.asarray(scores, dtype=np.float32))
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False)


def collect_left_out(inputs: Sequence[str | Path], output: str | Path) -> None:
    """Join the tables of several series into one."""
    write_left_out(output, pd.concat([pd.read_parquet(path) for path in inputs]).to_dict("records"))


def with_left_out(
    paired: pd.DataFrame, path: str | Path, metric: str, pairs: Mapping[str, Mapping[str, str]]
) -> pd.DataFrame:
    """Return paired scores with two more columns, `WITHOUT`: a metric's scores without each cluster, or None.

    Args:
        paired: `scores.paired_scores`.
        path: a table of `COLUMNS`.
        metric: its name.
        pairs: for each task the test set `id` and the test set `ood`.

    Raises:
        InputError: the table has other columns.
    """
    table = pd.read_parquet(path, filters=[("metric", "==", metric), ("task", "in", list(pairs))])
    if list(table.columns) != COLUMNS:
        raise InputError(f"{path}: columns are not those of this version of the workflow; remove it to score again")
    for role, column in WITHOUT.items():
        of_role = table[table["test_set"] == table["task"].map({task: pair[role] for task, pair in pairs.items()})]
        of_role = of_role[[*CHECKPOINT, "without"]].rename(columns={"without": column})
        paired = paired.merge(of_role, how="left", on=CHECKPOINT)
    return paired.astype(dict.fromkeys(WITHOUT.values(), object))
