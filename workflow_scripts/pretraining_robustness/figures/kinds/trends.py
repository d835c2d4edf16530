"""Figures 2, 4 and their like: out-of-distribution against in-distribution scores, with linear trends.

A panel of a few series shows their bands; where there are more, small panels show one band each
(band_panels.py).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pretraining_robustness.evaluate.scores import RUN
from pretraining_robustness.figures.axes import common_limits, set_up_score_axes
from pretraining_robustness.figures.band_panels import Curve, Grid, draw_band_panels, titles_of
from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.output import Drawing, Files, one_file
from pretraining_robustness.figures.page import FULL_WIDTH, Page, make_page
from pretraining_robustness.figures.scores import read_scores
from pretraining_robustness.figures.style import SeriesStyle, series_styles
from pretraining_robustness.figures.text import LINE, SMALL, height, wrap
from pretraining_robustness.figures.trend_marks import (
    draw_band,
    draw_continuation,
    draw_identity,
    draw_line,
    draw_points,
    key,
    name_identity,
)
from pretraining_robustness.figures.words import count, sentence
from pretraining_robustness.trends.comparisons import read_comparisons
from pretraining_robustness.trends.fit import FEW_FOR_BOOTSTRAP, UNITS
from pretraining_robustness.trends.points import FEW_CLUSTERS
from pretraining_robustness.trends.specification import Panel, TrendFigure

READS = {
    "scores": "scores/{figure}.csv",
    "trends": "trends/{figure}.csv",
    "bands": "trends/{figure}_bands.csv",
    "comparisons": "comparisons/{figure}.csv",
    "published": "config",
    "studies": "config",
}

_MOST_BANDS = 3  # that one panel shows legibly
_KEY_LENGTH = 3.2  # of the font size: room for two repeats of the dashes
# Inches.
_PANEL = {1: 3.9, 2: 3.45}
_SMALL_PANEL = 3.0
_LEFT, _BETWEEN, _BESIDE, _RIGHT, _BELOW_AXES = 0.72, 0.85, 0.42, 0.18, 0.62


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of trends; `comparisons`, tests of the differences between series, end its caption."""
    scores, trends, bands, told = read_scores(files, figure)
    tested = read_comparisons(one_file(files, "comparisons")) if "comparisons" in files else None
    return Drawing(
        draw_trend_figure(scores, trends, bands, told),
        figure_points(scores, told),
        trend_caption(scores, trends, bands, told, tested),
    )


def figure_points(scores: pd.DataFrame, figure: Mapping[str, Any]) -> pd.DataFrame:
    """Return the checkpoints behind a figure: one row per panel and checkpoint, `panel` and `label` first.

    `role` is "series" or "reference" (only its trend is drawn); `drawn` is false for the points of a reference and for
    a score of 0 or 1 that has no place on the figure's axes.
    """
    spec = TrendFigure.from_dict(figure)
    parts = []
    for panel in spec.panels:
        for name in spec.shown(panel):
            rows = scores[scores["series"] == name]
            role = "series" if name in panel.series else "reference"
            placed = spec.scale.representable(rows[spec.metric.id_column].to_numpy())
            placed &= spec.scale.representable(rows[spec.metric.ood_column].to_numpy())
            part = rows.assign(panel=panel.title, label=spec.label(name), role=role, drawn=placed & (role == "series"))
            parts.append(part)
    points = pd.concat(parts, ignore_index=True)
    first = ["panel", "label", "role", "drawn"]
    return points[[*first, *(column for column in scores.columns if column not in first)]]


