"""Effective and relative robustness of checkpoints and of series.

Effective robustness is the out-of-distribution (OOD) score minus what a baseline predicts from the in-distribution (ID)
score: rho(f) = OOD(f) - beta(ID(f)), where beta is a line fitted on logit or probit axes and mapped back to scores
(Taori et al. 2020, "Measuring robustness to natural distribution shifts in image classification", section 2; Miller et
al. 2021, "Accuracy on the line"). Baselines are the trends of series: of networks trained from scratch, or of those
pre-trained on ImageNet (arXiv 2307.12532, section 2). Relative robustness is the OOD score minus that of the same
network without the intervention (Taori et al. 2020, section 2): here of the same architecture, seed and epoch trained
from scratch.

A series' effective robustness is the mean over its runs of the mean over a run's checkpoints. Both these runs and the
baseline's fit are uncertain, and their errors are correlated, for they have the same architectures. So both are
estimated together: the mean of the runs, and the baseline's line, whose errors reach the mean through its gradient in
score units, with an architecture and its runs in both as a cluster (cluster_robust.py). Percentiles from resampling
these clusters stand beside it; with few of them they are too narrow.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import linalg

from pretraining_robustness.evaluate.metrics import DEFAULT, Metric, score_metric
from pretraining_robustness.evaluate.scores import CHECKPOINT
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import named_generator
from pretraining_robustness.trends.axis_scales import AxisScale, Floats, axis_scale
from pretraining_robustness.trends.bootstrap import draw_counts, lines_of_counts, percentile_interval
from pretraining_robustness.trends.cluster_robust import ClusterRobustLeastSquares, ClusterRobustLine, Estimates
from pretraining_robustness.trends.lines import heights_above
from pretraining_robustness.trends.points import (
    AxisPoints,
    Whole,
    axis_points,
    moved_together,
    shared_clusters,
    what_was_left_out,
    why_no_trend,
)
from pretraining_robustness.trends.published import read_all_scores

logger = logging.getLogger(__name__)

CHECKPOINT_COLUMNS = [
    *CHECKPOINT,
    *("metric", "scale", "baseline", "id", "ood", "predicted_ood", "effective_robustness", "axis_residual"),
    *("extrapolated", "relative_robustness"),
]
SERIES_COLUMNS = [
    *("task", "series", "metric", "scale", "baseline", "n_checkpoints", "n_runs", "n_dropped", "n_extrapolated"),
    *("effective_robustness", "low", "high", "p", "error", "freedom", "low_resampled", "high_resampled"),
    *("relative_robustness", "relative_low", "relative_high", "n_relative_runs", "note"),
]
_STEP = 1e-5  # on the axes, for the slope of the scale's inverse by central differences: exact to some ten digits


@dataclass(frozen=True)
class Baseline:
    """The line of a series, in axis units, with the points it was fitted to."""

    points: AxisPoints
    line: ClusterRobustLine

    def predict(self, x: Floats) -> Floats:
        """Return the heights of the line."""
        return self.line.heights(x).value


def effective_robustness(
    scores: str | Path,
    checkpoints: str | Path,
    series: str | Path,
    *,
    baselines: Sequence[str],
    scratch: str,
    scale: str,
    confidence: float,
    resamples: int,
    seed: int,
    pairs: Mapping[str, Mapping[str, str]],
    metric: str | Mapping[str, str] = DEFAULT,
    published: Mapping[str, Sequence[str | Path]] | None = None,
    studies: Mapping[str, Mapping[str, str | Path]] | None = None,
    left_out: str | Path | None = None,
) -> None:
    """Write the robustness of every checkpoint (`checkpoints`) and of every series (`series`) as CSV.

    `checkpoints` (`CHECKPOINT_COLUMNS`) has one row per checkpoint and baseline: effective_robustness in score units,
    axis_residual in axis units, `extrapolated` whether the ID score lies outside the baseline's own. `series`
    (`SERIES_COLUMNS`) has one row per series and baseline: the mean, its interval low .. high, the p value that it is
    0, its standard error and degrees of freedom, percentiles from resampling, and the same for relative robustness over
    the runs that have a counterpart from scratch. Where something cannot be computed it is missing and `note` says why.

    Args:
        scores: a score table, of one or more downstream tasks, each of which is treated alone.
        checkpoints: written.
        series: written.
        baselines: distributions whose trends are baselines.
        scratch: the distribution of networks trained from scratch, for relative robustness.
        scale: name of the axis scale on which baselines are fitted.
        confidence: of the intervals, in (0, 1).
        resamples: bootstrap samples.
        seed: of the bootstrap.
        pairs: for each task the test set `id` and the test set `ood`.
        metric: name of a metric, for all tasks or by the name of the task.
        published: tables of published numbers (published.py) by task.
        studies: score tables of other studies by task and by the study's name.
        left_out: the scores without each cluster of the test images (left_out.py); without this table intervals are
            over networks alone.

    Raises:
        InputError: a table is not what it should be, or the scale or a metric is unknown.
    """
    default = metric if isinstance(metric, str) else DEFAULT
    by_task = {} if isinstance(metric, str) else metric
    published, studies = published or {}, studies or {}
    axes = axis_scale(scale)
    singles: list[pd.DataFrame] = []
    rows: list[dict[str, Any]] = []
    for task, pair in sorted(pairs.items()):
        measure = score_metric(by_task.get(task, default))
        others = published.get(task, ()), studies.get(task)
        part = read_all_scores(scores, measure, {task: pair}, published=others[0], studies=others[1], left_out=left_out)
        if part.empty:
            continue
        of_task = part.assign(relative_robustness=relative_robustness(part, scratch, measure))
        for name in dict.fromkeys(baselines):
            baseline, reason = fit_baseline(of_task[of_task["series"] == name], axes, measure)
            key = {"metric": measure.name, "scale": scale, "baseline": name}
            singles.append(_checkpoints(of_task, baseline, axes, measure).assign(**key))
            for shown, own in of_task.groupby("series", sort=True):
                generator = named_generator(seed, f"{task}/{shown}/{name}")
                row = series_robustness(own, baseline, axes, measure, confidence, resamples, generator)
                if baseline is None:
                    row["note"] = "; ".join(
                        filter(None, [f"no baseline: '{name}' has no trend: {reason}", row["note"]])
                    )
                elif shown == name:
                    row |= dict.fromkeys(["low", "high", "p", "error", "freedom", "low_resampled", "high_resampled"])
                    row["note"] = "; ".join(filter(None, ["the baseline itself, near 0 by construction", row["note"]]))
                rows.append({"task": task, "series": shown, **key, **row})
                logger.info("%s against %s: %s", shown, name, row.get("effective_robustness"))
    with atomic_path(checkpoints) as temporary:
        pd.concat(singles, ignore_index=True)[CHECKPOINT_COLUMNS].to_csv(temporary, index=False)
    with atomic_path(series) as temporary:
        pd.DataFrame(rows, columns=SERIES_COLUMNS).to_csv(temporary, index=False)


def fit_baseline(checkpoints: pd.DataFrame, scale: AxisScale, metric: Metric) -> tuple[Baseline | None, str]:
    """Return the baseline that the rows of a score table give, or none and the reason."""
    points = axis_points(checkpoints, scale, metric)
    reason = why_no_trend(points, metric)
    return (None, reason) if reason else (Baseline(points, ClusterRobustLine(points.x, points.y, points.clusters)), "")


def relative_robustness(scores: pd.DataFrame, scratch: str, metric: Metric) -> Floats:
    """Return each checkpoint's OOD score minus that of the same architecture, seed and epoch trained from scratch.

    Where the seed is not among those from scratch, their mean stands for it; NaN where there is no such checkpoint and
    for the checkpoints from scratch themselves.
    """
    counterpart = ["task", "architecture", "seed", "epoch"]
    own = scores[scores["series"] == scratch]
    exact = own.groupby(counterpart)[metric.ood_column].mean()
    mean = own.groupby([key for key in counterpart if key != "seed"])[metric.ood_column].mean()
    places = pd.MultiIndex.from_frame(scores[counterpart])
    found = exact.reindex(places).to_numpy(dtype=np.float64)
    fallback = mean.reindex(places.droplevel("seed")).to_numpy(dtype=np.float64)
    relative = scores[metric.ood_column].to_numpy(dtype=np.float64) - np.where(np.isnan(found), fallback, found)
    return np.where(scores["series"] == scratch, np.nan, relative)


def series_robustness(
    checkpoints: pd.DataFrame,
    baseline: Baseline | None,
    scale: AxisScale,
    metric: Metric,
    confidence: float,
    resamples: int,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return the robustness of one series (`SERIES_COLUMNS` without its names).

    Args:
        checkpoints: its rows of a score table with the column relative_robustness.
        baseline: its prediction is subtracted; without one only relative robustness is given.
        scale: the axes of the baseline.
        metric: which scores.
        confidence: of the intervals, in (0, 1).
        resamples: bootstrap samples.
        generator: source of randomness.
    """
    points = axis_points(checkpoints, scale, metric)
    notes = what_was_left_out(points, metric)
    row: dict[str, Any] = {
        "n_checkpoints": len(points.x),
        "n_runs": points.n_runs,
        "n_dropped": points.out_of_place + points.missing,
    }
    row |= _relative(checkpoints, confidence)
    if len(points.x) == 0:
        notes.insert(0, "no checkpoint can be placed on the axes")
    elif baseline is not None:
        outside = (points.x < baseline.points.x.min()) | (points.x > baseline.points.x.max())
        row["n_extrapolated"] = int(outside.sum())
        if outside.all():
            notes.append("the baseline has no checkpoint at these ID scores: extrapolated")
        estimate = mean_robustness(points, baseline, scale)
        row["effective_robustness"] = float(estimate.value[0])
        if points.n_runs > 1:
            low, high = estimate.interval(confidence)
            resampled = percentile_interval(_resampled(points, baseline, scale, resamples, generator), confidence)
            row |= {"low": float(low[0]), "high": float(high[0]), "p": float(estimate.p_value()[0])}
            row |= {"error": float(np.sqrt(estimate.variance[0])), "freedom": float(estimate.freedom[0])}
            row |= dict(zip(["low_resampled", "high_resampled"], resampled, strict=True))
        else:
            notes.append("a single run says nothing about other runs: no interval")
    return {**row, "note": "; ".join(notes)}


