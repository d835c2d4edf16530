"""Small panels below or beside a panel that has too many series for their bands.

With few runs an honest band is wide, and several in one pair of axes hide each other and the points. So the large panel
shows points and lines; the first small panel shows the bands of the references, each further one a series with its band
beside the references' lines, all on the same axes. Their titles are the key to the large panel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.figures.axes import set_up_score_axes
from pretraining_robustness.figures.page import Page
from pretraining_robustness.figures.style import SeriesStyle
from pretraining_robustness.figures.text import SMALL, height, wrap
from pretraining_robustness.figures.trend_marks import draw_band, draw_identity, draw_line, draw_points, key
from pretraining_robustness.trends.axis_scales import AxisScale

_BELOW, _BESIDE = (3, 4, 2), 2  # small panels in a row; below, the first of these that leaves the fewest rows of one
# Inches.
_SMALL_BESIDE = 1.05
_BETWEEN, _ABOVE, _TITLE_GAP, _TICKS = 0.1, 0.14, 0.05, 0.2
_KEY_LENGTH, _KEY_HEIGHT = 0.4, 0.13  # the sample of a line above its title


@dataclass(frozen=True)
class Curve:
    """What a panel draws of a series: its name and look, its line and band (rows of a band table), its checkpoints."""

    label: str
    style: SeriesStyle
    band: pd.DataFrame
    points: pd.DataFrame


@dataclass(frozen=True)
class Grid:
    """The places of small panels.

    Attributes:
        columns: how many are in a row.
        side: of a small panel in inches.
        titles: of the small panels of each panel; rows are as high as their longest title needs.
    """

    columns: int
    side: float
    titles: Sequence[Sequence[str]]

    @classmethod
    def below(cls, titles: Sequence[Sequence[str]], side: float) -> "Grid":
        """Return the grid that fits below panels of this side."""
        columns = min(_BELOW, key=lambda across: sum(len(panel) % across == 1 for panel in titles))
        return cls(columns, (side - (columns - 1) * _BETWEEN) / columns, titles)

    @classmethod
    def beside(cls, titles: Sequence[Sequence[str]]) -> "Grid":
        """Return the grid that stands beside a single panel."""
        return cls(_BESIDE, _SMALL_BESIDE, titles)

    @property
    def width(self) -> float:
        """Width of the small panels of one panel in inches."""
        return self.columns * self.side + (self.columns - 1) * _BETWEEN

    @property
    def rows(self) -> list[float]:
        """Heights of the rows in inches, with their titles."""
        heights = []
        for start in range(0, max(map(len, self.titles), default=0), self.columns):
            here = [title for panel in self.titles for title in panel[start : start + self.columns]]
            lines = max(map(self.wrapped, here), key=len)
            heights.append(_ABOVE + _KEY_HEIGHT + height(lines, SMALL) + _TITLE_GAP + self.side)
        return heights

    @property
    def height(self) -> float:
        """Height of all rows in inches, with their ticks; 0 without any small panel."""
        return sum(self.rows) + (_TICKS if self.rows else 0)

    def wrapped(self, title: str) -> list[str]:
        """Return the lines of a small panel's title."""
        return wrap(title, self.side, SMALL)


def titles_of(series: Sequence[str], references: Sequence[str]) -> list[str]:
    """Return the titles of the small panels for the labels of series and references; none without any series."""
    first = [f"Reference{'s' if len(references) > 1 else ''}"] if references else []
    return [*first, *series] if series else []


def draw_band_panels(
    page: Page,
    left: float,
    top: float,
    grid: Grid,
    series: Sequence[Curve],
    references: Sequence[Curve],
    scale: AxisScale,
    metric: Metric,
    limits: tuple[float, float],
) -> list[Axes]:
    """Draw the small panels of a panel from the place (left, top) in inches on; return their axes.

    Args:
        page: on which to draw.
        left: the left end of the first column, inches.
        top: where the first row begins, inches.
        grid: the places.
        series: each gets a small panel.
        references: their bands share the first small panel, their lines are in all.
        scale: of the axes.
        metric: which scores.
        limits: of all axes.
    """
    titles = titles_of([curve.label for curve in series], [curve.label for curve in references])
    shown = ([list(references)] if references else []) + [[curve] for curve in series]
    small, drawn = grid.side, []
    for place, (title, curves) in enumerate(zip(titles, shown, strict=False)):
        row, column = divmod(place, grid.columns)
        bottom = top - sum(grid.rows[: row + 1])
        axes = page.add_axes(left + column * (small + _BETWEEN), bottom, small, small, label=f"band: {title}")
        set_up_score_axes(axes, limits, scale, roomy=False)
        below = place + grid.columns >= len(titles)
        axes.tick_params(labelleft=column == 0, labelbottom=below, labelsize=SMALL, length=2, pad=2)
        draw_identity(axes, limits)
        for reference in references:
            draw_line(axes, reference.band, reference.style, reference.label, width=1.1)
        for curve in curves:
            draw_band(axes, curve.band, curve.style, curve.label)
            draw_line(axes, curve.band, curve.style, curve.label)
            draw_points(axes, curve.points, curve.style, metric, curve.label, crowd=len(curve.points), size=0.6)
        _write_title(axes, grid.wrapped(title), [curve.style for curve in curves], small)
        drawn.append(axes)
    return drawn


def _write_title(axes: Axes, lines: Sequence[str], styles: Sequence[SeriesStyle], small: float) -> None:
    """Write a title above small axes and, above it, a sample of each line with its marker."""
    options = {"transform": axes.transAxes, "clip_on": False}
    axes.text(
        0, 1 + _TITLE_GAP / small, "\n".join(lines), va="bottom", ha="left", fontsize=SMALL, transform=axes.transAxes
    )
    up = 1 + (_TITLE_GAP + height(list(lines), SMALL) + _KEY_HEIGHT / 2) / small
    for place, style in enumerate(styles):
        start = place * (_KEY_LENGTH + 0.08) / small
        sample = key(style, marker_size=4.5)
        sample.set(xdata=[start, start + _KEY_LENGTH / 2 / small, start + _KEY_LENGTH / small], ydata=[up] * 3)
        sample.set(markevery=[1], **options)
        axes.add_line(sample)
