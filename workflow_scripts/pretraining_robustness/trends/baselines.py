"""What a study measured of a figure's series in a form that others can load: their points and their fitted lines.

The points are a table of published numbers (`published.PUBLISHED_COLUMNS`), which a figure of another study shows by
its key `published`; the lines carry what is needed to draw them without the points, and where they come from.
"""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.axis_scales import AxisScale, axis_scale
from pretraining_robustness.trends.cluster_robust import ClusterRobustLine
from pretraining_robustness.trends.points import AxisPoints, axis_points
from pretraining_robustness.trends.published import PUBLISHED_COLUMNS, read_all_scores

LINE_COLUMNS = [
    *("name", "study", "commit", "recipe", "licence", "task", "id", "ood", "metric", "group", "scale"),
    *("slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high", "r2", "confidence"),
    *("slope_error", "intercept_error", "covariance", "freedom", "deviation", "id_low", "id_high"),
    *("n_checkpoints", "n_runs", "n_clusters", "id_images", "ood_images"),
]
LICENCE = "MIT"


def write_baseline(
    *,
    scores: str | Path | None,
    trends: str | Path,
    study: str,
    commit: str,
    metric: str,
    pairs: Mapping[str, Mapping[str, str]],
    confidence: float,
    place: str = "",
    points: str | Path,
    lines: str | Path,
    published: Sequence[str | Path] = (),
    recipes: Mapping[str, str] | None = None,
) -> None:
    """Write the points and the lines of a figure.

    Args:
        scores: the figure's score table; None where all points are published.
        trends: the figure's trends (`fit.TREND_COLUMNS`).
        study: the study's name.
        commit: of the code that made them.
        metric: of the figure.
        pairs: the test sets `id` and `ood` of its one task.
        place: the task in a line's name where it is not the task's name alone.
        confidence: of the intervals of slope and intercept, which are those of architectures as clusters.
        points: CSV to write: model (architecture, seed and epoch), id and ood in [0, 1], group (the series).
        lines: CSV to write, `LINE_COLUMNS`: y = intercept + slope x in units of the scale's axes, one row per series
            and scale; series without a line have none. The error of the height at x is the root of intercept_error^2 +
            2 x covariance + (x slope_error)^2, cluster-robust over architectures; `deviation` is how far architectures
            scatter around the line in axis units; id_low and id_high are the ends of
            the ID scores that the line rests on. A line's name is study/task/group, and study/task:ood/group on
            another OOD test set than the task's own.
        published: tables of published numbers that the figure shows.
        recipes: the digest of pre-training and fine-tuning of each series.
    """
    ((task, pair),) = pairs.items()
    of_metric = score_metric(metric)
    paired = read_all_scores(scores, of_metric, pairs, published=published).dropna(
        subset=[of_metric.id_column, of_metric.ood_column]
    )
    names = (f"{row.architecture}, seed {row.seed}, epoch {row.epoch}" for row in paired.itertuples())
    table = pd.DataFrame({"model": list(names), "id": paired[of_metric.id_column], "ood": paired[of_metric.ood_column]})
    fitted = pd.read_csv(trends).dropna(subset=["slope"]).rename(columns={"series": "group"})
    origin = {"study": study, "commit": commit, "licence": LICENCE, "task": task, "id": pair["id"], "ood": pair["ood"]}
    images = dict(pd.read_csv(scores).groupby("test_set")["images"].max()) if scores else {}
    fitted = fitted.assign(
        **origin,
        name=[f"{study}/{place or task}/{group}" for group in fitted["group"]],
        recipe=fitted["group"].map(recipes or {}),
        confidence=confidence,
        id_images=images.get(pair["id"]),
        ood_images=images.get(pair["ood"]),
    )
    measured = [
        _errors(axis_points(paired[paired["series"] == group], axis_scale(scale), of_metric), axis_scale(scale))
        for group, scale in zip(fitted["group"], fitted["scale"], strict=True)
    ]
    more = pd.DataFrame(measured, index=fitted.index, columns=_MEASURED)
    fitted = fitted.drop(columns=[name for name in _MEASURED if name in fitted]).join(more)
    for path, frame in (
        (points, table.assign(group=paired["series"])[PUBLISHED_COLUMNS]),
        (lines, fitted[LINE_COLUMNS]),
    ):
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False)


_MEASURED = ["slope_error", "intercept_error", "covariance", "freedom", "deviation", "id_low", "id_high"]


def _errors(points: AxisPoints, scale: AxisScale) -> tuple[float, ...]:
    """Return `_MEASURED` of a line; the variance of its height is a parabola, known from three places."""
    line = ClusterRobustLine(points.x, points.y, points.clusters)
    heights, slope = line.heights(np.array([0.0, 1.0, points.x.mean()])), line.slope()
    left = points.y - line.heights(points.x).value
    deviation = float((np.bincount(points.clusters, left) / np.bincount(points.clusters)).std())
    at_0, at_1 = heights.variance[:2]
    ends = scale.inverse(np.array([points.x.min(), points.x.max()]))
    return (
        *(float(np.sqrt(slope.variance[0])), float(np.sqrt(at_0)), float(at_1 - at_0 - slope.variance[0]) / 2),
        *(float(min(heights.freedom[2], slope.freedom[0])), deviation, float(ends[0]), float(ends[1])),
    )


def collect_lines(tables: Sequence[str | Path], output: str | Path) -> None:
    """Join tables of lines into one; a line that two figures show is in it once."""
    lines = pd.concat([pd.read_csv(path) for path in tables], ignore_index=True)
    with atomic_path(output) as temporary:
        lines.drop_duplicates(["name", "scale"]).to_csv(temporary, index=False)


def commit_of(repository: str | Path) -> str:
    """Return the commit that a repository's files are of, marked where they have been changed; unknown without git."""
    try:
        command = ["git", "-C", str(repository), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