def mean_robustness(points: AxisPoints, baseline: Baseline, scale: AxisScale) -> Estimates:
    """Return the mean over runs of the runs' means, in score units, arrays of shape (1,).

    With a single run its variance is unknown and that of the baseline alone is given.
    """
    predicted = baseline.predict(points.x)
    means = _run_means(scale.inverse(points.y) - scale.inverse(predicted), points.runs)
    # How the mean prediction changes with the baseline's intercept and slope: its uncertainty, to first order.
    steepness = (scale.inverse(predicted + _STEP) - scale.inverse(predicted - _STEP)) / (2 * _STEP)
    gradient = np.array([_run_means(steepness * by, points.runs).mean() for by in (np.ones_like(points.x), points.x)])

    own, theirs = shared_clusters(points, baseline.points)
    firsts = np.unique(points.runs, return_index=True)[1]
    errors = baseline.points.y - baseline.predict(baseline.points.x)
    # In units in which the errors of both have one variance, as far as it is known.
    deviations = means.std(ddof=1) if len(means) > 1 else 0.0, errors.std(ddof=2)
    unit = float(deviations[0] / deviations[1]) if min(deviations) > 0 else 1.0
    line = np.stack([np.ones_like(errors), baseline.points.x], axis=1)
    design = linalg.block_diag(np.ones((len(means), 1)), line)
    fit = ClusterRobustLeastSquares(
        design, np.concatenate([means, unit * errors]), np.concatenate([own[firsts], theirs])
    )
    moved = _moved(points, baseline, scale, steepness, unit)
    return fit.estimate(np.concatenate([[1.0], -gradient / unit])[None], moved)


