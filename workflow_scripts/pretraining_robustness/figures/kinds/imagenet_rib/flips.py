"""How many answers fine-tuning turns right and wrong. Its rows are cell_means of `imagenet_rib.results`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import (
    LEGEND_LINE,
    NAMES,
    Beside,
    drawn,
    looks_of,
    methods_of,
    named_variants,
    network_name,
    networks_of,
    rows_of,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL
from pretraining_robustness.figures.words import count, sentence

READS = {"rows": "imagenet_rib/cell_means.csv"}

_BAR, _BETWEEN, _BELOW = 0.16, 0.14, 0.45  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_flips)


def draw_flips(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw the parts of images whose answer became wrong and right, by network and method."""
    used = rows[rows["counts"]]
    networks, methods = networks_of(used, figure), methods_of(used, figure)
    looks = looks_of(methods)
    each = len(methods) * _BAR + _BETWEEN
    tall = len(networks) * each
    footer = [
        "Left of 0: images whose answer was right and became wrong; right of 0: was wrong and became right. Lines: the "
        "difference, the change of accuracy. Numbers: images whose answer changed at all."
    ]
    legend = LEGEND_LINE * (1 + (len(methods) - 1) // 3) + 0.1
    page = make_page(FULL_WIDTH, tall + _BELOW + legend, figure["title"], footer, figure["note"] or "")
    axes = page.add_axes(NAMES, page.bottom + _BELOW, page.width - NAMES - 2 * MARGIN, tall)
    readings = []
    for number, network in enumerate(networks):
        for step, method in enumerate(methods):
            some = rows_of(used, network, method)
            if some.empty:
                continue
            mean = some[["gained", "lost", "changed", "change"]].mean()
            y = -(number * each + step * _BAR)
            label = figure["methods"][method] if number == 0 else None
            axes.barh(y, mean["gained"], height=0.85 * _BAR, color=looks[method].colour, label=label)
            axes.barh(y, -mean["lost"], height=0.85 * _BAR, color=looks[method].colour, alpha=0.55)
            axes.plot([mean["change"]] * 2, [y - 0.42 * _BAR, y + 0.42 * _BAR], color="black", linewidth=1.6)
            axes.annotate(f"{mean['changed']:.0f} %", (mean["gained"], y), (3, 0), textcoords="offset points",
                          fontsize=SMALL - 1, va="center", color="0.25")  # fmt: skip
            name = network_name(network, figure).replace("\n", " ")
            readings.append(
                f"- {name}, {figure['methods'][method]}: {mean['gained']:.1f} % became right, {mean['lost']:.1f} % "
                f"wrong, {mean['changed']:.1f} % changed."
            )
    axes.axvline(0, color="0.3", linewidth=0.7)
    axes.set_ylim(-tall + _BETWEEN / 2 + _BAR / 2, _BETWEEN / 2 + _BAR / 2)
    middles = [-(number * each + (len(methods) - 1) * _BAR / 2) for number in range(len(networks))]
    axes.set_yticks(middles, [network_name(network, figure) for network in networks])
    low, high = axes.get_xlim()
    axes.set_xlim(low, high + 0.06 * (high - low))
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_xlabel("Images of other variants whose answer turned (%)")
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    handles, labels = axes.get_legend_handles_labels()
    write_legend(page, handles, labels, 3)
    pairs = used.groupby(["fine_tuned_on", "tested_on"]).ngroups
    text = (
        f"{sentence(figure['title'])} Predictions before and after fine-tuning, compared image by image; means over "
        f"the {count(pairs, 'pair')} of a variant fine-tuned on and another "
        f"tested on ({named_variants(figure['tested_on'], figure)}), unweighted, and over seeds. {footer[0]} The "
        f"paper (arXiv 2410.21582) shows no such numbers; its reviewers asked for them. {sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *readings]) + "\n"
