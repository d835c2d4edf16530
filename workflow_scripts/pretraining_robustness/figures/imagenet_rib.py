"""What figures of ImageNet-RIB share: what they show, a grid of panels with a legend above, and their caption.

Every module of a kind reads its tables (`Shown.read`), lays out panels (`lay_out`), draws into them, and hands its
template what it reads off (`Shown.drawing`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.output import Drawing, Files, all_files, one_file
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, Page, make_page
from pretraining_robustness.figures.style import REFERENCES, SERIES, SeriesStyle
from pretraining_robustness.figures.text import SMALL, width, wrap

LOOKS = [*REFERENCES, *SERIES]
MRI = "Mean robustness improvement,\nmRI (percentage points)"
RI = "Robustness improvement,\nRI (percentage points)"
NAMES = 2.0
"""Inches; the column of the networks' names."""

_LEGEND_LINE, _LEGEND_MARK = 0.155, 0.5  # inches

Network = tuple[str, str]
"""The distribution and the architecture of networks that differ in their seed alone."""

LegendEntry = tuple[Any, str]
"""An artist, and what it stands for."""


@dataclass(frozen=True)
class Shown:
    """What a figure shows.

    Attributes:
        rows: its table, after the last epoch.
        beside: further tables by the names in `READS`.
        figure: name, title, note, confidence; methods, networks, variants (readable name of each, in the order shown),
            architectures; tested_on, sharing, reference; and what the module of its kind says.
    """

    rows: pd.DataFrame
    beside: Mapping[str, pd.DataFrame]
    figure: Mapping[str, Any]

    @classmethod
    def read(cls, files: Files, figure: Mapping[str, Any]) -> "Shown":
        """Read the tables of a figure.

        Raises:
            InputError: no network that the figure shows was fine-tuned, or there are more methods than looks.
        """
        rows = pd.concat([pd.read_csv(path) for path in all_files(files, "rows")], ignore_index=True)
        for column, names in (("method", "methods"), ("distribution", "networks"), ("architecture", "architectures")):
            rows = rows[rows[column].isin(list(figure[names]))]
        if rows.empty:
            path = all_files(files, "rows")[0]
            raise InputError(f"{path}: holds no network that {figure['name']} shows; fine-tune one")
        network = [name for name in ("method", "distribution", "architecture", "seed") if name in rows]
        rows = rows[rows["epoch"] == rows.groupby(network)["epoch"].transform("max")]
        return cls(rows, {name: pd.read_csv(one_file(files, name)) for name in files if name != "rows"}, figure)

    @property
    def networks(self) -> list[Network]:
        """The networks that there are, in the order of the config."""
        present = set(zip(self.rows["distribution"], self.rows["architecture"], strict=True))
        ordered = [(one, other) for one in self.figure["networks"] for other in self.figure["architectures"]]
        return [pair for pair in ordered if pair in present]

    @property
    def methods(self) -> list[str]:
        """The methods that there are, in the order of the config."""
        return [method for method in self.figure["methods"] if method in set(self.rows["method"])]

    @property
    def looks(self) -> dict[str, dict[str, Any]]:
        """Colour and marker of each method, as matplotlib takes them.

        Raises:
            InputError: there are more methods than can be told apart.
        """
        methods = self.methods
        if len(methods) > len(LOOKS):
            raise InputError(
                f"figures.{self.figure['name']}.methods: {len(methods)} methods, but only {len(LOOKS)} can be told "
                "apart; show fewer"
            )
        return {method: look(style) for method, style in zip(methods, LOOKS, strict=False)}

    @property
    def tuned(self) -> list[str]:
        """The variants fine-tuned on, in the order of the config."""
        return [name for name in self.figure["variants"] if name in set(self.rows["fine_tuned_on"])]

    @property
    def level(self) -> str:
        """The level of the intervals."""
        return f"{100 * self.figure['confidence']:g}\N{NO-BREAK SPACE}%"

    def variant(self, name: str) -> str:
        """Return the readable name of a variant."""
        return str(self.figure["variants"][name])

    def method(self, name: str) -> str:
        """Return the readable name of a method."""
        return str(self.figure["methods"][name])

    def network(self, network: Network) -> str:
        """Return the readable name of a network, on one line."""
        return f"{self.figure['networks'][network[0]]}, {network[1]}"

    def wrapped_network(self, network: Network, inches: float = NAMES - 0.25) -> str:
        """Return the readable name of a network, in at most three lines of a width."""
        return "\n".join(wrap(self.network(network), inches, SMALL)[:3])

    def legend(self) -> list[LegendEntry]:
        """Return an entry for each method, as marks are drawn."""
        return [(Line2D([], [], linestyle="", **self.looks[method]), self.method(method)) for method in self.methods]

    def drawing(self, page: Figure, template: str, **facts: Any) -> Drawing:
        """Return the figure with its rows and the caption that its template makes of `shown` and of facts."""
        caption = render(template, shown=self, figure=self.figure, **facts)
        return Drawing(page, self.rows, caption)


def look(style: SeriesStyle) -> dict[str, Any]:
    """Return the colour and the marker of a style, as matplotlib takes them."""
    return {"color": style.colour, "marker": style.marker}


