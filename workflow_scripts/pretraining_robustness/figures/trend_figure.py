"""Figures 2, 4 and their like: out-of-distribution against in-distribution macro F1, with linear trends."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from pretraining_robustness.figures.axes import common_limits, set_up_f1_axes
from pretraining_robustness.figures.page import Page, make_page
from pretraining_robustness.figures.specification import Panel, TrendFigure
from pretraining_robustness.figures.style import SETTINGS, SeriesStyle, series_styles
from pretraining_robustness.figures.text import LINE, SMALL, wrap
from pretraining_robustness.trends.axis_scales import Floats

# Inches.
_PANEL = {1: 3.9, 2: 3.45}
_SMALL_PANEL = 3.0
_LEFT, _BETWEEN, _RIGHT, _BELOW_AXES = 0.72, 0.85, 0.18, 0.62
_ROOMY = 120  # checkpoints that a panel shows at full marker size
_SMALLEST_MARKER = 0.35
_HALO = [Stroke(linewidth=2.7, foreground="white", alpha=0.9), Normal()]


def figure_points(scores: pd.DataFrame, figure: Mapping[str, Any]) -> pd.DataFrame:
    """Return the checkpoints behind a figure: one row a panel and checkpoint, `panel` and `label` first.

    `role` is "series" or "reference" (only its trend is drawn); `drawn` is false for the points of a reference and for
    an F1 of 0 or 1 that has no place on the figure's axes.
    """
    spec = TrendFigure.from_dict(figure)
    parts = []
    for panel in spec.panels:
        for name in spec.shown(panel):
            rows = scores[scores["distribution"] == name]
            role = "series" if name in panel.series else "reference"
            placed = spec.scale.representable(rows["id_macro_f1"].to_numpy())
            placed &= spec.scale.representable(rows["ood_macro_f1"].to_numpy())
            part = rows.assign(panel=panel.title, label=spec.label(name), role=role, drawn=placed & (role == "series"))
            parts.append(part)
    points = pd.concat(parts, ignore_index=True)
    first = ["panel", "label", "role", "drawn"]
    return points[[*first, *(column for column in scores.columns if column not in first)]]


def draw_trend_figure(
    scores: pd.DataFrame, trends: pd.DataFrame, bands: pd.DataFrame, figure: Mapping[str, Any]
) -> Figure:
    """Draw the panels side by side, on one range of F1 for all axes, each with its legend below.

    Args:
        scores: a score table (scores.COLUMNS).
        trends: the trends of all series (trends.TREND_COLUMNS).
        bands: their lines and bands in F1 units (trends.BAND_COLUMNS).
        figure: the specification as a plain dict (specification.TrendFigure).

    A series without checkpoints or without a trend stays in the legend, which says so.
    """
    spec = TrendFigure.from_dict(figure)
    trends = trends[trends["scale"] == spec.scale.name].set_index("series")
    bands = bands[(bands["scale"] == spec.scale.name) & (bands["bootstrap"] == spec.band)]
    points = figure_points(scores, figure)
    styles = series_styles([panel.series for panel in spec.panels], spec.references)
    lines = bands[bands["series"].isin(spec.distributions())]
    limits = common_limits(
        np.concatenate([points.loc[points["drawn"], ["id_macro_f1", "ood_macro_f1"]], lines[["x", "y"]]]), spec.scale
    )
    with mpl.rc_context(SETTINGS):
        page, all_axes = _lay_out(spec, trends)
        for panel, axes in zip(spec.panels, all_axes, strict=True):
            set_up_f1_axes(axes, limits, spec.scale)
            _draw_identity(axes, limits, spec)
            _draw_note(axes, spec)
            for name in spec.shown(panel):
                _draw_trend(axes, name, spec, trends, bands, styles[name], limits)
            mine = points[points["drawn"] & (points["panel"] == panel.title)]
            for name in panel.series:
                _draw_points(axes, mine[mine["distribution"] == name], styles[name], spec.label(name), crowd=len(mine))
            if mine.empty:
                axes.text(0.5, 0.5, "no checkpoints to show", transform=axes.transAxes, ha="center", va="center")
            _draw_legend(axes, spec, panel, trends, styles)
    return page.figure


def _lay_out(spec: TrendFigure, trends: pd.DataFrame) -> tuple[Page, list[Axes]]:
    """Make a page with room for all text, whatever the number of series; return it and its axes."""
    columns, side = len(spec.panels), _side(spec)
    titles = [wrap(panel.title, side, 9) for panel in spec.panels]
    entries = max(
        sum(len(_legend_text(spec, name, trends, side)) for name in spec.shown(panel)) for panel in spec.panels
    )
    legend = entries * 8 * LINE
    contents = max(map(len, titles)) * 9 * LINE + side + _BELOW_AXES + legend
    page_width = _LEFT + columns * side + (columns - 1) * _BETWEEN + _RIGHT
    page = make_page(page_width, contents, spec.title, _footer(spec, trends))
    all_axes = []
    for column, (panel, panel_title) in enumerate(zip(spec.panels, titles, strict=True)):
        left = _LEFT + column * (side + _BETWEEN)
        axes = page.add_axes(left, page.bottom + legend + _BELOW_AXES, side, side, label=panel.title)
        axes.set_title("\n".join(panel_title), loc="left")
        axes.set_xlabel("\n".join(wrap(spec.x_label, side, 8)))
        axes.set_ylabel("\n".join(wrap(spec.y_label, side, 8)))
        all_axes.append(axes)
    return page, all_axes


def _footer(spec: TrendFigure, trends: pd.DataFrame) -> list[str]:
    shown = trends.reindex(spec.distributions())
    dropped = int(shown["n_dropped"].fillna(0).sum())
    fitted = shown.loc[shown["slope"].notna(), "n_runs"]
    fewest, most = (int(fitted.min()), int(fitted.max())) if len(fitted) else (0, 0)
    number = str(fewest) if fewest == most else f"{fewest}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{most}"
    runs = f" ({number}\N{NO-BREAK SPACE}runs\N{NO-BREAK SPACE}a\N{NO-BREAK SPACE}series)" if most else ""
    axes = "" if spec.scale.name == "linear" else f"Axes on {spec.scale.name} scale. "
    lines = [
        f"{axes}Bands: {spec.confidence * 100:g} % bootstrap interval of the trend, resampling {spec.band}{runs}. "
        "Dashed: the reference trends beyond their own checkpoints."
    ]
    if dropped:
        lines.append(
            f"Not shown or fitted: {dropped} checkpoints with an F1 of 0 or 1, which have no place on these axes."
        )
    if spec.not_run:
        lines.append(spec.says_not_run())
    return lines


def _draw_identity(axes: Axes, limits: tuple[float, float], spec: TrendFigure) -> None:
    axes.plot(limits, limits, color="0.45", linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=1.5, label="y = x")
    low, high = spec.scale.forward(np.array(limits))
    place = float(spec.scale.inverse(np.array([low + 0.9 * (high - low)]))[0])
    axes.annotate(
        "y = x",
        (place, place),
        xytext=(-4, 4),
        textcoords="offset points",
        rotation=45,
        color="0.35",
        ha="center",
        va="center",
        rotation_mode="anchor",
    )


def _draw_note(axes: Axes, spec: TrendFigure) -> None:
    """Write the note where points are rarest: in the upper left corner, above y = x."""
    if spec.note:
        lines = wrap(spec.note, 0.62 * _side(spec), SMALL)
        axes.text(
            0.025,
            0.975,
            "\n".join(lines),
            transform=axes.transAxes,
            va="top",
            ha="left",
            fontsize=SMALL,
            style="italic",
            color="0.25",
            zorder=1.8,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},  # the grid stops around it
        )


def _draw_trend(
    axes: Axes,
    name: str,
    spec: TrendFigure,
    trends: pd.DataFrame,
    bands: pd.DataFrame,
    style: SeriesStyle,
    limits: tuple[float, float],
) -> None:
    curve = bands[bands["series"] == name]
    if curve.empty:
        return
    reference = name in spec.references
    x, colour = curve["x"].to_numpy(), style.colour
    axes.fill_between(x, curve["low"], curve["high"], color=colour, alpha=0.16, linewidth=0, zorder=2)
    axes.plot(
        x,
        curve["y"],
        color=colour,
        linewidth=1.9 if reference else 1.5,
        path_effects=_HALO,
        zorder=6,
        solid_capstyle="butt",
        label=spec.label(name),
    )
    if reference:
        intercept, slope = trends.loc[name, ["intercept", "slope"]].to_numpy(dtype=np.float64)
        ends = spec.scale.forward(np.array([limits[0], x.min(), x.max(), limits[1]]))
        for low, high in (ends[:2], ends[2:]):
            grid: Floats = np.linspace(low, high, 30)
            height = intercept + slope * grid
            axes.plot(
                spec.scale.inverse(grid),
                spec.scale.inverse(height),
                color=colour,
                linewidth=1.1,
                linestyle=(0, (4, 2)),
                zorder=2.5,
                label="_continued",
            )


def _draw_points(axes: Axes, points: pd.DataFrame, style: SeriesStyle, label: str, crowd: int) -> None:
    """Draw a series' checkpoints, smaller the more of them the panel holds; very many go below the trends."""
    if len(points):
        shrink = min(1.0, max(_SMALLEST_MARKER, (_ROOMY / crowd) ** 0.5))
        axes.scatter(
            points["id_macro_f1"],
            points["ood_macro_f1"],
            s=style.area * shrink,
            marker=style.marker,
            color=style.colour,
            alpha=0.8,
            edgecolors="white",
            linewidths=0.4 * shrink,
            zorder=7 if crowd <= _ROOMY else 5,
            label=label,
        )


