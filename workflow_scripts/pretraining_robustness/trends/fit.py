"""Trends: the line that predicts out-of-distribution from in-distribution scores over all checkpoints of a series.

A series is the checkpoints of all architectures and seeds of one pre-training distribution. The line is an ordinary
least-squares fit on linear, logit or probit axes (Miller et al. 2021; arXiv 2307.12532, section 2). Its intervals and
bands are given three times (`UNITS`): with architectures as clusters and a correction for few of them
(cluster_robust.py), from resampled architectures, and from resampled single checkpoints as arXiv 2307.12532 does
(bootstrap.py). They hold for these test images: what their draw adds is in contrasts and effective robustness.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import DEFAULT, Metric, score_metric
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import named_generator
from pretraining_robustness.trends.axis_scales import AxisScale, Floats, axis_scale
from pretraining_robustness.trends.bootstrap import percentile_band, percentile_interval, resample_lines
from pretraining_robustness.trends.cluster_robust import ClusterRobustLine
from pretraining_robustness.trends.lines import Line
from pretraining_robustness.trends.points import AxisPoints, axis_points, few_clusters, what_was_left_out, why_no_trend
from pretraining_robustness.trends.published import read_all_scores

logger = logging.getLogger(__name__)

UNITS = {
    "architectures": "confidence intervals from cluster-robust (CR2) standard errors with architectures as clusters",
    "resampled_architectures": "percentile bootstrap intervals, resampling architectures",
    "checkpoints": "percentile bootstrap intervals, resampling checkpoints",
}
"""The intervals of a trend and the words for them. Those of `architectures` are in the columns without a suffix.