def draw_trend_figure(
    scores: pd.DataFrame, trends: pd.DataFrame, bands: pd.DataFrame, figure: Mapping[str, Any]
) -> Figure:
    """Draw the panels side by side, on one range of scores for all axes, each with its legend below.

    Args:
        scores: a score table (scores.COLUMNS).
        trends: the trends of all series (fit.TREND_COLUMNS).
        bands: their lines and bands in score units (fit.BAND_COLUMNS).
        figure: the specification as a plain dict (specification.TrendFigure).

    A series without checkpoints or without a trend stays in the legend, which says so.
    """
    whole = TrendFigure.from_dict(figure)
    styles = series_styles([panel.series for panel in whole.panels], whole.references, whole.ordered)
    spec = whole.drawn()
    if not spec.panels:
        return _say_not_run(whole)
    trends = trends[trends["scale"] == spec.scale.name].set_index("series")
    bands = bands[(bands["scale"] == spec.scale.name) & (bands["band"] == spec.band)]
    points = figure_points(scores, figure)
    points = points[points["panel"].isin([panel.title for panel in spec.panels])]
    lines = bands[bands["series"].isin(spec.distributions())]
    scored = points.loc[points["drawn"], [spec.metric.id_column, spec.metric.ood_column]]
    limits = common_limits(np.concatenate([scored, lines[["x", "y"]]]), spec.scale)
    apart = _apart(spec, trends)
    grid = _grid(spec, trends, apart)
    with own_look():
        page, all_axes = _lay_out(spec, trends, apart, grid, _footer(whole, trends, any(apart)))
        for column, (panel, axes) in enumerate(zip(spec.panels, all_axes, strict=True)):
            mine = points[points["drawn"] & (points["panel"] == panel.title)]
            curves = {
                name: Curve(spec.label(name), styles[name], bands[bands["series"] == name], _of(mine, name))
                for name in spec.shown(panel)
            }
            set_up_score_axes(axes, limits, spec.scale)
            draw_identity(axes, limits)
            name_identity(axes, limits, spec.scale)
            _draw_note(axes, spec, mine[[spec.metric.id_column, spec.metric.ood_column]].to_numpy(dtype=np.float64))
            xs = np.concatenate([mine[spec.metric.id_column], *(curve.band["x"] for curve in curves.values())])
            reach = (float(xs.min()), float(xs.max())) if len(xs) else limits
            for name, curve in curves.items():
                if len(curve.band):
                    reference = name in spec.references
                    draw_line(axes, curve.band, curve.style, curve.label, width=1.9 if reference else 1.5)
                    if reference:
                        line = trends.loc[name, ["intercept", "slope"]].to_numpy(dtype=np.float64)
                        draw_continuation(axes, curve.band, line, curve.style, spec.scale, reach)
                    if not apart[column]:
                        draw_band(axes, curve.band, curve.style, curve.label)
            for name in panel.series:
                draw_points(axes, curves[name].points, styles[name], spec.metric, spec.label(name), crowd=len(mine))
            if mine.empty:
                axes.text(0.5, 0.5, "no checkpoints to show", transform=axes.transAxes, ha="center", va="center")
            _draw_legend(axes, spec, panel, list(curves), trends, styles)
            draw_band_panels(
                page,
                left=_left(spec, column) + (_side(spec) + _BESIDE if _single(spec) else 0),
                top=page.top if _single(spec) else page.bottom + grid.height,
                grid=grid,
                series=[curves[name] for name in apart[column]],
                references=[curves[name] for name in spec.references if len(curves[name].band)],
                scale=spec.scale,
                metric=spec.metric,
                limits=limits,
            )
    return page.figure


def _apart(spec: TrendFigure, trends: pd.DataFrame) -> list[list[str]]:
    """Return the series of each panel whose bands get small panels: none, if no panel has too many bands for one."""
    fitted = set(trends.index[trends["slope"].notna()])
    if all(len(fitted.intersection(spec.shown(panel))) <= _MOST_BANDS for panel in spec.panels):
        return [[] for _ in spec.panels]
    return [[one for one in panel.series if one in fitted and one not in spec.references] for panel in spec.panels]


