"""Trends: the line that predicts out-of-distribution from in-distribution macro F1 over all checkpoints of a series.

A series is the checkpoints of all architectures and seeds of one pre-training distribution. The line is an ordinary
least-squares fit on linear, logit or probit axes (Miller et al. 2021; arXiv 2307.12532, section 2). Its 95 % bootstrap
intervals are given twice: resampling runs (the checkpoints of a run are correlated), and resampling single checkpoints
as arXiv 2307.12532 does.
"""

import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.axis_scales import AxisScale, Floats, axis_scale
from pretraining_robustness.trends.bootstrap import ResampledLines, percentile_band, percentile_interval, resample_lines
from pretraining_robustness.trends.scores import RUN, read_scores

logger = logging.getLogger(__name__)

UNITS = ("runs", "checkpoints")
"""What a bootstrap resample draws. The first gives the intervals of the columns without a suffix."""

_INTERVALS = ["slope_low", "slope_high", "intercept_low", "intercept_high"]
_NUMBERS = ["slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high", "r2"]
TREND_COLUMNS = [
    *("figure", "series", "scale"),
    *_NUMBERS,
    *("n_checkpoints", "n_runs", "n_dropped", "bootstrap", "resamples"),
    *(f"{name}_checkpoints" for name in _INTERVALS),
    "note",
]
BAND_COLUMNS = ["figure", "series", "scale", "bootstrap", "x", "y", "low", "high"]

FEWEST_POINTS = 3
FEWEST_RUNS = 2
FEW_RUNS = 10
"""Below this many runs the percentile interval is known to be too narrow (see bootstrap.py), and the note says so."""

_GRID_POINTS = 61
# Scores are averages of some thousand pictures; a spread below this is rounding, not a difference between checkpoints.
_NO_SPREAD = 1e-12


@dataclass(frozen=True)
class Line:
    """y = intercept + slope x in axis units; `r2` is NaN when all y are the same."""

    slope: float
    intercept: float
    r2: float