Where a series has one architecture its runs stand for them.
"""

_ENDS = ["slope_low", "slope_high", "intercept_low", "intercept_high"]
TREND_COLUMNS = [
    *("figure", "series", "scale", "metric"),
    *("slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high", "r2"),
    *("slope_error", "slope_freedom", "n_checkpoints", "n_runs", "n_clusters", "n_dropped", "resamples"),
    *(f"{end}_{unit}" for unit in UNITS if unit != "architectures" for end in _ENDS),
    "note",
]
BAND_COLUMNS = ["figure", "series", "scale", "band", "x", "y", "low", "high"]

FEW_FOR_BOOTSTRAP = 10
"""Below this many clusters percentile bootstrap intervals are too narrow (see bootstrap.py), and the note says so."""

_GRID_POINTS = 61


def fit_series(
    checkpoints: pd.DataFrame,
    scale: AxisScale,
    metric: Metric,
    *,
    resamples: int,
    confidence: float,
    generator: np.random.Generator,
) -> tuple[dict[str, object], pd.DataFrame]:
    """Fit the trend of one series on one scale.

    Args:
        checkpoints: the series' rows of a score table.
        scale: the axes. Checkpoints whose score has no place on them (0 or 1 on logit and probit) or is missing are
            left out.
        metric: which scores.
        resamples: how many bootstrap samples to draw for each unit that is resampled.
        confidence: of the intervals, in (0, 1).
        generator: source of randomness.

    Returns:
        The trend's row (`TREND_COLUMNS` without figure, series, scale, metric; slope and intercept in axis units) and
        the line with its bands over the series' own range of in-distribution scores (columns band, x, y, low, high; in
        score units). Where no line can be fitted the numbers are NaN, the bands empty, and `note` says why.
    """
    points = axis_points(checkpoints, scale, metric)
    row: dict[str, object] = {
        "n_checkpoints": len(points.x),
        "n_runs": points.n_runs,
        "n_clusters": points.n_clusters,
        "n_dropped": points.out_of_place + points.missing,
        "resamples": 0,
    }
    reason = why_no_trend(points, metric)
    if reason:
        return {**row, "note": f"no trend: {reason}"}, pd.DataFrame(columns=BAND_COLUMNS[3:])

    line = Line.fit(points.x, points.y, scale)
    grid = np.linspace(points.x.min(), points.x.max(), _GRID_POINTS)
    notes = what_was_left_out(points, metric)
    notes += few_clusters(points.n_clusters, points.clusters_are)
    if points.n_clusters < FEW_FOR_BOOTSTRAP:
        notes.append("bootstrap intervals are probably too narrow")
    numbers, ends = _from_clusters(points, grid, confidence)
    row |= {"slope": line.slope, "intercept": line.intercept, "r2": line.r2, **numbers}
    edges = {"architectures": ends}
    for unit, clusters in (("resampled_architectures", points.clusters), ("checkpoints", np.arange(len(points.x)))):
        lines = resample_lines(points.x, points.y, clusters, resamples, generator)
        intervals = [percentile_interval(values, confidence) for values in (lines.slopes, lines.intercepts)]
        row |= {f"{end}_{unit}": value for end, value in zip(_ENDS, np.ravel(intervals), strict=True)}
        if unit == "resampled_architectures":
            row["resamples"] = resamples - lines.degenerate
        if lines.degenerate:
            drawn = unit.removeprefix("resampled_")
            notes.append(
                f"{lines.degenerate} of {resamples} resamples of {drawn} had a single ID score and were left out"
            )
        edges[unit] = percentile_band(lines, grid, confidence)
    height = line.intercept + line.slope * grid
    bands = []
    for unit, (low, high) in edges.items():
        curves = {"x": grid, "y": height, "low": low, "high": high}
        bands.append(pd.DataFrame({"band": unit, **{name: scale.inverse(axis) for name, axis in curves.items()}}))
    return {**row, "note": "; ".join(notes)}, pd.concat(bands, ignore_index=True)


def fit_trends(
    scores: str | Path | None,
    trends: str | Path,
    bands: str | Path,
    *,
    figure: str,
    series: Sequence[str],
    scales: Sequence[str],
    resamples: int,
    confidence: float,
    seed: int,
    pairs: Mapping[str, Mapping[str, str]],
    metric: str = DEFAULT,
    published: Sequence[str | Path] = (),
    studies: Mapping[str, str | Path] | None = None,
) -> None:
    """Fit the trend of every series of a figure on every scale; write `trends` and `bands` as CSV.

    `trends` has one row per series and scale (`TREND_COLUMNS`). slope_low .. intercept_high are the intervals from
    architectures as clusters (`n_clusters`), `slope_error` and `slope_freedom` the slope's standard error and degrees
    of freedom behind them; those ending in _resampled_architectures and _checkpoints are bootstrap percentiles,
    `resamples` the usable resamples of architectures; `n_dropped` are the checkpoints left out (see `fit_series`).
    `bands` (`BAND_COLUMNS`) holds the lines and each band
    (`UNITS`) in score units. The random numbers of a series depend on `seed` and its name alone, so that a new series
    changes no other.

    Args:
        scores: the study's own score table, None where all series are from elsewhere.
        trends: written.
        bands: written.
        figure: name for the column `figure`.
        series: distributions, groups of published numbers, and distributions of other studies as "study/distribution".
        scales: names of axis scales.
        resamples: bootstrap samples.
        confidence: of the intervals, in (0, 1).
        seed: of the bootstrap.
        pairs: for the task the test set `id` and the test set `ood`.
        metric: name of a metric.
        published: tables of published numbers (published.py).
        studies: score tables of other studies by the study's name.

    Raises:
        InputError: a table is not what it should be or mixes downstream tasks, or a scale or the metric is unknown.
    """
    measure = score_metric(metric)
    table = read_all_scores(scores, measure, pairs, published=published, studies=studies)
    if table["task"].nunique() > 1:
        tasks = ", ".join(sorted(table["task"].unique()))
        raise InputError(f"{scores}: holds several downstream tasks ({tasks}); a trend is of one: give each its figure")
    rows, curves = [], []
    for name in dict.fromkeys(series):
        checkpoints = table[table["series"] == name]
        for scale in map(axis_scale, scales):
            key = {"figure": figure, "series": name, "scale": scale.name}
            generator = named_generator(seed, name)
            row, curve = fit_series(
                checkpoints, scale, measure, resamples=resamples, confidence=confidence, generator=generator
            )
            logger.info("%s on %s axes: slope %.3f %s", name, scale.name, row.get("slope", np.nan), row["note"])
            rows.append({**key, "metric": metric, **row})
            curves.append(curve.assign(**key))
    with atomic_path(trends) as temporary:
        pd.DataFrame(rows, columns=TREND_COLUMNS).to_csv(temporary, index=False)
    with atomic_path(bands) as temporary:
        filled = [curve for curve in curves if len(curve)]
        joined = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=BAND_COLUMNS)
        joined[BAND_COLUMNS].to_csv(temporary, index=False)


def collect_trends(tables: Sequence[str | Path], trends: str | Path) -> None:
    """Put the trend tables of several figures into one."""
    with atomic_path(trends) as path:
        pd.concat([read_trends(table) for table in tables], ignore_index=True).to_csv(path, index=False)


def read_trends(path: str | Path) -> pd.DataFrame:
    """Read a trend table as `fit_trends` wrote it."""
    return _read(path, TREND_COLUMNS, text=["figure", "series", "scale", "metric", "note"])


def read_bands(path: str | Path) -> pd.DataFrame:
    """Read a table of trend lines and bands as `fit_trends` wrote it."""
    return _read(path, BAND_COLUMNS, text=["figure", "series", "scale", "band"])


def _read(path: str | Path, columns: list[str], text: list[str]) -> pd.DataFrame:
    # Only numbers may be missing: an empty note is an empty text and a series called "NA" keeps its name.
    missing = {name: [""] for name in columns if name not in text}
    types = {name: str if name in text else "float64" for name in columns if not name.startswith("n_")}
    table = pd.read_csv(path, keep_default_na=False, na_values=missing, dtype=types)
    if list(table.columns) != columns:
        raise InputError(f"{path}: columns are not those of this version of the workflow; remove it to fit again")
    return table


def _from_clusters(
    points: AxisPoints, grid: Floats, confidence: float
) -> tuple[dict[str, float], tuple[Floats, Floats]]:
    """Return a trend's columns that come from architectures as clusters, and the ends of the band over the grid."""
    line = ClusterRobustLine(points.x, points.y, points.clusters)
    slope = line.slope()
    intervals = [estimates.interval(confidence) for estimates in (slope, line.heights(np.zeros(1)))]
    ends = dict(zip(_ENDS, (float(end[0]) for interval in intervals for end in interval), strict=True))
    error = {"slope_error": float(np.sqrt(slope.variance[0])), "slope_freedom": float(slope.freedom[0])}
    return {**ends, **error}, line.heights(grid).interval(confidence)
