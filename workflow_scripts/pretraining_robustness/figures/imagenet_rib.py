"""What figures of ImageNet-RIB share: looks, the rows of a network, names, and what captions say of the formula."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.output import Drawing, Files, all_files, one_file
from pretraining_robustness.figures.page import Page
from pretraining_robustness.figures.style import REFERENCES, SERIES, SeriesStyle
from pretraining_robustness.figures.text import SMALL, wrap_words

LOOKS = [*REFERENCES, *SERIES]
NAMES = 2.3
"""Inches; the column of the networks' names."""
LEGEND_LINE = 0.2
INFERRED = (
    "The formula of mRI is inferred from the axis of the published figure (arXiv 2410.21582) and its unweighted mean "
    "from a worked example; the published code holds none."
)
DEFINED = (
    "RI: mean change of accuracy, in percentage points, on the variants of ImageNet that a network was not fine-tuned "
    "on; mRI: its mean over the variants fine-tuned on."
)

Beside = Mapping[str, pd.DataFrame]
"""Tables that a figure reads beside its rows, by name."""


def drawn(
    files: Files,
    figure: Mapping[str, Any],
    draw: Callable[[pd.DataFrame, Beside, Mapping[str, Any]], tuple[Figure, str]],
) -> Drawing:
    """Read the tables of a figure, keep of `rows` what it shows after the last epoch, and draw it.

    Raises:
        InputError: no network that the figure shows was fine-tuned.
    """
    shown = pd.concat([pd.read_csv(path) for path in all_files(files, "rows")], ignore_index=True)
    for column, names in (("method", "methods"), ("distribution", "networks"), ("architecture", "architectures")):
        shown = shown[shown[column].isin(list(figure[names]))]
    if shown.empty:
        raise InputError(f"{all_files(files, 'rows')[0]}: holds no network that {figure['name']} shows; fine-tune one")
    network = [name for name in ("method", "distribution", "architecture", "seed") if name in shown]
    shown = shown[shown["epoch"] == shown.groupby(network)["epoch"].transform("max")]
    beside = {name: pd.read_csv(one_file(files, name)) for name in files if name != "rows"}
    page, caption = draw(shown, beside, figure)
    return Drawing(page, shown, caption)


def networks_of(rows: pd.DataFrame, figure: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return distribution and architecture of the networks, in the order of the config."""
    present = set(zip(rows["distribution"], rows["architecture"], strict=True))
    ordered = [(one, other) for one in figure["networks"] for other in figure["architectures"]]
    return [pair for pair in ordered if pair in present]


def methods_of(rows: pd.DataFrame, figure: Mapping[str, Any]) -> list[str]:
    """Return the methods in the order of the config.

    Raises:
        InputError: more than can be told apart.
    """
    methods = [method for method in figure["methods"] if method in set(rows["method"])]
    if len(methods) > len(LOOKS):
        raise InputError(f"figures: {len(methods)} methods, but only {len(LOOKS)} can be told apart; show fewer")
    return methods


def looks_of(names: Sequence[str]) -> dict[str, SeriesStyle]:
    """Return colour and marker of each name."""
    return dict(zip(names, LOOKS, strict=False))


def rows_of(
    rows: pd.DataFrame, network: tuple[str, str], method: str | None = None, counting: str | None = None
) -> pd.DataFrame:
    """Return the rows of a network, of one method and one counting where they are given."""
    chosen = (rows["distribution"] == network[0]) & (rows["architecture"] == network[1])
    chosen &= (rows["method"] == method) if method else True
    return rows[chosen & (rows["counting"] == counting)] if counting else rows[chosen]


def network_name(network: tuple[str, str], figure: Mapping[str, Any], inches: float = NAMES - 0.3) -> str:
    """Return the readable name of a network, in at most three lines of a width."""
    name = f"{figure['networks'][network[0]]}, {network[1]}"
    return "\n".join(wrap_words(name, inches, SMALL)[:3])


def named_variants(names: Sequence[str], figure: Mapping[str, Any]) -> str:
    """Return the readable names of variants, with commas."""
    return ", ".join(figure["variants"][name] for name in names)


def without_shared(figure: Mapping[str, Any]) -> str:
    """Return the sentence that says which cells are left out for shared images; nothing where none share any."""
    if not figure["sharing"]:
        return ""
    names = named_variants(figure["sharing"], figure)
    return f"Without shared images: none of {names}, renderings of the same images, counts for another of them."


def signed(matrix: pd.DataFrame, digits: int) -> pd.DataFrame:
    """Return numbers as the text of a cell, with their sign; zero has none."""
    zero = f"{0:+.{digits}f}"[1:]
    return matrix.map(lambda value: f"{value:+.{digits}f}".replace("-", "−")).replace([f"+{zero}", f"−{zero}"], zero)


def add_legend(page: Page, axes: Axes, columns: int = 3) -> None:
    """Write the legend of some axes below the title, over the page's width."""
    write_legend(page, *axes.get_legend_handles_labels(), columns=columns)


def write_legend(
    page: Page, marks: Sequence[Any], labels: Sequence[str], columns: int = 3, size: float | None = None
) -> None:
    """Write a legend of these marks below the title, over the page's width."""
    place: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, page.top / page.height)}
    page.figure.legend(list(marks), list(labels), ncols=columns, fontsize=size, **place)
