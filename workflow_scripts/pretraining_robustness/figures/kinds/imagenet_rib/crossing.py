"""mRI against what networks were pre-trained on: the crossing of both studies, a panel an intervention.

Its rows are the indices of `imagenet_rib.results`; beside them are `means` and `trends` of `imagenet_rib.crossing`.
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
    NAMES,
    Beside,
    drawn,
    looks_of,
    methods_of,
    named_variants,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.figures.words import count, sentence
from pretraining_robustness.imagenet_rib.comparison import ALL

READS = {
    "rows": "imagenet_rib/indices.csv",
    "means": "imagenet_rib/crossing/{figure}/means.csv",
    "trends": "imagenet_rib/crossing/{figure}/trends.csv",
}

_COUNTING = "all"
_POINT, _BETWEEN, _PANEL_TITLE, _X_LABEL, _SPACE = 0.17, 0.13, 0.3, 0.4, 0.3  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_crossing)


def draw_crossing(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw mRI, and mean accuracy before and after, of the series of every panel; return the figure and its caption."""
    shown = rows[(rows["fine_tuned_on"] == ALL) & (rows["counting"] == _COUNTING)]
    means = beside["means"][beside["means"]["counting"] == _COUNTING]
    methods = methods_of(shown, figure)
    panels = [(panel, means[means["panel"] == panel["title"]]) for panel in figure["panels"]]
    each = len(methods) * _POINT + _BETWEEN
    heights = [each * some["series"].nunique() for _, some in panels]
    contents = sum(heights) + len(panels) * (_PANEL_TITLE + _X_LABEL) + 2 * LEGEND_LINE
    interval = f"{100 * figure['confidence']:g} % intervals over networks, which differ in architecture or seed"
    footer = [f"Large marks: means over networks; small: each network; whiskers: {interval}."]
    page = make_page(FULL_WIDTH, contents, figure["title"], footer, figure["note"] or "")
    width = (page.width - NAMES - 2 * MARGIN - _SPACE) / 2
    looks = looks_of(methods)
    top = page.top - 2 * LEGEND_LINE
    columns: tuple[list[Axes], list[Axes]] = ([], [])
    for (panel, some), tall in zip(panels, heights, strict=True):
        bottom = top - _PANEL_TITLE - tall
        lefts = (NAMES, NAMES + width + _SPACE)
        both = [page.add_axes(left, bottom, width, tall, f"{panel['title']} {left}") for left in lefts]
        series = list(dict.fromkeys(some["series"]))
        for number, name in enumerate(series):
            for step, method in enumerate(methods):
                y = -(number * each + step * _POINT)
                look: dict[str, Any] = {"marker": looks[method].marker, "color": looks[method].colour}
                own = shown[(shown["distribution"] == name) & (shown["method"] == method)]
                both[0].plot(own["index"], [y] * len(own), linestyle="", markersize=2.5, alpha=0.55, **look)
                for row in some[(some["series"] == name) & (some["method"] == method)].to_dict("records"):
                    ends = [[row["mri"] - row["low"]], [row["high"] - row["mri"]]]
                    error = ends if pd.notna(row["low"]) else None
                    both[0].errorbar(row["mri"], y, xerr=error, markersize=5, linewidth=0.9, capsize=2, **look)
                    both[1].plot([row["before"], row["after"]], [y, y], color="0.6", linewidth=0.8, zorder=1)
                    both[1].plot(row["before"], y, linestyle="", markersize=5, fillstyle="none", **look)
                    both[1].plot(row["after"], y, linestyle="", markersize=5, **look)
        for axes, column in zip(both, columns, strict=True):
            axes.set_ylim(-tall + _BETWEEN / 2 + _POINT / 2, _BETWEEN / 2 + _POINT / 2)
            axes.grid(axis="x")
            axes.set_axisbelow(True)
            column.append(axes)
        middles = [-(number * each + (len(methods) - 1) * _POINT / 2) for number in range(len(series))]
        names = ["\n".join(wrap_words(figure["networks"][name], NAMES - 0.3, SMALL)[:2]) for name in series]
        both[0].set_yticks(middles, names, fontsize=SMALL)
        both[1].set_yticks(middles, [])
        both[0].axvline(0, color="0.3", linewidth=0.7)
        both[0].set_title(panel["title"], loc="left")
        both[0].set_xlabel("mRI (percentage points)")
        both[1].set_xlabel("Mean accuracy on shifted variants (%)")
        top = bottom - _X_LABEL
    for column in columns:
        reach = [end for axes in column for end in axes.get_xlim()]
        for axes in column:
            axes.set_xlim(min(reach), max(reach))
    marks = [Line2D([], [], linestyle="", marker=looks[one].marker, color=looks[one].colour) for one in methods]
    grey: dict[str, Any] = {"linestyle": "", "marker": "o", "color": "0.3"}
    marks += [Line2D([], [], fillstyle="none", **grey), Line2D([], [], **grey)]
    labels = [*(figure["methods"][one] for one in methods), "accuracy before fine-tuning", "accuracy after"]
    write_legend(page, marks, labels, 3)
    return page.figure, _caption(shown, means, beside["trends"], figure)


def _caption(shown: pd.DataFrame, means: pd.DataFrame, trends: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    found = trends[trends["counting"] == _COUNTING]
    said = [
        f"{one['panel']}, {figure['methods'][one['method']]}: {one['conclusion']}" for one in found.to_dict("records")
    ]
    networks = len(shown[["distribution", "architecture", "seed"]].drop_duplicates())
    shared = trends[trends["counting"] != _COUNTING].to_dict("records")
    without = [f"{one['panel']}, {figure['methods'][one['method']]}: {one['conclusion']}" for one in shared]
    paragraph = (
        f"{sentence(figure['title'])} {count(networks, 'network')} that differ in what they were pre-trained on alone, "
        f"fine-tuned by one recipe. {DEFINED} Variants: {named_variants(figure['tested_on'], figure)}. The accuracy "
        "shown is the mean over these variants before fine-tuning, and after it the mean over the variants fine-tuned "
        f"on of the mean over the others; their difference is mRI. {INFERRED} Neither paper makes this comparison; its "
        f"tests are ours. {sentence(figure['note'])}"
    )
    lines = [paragraph.strip(), "", *(f"- {one}" for one in said)]
    if without:
        lines += ["", f"Without {named_variants(figure['sharing'], figure)} for one another:", ""]
        lines += [f"- {one}" for one in without]
    missing = [figure["networks"][name] for name in figure["networks"] if name not in set(means["series"])]
    if missing:
        lines += ["", f"Not fine-tuned here: {'; '.join(missing)}."]
    return "\n".join(lines) + "\n"
