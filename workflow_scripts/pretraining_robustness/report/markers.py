"""Colours and markers of the page: those of the figures, the markers as SVG paths."""

from functools import cache

from matplotlib.markers import MarkerStyle
from matplotlib.path import Path as Outline

from pretraining_robustness.figures.style import REFERENCES, SCRATCH, SCRATCH_NAME, SERIES, SeriesStyle

_COMMANDS = {
    Outline.MOVETO: "M",
    Outline.LINETO: "L",
    Outline.CURVE3: "Q",
    Outline.CURVE4: "C",
    Outline.CLOSEPOLY: "Z",
}
_POOL = (*SERIES, REFERENCES[-1])


@cache
def marker_path(marker: str) -> str:
    """Return a matplotlib marker as an SVG path with y downwards, scaled so that a circle has radius 1."""
    style = MarkerStyle(marker)
    outline = style.get_path().transformed(style.get_transform())
    text = []
    for numbers, code in outline.iter_segments(simplify=False):
        command = _COMMANDS[code]
        places = [] if command == "Z" else [_short(2 * n * (-1) ** axis) for axis, n in enumerate(numbers)]
        text.append(command + " ".join(places))
    return "".join(text)


def many_styles(names: list[str], references: list[str]) -> dict[str, SeriesStyle]:
    """Give each of many series a style; only up to 49 besides `scratch` and the first other reference are distinct.

    A figure has few enough series to tell them apart by colour. A view of all checkpoints may have dozens: colours
    come back with other markers.
    """
    first = next((name for name in references if name != SCRATCH_NAME), None)
    styles = {SCRATCH_NAME: SCRATCH} | ({first: REFERENCES[0]} if first else {})
    for place, name in enumerate(name for name in names if name not in styles):
        shape = _POOL[(place + place // len(_POOL)) % len(_POOL)]
        styles[name] = SeriesStyle(_POOL[place % len(_POOL)].colour, shape.marker, shape.area, shape.dashes)
    return styles


def _short(number: float) -> str:
    return f"{round(number, 4) + 0.0:g}"  # adding zero takes the sign off a negative zero