def _grid(spec: TrendFigure, trends: pd.DataFrame, apart: list[list[str]]) -> Grid:
    """Return the places of the small panels: beside a single panel, else below."""
    fitted = set(trends.index[trends["slope"].notna()])
    references = [spec.label(name) for name in spec.references if name in fitted]
    titles = [titles_of(list(map(spec.label, names)), references) for names in apart]
    return Grid.beside(titles) if _single(spec) else Grid.below(titles, _side(spec))


def _single(spec: TrendFigure) -> bool:
    return len(spec.panels) == 1


def _of(points: pd.DataFrame, name: str) -> pd.DataFrame:
    return points[points["series"] == name]


def _say_not_run(spec: TrendFigure) -> Figure:
    """Return a page that says why nothing is drawn."""
    with own_look():
        words = ["Nothing is drawn: the study leaves out every series of this figure.", spec.says_not_run()]
        return make_page(FULL_WIDTH, 0.1, spec.title, words, spec.note).figure


def _lay_out(
    spec: TrendFigure, trends: pd.DataFrame, apart: list[list[str]], grid: Grid, footer: list[str]
) -> tuple[Page, list[Axes]]:
    """Make a page with room for all text, whatever the number of series; return it and the axes of its panels."""
    columns, side = len(spec.panels), _side(spec)
    titles = [wrap(panel.title, side, 9) for panel in spec.panels]
    entries = max(
        sum(len(_legend_text(spec, name, trends, side)) for name in spec.shown(panel)) for panel in spec.panels
    )
    above = max(map(len, titles)) * 9 * LINE
    contents = above + side + _BELOW_AXES + entries * 8 * LINE
    contents = max(contents, grid.height) if _single(spec) else contents + grid.height
    page_width = _LEFT + columns * side + (columns - 1) * _BETWEEN + _RIGHT
    page_width += _BESIDE + grid.width if _single(spec) and any(apart) else 0
    page = make_page(page_width, contents, spec.title, footer)
    all_axes = []
    for column, (panel, panel_title) in enumerate(zip(spec.panels, titles, strict=True)):
        axes = page.add_axes(_left(spec, column), page.top - above - side, side, side, label=panel.title)
        axes.set_title("\n".join(panel_title), loc="left")
        axes.set_xlabel("\n".join(wrap(spec.x_label, side, 8)))
        axes.set_ylabel("\n".join(wrap(spec.y_label, side, 8)))
        all_axes.append(axes)
    return page, all_axes


def _left(spec: TrendFigure, column: int) -> float:
    """Return the left end of a panel in inches."""
    return _LEFT + column * (_side(spec) + _BETWEEN)


def _footer(spec: TrendFigure, trends: pd.DataFrame, apart: bool) -> list[str]:
    shown = trends.reindex(spec.distributions())
    dropped = int(shown["n_dropped"].fillna(0).sum())
    fitted = shown.loc[shown["slope"].notna(), "n_runs"]
    fewest, most = (int(fitted.min()), int(fitted.max())) if len(fitted) else (0, 0)
    number = str(fewest) if fewest == most else f"{fewest}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{most}"
    of = "networks per series" if set(spec.distributions()) <= set(spec.published) else "runs per series"
    runs = f" ({number} {of})".replace(" ", "\N{NO-BREAK SPACE}").replace("\N{NO-BREAK SPACE}(", " (") if most else ""
    axes = "" if spec.scale.name == "linear" else f"Axes on {spec.scale.name} scale. "
    where = f" in the large panel{'' if _single(spec.drawn()) else 's'}" if apart else ""
    first = f"{axes}Bands: {spec.confidence * 100:g}\N{NO-BREAK SPACE}% {UNITS[spec.band]}{runs}."
    if spec.references:
        first += f" Thin{where}: the reference trends beyond their own checkpoints, as far as any cloud of the panel."
    if reason := _shared_reason(spec, trends):
        first = f"{axes}{sentence(reason)}"
    if apart:
        first += (
            " The bands would hide each other in one panel, so the small panels show those of the references, and each "
            "series with its band and the references' lines."
        )
    lines = [first]
    if dropped:
        lines.append(
            f"Not shown or fitted: {count(dropped, 'checkpoint')} with an {spec.metric.symbol} of 0 or 1, without a "
            "place on these axes."
        )
    if spec.not_run:
        lines.append(spec.says_not_run())
    hidden = [panel.title for panel in spec.panels if not spec.is_drawn(panel)]
    if hidden:
        lines.append(f"Not drawn, because all series of its own are left out: {'; '.join(hidden)}.")
    return lines