def least_squares(x: Floats, y: Floats) -> Line:
    """Fit a line to points of shape (n,); x must not be all the same."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    intercept = float(y.mean() - slope * x.mean())
    total = float(dy @ dy)
    residual = dy - slope * dx
    return Line(slope, intercept, 1 - float(residual @ residual) / total if total > 0 else float("nan"))


def fit_series(
    points: pd.DataFrame, scale: AxisScale, *, resamples: int, confidence: float, generator: np.random.Generator
) -> tuple[dict[str, object], pd.DataFrame]:
    """Fit the trend of one series on one scale.

    Args:
        points: the series' rows of a score table.
        scale: the axes. Checkpoints with an F1 that has no place on them (0 or 1 on logit and probit) are left out.
        resamples: how many bootstrap samples to draw for each unit.
        confidence: of the intervals, in (0, 1).
        generator: source of randomness.

    Returns:
        The trend's row (`TREND_COLUMNS` without figure, series, scale; slope and intercept in axis units) and the line
        with its bands over the series' own range of in-distribution F1 (columns bootstrap, x, y, low, high; in F1
        units). Where no line can be fitted the numbers are NaN, the bands empty, and `note` says why.
    """
    x_f1, y_f1 = points["id_macro_f1"].to_numpy(), points["ood_macro_f1"].to_numpy()
    kept = scale.representable(x_f1) & scale.representable(y_f1)
    x, y = scale.forward(x_f1[kept]), scale.forward(y_f1[kept])
    runs = np.asarray(points.loc[kept].groupby(RUN, sort=True).ngroup(), dtype=np.int64)
    n_runs = len(np.unique(runs))
    row: dict[str, object] = {
        "n_checkpoints": int(kept.sum()),
        "n_runs": n_runs,
        "n_dropped": int((~kept).sum()),
        "bootstrap": UNITS[0],
        "resamples": 0,
    }
    no_bands = pd.DataFrame(columns=BAND_COLUMNS[3:])
    reason = _no_trend(x, n_runs, dropped=int((~kept).sum()))
    if reason:
        return {**row, "note": f"no trend: {reason}"}, no_bands

    line = least_squares(x, y)
    row |= {"slope": line.slope, "intercept": line.intercept, "r2": line.r2}
    grid = np.linspace(x.min(), x.max(), _GRID_POINTS)
    notes = [f"only {n_runs} runs: intervals are probably too narrow"] if n_runs < FEW_RUNS else []
    bands = []
    for unit, clusters in zip(UNITS, (runs, np.arange(len(x))), strict=True):
        lines = resample_lines(x, y, clusters, resamples, generator)
        row |= _intervals(lines, confidence, suffix="" if unit == UNITS[0] else f"_{unit}")
        if unit == UNITS[0]:
            row["resamples"] = resamples - lines.degenerate
        if lines.degenerate:
            notes.append(
                f"{lines.degenerate} of {resamples} resamples of {unit} had a single ID score and were left out"
            )
        low, high = percentile_band(lines, grid, confidence)
        f1 = {"x": grid, "y": line.intercept + line.slope * grid, "low": low, "high": high}
        bands.append(pd.DataFrame({"bootstrap": unit, **{name: scale.inverse(axis) for name, axis in f1.items()}}))
    return {**row, "note": "; ".join(notes)}, pd.concat(bands, ignore_index=True)


def fit_trends(
    scores: str | Path,
    trends: str | Path,
    bands: str | Path,
    *,
    figure: str,
    series: Sequence[str],
    scales: Sequence[str],
    resamples: int,
    confidence: float,
    seed: int,
) -> None:
    """Fit the trend of every series of a figure on every scale; write `trends` and `bands` as CSV.

    `trends` has one row a series and scale (`TREND_COLUMNS`): `bootstrap` is the unit of the intervals slope_low ..
    intercept_high, those ending in _checkpoints are the i.i.d. ones, `resamples` the usable resamples of runs. `bands`
    (`BAND_COLUMNS`) holds the lines and both bands in F1 units. The random numbers of a series depend on `seed` and
    its name alone, so that a new series changes no other.

    Raises:
        InputError: the scores are no score table or mix downstream tasks, or a scale is unknown.
    """
    table = read_scores(scores)
    if table["task"].nunique() > 1:
        tasks = ", ".join(sorted(table["task"].unique()))
        raise InputError(f"{scores}: holds several downstream tasks ({tasks}); a trend is of one: give each its figure")
    rows, curves = [], []
    for name in dict.fromkeys(series):
        points = table[table["distribution"] == name]
        for scale in map(axis_scale, scales):
            key = {"figure": figure, "series": name, "scale": scale.name}
            generator = np.random.default_rng([seed, zlib.crc32(name.encode())])
            row, curve = fit_series(points, scale, resamples=resamples, confidence=confidence, generator=generator)
            logger.info("%s on %s axes: slope %.3f %s", name, scale.name, row.get("slope", np.nan), row["note"])
            rows.append({**key, **row})
            curves.append(curve.assign(**key))
    with atomic_path(trends) as temporary:
        pd.DataFrame(rows, columns=TREND_COLUMNS).to_csv(temporary, index=False)
    with atomic_path(bands) as temporary:
        filled = [curve for curve in curves if len(curve)]
        joined = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=BAND_COLUMNS)
        joined[BAND_COLUMNS].to_csv(temporary, index=False)


def read_trends(path: str | Path) -> pd.DataFrame:
    """Read a trend table as `fit_trends` wrote it."""
    return _read(path, TREND_COLUMNS, text=["figure", "series", "scale", "bootstrap", "note"])


def read_bands(path: str | Path) -> pd.DataFrame:
    """Read a table of trend lines and bands as `fit_trends` wrote it."""
    return _read(path, BAND_COLUMNS, text=["figure", "series", "scale", "bootstrap"])


def _read(path: str | Path, columns: list[str], text: list[str]) -> pd.DataFrame:
    # Only numbers may be missing: an empty note is an empty text and a series called "NA" keeps its name.
    missing = {name: [""] for name in columns if name not in text}
    types = {name: str if name in text else "float64" for name in columns if not name.startswith("n_")}
    table = pd.read_csv(path, keep_default_na=False, na_values=missing, dtype=types)
    if list(table.columns) != columns:
        raise InputError(f"{path}: columns are not those of this version of the workflow; remove it to fit again")
    return table


def _no_trend(x: Floats, n_runs: int, dropped: int) -> str:
    """Say why no line can be fitted, or return an empty string."""
    if len(x) == 0:
        return "every checkpoint has an F1 of 0 or 1" if dropped else "no checkpoints"
    if n_runs < FEWEST_RUNS:
        return "a single run says nothing about other runs"
    if len(x) < FEWEST_POINTS:
        return f"{len(x)} checkpoints are fewer than {FEWEST_POINTS}"
    if np.ptp(x) < _NO_SPREAD:
        return "all checkpoints have the same in-distribution F1"
    return ""


def _intervals(lines: ResampledLines, confidence: float, suffix: str) -> dict[str, object]:
    slope_low, slope_high = percentile_interval(lines.slopes, confidence)
    intercept_low, intercept_high = percentile_interval(lines.intercepts, confidence)
    values = (slope_low, slope_high, intercept_low, intercept_high)
    return {f"{name}{suffix}": value for name, value in zip(_INTERVALS, values, strict=True)}
