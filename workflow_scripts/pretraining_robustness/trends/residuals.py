"""Residuals of checkpoints from a linear trend: their effective robustness against it.

"Effective robustness ... measures the difference between a model's actual OOD performance and what could be predicted
from its ID performance" (arXiv 2307.12532, section 2, after Taori et al. 2020, "Measuring robustness to natural
distribution shifts in image classification"). The prediction is the baseline's linear trend, fitted on
linear, logit or probit axes (fit.py). Figure 3 of arXiv 2307.12532 follows these residuals over fine-tuning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.trends.axis_scales import AxisScale
from pretraining_robustness.trends.lines import Line, heights_above
from pretraining_robustness.trends.specification import ResidualFigure

LINE_KEY = ["series", "architecture"]
"""The columns that name one line of a figure of residuals."""


def residual_columns(metric: Metric) -> list[str]:
    """Return the columns that `add_residuals` adds."""
    return [f"predicted_{metric.ood_column}", "residual", "axis_residual"]


def add_residuals(
    scores: pd.DataFrame, slope: float, intercept: float, scale: AxisScale, metric: Metric
) -> pd.DataFrame:
    """Return a score table with what a trend predicts of each checkpoint and how far from it the checkpoint is.

    Args:
        scores: a score table (scores.COLUMNS).
        slope: of the trend, in axis units; NaN when there is no trend.
        intercept: of the trend, in axis units; NaN when there is no trend.
        scale: the axes on which it was fitted.
        metric: which scores.

    Returns:
        The rows with `residual_columns`: predicted_ood_... = scale.inverse(intercept + slope scale.forward(ID)), a
        fraction; residual = OOD score minus that, in score units (-1 to 1); axis_residual = the same difference in
        axis units. All are NaN for a checkpoint whose ID or OOD score is missing or has no place on the axes (0 or 1 on
        logit and probit) and where there is no trend.
    """
    x, y = (scores[column].to_numpy(dtype=np.float64) for column in (metric.id_column, metric.ood_column))
    found = heights_above(slope, intercept, scale, x, y)
    added = (found.predicted, found.residual, found.axis_residual)
    return scores.assign(**dict(zip(residual_columns(metric), added, strict=True)))


def mean_over_seeds(checkpoints: pd.DataFrame) -> pd.DataFrame:
    """Return the lines of a figure: the mean residual of each distribution, architecture and epoch over its seeds.

    Columns `LINE_KEY`, epoch, residual, seeds (how many were averaged), in this order of rows too. Checkpoints without
    a residual are left out.
    """
    kept = checkpoints.dropna(subset=["residual"])
    groups = kept.groupby([*LINE_KEY, "epoch"], sort=True)["residual"]
    return groups.agg(residual="mean", seeds="size").reset_index()


def changes_sign(lines: pd.DataFrame) -> pd.Series:
    """Return for each line of `mean_over_seeds` whether it is above zero at one epoch and below at another."""
    ends = lines.groupby(LINE_KEY, sort=True)["residual"].agg(["min", "max"])
    return (ends["min"] < 0) & (ends["max"] > 0)


def residual_points(scores: pd.DataFrame, trends: pd.DataFrame, figure: Mapping[str, Any]) -> pd.DataFrame:
    """Return the checkpoints behind a figure, `label` and `drawn` first, with `residual_columns` at the end.

    The last column, `residual_from_others`, is the residual (-1 to 1) from the baseline's line fitted without the
    architecture of the checkpoint; NaN where fewer than three checkpoints of others are left.

    `drawn` is false where a checkpoint has no residual: a score of 0 or 1 without a place on the trend's axes, or no
    trend. The metric is the figure's `metric`, macro F1 without one.
    """
    spec = ResidualFigure.from_dict(figure)
    trend = baseline_trend(trends, spec)
    rows = add_residuals(_checkpoints(scores, spec.series), trend["slope"], trend["intercept"], spec.scale, spec.metric)
    rows["residual_from_others"] = _from_others(rows, scores[scores["series"] == spec.baseline], spec)
    rows.insert(0, "label", rows["series"].map(spec.label))
    rows.insert(1, "drawn", rows["residual"].notna())
    return rows


def _from_others(rows: pd.DataFrame, baseline: pd.DataFrame, spec: ResidualFigure) -> pd.Series:
    metric, scale = spec.metric, spec.scale
    known = baseline[[metric.id_column, metric.ood_column]].to_numpy(dtype=np.float64)
    placed = scale.representable(known).all(axis=1)
    found = pd.Series(np.nan, index=rows.index)
    for name, own in rows.groupby("architecture"):
        others = scale.forward(known[placed & (baseline["architecture"] != name).to_numpy()])
        if len(others) > 2 and np.ptp(others[:, 0]) > 0:
            line = Line.fit(others[:, 0], others[:, 1], scale)
            x, y = (own[column].to_numpy(dtype=np.float64) for column in (metric.id_column, metric.ood_column))
            found[own.index] = heights_above(line.slope, line.intercept, scale, x, y).residual
    return found


@dataclass(frozen=True)
class EpochEffect:
    """By how much residuals change per epoch (score units), its interval and p value over so many architectures."""

    slope: float
    low: float
    high: float
    p: float
    architectures: int


def epoch_effect(points: pd.DataFrame, confidence: float) -> EpochEffect | None:
    """Return whether residuals depend on the epoch: Student's t of the least-squares slopes of the architectures.

    Args:
        points: rows of `residual_points`; residuals are those from the line of the other architectures, averaged over
            seeds, and an architecture's slopes over its series.
        confidence: of the interval, in (0, 1).

    Returns:
        None with fewer than two architectures of two or more epochs.
    """
    lines = points.dropna(subset=["residual_from_others"]).groupby([*LINE_KEY, "epoch"])["residual_from_others"].mean()
    rows = lines.reset_index().groupby(LINE_KEY)
    fits = {key: np.polyfit(one["epoch"], one["residual_from_others"], 1)[0] for key, one in rows if len(one) > 1}
    slopes = pd.Series(fits, dtype=float)
    slopes = slopes.groupby(level=1).mean() if len(slopes) else slopes
    if len(slopes) < 2 or np.ptp(slopes) == 0:
        return None
    test = stats.ttest_1samp(slopes, 0)
    low, high = test.confidence_interval(confidence)
    return EpochEffect(float(slopes.mean()), float(low), float(high), float(test.pvalue), len(slopes))


def baseline_trend(trends: pd.DataFrame, spec: ResidualFigure) -> pd.Series:
    """Return the row of the trend that is the zero line; NaN with a note that says why when there is none."""
    rows = trends[(trends["series"] == spec.baseline) & (trends["scale"] == spec.scale.name)]
    if len(rows):
        return rows.iloc[0]
    numbers = dict.fromkeys(["slope", "slope_low", "slope_high", "intercept", "n_checkpoints", "n_runs"], np.nan)
    return pd.Series({**numbers, "note": "no trend: not fitted"}, dtype=object)


def _checkpoints(scores: pd.DataFrame, series: list[str]) -> pd.DataFrame:
    """Return the checkpoints of `series`, series in the order given, each by architecture, seed and epoch."""
    order = {name: place for place, name in enumerate(series)}
    rows = scores[scores["series"].isin(series)]
    by = rows.assign(place=rows["series"].map(order)).sort_values(["place", "architecture", "seed", "epoch"])
    return rows.loc[by.index].reset_index(drop=True)