def _moved(points: AxisPoints, baseline: Baseline, scale: AxisScale, steepness: Floats, unit: float) -> list[Floats]:
    """Return what the draw of the test images does to the runs' means and, in units of `unit`, to the baseline."""
    slope = float(baseline.line.slope().value[0])
    if points.moved is None or baseline.points.moved is None:
        return []
    to_scores = 1 / scale.steepness(scale.inverse(points.y))
    own = [-slope * steepness[:, None] * points.moved[0], to_scores[:, None] * points.moved[1]]
    shares = (points.runs == np.arange(points.n_runs)[:, None]) / np.bincount(points.runs)[:, None]
    return moved_together([[shares @ one for one in own], [unit * one for one in baseline.points.heights_moved(slope)]])


def _resampled(
    points: AxisPoints, baseline: Baseline, scale: AxisScale, resamples: int, generator: np.random.Generator
) -> Floats:
    """Return the mean robustness in bootstrap samples of the clusters of both (points.shared_clusters)."""
    own, theirs = shared_clusters(points, baseline.points)
    counts = draw_counts(int(max(own.max(), theirs.max())) + 1, resamples, generator)
    lines = lines_of_counts(baseline.points.x, baseline.points.y, theirs, counts)
    weights = counts[lines.usable][:, own] / np.bincount(points.runs)[points.runs]
    total = weights.sum(axis=1)
    predicted = scale.inverse(lines.intercepts[:, None] + lines.slopes[:, None] * points.x)
    sums = (weights * (scale.inverse(points.y) - predicted)).sum(axis=1)
    return sums[total > 0] / total[total > 0]


