"""The checkpoints of a series as points on the axes of a trend, and why some series have no trend."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pretraining_robustness.evaluate.left_out import WITHOUT
from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.evaluate.scores import RUN
from pretraining_robustness.trends.axis_scales import AxisScale, Floats

Whole = NDArray[np.int64]

FEWEST_POINTS = 3
FEWEST_RUNS = 2
FEW_CLUSTERS = 5
"""Below this many clusters what is printed says so beside the interval."""

# Scores are averages of some thousand images; a spread below this is rounding, not a difference between checkpoints.
_NO_SPREAD = 1e-12


@dataclass(frozen=True)
class AxisPoints:
    """The n checkpoints that have a place on the axes, by run and epoch.

    `x` and `y` are their in-distribution and out-of-distribution scores in axis units, `runs` the run of each as
    0 .. n_runs - 1, `table` their rows of the score table. `out_of_place` counts the checkpoints left out because a
    score of 0 or 1 has no place on logit or probit axes, `missing` those left out because a score is missing.
    `moved` says how far x and y move without each of the C clusters of their test set, in axis units, (n, C) each, to
    be used as `ClusterRobustLeastSquares.estimate` says; None where it is not known.
    """

    x: Floats
    y: Floats
    runs: Whole
    table: pd.DataFrame
    out_of_place: int
    missing: int
    moved: tuple[Floats, Floats] | None = None

    @property
    def n_runs(self) -> int:
        """How many runs have a checkpoint on the axes."""
        return int(self.runs.max()) + 1 if len(self.runs) else 0

    @property
    def architectures(self) -> list[str]:
        """The architecture of each checkpoint."""
        return self.table["architecture"].astype(str).tolist()

    @property
    def clusters(self) -> Whole:
        """The cluster of each checkpoint as 0 .. G - 1: its architecture, or its run where there is one architecture.

        What is peculiar to an architecture is common to its seeds.
        """
        codes = np.unique(self.architectures, return_inverse=True)[1]
        return codes if codes.any() else self.runs

    @property
    def n_clusters(self) -> int:
        """How many clusters there are."""
        return int(self.clusters.max()) + 1 if len(self.x) else 0

    @property
    def clusters_are(self) -> str:
        """What the clusters are, in words."""
        return "architectures" if len(set(self.architectures)) > 1 else "runs of one architecture"

    def heights_moved(self, slope: float) -> list[Floats]:
        """Return how far the points' heights above a line move without each cluster of the ID and OOD test sets."""
        return [] if self.moved is None else [-slope * self.moved[0], self.moved[1]]


def axis_points(checkpoints: pd.DataFrame, scale: AxisScale, metric: Metric) -> AxisPoints:
    """Place the rows of a score table on the axes."""
    table = checkpoints.sort_values([*RUN, "epoch"], kind="stable")
    x, y = (table[column].to_numpy(dtype=np.float64) for column in (metric.id_column, metric.ood_column))
    missing = np.isnan(x) | np.isnan(y)
    placed = scale.representable(x) & scale.representable(y)
    kept = table[placed]
    return AxisPoints(
        x=scale.forward(x[placed]),
        y=scale.forward(y[placed]),
        runs=np.asarray(kept.groupby(RUN, sort=True).ngroup(), dtype=np.int64),
        table=kept,
        out_of_place=int((~placed & ~missing).sum()),
        missing=int(missing.sum()),
        moved=_moved(kept, scale, metric),
    )


def _moved(table: pd.DataFrame, scale: AxisScale, metric: Metric) -> tuple[Floats, Floats] | None:
    if not len(table) or any(column not in table or table[column].isna().any() for column in WITHOUT.values()):
        return None
    found = []
    for role, column in ((WITHOUT["id"], metric.id_column), (WITHOUT["ood"], metric.ood_column)):
        without = np.stack(table[role].to_list()).astype(np.float64)
        without -= without.mean(axis=1, keepdims=True)
        size = without.shape[1]
        steepness = scale.steepness(table[column].to_numpy(dtype=np.float64))
        found.append(steepness[:, None] * without * np.sqrt((size - 1) / size))
    return found[0], found[1]


def moved_together(parts: Sequence[list[Floats]]) -> list[Floats]:
    """Return what the draw of the test images does to the points of several series; nothing where of one it is unknown.

    Args:
        parts: `AxisPoints.heights_moved` of each.
    """
    return [np.concatenate(of_set) for of_set in zip(*parts, strict=True)] if all(parts) else []


def joined(series: Sequence[AxisPoints]) -> tuple[Floats, Floats, Whole, Whole, Whole]:
    """Return the checkpoints of several series as one: x, y, series (0 .. S-1), run (0 .. R-1) and architecture."""
    x, y = (np.concatenate([getattr(one, axis) for one in series]) for axis in ("x", "y"))
    numbers = np.repeat(np.arange(len(series)), [len(one.x) for one in series])
    shifts = np.cumsum([0, *(one.n_runs for one in series)])
    runs = np.concatenate([one.runs + shift for one, shift in zip(series, shifts[:-1], strict=True)])
    architectures = np.unique([name for one in series for name in one.architectures], return_inverse=True)[1]
    return x, y, numbers, runs, architectures


def shared_clusters(first: AxisPoints, second: AxisPoints) -> tuple[Whole, Whole]:
    """Return the cluster of each point of two series that are compared, as 0 .. G - 1.

    A cluster is an architecture: what is peculiar to it is common to its runs in both series and falls out of their
    difference. Where a series has a single architecture this would determine its line and leave no scatter, so each run
    is a cluster: what is found then holds for that architecture.
    """
    names = [*first.architectures, *second.architectures]
    if len(set(first.architectures)) == 1 or len(set(second.architectures)) == 1:
        return first.runs, second.runs + first.n_runs
    codes = np.unique(names, return_inverse=True)[1]
    return codes[: len(first.x)], codes[len(first.x) :]


def why_no_trend(points: AxisPoints, metric: Metric) -> str:
    """Say why no line can be fitted to the points, or return an empty string."""
    if len(points.x) == 0:
        if points.out_of_place:
            return f"every checkpoint has an {metric.symbol} of 0 or 1"
        return "every score is missing" if points.missing else "no checkpoints"
    if points.n_runs < FEWEST_RUNS:
        return "a single run says nothing about other runs"
    if len(points.x) < FEWEST_POINTS:
        return f"{len(points.x)} checkpoints are fewer than {FEWEST_POINTS}"
    if np.ptp(points.x) < _NO_SPREAD:
        return f"all checkpoints have the same in-distribution {metric.symbol}"
    return ""


def few_clusters(count: int, what: str) -> list[str]:
    """Return a note where an interval rests on few clusters; `what` they are in words."""
    return [f"only {count} {what}: the interval rests on few"] if count < FEW_CLUSTERS else []


def what_was_left_out(points: AxisPoints, metric: Metric) -> list[str]:
    """Return notes on the checkpoints that are not among the points."""
    notes = []
    if points.out_of_place:
        notes.append(f"left out {points.out_of_place} with an {metric.symbol} of 0 or 1")
    if points.missing:
        notes.append(f"left out {points.missing} without a score")
    return notes
