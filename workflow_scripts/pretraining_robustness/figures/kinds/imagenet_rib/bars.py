"""mRI of every network as bars, with intervals over images and over seeds, without and with the cells of shared images.

Rows: the means of `imagenet_rib.results`; beside them, `published` has published mRI (architecture, method, mri).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from pretraining_robustness.figures.imagenet_rib import (
    INFERRED,
    NAMES,
    Beside,
    add_legend,
    drawn,
    looks_of,
    methods_of,
    named_variants,
    network_name,
    networks_of,
    rows_of,
    without_shared,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.imagenet_rib.comparison import ALL, COUNTINGS

READS = {"rows": "imagenet_rib/means.csv", "published": "config"}

_BAR, _BETWEEN, _BELOW = 0.13, 0.2, 0.45  # inches
_OUTLINE = [withStroke(linewidth=2.4, foreground="white")]  # so that whiskers are seen on dark bars


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_bars)


def draw_bars(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw a bar of mRI for each network and method; return the figure and its caption."""
    means = rows[rows["fine_tuned_on"] == ALL]
    networks, methods = networks_of(means, figure), methods_of(means, figure)
    known = beside.get("published", pd.DataFrame(columns=["architecture", "method", "mri"]))
    published = known.set_index(["architecture", "method"])["mri"].to_dict()
    each = len(methods) * _BAR + _BETWEEN
    tall = len(networks) * each
    text = _caption(means, figure)
    footer = [f"Bars: mRI; whiskers: {_whiskers(means, figure)} {without_shared(figure)}".rstrip()]
    if any((network[1], method) in published for network in networks for method in methods):
        said = "Diamonds: mRI of the same network as published, read off the vector figure to 0.03."
        footer, text = [f"{footer[0]} {said}"], f"{text.rstrip()}\n\n{said}\n"
    page = make_page(FULL_WIDTH, tall + _BELOW + 0.25 * (1 + len(methods) // 3) + 0.25, figure["title"], footer,
                     figure["note"] or "")  # fmt: skip
    countings = COUNTINGS if figure["sharing"] else COUNTINGS[:1]
    width = (page.width - NAMES - 3 * MARGIN) / len(countings)
    looks = looks_of(methods)
    panels = []
    for place, counting in enumerate(countings):
        axes = page.add_axes(NAMES + place * (width + MARGIN), page.bottom + _BELOW, width, tall, counting)
        axes.set_title("All variants" if counting == "all" else "Without shared images")
        for number, network in enumerate(networks):
            for step, method in enumerate(methods):
                for row in rows_of(means, network, method, counting).to_dict("records"):
                    y = -(number * each + step * _BAR)
                    label = figure["methods"][method] if number == 0 else None
                    axes.barh(y, row["index"], height=0.85 * _BAR, color=looks[method].colour, label=label)
                    if counting == COUNTINGS[0] and (network[1], method) in published:
                        axes.plot(published[network[1], method], y, "d", color="black", markersize=4)
                    for low, high, line in (("low_images", "high_images", 1.8), ("low", "high", 0.7)):
                        ends = [[row["index"] - row[low]], [row[high] - row["index"]]]
                        cap = 1.5 if low == "low" else 0
                        axes.errorbar(row["index"], y, xerr=ends, color="0.1", linewidth=line, capsize=cap,
                                      path_effects=_OUTLINE)  # fmt: skip
        axes.axvline(0, color="0.3", linewidth=0.7)
        axes.set_ylim(-tall + _BETWEEN / 2 + _BAR / 2, _BETWEEN / 2 + _BAR / 2)
        middles = [-(number * each + (len(methods) - 1) * _BAR / 2) for number in range(len(networks))]
        axes.set_yticks(middles, [network_name(network, figure) for network in networks] if place == 0 else [])
        axes.set_xlabel("mRI (percentage points)")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        panels.append(axes)
    reach = [end for axes in panels for end in axes.get_xlim()]
    for axes in panels:
        axes.set_xlim(min(reach), max(reach))
    add_legend(page, panels[0])
    return page.figure, text


def _whiskers(means: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    """Say what the intervals are over: images, and seeds where there are several."""
    level = f"{100 * figure['confidence']:g} % intervals"
    if means["seeds"].max() > 1:
        return f"{level}, thick over images, thin over images and seeds."
    return f"{level} over images; of one seed, so that other seeds are not in them."


def _caption(means: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    readings = []
    for one in means[means["counting"] == "all"].to_dict("records"):
        name = network_name((one["distribution"], one["architecture"]), figure).replace("\n", " ")
        seeds = f"{one['seeds']} seed{'s' if one['seeds'] > 1 else ''}"
        readings.append(
            f"- {name}, {figure['methods'][one['method']]}, {seeds}: mRI {one['index']:+.2f} "
            f"[{one['low']:+.2f}, {one['high']:+.2f}], mean accuracy {one['before']:.2f} before and {one['after']:.2f} "
            "after."
        )
    base = figure["variants"][figure["reference"]]
    last = " ".join(filter(None, [without_shared(figure), INFERRED, sentence(figure["note"])]))
    paragraph = (
        f"{sentence(figure['title'])} mRI: mean over the variants of {base} that a network is fine-tuned on of the "
        f"mean change of accuracy on the others, in percentage points. Variants: "
        f"{named_variants(figure['tested_on'], figure)}. Bars are means over seeds; {_whiskers(means, figure)} Images "
        f"are paired before and after, and the renderings of one image are one cluster. {last}"
    )
    return "\n".join([paragraph.strip(), "", *readings]) + "\n"