def _run_means(values: Floats, runs: Whole) -> Floats:
    return np.bincount(runs, values) / np.bincount(runs)


def _relative(checkpoints: pd.DataFrame, confidence: float) -> dict[str, Any]:
    """Return the mean relative robustness over the runs that have a counterpart, and its t interval."""
    kept = checkpoints.dropna(subset=["relative_robustness"])
    means = kept.groupby(["architecture", "seed"])["relative_robustness"].mean().to_numpy()
    row: dict[str, Any] = {"n_relative_runs": len(means)}
    if len(means):
        row["relative_robustness"] = float(means.mean())
    if len(means) > 1:
        count = len(means)
        estimate = Estimates(*(np.array([value]) for value in (means.mean(), means.var(ddof=1) / count, count - 1.0)))
        low, high = estimate.interval(confidence)
        row |= {"relative_low": float(low[0]), "relative_high": float(high[0])}
    return row


def _checkpoints(scores: pd.DataFrame, baseline: Baseline | None, scale: AxisScale, metric: Metric) -> pd.DataFrame:
    """Return `CHECKPOINT_COLUMNS` but metric, scale and baseline."""
    x, y = (scores[column].to_numpy(dtype=np.float64) for column in (metric.id_column, metric.ood_column))
    predicted, apart, outside = (np.full(len(scores), np.nan) for _ in range(3))
    if baseline is not None:
        slope, intercept = float(baseline.line.slope().value[0]), float(baseline.predict(np.zeros(1))[0])
        found = heights_above(slope, intercept, scale, x, y)
        predicted, apart = found.predicted, found.axis_residual
        place, own = scale.forward(x[found.placed]), baseline.points.x
        outside[found.placed] = (place < own.min()) | (place > own.max())
    return scores[[*CHECKPOINT, "relative_robustness"]].assign(
        id=x,
        ood=y,
        predicted_ood=predicted,
        effective_robustness=y - predicted,
        axis_residual=apart,
        extrapolated=pd.Series(outside, index=scores.index).map({0.0: False, 1.0: True}),
    )