def _draw_note(axes: Axes, spec: TrendFigure, points: np.ndarray) -> None:
    """Write the note in the upper left corner, above y = x, or in the lower right one where that has fewer points."""
    if not spec.note:
        return
    lines = wrap(spec.note, 0.62 * _side(spec), SMALL)
    across, down = 0.66, 0.04 + height(lines, SMALL) / _side(spec)  # room, in parts of the axes
    x, y = (axes.transData + axes.transAxes.inverted()).transform(points.reshape(-1, 2)).T
    upper, lower = ((x < across) & (y > 1 - down)).sum(), ((x > 1 - across) & (y < down)).sum()
    place = (0.025, 0.975) if upper <= lower else (0.975, 0.025)
    look: Any = {"va": "top", "ha": "left"} if upper <= lower else {"va": "bottom", "ha": "right"}
    look |= {"fontsize": SMALL, "style": "italic", "color": "0.25", "zorder": 1.8}
    look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}  # the grid stops around it
    axes.text(*place, "\n".join(lines), transform=axes.transAxes, **look)


def _draw_legend(
    axes: Axes,
    spec: TrendFigure,
    panel: Panel,
    names: list[str],
    trends: pd.DataFrame,
    styles: dict[str, SeriesStyle],
) -> None:
    side = _side(spec)
    place: Any = {"loc": "upper left", "bbox_to_anchor": (0, -_BELOW_AXES / side), "borderaxespad": 0, "borderpad": 0}
    marks = [key(styles[name], width=1.9, marker=name in panel.series) for name in names]
    texts = ["\n".join(_legend_text(spec, name, trends, side)) for name in names]
    axes.legend(marks, texts, frameon=False, handlelength=_KEY_LENGTH, labelspacing=0.35, **place)


def _legend_text(spec: TrendFigure, name: str, trends: pd.DataFrame, side: float) -> list[str]:
    note = str(trends.at[name, "note"]) if name in trends.index else "no trend: not fitted"
    missing = f" ({note})" if note.startswith("no trend") and not _shared_reason(spec, trends) else ""
    return wrap(spec.label(name) + missing, side - _KEY_LENGTH * 8 / 72 - 0.1, 8)


def _shared_reason(spec: TrendFigure, trends: pd.DataFrame) -> str:
    """Return why no series of a figure has a trend, where it is one reason for all; nothing where some have one."""
    notes = set(trends.reindex(spec.distributions())["note"].fillna("").astype(str))
    return notes.pop() if len(notes) == 1 and next(iter(notes)).startswith("no trend") else ""


def _side(spec: TrendFigure) -> float:
    """Return the side of a panel in inches."""
    return _PANEL.get(len(spec.panels), _SMALL_PANEL)


# The caption ---------------------------------------------------------------------------------------------------------

