"""A page with room for all text: a title above, a note and a footer below, and axes placed in inches between them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pretraining_robustness.figures.text import LINE, SMALL, TITLE_FONT, TITLE_SIZE, height, wrap, wrap_words

FULL_WIDTH = 7.2
"""Inches; the width of a journal's page."""

MARGIN = 0.15
_TOP, _BOTTOM, _BELOW_TITLE, _ABOVE_FOOTER = 0.12, 0.08, 0.1, 0.12


@dataclass(frozen=True)
class Page:
    """A figure whose contents have their places in inches from its lower left corner.

    Attributes:
        figure: the matplotlib figure.
        width: of the page.
        height: of the page.
        bottom: where the footer ends and the contents begin.
        top: where the contents end and the title begins.
    """

    figure: Figure
    width: float
    height: float
    bottom: float
    top: float

    def add_axes(self, left: float, bottom: float, width: float, height: float, label: str = "") -> Axes:
        """Add axes with their lower left corner at (left, bottom)."""
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box, label=label)

    def add_canvas(self) -> Axes:
        """Add axes that cover the page, have inches as units and show nothing of their own."""
        axes = self.figure.add_axes((0, 0, 1, 1), label="canvas", xlim=(0, self.width), ylim=(0, self.height))
        axes.set_axis_off()
        return axes

    def write(self, left: float, bottom: float, text: str, **options: Any) -> None:
        """Write a text at a place."""
        self.figure.text(left / self.width, bottom / self.height, text, **options)


def make_page(
    width: float,
    contents: float,
    title: str,
    footer: Sequence[str] = (),
    note: str = "",
    whole_dots: int | None = None,
) -> Page:
    """Make a page and write its title, its footer and its note, all wrapped to the page's width.

    Args:
        width: of the page, inches.
        contents: height of what comes between, inches.
        title: in bold letters, in the upper left corner.
        footer: paragraphs in small letters at the bottom.
        note: a line in italic letters right below the title that must not be overlooked.
        whole_dots: dots per inch of a printer; the page's height becomes a whole number of them, by more contents.
    """
    inside = width - 2 * MARGIN
    titles = wrap(title, inside, TITLE_FONT) if title else []
    notes = wrap_words(note, inside, SMALL) if note else []
    lines = [line for paragraph in footer for line in wrap_words(paragraph, inside, SMALL)]
    above = _TOP + len(titles) * TITLE_SIZE * LINE + height(notes, SMALL) + _BELOW_TITLE
    below = (_ABOVE_FOOTER if lines else 0) + height(lines, SMALL) + _BOTTOM
    if whole_dots is not None:
        contents = math.ceil((above + contents + below) * whole_dots) / whole_dots - above - below
    page_height = above + contents + below
    page = Page(Figure(figsize=(width, page_height)), width, page_height, below, below + contents)
    page.write(MARGIN, page_height - _TOP, "\n".join(titles), fontproperties=TITLE_FONT, va="top", ha="left")
    if notes:
        top = page_height - _TOP - len(titles) * TITLE_SIZE * LINE
        options: dict[str, Any] = {"fontsize": SMALL, "style": "italic", "color": "0.25"}
        page.write(MARGIN, top, "\n".join(notes), va="top", ha="left", **options)
    page.write(MARGIN, _BOTTOM, "\n".join(lines), fontsize=SMALL, color="0.25", va="bottom", ha="left")
    return page


def axes_size(axes: Axes) -> tuple[float, float]:
    """Return the width and height of axes in inches."""
    box = axes.get_window_extent().transformed(axes.figure.dpi_scale_trans.inverted())
    return float(box.width), float(box.height)