def of(rows: pd.DataFrame, network: Network | None = None, method: str | None = None, **columns: str) -> pd.DataFrame:
    """Return the rows of a network, of a method and with these values of columns, where they are given."""
    wanted = {**({"distribution": network[0], "architecture": network[1]} if network else {}), **columns}
    wanted |= {"method": method} if method else {}
    for column, value in wanted.items():
        rows = rows[rows[column] == value]
    return rows


def lay_out(
    shown: Shown,
    rows: Sequence[float],
    columns: Sequence[float] = (1.0,),
    *,
    left: float | Sequence[float] = 0.65,
    right: float = MARGIN,
    above: float = 0.3,
    below: float = 0.45,
    foot: float = 0.0,
    legend: Sequence[LegendEntry] = (),
    footer: str = "",
    page_width: float = FULL_WIDTH,
) -> tuple[Page, list[list[Axes]]]:
    """Make a page with a grid of panels and a legend above them; return it and the axes, row by row.

    Args:
        shown: the figure's title and note.
        rows: height of the panels of each row, inches.
        columns: widths of the columns, relative to each other.
        left: room left of each column for labels, inches.
        right: room right of the last column, inches.
        above: room above each row for titles, inches.
        below: room below each row for labels, inches.
        foot: further room below the last row, inches.
        legend: its entries.
        footer: what the page says at its bottom.
        page_width: inches.
    """
    lefts = [left] * len(columns) if isinstance(left, (int, float)) else list(left)
    per_row = _entries_per_row([width(text, SMALL) + _LEGEND_MARK for _, text in legend], page_width - 2 * MARGIN)
    lines = -(-len(legend) // per_row)
    head = lines * _LEGEND_LINE + (0.12 if lines else 0)
    contents = head + sum(rows) + len(rows) * (above + below) + foot
    figure = shown.figure
    page = make_page(page_width, contents, figure["title"], [footer] if footer else [], figure["note"] or "")
    unit = (page_width - sum(lefts) - right) / sum(columns)
    panels, top = [], page.top - head
    for number, tall in enumerate(rows):
        start, line = 0.0, []
        for place, wide in enumerate(columns):
            start += lefts[place]
            box = (start, top - above - tall, wide * unit, tall)
            line.append(page.add_axes(*box, label=f"{number} {place}"))
            start += wide * unit
        panels.append(line)
        top -= above + tall + below
    if legend:
        options: dict[str, Any] = {"ncols": per_row, "fontsize": SMALL, "frameon": False}
        options |= {"loc": "upper left", "bbox_to_anchor": (MARGIN / page_width, page.top / page.height)}
        options |= {"borderpad": 0, "borderaxespad": 0, "handletextpad": 0.4, "columnspacing": 1.2}
        page.figure.legend([mark for mark, _ in legend], [text for _, text in legend], **options)
    return page, panels


def _entries_per_row(widths: Sequence[float], room: float) -> int:
    """Return the most entries of a legend in a row that fit, filled column by column."""
    for across in range(len(widths), 1, -1):
        down = -(-len(widths) // across)
        if sum(max(widths[start : start + down]) for start in range(0, len(widths), down)) <= room:
            return across
    return 1


def rows_of_methods(axes: Axes, groups: int, methods: int, step: float, between: float) -> list[list[float]]:
    """Give axes a place for each group and method, from the top down; return their heights in data units (inches)."""
    each = methods * step + between
    axes.set_ylim(-groups * each + (between + step) / 2, (between + step) / 2)
    return [[-(group * each + method * step) for method in range(methods)] for group in range(groups)]


def share(panels: Sequence[Axes], axis: str) -> None:
    """Give panels the same limits."""
    ends = [end for axes in panels for end in getattr(axes, f"get_{axis}lim")()]
    for axes in panels:
        getattr(axes, f"set_{axis}lim")(min(ends), max(ends))


def zero_line(axes: Axes, across: bool = False) -> None:
    """Draw the line of no change: upright, or across."""
    (axes.axhline if across else axes.axvline)(0, color="0.3", linewidth=0.7, zorder=1.5)


def set_grid(axes: Axes, axis: Any = "both") -> None:
    """Draw a grid below everything."""
    axes.grid(axis=axis)
    axes.set_axisbelow(True)


def whiskers(axes: Axes, x: float, y: float, ends: tuple[float, float], over_seeds: bool) -> ErrorbarContainer:
    """Draw an interval: over images as a thick grey line, over images and seeds as a thin black one with caps."""
    style: dict[str, Any] = {"color": "0.05", "linewidth": 0.8, "capsize": 2.2, "zorder": 4}
    if not over_seeds:
        style = {"color": "0.45", "linewidth": 3.2, "capsize": 0, "zorder": 3}
    return axes.errorbar(x, y, xerr=[[x - ends[0]], [ends[1] - x]], linestyle="", **style)


def signed_cells(matrix: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Return numbers as the text of a cell, with their sign; zero has none."""
    zero = f"{0:+.{digits}f}"[1:]
    return matrix.map(lambda value: f"{value:+.{digits}f}".replace("-", "−")).replace([f"+{zero}", f"−{zero}"], zero)
