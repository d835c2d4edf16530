"""Captions in the words of a paper, filled from the results."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.scores import RUN
from pretraining_robustness.figures.words import count, sentence
from pretraining_robustness.trends.fit import FEW_RUNS
from pretraining_robustness.trends.residuals import (
    LINE_KEY,
    baseline_trend,
    changes_sign,
    mean_over_seeds,
    residual_points,
)
from pretraining_robustness.trends.specification import ResidualFigure, ScoreFigure, TrendFigure

_MEANING = {
    "linear": "linear axes",
    "logit": "logit axes (log-odds of the {symbol})",
    "probit": "probit axes (the standard normal quantile of the {symbol})",
}
_BANDS = {
    "runs": "confidence intervals from cluster-robust (CR2) standard errors, a run being a cluster because its "
    "checkpoints are correlated",
    "resampled_runs": "bootstrap intervals, resampling whole runs, because the checkpoints of a run are correlated",
    "checkpoints": "bootstrap intervals, resampling single checkpoints as if they were independent, which they are "
    "not within a run",
}


def trend_caption(
    scores: pd.DataFrame,
    trends: pd.DataFrame,
    bands: pd.DataFrame,
    figure: Mapping[str, Any],
    comparisons: pd.DataFrame | None = None,
) -> str:
    """Return the caption of a figure of trends: what it shows, how it was made, and the numbers read off it.

    Without `comparisons` (comparisons.COMPARISON_COLUMNS of this figure) it states heights and intervals and draws no
    conclusion about differences, which needs a test; with them it ends with what the tests say. The other arguments are
    those of figures.trend_figure.draw_trend_figure.
    """
    spec = TrendFigure.from_dict(figure)
    trends = trends[trends["scale"] == spec.scale.name].set_index("series").reindex(spec.distributions())
    bands = bands[(bands["scale"] == spec.scale.name) & (bands["band"] == spec.band)]
    sentences = [
        sentence(spec.title),
        _what(spec, scores),
        _how(spec, trends),
        _left_out(spec, trends),
        sentence(spec.note),
        spec.says_not_run(),
    ]
    paragraph = " ".join(sentence for sentence in sentences if sentence)
    return "\n".join([paragraph, *_readings(spec, trends, bands), *_conclusions(comparisons)]) + "\n"


def _conclusions(comparisons: pd.DataFrame | None) -> list[str]:
    if comparisons is None or comparisons.empty:
        return []
    told = comparisons[["panel", "conclusion"]].itertuples(index=False)
    introduction = (
        "Tests of differences (permutations of runs, within architectures where series share them; points are "
        "hundredths of a score; confidence intervals (CI) with architectures as clusters):"
    )
    return ["", introduction, "", *(f"- {panel}: {conclusion}" for panel, conclusion in told)]


def _what(spec: TrendFigure, scores: pd.DataFrame) -> str:
    rows = scores[scores["series"].isin([name for panel in spec.panels for name in panel.series])]
    elsewhere = rows["series"].isin(spec.published)
    rows, models = rows[~elsewhere], int(elsewhere.sum())
    runs = len(rows[["series", *RUN]].drop_duplicates())
    panels = "; ".join(panel.title for panel in spec.panels)
    where = f" Panels, from left to right: {panels}." if len(spec.panels) > 1 else ""
    text = f"Out-of-distribution (OOD) against in-distribution (ID) {spec.metric.label} on {spec.task_label}.{where}"
    if len(rows):
        text += (
            f" Each point is a checkpoint (a network after one epoch of fine-tuning): {count(len(rows), 'checkpoint')} "
            f"of {count(runs, 'run')} with {count(rows['architecture'].nunique(), 'architecture')} and "
            f"{count(rows['seed'].nunique(), 'seed')}."
        )
    if models:
        groups = ", ".join(spec.label(name) for name in spec.published if name in spec.distributions())
        text += f" Each point of {groups} is a model with its published scores: {count(models, 'model')}."
    return text


def _how(spec: TrendFigure, trends: pd.DataFrame) -> str:
    fitted = trends[trends["slope"].notna()]
    if fitted.empty:
        return "No trend could be fitted."
    text = (
        f"Lines are ordinary least-squares fits on {_axes(spec)}; bands are pointwise "
        f"{spec.confidence * 100:g} % {_BANDS[spec.band]}. The dotted line is y = x; reference trends are thin "
        "beyond their own checkpoints."
    )
    fewest = int(fitted["n_runs"].min())
    if fewest < FEW_RUNS and spec.band != "runs":
        text += f" With only {fewest} runs in a series these intervals are probably too narrow."
    return text


def _axes(spec: ScoreFigure) -> str:
    return _MEANING[spec.scale.name].format(symbol=spec.metric.symbol)


def _readings(spec: TrendFigure, trends: pd.DataFrame, bands: pd.DataFrame) -> list[str]:
    """Return a list of what is read off each trend, each compared with the first reference.

    They are compared where both have checkpoints, so that neither is extrapolated.
    """
    suffix = "" if spec.band == "runs" else f"_{spec.band}"
    fitted = trends[trends["slope"].notna()]
    if fitted.empty:
        return []
    reference = spec.references[0] if spec.references and spec.references[0] in fitted.index else None
    lines = []
    for name in map(str, fitted.index):
        slope, low, high = fitted.loc[name, ["slope", f"slope_low{suffix}", f"slope_high{suffix}"]].astype(float)
        line = f"- {spec.label(name)}: slope {slope:.2f} [{low:.2f}, {high:.2f}]"
        if reference and name != reference:
            curve, baseline = (bands[bands["series"] == one] for one in (name, reference))
            line += f"; {_comparison(spec, curve, baseline)}"
        lines.append(line)
    introduction = "Slopes on these axes with their intervals"
    if reference:
        introduction += (
            f"; OOD {spec.metric.symbol} that the trend predicts, against that of '{spec.label(reference)}', in the "
            f"middle of the range of ID {spec.metric.symbol} that both cover (overlapping or separate intervals are no "
            "test of a difference)"
        )
    return ["", f"{introduction}:", "", *lines]


def _comparison(spec: TrendFigure, curve: pd.DataFrame, baseline: pd.DataFrame) -> str:
    low, high = max(curve["x"].min(), baseline["x"].min()), min(curve["x"].max(), baseline["x"].max())
    if low > high:
        return f"no ID {spec.metric.symbol} in common"
    middle = float(spec.scale.inverse(spec.scale.forward(np.array([low, high])).mean()))
    heights = f"{_height(curve, middle, spec)} against {_height(baseline, middle, spec)}"
    return f"{heights} at ID {spec.metric.symbol} {middle:.2f}"


def _height(curve: pd.DataFrame, score: float, spec: TrendFigure) -> str:
    """Return the trend's OOD score and its band at an ID score."""
    curve = curve.sort_values("x")
    axis = spec.scale.forward(curve["x"].to_numpy())
    place = spec.scale.forward(np.array([score]))
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
            f"{_out_of_place(dropped, spec)} and {'is' if dropped == 1 else 'are'} left out of points and fits."
        )
    for name, row in trends[trends["slope"].isna()].iterrows():
        note = str(row["note"]) if isinstance(row["note"], str) else "no trend: not fitted"
        text.append(f"{spec.label(str(name))} has {note}.")
    return " ".join(text)


