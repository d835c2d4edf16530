"""What the page knows: all checkpoints, views of them, trends' intervals and training curves, as one plain dict.

The page refits trends on what a person picks out of it. It places scores on the axes with the numbers that are made
here, so that scales are defined once (trends/axis_scales.py); least squares is the only science that the page repeats.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import DEFAULT, METRICS, score_metric
from pretraining_robustness.evaluate.scores import RUN, SCORES
from pretraining_robustness.figures.style import SCRATCH_NAME, SeriesStyle, series_styles
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.report.markers import many_styles, marker_path
from pretraining_robustness.trends.axis_scales import SCALES, Floats
from pretraining_robustness.trends.fit import UNITS
from pretraining_robustness.trends.points import FEWEST_POINTS, FEWEST_RUNS
from pretraining_robustness.trends.specification import TrendFigure

SCALE_LABELS = {
    "linear": "linear",
    "logit": "logit (log-odds)",
    "probit": "probit (normal quantile)",
}

TICKS = (
    (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99),
    (0.0, 0.001, 0.05, 0.95, 0.999, 1.0),
    tuple(round(0.05 * step, 3) for step in range(1, 20)),
    tuple(round(0.01 * step, 3) for step in range(1, 100)),
    tuple(round(0.002 * step, 3) for step in range(1, 500)),
)
"""Scores at which an axis may have a tick, the roundest first; a level fills the gaps that the earlier ones leave."""

MOST_EPOCHS = 120
"""Epochs of a run's curve that the page holds; of longer trainings it holds that many, evenly spaced."""

DRAWN = ("loss", "accuracy", "held_out_accuracy", "images_per_second")
"""What the page holds of each epoch of a curve."""

ALL = "all"


def page_contents(
    scores: pd.DataFrame,
    trends: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    figures: Sequence[Mapping[str, Any]],
    architectures: Mapping[str, str],
) -> dict[str, Any]:
    """Return everything that the page shows of a study's results; JSON can hold it.

    Args:
        scores: all checkpoints (scores.PAIRED_COLUMNS; a score may be missing).
        trends: the trends of all figures (trends.TREND_COLUMNS).
        curves: all training curves (curves.COLUMNS).
        figures: the specifications of the figures of trends (TrendFigure), each with its `task` where the scores are of
            more than one.
        architectures: the readable name of each architecture.

    Raises:
        InputError: a specification lacks a key, or does not say which of several tasks it shows.
    """
    scores = scores.reset_index(drop=True)
    runs = scores[["series", *RUN]].drop_duplicates().sort_values(RUN, ignore_index=True)
    labels = {name: label for figure in figures for name, label in (figure.get("labels") or {}).items()}
    views = [_view(figure, _task(figure, scores), trends) for figure in figures]
    views += [
        _view_of_all(task, scores, trends, views, several=runs["task"].nunique() > 1) for task in runs["task"].unique()
    ]
    shown = [*runs["series"], *(name for view in views for name in view["styles"])]
    return {
        "metrics": [
            {"name": name, "label": metric.label, "short": metric.short}
            for name, metric in METRICS.items()
            if scores[metric.id_column].notna().any()
        ],
        "scales": [{"name": name, "label": SCALE_LABELS.get(name, name), "ticks": _ticks(name)} for name in SCALES],
        "fewest": {"points": FEWEST_POINTS, "runs": FEWEST_RUNS},
        "labels": {name: labels.get(name, name) for name in dict.fromkeys(shown)},
        "architectures": {name: architectures.get(name, name) for name in dict.fromkeys(runs["architecture"])},
        "runs": runs.to_dict("list"),
        "checkpoints": _checkpoints(scores, runs),
        "views": views,
        "markers": {style[1]: marker_path(style[1]) for view in views for style in view["styles"].values()},
        "curves": _curves(curves),
    }


def _checkpoints(scores: pd.DataFrame, runs: pd.DataFrame) -> dict[str, Any]:
    """Return columns of the checkpoints: `run` (a row of `runs`), `epoch`, scores, and their places on each scale."""
    numbered = runs.assign(run=np.arange(len(runs)))
    ordered = scores.merge(numbered, on=["series", *RUN], validate="many_to_one").sort_values(["run", "epoch"])
    places = {
        name: {column: _numbers(_placed(ordered[column].to_numpy(), name)) for column in SCORES}
        for name in SCALES
        if name != "linear"
    }
    return {
        **{name: ordered[name].tolist() for name in ("run", "epoch")},
        **{name: _numbers(ordered[name]) for name in SCORES},
        "places": places,
    }


def _placed(values: Floats, scale: str) -> Floats:
    with np.errstate(divide="ignore"):
        return SCALES[scale].forward(values)


def _ticks(scale: str) -> list[list[list[float]]]:
    """Return the levels of possible ticks of a scale, each tick as its score and its place."""
    levels = []
    for level in map(np.array, TICKS):
        values = level[SCALES[scale].representable(level)]
        places = _placed(values, scale)
        levels.append([[float(value), float(place)] for value, place in zip(values, places, strict=True)])
    return levels