_BANDS = {
    "architectures": "confidence intervals from cluster-robust (CR2) standard errors with architectures as clusters, "
    "because what is peculiar to one is common to its seeds and checkpoints",
    "resampled_architectures": "bootstrap intervals, resampling whole architectures, because their checkpoints are "
    "correlated",
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
    """Return the caption: what the figure shows, how it was made, and the numbers read off it.

    Without `comparisons` (comparisons.COMPARISON_COLUMNS of this figure) it states heights and intervals and draws no
    conclusion about differences, which needs a test; with them it ends with what the tests say. The other arguments are
    those of `draw_trend_figure`.
    """
    spec = TrendFigure.from_dict(figure)
    trends = trends[trends["scale"] == spec.scale.name].set_index("series").reindex(spec.distributions())
    bands = bands[(bands["scale"] == spec.scale.name) & (bands["band"] == spec.band)]
    shown = scores[scores["series"].isin([name for panel in spec.panels for name in panel.series])]
    elsewhere = shown["series"].isin(spec.published)
    own, fitted = shown[~elsewhere], trends[trends["slope"].notna()]
    reference = spec.references[0] if spec.references and spec.references[0] in fitted.index else None
    fewest = int(fitted["n_clusters"].min()) if len(fitted) else 0
    notes = trends.loc[trends["slope"].isna(), "note"].map(_note)
    return render(
        "trends.jinja",
        spec=spec,
        panels=[panel.title for panel in spec.drawn().panels],
        axes=spec.axes(),
        level=f"{spec.confidence * 100:g} %",
        band=_BANDS[spec.band],
        checkpoints=len(own),
        runs=len(own[["series", *RUN]].drop_duplicates()),
        architectures=own["architecture"].nunique(),
        seeds=own["seed"].nunique(),
        models=int(elsewhere.sum()),
        published=[spec.label(name) for name in spec.published if name in spec.distributions()],
        fitted=len(fitted),
        fewest_clusters=fewest,
        few=fewest < FEW_CLUSTERS,
        too_narrow=fewest < FEW_FOR_BOOTSTRAP and spec.band != "architectures",
        dropped=int(trends["n_dropped"].fillna(0).sum()),
        without_trend=[(spec.label(str(name)), note) for name, note in notes.items()],
        reference=spec.label(reference) if reference else "",
        readings=[_reading(spec, str(name), row, bands, reference) for name, row in fitted.iterrows()],
        conclusions=[]
        if comparisons is None
        else comparisons[["panel", "conclusion"]].drop_duplicates().to_numpy().tolist(),
    )


def _note(text: Any) -> str:
    return text if isinstance(text, str) else "no trend: not fitted"


def _reading(spec: TrendFigure, name: str, trend: pd.Series, bands: pd.DataFrame, reference: str | None) -> str:
    """Return what is read off a trend; compared with the first reference where both have checkpoints."""
    suffix = "" if spec.band == "architectures" else f"_{spec.band}"
    slope, low, high = (float(trend[column]) for column in ("slope", f"slope_low{suffix}", f"slope_high{suffix}"))
    text = f"{spec.label(name)}: slope {slope:.2f} {_interval(low, high, 2)}"
    if reference is None or name == reference:
        return text
    curve, baseline = (bands[bands["series"] == one] for one in (name, reference))
    left, right = max(curve["x"].min(), baseline["x"].min()), min(curve["x"].max(), baseline["x"].max())
    if left > right:
        return f"{text}; no ID {spec.metric.symbol} in common"
    middle = float(spec.scale.inverse(spec.scale.forward(np.array([left, right])).mean()))
    heights = f"{_height(curve, middle, spec)} against {_height(baseline, middle, spec)}"
    return f"{text}; {heights} at ID {spec.metric.symbol} {middle:.2f}"


def _height(curve: pd.DataFrame, score: float, spec: TrendFigure) -> str:
    """Return the trend's OOD score and its band at an ID score."""
    curve = curve.sort_values("x")
    axis = spec.scale.forward(curve["x"].to_numpy())
    place = spec.scale.forward(np.array([score]))
    y, low, high = (
        spec.scale.inverse(np.interp(place, axis, spec.scale.forward(curve[column].to_numpy())))[0]
        for column in ("y", "low", "high")
    )
    return f"{y:.3f} {_interval(low, high, 3)}"


def _interval(low: float, high: float, digits: int) -> str:
    return "(no interval)" if np.isnan(low) else f"[{low:.{digits}f}, {high:.{digits}f}]"