def residual_caption(scores: pd.DataFrame, trends: pd.DataFrame, bands: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    """Return the caption of a figure of residuals: what it shows, how it was made, and the numbers read off it.

    It draws no conclusion on whether residuals depend on the epoch or the architecture, which needs a test. The
    arguments are those of figures.residual_figure.draw_residual_figure.
    """
    spec = ResidualFigure.from_dict(figure)
    points, trend = residual_points(scores, trends, figure), baseline_trend(trends, spec)
    baseline = spec.label(spec.baseline)
    if pd.isna(trend["slope"]):
        numbers, lines = f"'{baseline}' has {trend['note']}, so there are no residuals.", []
    else:
        numbers, lines = _residual_numbers(spec, points), _residual_readings(spec, points)
    dropped = int((~points["drawn"]).sum()) if pd.notna(trend["slope"]) else 0
    sentences = [
        sentence(spec.title),
        _residual_what(spec, points),
        _residual_how(spec, trend),
        numbers,
        f"{_out_of_place(dropped, spec)} and {'has' if dropped == 1 else 'have'} no residual." if dropped else "",
        sentence(spec.note),
        spec.says_not_run(),
    ]
    return "\n".join([" ".join(text for text in sentences if text), *lines]) + "\n"


def _residual_what(spec: ResidualFigure, points: pd.DataFrame) -> str:
    baseline = spec.label(spec.baseline)
    shown = "; ".join(map(spec.label, spec.series))
    several = points.groupby(LINE_KEY)["seed"].nunique().gt(1).any()
    line = (
        "Each line is one architecture, averaged over its seeds (small points)" if several else "Each line is one run"
    )
    return (
        f"Residuals of fine-tuned networks over the epochs of fine-tuning on {spec.task_label}: out-of-distribution "
        f"(OOD) {spec.metric.short} minus what the linear trend of '{baseline}' predicts from the in-distribution (ID) "
        f"{spec.metric.short}, "
        f"that is, effective robustness against this trend. Pre-trained on: {shown}. {line}: "
        f"{count(len(points), 'checkpoint')} of {count(points['architecture'].nunique(), 'architecture')} with "
        f"{count(points['seed'].nunique(), 'seed')}."
    )


def _residual_how(spec: ResidualFigure, trend: pd.Series) -> str:
    if pd.isna(trend["slope"]):
        return ""
    slope, low, high = (float(trend[name]) for name in ("slope", "slope_low", "slope_high"))
    return (
        f"The trend (y = 0) is an ordinary least-squares fit on {_axes(spec)} to "
        f"{count(int(trend['n_checkpoints']), 'checkpoint')} of {count(int(trend['n_runs']), 'run')}, with slope "
        f"{slope:.2f} [{low:.2f}, {high:.2f}] ({spec.confidence * 100:g} % confidence interval with runs as clusters); "
        f"its predictions are mapped back to {spec.metric.symbol}."
    )


def _residual_numbers(spec: ResidualFigure, points: pd.DataFrame) -> str:
    drawn = points[points["drawn"]]
    if drawn.empty:
        return "No checkpoint has a residual."
    own = drawn["series"] == spec.baseline
    changes = changes_sign(mean_over_seeds(points))
    noun = "architecture" if len(spec.series) == 1 else "line"
    text = (
        f"Residuals range from {_signed(drawn['residual'].min())} to {_signed(drawn['residual'].max())} in "
        f"{spec.metric.symbol}, with mean {_signed(drawn['residual'].mean())}; {int(changes.sum())} of "
        f"{count(len(changes), noun)} {'changes' if int(changes.sum()) == 1 else 'change'} sign over fine-tuning."
    )
    if own.any():
        text += (
            " That they scatter around zero is partly by construction: the trend was fitted to "
            f"{'these same' if own.all() else 'some of these'} checkpoints, whose mean residual on its axes is zero."
        )
    return f"{text} Whether residuals depend on the epoch or the architecture is not tested here."


def _residual_readings(spec: ResidualFigure, points: pd.DataFrame) -> list[str]:
    """Return a list of each line's mean and range."""
    lines = mean_over_seeds(points)
    changes = changes_sign(lines)
    readings = []
    for key, line in lines.groupby(LINE_KEY)["residual"]:
        distribution, architecture = map(str, cast("tuple[str, str]", key))
        name = spec.architecture_label(architecture)
        name = f"{spec.label(distribution)}, {name}" if len(spec.series) > 1 else name
        sign = "changes sign" if changes.loc[(distribution, architecture)] else "keeps its sign"
        span = f"from {_signed(line.min())} to {_signed(line.max())}"
        readings.append(f"- {name}: mean {_signed(line.mean())}, {span}, {sign}")
    return ["", f"Residuals of each line, in {spec.metric.symbol}:", "", *readings] if readings else []


def _signed(number: float) -> str:
    return f"{number:+.3f}".replace("+0.000", "0.000").replace("-0.000", "0.000")


def _out_of_place(dropped: int, spec: ScoreFigure) -> str:
    return f"{count(dropped, 'checkpoint')} with an {spec.metric.symbol} of 0 or 1 cannot be placed on these axes"
