"""The metrics of a score table: what each is called, and how it follows from counts of images.

A new metric is an entry of `METRICS` and a function of computed.py, which brings the wilds package.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError

Whole = NDArray[np.int64]
Floats = NDArray[np.float64]
Tally = Callable[[Whole, Whole, Whole], tuple[Whole, int]]


@dataclass(frozen=True)
class Metric:
    """One metric. `label` in full ("macro F1 score"), `short` and `symbol` as shorter words for it.

    tally: true classes, predicted classes and groups of n >= 1 images, each int64 (n,) from 0 (groups -1: none), to
        the counters that each image adds 1 to, int64 (n, k) with -1 for none, and how many counters there are.
        Resampled scores are computed from these counts.
    of_counts: counts (resamples, counters) to scores (resamples,).
    grouped: whether the metric needs a task with groups.
    """

    name: str
    label: str
    short: str
    symbol: str
    tally: Tally
    of_counts: Callable[[Floats], Floats]
    grouped: bool = False

    @property
    def id_column(self) -> str:
        """The column of the in-distribution score in a table of paired scores."""
        return f"id_{self.name}"

    @property
    def ood_column(self) -> str:
        """The column of the out-of-distribution score in a table of paired scores."""
        return f"ood_{self.name}"


def _tally_classes(truth: Whole, predicted: Whole, groups: Whole) -> tuple[Whole, int]:
    classes = int(max(truth.max(), predicted.max())) + 1
    hits = np.where(truth == predicted, 2 * classes + truth, -1)
    return np.stack([truth, classes + predicted, hits], axis=1), 3 * classes


def _macro_f1_of_counts(counts: Floats) -> Floats:
    true, predicted, hits = np.split(counts, 3, axis=1)
    f1 = np.divide(2 * hits, true + predicted, out=np.zeros_like(hits), where=true > 0)
    return f1.sum(axis=1) / (true > 0).sum(axis=1)


def _tally_groups(truth: Whole, predicted: Whole, groups: Whole) -> tuple[Whole, int]:
    count = int(groups.max()) + 1
    return np.stack([groups, np.where((truth == predicted) & (groups >= 0), count + groups, -1)], axis=1), 2 * count


def _tally_all(truth: Whole, predicted: Whole, groups: Whole) -> tuple[Whole, int]:
    return _tally_groups(truth, predicted, np.zeros_like(truth))


def _lowest_accuracy_of_counts(counts: Floats) -> Floats:
    images, hits = np.split(counts, 2, axis=1)
    return np.divide(hits, images, out=np.ones_like(hits), where=images > 0).min(axis=1)


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("macro_f1", "macro F1 score", "macro F1", "F1", _tally_classes, _macro_f1_of_counts),
        Metric("accuracy", "accuracy", "accuracy", "accuracy", _tally_all, _lowest_accuracy_of_counts),
        Metric(
            "worst_group_accuracy",
            "worst-group accuracy",
            "worst-group accuracy",
            "worst-group accuracy",
            _tally_groups,
            _lowest_accuracy_of_counts,
            grouped=True,
        ),
    )
}
"""The metrics of a score table by name; the first is what figures show where nothing else is said."""

DEFAULT = next(iter(METRICS))


def score_metric(name: str | None = None) -> Metric:
    """Return the metric called `name`, or the first of `METRICS`.

    Raises:
        InputError: score tables have no such metric.
    """
    name = name or DEFAULT
    if name not in METRICS:
        raise InputError(f"metric: {name!r} is not a metric of a score table; use one of {', '.join(METRICS)}")
    return METRICS[name]
