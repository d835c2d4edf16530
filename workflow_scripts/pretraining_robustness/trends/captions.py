"""Captions in the words of a paper, filled from the results."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.figures.specification import TrendFigure
from pretraining_robustness.trends.fit import FEW_RUNS

_MEANING = {
    "linear": "linear axes",
    "logit": "logit axes (log-odds of the F1)",
    "probit": "probit axes (the standard normal quantile of the F1)",
}


def trend_caption(scores: pd.DataFrame, trends: pd.DataFrame, bands: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    """Return the caption of a figure of trends: what it shows, how it was made, and the numbers read off it.

    It states heights and intervals and draws no conclusion about differences, which needs a test. The arguments are
    those of figures.trend_figure.draw_trend_figure.
    """
    spec = TrendFigure.from_dict(figure)
    trends = trends[trends["scale"] == spec.scale.name].set_index("series").reindex(spec.distributions())
    bands = bands[(bands["scale"] == spec.scale.name) & (bands["bootstrap"] == spec.band)]
    sentences = [
        f"{spec.title.rstrip('.')}." if spec.title else "",
        _what(spec, scores),
        _how(spec, trends),
        _left_out(spec, trends),
        f"{spec.note[0].upper()}{spec.note[1:].rstrip('.')}." if spec.note else "",
        spec.says_not_run(),
    ]
    paragraph = " ".join(sentence for sentence in sentences if sentence)
    return "\n".join([paragraph, *_readings(spec, trends, bands)]) + "\n"


def _what(spec: TrendFigure, scores: pd.DataFrame) -> str:
    rows = scores[scores["distribution"].isin([name for panel in spec.panels for name in panel.series])]
    runs = len(rows[["task", "distribution", "architecture", "seed"]].drop_duplicates())
    panels = "; ".join(panel.title for panel in spec.panels)
    where = f" Panels, from left to right: {panels}." if len(spec.panels) > 1 else ""
    return (
        f"Out-of-distribution (OOD) against in-distribution (ID) macro F1 score on {spec.task_label}.{where} Each "
        f"point is a checkpoint (a network after one epoch of fine-tuning): {_count(len(rows), 'checkpoint')} of "
        f"{_count(runs, 'run')} with {_count(rows['architecture'].nunique(), 'architecture')} and "
        f"{_count(rows['seed'].nunique(), 'seed')}."
    )


def _how(spec: TrendFigure, trends: pd.DataFrame) -> str:
    fitted = trends[trends["slope"].notna()]
    if fitted.empty:
        return "No trend could be fitted."
    unit = (
        "whole runs, because the checkpoints of a run are correlated"
        if spec.band == "runs"
        else "single checkpoints as if they were independent, which they are not within a run"
    )
    text = (
        f"Lines are ordinary least-squares fits on {_MEANING[spec.scale.name]}; bands are pointwise "
        f"{spec.confidence * 100:g} % bootstrap intervals, resampling {unit}. The dotted line is y = x; reference "
        "trends are dashed beyond their own checkpoints."
    )
    fewest = int(fitted["n_runs"].min())
    if fewest < FEW_RUNS:
        text += f" With only {fewest} runs in a series these intervals are probably too narrow."
    return text


def _readings(spec: TrendFigure, trends: pd.DataFrame, bands: pd.DataFrame) -> list[str]:
    """Return a list of what is read off each trend, each compared with the first reference.

    They are compared where both have checkpoints, so that neither is extrapolated.
    """
    suffix = "" if spec.band == "runs" else "_checkpoints"
    fitted = trends[trends["slope"].notna()]
    if fitted.empty:
        return []
    reference = spec.references[0] if spec.references and spec.references[0] in fitted.index else None
    lines = []
    for name in map(str, fitted.index):
        slope, low, high = fitted.loc[name, ["slope", f"slope_low{suffix}", f"slope_high{suffix}"]].astype(float)
        line = f"- {spec.label(name)}: slope {slope:.2f} [{low:.2f}, {high:.2f}]"
        if reference and name != reference:
            line += f"; {_comparison(spec, bands[bands['series'] == name], bands[bands['series'] == reference])}"
        lines.append(line)
    introduction = "Slopes on these axes with their bootstrap intervals"
    if reference:
        introduction += (
            f"; OOD F1 that the trend predicts, against that of '{spec.label(reference)}', in the middle of the range "
            "of ID F1 that both cover (overlapping or separate intervals are no test of a difference)"
        )
    return ["", f"{introduction}:", "", *lines]


def _comparison(spec: TrendFigure, curve: pd.DataFrame, baseline: pd.DataFrame) -> str:
    low, high = max(curve["x"].min(), baseline["x"].min()), min(curve["x"].max(), baseline["x"].max())
    if low > high:
        return "no ID F1 in common"
    middle = float(spec.scale.inverse(spec.scale.forward(np.array([low, high])).mean()))
    return f"{_height(curve, middle, spec)} against {_height(baseline, middle, spec)} at ID F1 {middle:.2f}"


def _height(curve: pd.DataFrame, f1: float, spec: TrendFigure) -> str:
    """Return the trend's OOD F1 and its band at an ID F1, all as F1."""
    curve = curve.sort_values("x")
    axis = spec.scale.forward(curve["x"].to_numpy())
    place = spec.scale.forward(np.array([f1]))
    y, low, high = (
        spec.scale.inverse(np.interp(place, axis, spec.scale.forward(curve[column].to_numpy())))[0]
        for column in ("y", "low", "high")
    )
    return f"{y:.3f} [{low:.3f}, {high:.3f}]"


def _left_out(spec: TrendFigure, trends: pd.DataFrame) -> str:
    text = []
    dropped = int(trends["n_dropped"].fillna(0).sum())
    if dropped:
        text.append(
            f"{_count(dropped, 'checkpoint')} with an F1 of 0 or 1 cannot be placed on these axes and "
            f"{'is' if dropped == 1 else 'are'} left out of points and fits."
        )
    for name, row in trends[trends["slope"].isna()].iterrows():
        note = str(row["note"]) if isinstance(row["note"], str) else "no trend: not fitted"
        text.append(f"{spec.label(str(name))} has {note}.")
    return " ".join(text)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
