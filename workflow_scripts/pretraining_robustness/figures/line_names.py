"""Names written at the ends of lines, instead of a legend."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from scipy.optimize import isotonic_regression

from pretraining_robustness.figures.page import axes_size
from pretraining_robustness.figures.style import SeriesStyle
from pretraining_robustness.figures.text import LINE, width, wrap

# Inches.
_LEADER, _MARKER, _GAP = 0.34, 0.06, 0.08
_WIDEST = 1.75

LineEnd = tuple[str, SeriesStyle, float, float]
"""A line's name, its look and its last point in data coordinates."""


def names_width(names: Iterable[str], size: float = 8, widest: float = _WIDEST) -> float:
    """Return the room in inches that the names need right of the axes, with the leaders that connect them."""
    lines = [line for name in names for line in wrap(name, widest, size)]
    return max((width(line, size) for line in lines), default=0.0) + _LEADER + _MARKER + _GAP


def name_line_ends(axes: Axes, ends: Sequence[LineEnd], size: float = 8, widest: float = _WIDEST) -> None:
    """Write each line's name right of the axes at its end, moved up or down so that no name meets another.

    `size` is in points; a name wider than `widest` inches is broken into lines.
    """
    across, down = axes_size(axes)
    placed = [(axes.transLimits.transform((x, y)), name, style) for name, style, x, y in ends]
    placed.sort(key=lambda end: -end[0][1])
    heights = [(len(wrap(name, widest, size)) * size * LINE + 0.05) / down for _, name, _ in placed]
    places = spread([float(point[1]) for point, _, _ in placed], heights)
    marker = 1 + _LEADER / across
    for (point, name, style), place in zip(placed, places, strict=True):
        outside: Any = {"transform": axes.transAxes, "clip_on": False, "label": "_leader"}
        corners = [point[0], 1.0, marker - 0.08 / across, marker], [point[1], point[1], place, place]
        axes.plot(*corners, color=style.colour, linewidth=0.7, alpha=0.8, zorder=1.8, **outside)
        axes.plot([marker], [place], linestyle="", **style.marks, **outside)
        left, lines = marker + (_MARKER + 0.02) / across, "\n".join(wrap(name, widest, size))
        axes.text(left, place, lines, transform=axes.transAxes, va="center", ha="left", fontsize=size)


def spread(places: Sequence[float], heights: Sequence[float], low: float = 0.0, high: float = 1.0) -> list[float]:
    """Move the middles of boxes, given from the highest to the lowest, until none overlap.

    The sum of squared moves is the least possible, and all boxes stay between `low` and `high` if they fit there
    together: without the boxes' heights the middles need only be in order, which is isotonic regression.
    """
    if not places:
        return []
    above = np.cumsum(heights) - np.divide(heights, 2)
    free = isotonic_regression(np.add(places, above), increasing=False).x
    return (np.clip(free, low + sum(heights), high) - above).tolist()