def _task(figure: Mapping[str, Any], scores: pd.DataFrame) -> str:
    task, present = figure.get("task"), list(dict.fromkeys(scores["task"]))
    if task is None and len(present) > 1:
        raise InputError(
            f"figure {figure.get('name')}: the scores are of several tasks ({', '.join(present)}), and the figure does "
            "not say which it shows; give its specification a `task`"
        )
    return str(task or present[0])


def _view(figure: Mapping[str, Any], task: str, trends: pd.DataFrame) -> dict[str, Any]:
    spec = TrendFigure.from_dict(figure)
    styles = series_styles([panel.series for panel in spec.panels], spec.references, spec.ordered)
    return {
        "name": spec.name,
        "title": spec.title,
        "task": task,
        "panels": [{"title": panel.title, "series": panel.series} for panel in spec.panels],
        "references": spec.references,
        "metric": spec.metric.name,
        "scale": spec.scale.name,
        "x_labels": _axis_labels(spec.x_label, spec.metric.name),
        "y_labels": _axis_labels(spec.y_label, spec.metric.name),
        "note": sentence(spec.note),
        "not_run": spec.says_not_run(),
        "confidence": spec.confidence,
        "band": spec.band,
        "interval": UNITS[spec.band],
        "styles": {name: _style(styles[name]) for name in spec.distributions()},
        "intervals": _intervals(trends[trends["figure"] == spec.name], spec.band),
    }


def _view_of_all(
    task: str, scores: pd.DataFrame, trends: pd.DataFrame, views: list[dict[str, Any]], several: bool
) -> dict[str, Any]:
    """Return a view of all checkpoints on one task, in the words of the first figure of this task."""
    figures = [view for view in views if view["task"] == task]
    present = dict.fromkeys(scores.loc[scores["task"] == task, "series"])
    shown = [name for view in figures for panel in view["panels"] for name in panel["series"] if name in present]
    series = list(dict.fromkeys([*shown, *sorted(present)]))
    references = [name for view in figures for name in view["references"] if name in present]
    default: dict[str, Any] = {
        "metric": DEFAULT,
        "scale": "linear",
        "x_labels": _axis_labels(f"In-distribution {score_metric().label}", DEFAULT),
        "y_labels": _axis_labels(f"Out-of-distribution {score_metric().label}", DEFAULT),
        "confidence": 0.95,
        "band": next(iter(UNITS)),
    }
    words = {name: (figures[0] if figures else default)[name] for name in default}
    fitted = trends[trends["figure"].isin([view["name"] for view in figures]) & (trends["metric"] == words["metric"])]
    return {
        **words,
        "name": f"{ALL}_{task}" if several else ALL,
        "title": f"All checkpoints on {task}" if several else "All checkpoints",
        "task": task,
        "panels": [{"title": "All checkpoints", "series": series}],
        "references": [name for name in (SCRATCH_NAME,) if name in present],
        "note": next((view["note"] for view in figures if view["note"]), ""),
        "not_run": "",
        "interval": UNITS[words["band"]],
        "styles": {name: _style(style) for name, style in many_styles(series, references).items() if name in present},
        "intervals": _intervals(fitted, words["band"]),
    }


def _axis_labels(label: str, metric: str) -> dict[str, str]:
    """Return an axis' label for each metric, from its label for one."""
    return {name: label.replace(score_metric(metric).label, score_metric(name).label) for name in METRICS}


def _style(style: SeriesStyle) -> tuple[str, str, float]:
    return style.colour, style.marker, style.area


def _intervals(trends: pd.DataFrame, band: str) -> dict[str, dict[str, list[float | None]]]:
    """Return the slope of each series on each scale with an interval: slope, low, high."""
    intervals: dict[str, dict[str, list[float | None]]] = {}
    suffix = "" if band == "architectures" else f"_{band}"
    columns = ["slope", f"slope_low{suffix}", f"slope_high{suffix}"]
    for series, scale, *numbers in trends[["series", "scale", *columns]].itertuples(index=False):
        intervals.setdefault(series, {})[scale] = _numbers(numbers)
    return intervals


def _curves(curves: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the curves of each run, thinned out to `MOST_EPOCHS`, numbers to five digits."""
    found = []
    keys = ["stage", "task", "method", "distribution", "architecture", "seed"]
    for key, run in curves.groupby(keys, sort=True):
        kept = run.iloc[np.unique(np.linspace(0, len(run) - 1, MOST_EPOCHS).round().astype(int))]
        found.append(
            {
                **dict(zip(keys, key, strict=True)),
                "epochs": len(run),
                "epoch": kept["epoch"].tolist(),
                **{name: _numbers(kept[name], 5) for name in DRAWN},
                "seconds": _number(run["seconds"].sum(), 5),
                "job_seconds": _number(run["job_seconds"].iloc[0], 5),
                "job_max_rss_mb": _number(run["job_max_rss_mb"].iloc[0], 5),
            }
        )
    return found


def _numbers(values: Iterable[float], digits: int = 17) -> list[float | None]:
    return [_number(value, digits) for value in values]


def _number(value: float, digits: int) -> float | None:
    """Return a finite number to some significant digits (17 are all there are), None for any other."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
