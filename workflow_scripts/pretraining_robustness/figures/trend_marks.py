"""The marks of a figure of trends: the line y = x, trend lines, their bands, and checkpoints."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import Normal, Stroke

from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.figures.style import SeriesStyle
from pretraining_robustness.trends.axis_scales import AxisScale, Floats

_ROOMY = 120  # checkpoints that a panel shows at full marker size
_SMALLEST_MARKER = 0.35
_HALO = [Stroke(linewidth=2.7, foreground="white", alpha=0.9), Normal()]


def draw_identity(axes: Axes, limits: tuple[float, float]) -> None:
    """Draw the dotted line y = x."""
    axes.plot(limits, limits, color="0.45", linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=1.5, label="y = x")


def name_identity(axes: Axes, limits: tuple[float, float], scale: AxisScale) -> None:
    """Write "y = x" along its line, near its upper end."""
    low, high = scale.forward(np.array(limits))
    place = float(scale.inverse(np.array([low + 0.9 * (high - low)]))[0])
    look: Any = {"color": "0.35", "ha": "center", "va": "center", "rotation": 45, "rotation_mode": "anchor"}
    axes.annotate("y = x", (place, place), xytext=(-4, 4), textcoords="offset points", **look)


def draw_line(axes: Axes, curve: pd.DataFrame, style: SeriesStyle, label: str, width: float = 1.5) -> None:
    """Draw a trend over its own checkpoints (columns x, y) with a white halo; `width` in points."""
    ends: Any = {"dash_capstyle": "butt", "solid_capstyle": "butt"}
    axes.plot(curve["x"], curve["y"], **style.line, linewidth=width, path_effects=_HALO, zorder=6, label=label, **ends)


def draw_band(axes: Axes, curve: pd.DataFrame, style: SeriesStyle, label: str, filled: bool = True) -> None:
    """Draw a trend's band (columns x, low, high): its ends as thin lines in the series' dashes, and light filling."""
    if filled:
        axes.fill_between(
            curve["x"], curve["low"], curve["high"], color=style.colour, alpha=0.15, linewidth=0, zorder=2, label=label
        )
    for end in ("low", "high"):
        axes.plot(curve["x"], curve[end], **style.line, linewidth=0.7, alpha=0.9, zorder=2.2, label="_end")


def draw_continuation(
    axes: Axes, curve: pd.DataFrame, trend: Floats, style: SeriesStyle, scale: AxisScale, reach: tuple[float, float]
) -> None:
    """Continue a trend (intercept and slope in axis units) thinly beyond its own checkpoints within `reach`.

    Nothing is drawn on a side where its checkpoints reach as far.
    """
    intercept, slope = trend
    ends = scale.forward(np.array([reach[0], curve["x"].min(), curve["x"].max(), reach[1]]))
    for low, high in (ends[:2], ends[2:]):
        if low >= high:
            continue
        grid: Floats = np.linspace(low, high, 30)
        places = scale.inverse(grid), scale.inverse(intercept + slope * grid)
        axes.plot(*places, **style.line, linewidth=0.8, zorder=2.5, label="_continued")


def draw_points(
    axes: Axes, points: pd.DataFrame, style: SeriesStyle, metric: Metric, label: str, crowd: int, size: float = 1.0
) -> None:
    """Draw a series' checkpoints, smaller the more of them the panel holds (`crowd`); very many go below the trends.

    `size` multiplies the markers' area.
    """
    if len(points):
        shrink = size * min(1.0, max(_SMALLEST_MARKER, (_ROOMY / crowd) ** 0.5))
        look: Any = {"marker": style.marker, "color": style.colour, "alpha": 0.8, "edgecolors": "white"}
        look |= {"s": style.area * shrink, "linewidths": 0.4 * shrink, "zorder": 7 if crowd <= _ROOMY else 5}
        axes.scatter(points[metric.id_column], points[metric.ood_column], label=label, **look)


def key(style: SeriesStyle, width: float = 1.6, marker: bool = True, marker_size: float = 5.5) -> Line2D:
    """Return the sample of a series for a legend: its line and, where its checkpoints are drawn, its marker."""
    marks: Any = {"marker": style.marker if marker else "", "markersize": marker_size}
    marks |= {"markeredgecolor": "white", "markeredgewidth": 0.4}
    return Line2D([], [], **style.line, linewidth=width, dash_capstyle="butt", **marks)
