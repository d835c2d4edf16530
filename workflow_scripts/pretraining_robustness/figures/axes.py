"""Axes for scores: the same range on both, square, ticks at round values on any scale."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from pretraining_robustness.trends.axis_scales import AxisScale, Floats

# Round values, the roundest first; each level fills the gaps that the earlier ones leave.
_TICK_LEVELS = (
    np.array([0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99]),
    np.array([0.0, 0.001, 0.05, 0.95, 0.999, 1.0]),
    np.arange(1, 20) * 0.05,
    np.arange(1, 50) * 0.02,
    np.arange(1, 100) * 0.01,
    np.arange(1, 200) * 0.005,
    np.arange(1, 1000) * 0.001,
)
_ENOUGH_TICKS = 6
_SMALLEST_GAP = 0.085  # of the axis: room for "0.05"
_FEW_TICKS, _WIDE_GAP, _ENDS = 2, 0.26, 0.11  # on small axes, whose ends stay free for the labels of neighbours
_MARGIN = 0.06
_SMALLEST_SPAN = 0.05
_EMPTY = (0.05, 0.95)


def common_limits(values: Floats, scale: AxisScale) -> tuple[float, float]:
    """Return one range of scores for both axes of all panels that holds `values` (any shape) with a margin."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    placed = scale.forward(flat[scale.representable(flat)])
    if len(placed) == 0:
        return _EMPTY
    low, high = float(placed.min()), float(placed.max())
    margin = max(_MARGIN * (high - low), _SMALLEST_SPAN / 2)
    ends = scale.inverse(np.array([low - margin, high + margin]))
    return float(ends[0]), float(ends[1])


def round_ticks(limits: tuple[float, float], scale: AxisScale, roomy: bool = True) -> Floats:
    """Return sorted round scores within `limits`, far enough apart on `scale` for their labels to stay legible.

    Axes that are not `roomy`, about an inch long, get few ticks.
    """
    enough, gap = (_ENOUGH_TICKS, _SMALLEST_GAP) if roomy else (_FEW_TICKS, _WIDE_GAP)
    low, high = scale.forward(np.array(limits))
    ends = 0.0 if roomy else _ENDS
    chosen: list[float] = []
    places: list[float] = []
    for level in _TICK_LEVELS:
        for value in level[(level >= limits[0]) & (level <= limits[1])]:
            place = (float(scale.forward(np.array([value]))[0]) - low) / (high - low)
            if ends <= place <= 1 - ends and all(abs(place - other) >= gap for other in places):
                chosen.append(round(float(value), 3))
                places.append(place)
        if len(chosen) >= enough:
            break
    return np.array(sorted(chosen))


def set_up_score_axes(axes: Axes, limits: tuple[float, float], scale: AxisScale, roomy: bool = True) -> None:
    """Make both axes show `limits` on `scale`, so that the line y = x is the square's diagonal."""
    scale_axes(axes, [limits] * 2, [round_ticks(limits, scale, roomy)] * 2, scale)
    axes.set_box_aspect(1)
    axes.grid(True, zorder=0)
    axes.set_axisbelow(True)


def scale_axes(axes: Axes, limits: Sequence[tuple[float, float]], ticks: Sequence[Floats], scale: AxisScale) -> None:
    """Give the x axis and the y axis their limits and ticks on a scale."""
    for place, (set_scale, axis) in enumerate(((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis))):
        if scale.name != "linear":
            set_scale("function", functions=(_quiet(scale), scale.inverse))
        axis.set_major_locator(FixedLocator(ticks[place].tolist()))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])


def _quiet(scale: AxisScale):  # type: ignore[no-untyped-def]  # matplotlib passes arrays of any kind
    """Return the scale's map for matplotlib, which also tries values outside (0, 1)."""

    def forward(values):  # type: ignore[no-untyped-def]
        with np.errstate(divide="ignore", invalid="ignore"):
            return scale.forward(np.asarray(values, dtype=np.float64))

    return forward