def _draw_legend(
    axes: Axes, spec: TrendFigure, panel: Panel, trends: pd.DataFrame, styles: dict[str, SeriesStyle]
) -> None:
    side = _side(spec)
    entries = spec.shown(panel)
    handles = [
        Line2D(
            [],
            [],
            color=styles[name].colour,
            linewidth=1.9,
            markersize=5.5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            marker=styles[name].marker if name in panel.series else "",
        )
        for name in entries
    ]
    texts = ["\n".join(_legend_text(spec, name, trends, side)) for name in entries]
    axes.legend(
        handles,
        texts,
        loc="upper left",
        bbox_to_anchor=(0, -_BELOW_AXES / side),
        borderaxespad=0,
        borderpad=0,
        frameon=False,
        handlelength=2.2,
        labelspacing=0.35,
    )


def _legend_text(spec: TrendFigure, name: str, trends: pd.DataFrame, side: float) -> list[str]:
    note = str(trends.at[name, "note"]) if name in trends.index else "no trend: not fitted"
    missing = f" ({note})" if note.startswith("no trend") else ""
    return wrap(spec.label(name) + missing, side - 0.25, 8)


def _side(spec: TrendFigure) -> float:
    """Return the side of a panel in inches."""
    return _PANEL.get(len(spec.panels), _SMALL_PANEL)
