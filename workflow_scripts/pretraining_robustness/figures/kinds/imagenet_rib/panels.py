"""Figures of ImageNet-RIB with a panel a network; their rows are the cells of `imagenet_rib.results`.

rib_tradeoff: RI against the accuracy on the variant fine-tuned on. rib_accuracy: the accuracy on every variant before
and after fine-tuning on the others.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pretraining_robustness.figures.imagenet_rib import (
    DEFINED,
    INFERRED,
    LEGEND_LINE,
    Beside,
    drawn,
    looks_of,
    methods_of,
    network_name,
    networks_of,
    rows_of,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, Page, make_page
from pretraining_robustness.figures.style import SeriesStyle
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.imagenet_rib.tradeoff import tradeoff

READS = {"rows": "imagenet_rib/cells.csv"}

_ACROSS, _PANEL_TITLE, _BELOW, _SPACE = 2, 0.4, 0.45, 0.25  # panels; inches
_TRADEOFF, _TRADEOFF_LEFT = 2.2, 0.55
_VARIANT, _ACCURACY_LEFT = 0.2, 1.15


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_accuracy if figure["kind"] == "rib_accuracy" else draw_tradeoff)


def draw_tradeoff(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw RI against the accuracy on the variant fine-tuned on, a mark a method and variant, averaged over seeds."""
    found = tradeoff(rows)
    key = ["method", "distribution", "architecture", "fine_tuned_on"]
    held_out = bool(found["held_out"].all())
    found = found.groupby(key)[["RI", "own_after"]].mean().reset_index()
    whose = "held-out images of it" if held_out else "the images of it that were fine-tuned on"
    footer = [f"A mark a variant fine-tuned on, mean over seeds; accuracy of {whose}."]
    networks, methods = networks_of(found, figure), methods_of(found, figure)
    looks = looks_of(methods)
    page, panels = _panels(networks, methods, _TRADEOFF, _TRADEOFF_LEFT, footer, figure)
    for network, axes in zip(networks, panels, strict=True):
        for method in methods:
            some = rows_of(found, network, method)
            look: dict[str, Any] = {"marker": looks[method].marker, "color": looks[method].colour}
            axes.plot(some["own_after"], some["RI"], linestyle="", markersize=4, **look)
        axes.axhline(0, color="0.3", linewidth=0.7)
        axes.grid()
        axes.set_ylabel("RI (percentage points)")
        axes.set_xlabel("Accuracy on the variant fine-tuned on (%)")
    _share(panels, "x")
    _share(panels, "y")
    _legend(page, methods, looks, figure, [])
    readings = []
    for (distribution, architecture), some in found.groupby(["distribution", "architecture"], sort=False):
        name = network_name((str(distribution), str(architecture)), figure).replace("\n", " ")
        for method in methods:
            own = some[some["method"] == method]
            if len(own) > 2:
                rank = own["RI"].corr(own["own_after"], method="spearman")
                readings.append(
                    f"- {name}, {figure['methods'][method]}: mean accuracy {own['own_after'].mean():.1f} %, mRI "
                    f"{own['RI'].mean():+.2f}; rank correlation over {len(own)} variants {rank:+.2f}."
                )
    text = (
        f"{sentence(figure['title'])} {DEFINED} The accuracy is that after fine-tuning, of {whose}. {INFERRED} "
        f"{sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *readings]) + "\n"


def draw_accuracy(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw the accuracy on every variant before fine-tuning, and after it the mean over the others fine-tuned on."""
    reference = figure["reference"]
    used = rows[rows["counts"] | (rows["tested_on"] == reference)]
    names = [reference, *figure["tested_on"]]
    key = ["method", "distribution", "architecture", "tested_on"]
    means = used.groupby(key)[["before", "after"]].mean().reset_index()
    networks, methods = networks_of(means, figure), methods_of(means, figure)
    looks = looks_of(methods)
    step = _VARIANT / (len(methods) + 1)
    footer = ["After: mean over the other variants fine-tuned on, and over seeds."]
    page, panels = _panels(networks, methods, _VARIANT * len(names) * 1.2, _ACCURACY_LEFT, footer, figure)
    for number, (network, axes) in enumerate(zip(networks, panels, strict=True)):
        some = rows_of(means, network).set_index(["method", "tested_on"])
        for place, name in enumerate(names):
            before = some.xs(name, level="tested_on")["before"].mean()
            axes.plot([before] * 2, [-place - 0.4, -place + 0.4], color="black", linewidth=1.2)
            for row, method in enumerate(methods):
                if (method, name) not in some.index:
                    continue
                y = -place + 0.4 - (row + 1) * 0.8 / (len(methods) + 1)
                after = some.loc[(method, name), "after"]
                axes.plot([before, after], [y, y], color="0.7", linewidth=0.6, zorder=1)
                axes.plot(after, y, marker=looks[method].marker, color=looks[method].colour, markersize=3.2 + step)
        labels = ["\n".join(wrap_words(figure["variants"][name], _ACCURACY_LEFT - 0.2, SMALL)) for name in names]
        axes.set_yticks(range(0, -len(names), -1), labels if number % _ACROSS == 0 else [], fontsize=SMALL)
        axes.set_ylim(-len(names) + 0.45, 0.55)
        axes.set_xlabel("Accuracy (%)")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
    _share(panels, "x")
    before = Line2D([], [], linestyle="", marker="|", color="black", markersize=9, markeredgewidth=1.2)
    _legend(page, methods, looks, figure, [(before, "before fine-tuning")])
    readings = []
    for network in networks:
        some = rows_of(means, network)
        for method in methods:
            own = some[(some["method"] == method) & (some["tested_on"] != reference)]
            base = some[(some["method"] == method) & (some["tested_on"] == reference)]
            if own.empty or base.empty:
                continue
            name = network_name(network, figure).replace("\n", " ")
            readings.append(
                f"- {name}, {figure['methods'][method]}: {figure['variants'][reference]} "
                f"{base['before'].iloc[0]:.1f} % before and {base['after'].iloc[0]:.1f} % after; mean of the "
                f"shifted variants {own['before'].mean():.1f} % and {own['after'].mean():.1f} %."
            )
    text = (
        f"{sentence(figure['title'])} Accuracy on every variant before fine-tuning, and after it as a mean over the "
        f"other variants fine-tuned on and over seeds. {figure['variants'][reference]} is no shift and in no mean. "
        f"{sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *readings]) + "\n"


def _panels(
    networks: list[tuple[str, str]],
    methods: list[str],
    tall: float,
    left: float,
    footer: list[str],
    figure: Mapping[str, Any],
) -> tuple[Page, list[Axes]]:
    """Return a page with a panel a network, two in a row, and room for a legend above."""
    down = -(-len(networks) // _ACROSS)
    each = tall + _PANEL_TITLE + _BELOW
    legend = _legend_height(methods)
    page = make_page(FULL_WIDTH, down * each + legend, figure["title"], footer, figure["note"] or "")
    width = (page.width - left - 2 * MARGIN - _SPACE - (left if left < 1 else 0)) / _ACROSS
    panels = []
    for number, network in enumerate(networks):
        across, row = number % _ACROSS, number // _ACROSS
        bottom = page.top - legend - (row + 1) * each + _BELOW
        place = left + across * (width + _SPACE + (left if left < 1 else 0))
        axes = page.add_axes(place, bottom, width, tall, label=str(number))
        axes.set_title(network_name(network, figure, width), fontsize=SMALL)
        panels.append(axes)
    return page, panels


def _legend_height(methods: list[str]) -> float:
    return LEGEND_LINE * (1 + len(methods) // 3) + 0.1


def _legend(
    page: Page,
    methods: list[str],
    looks: Mapping[str, SeriesStyle],
    figure: Mapping[str, Any],
    more: list[tuple[Line2D, str]],
) -> None:
    marks = [Line2D([], [], linestyle="", marker=looks[one].marker, color=looks[one].colour) for one in methods]
    labels = [figure["methods"][one] for one in methods]
    write_legend(page, [*marks, *(mark for mark, _ in more)], [*labels, *(label for _, label in more)])


def _share(panels: list[Axes], axis: str) -> None:
    """Give all panels the same limits."""
    ends = [end for axes in panels for end in getattr(axes, f"get_{axis}lim")()]
    for axes in panels:
        getattr(axes, f"set_{axis}lim")(min(ends), max(ends))
