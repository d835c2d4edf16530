"""Accuracy on every variant against that on ImageNet, before and after fine-tuning, with baselines.

Its rows are `effective` of `imagenet_rib.effective`; beside them are its `lines` and `points`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy import special

from pretraining_robustness.figures.imagenet_rib import (
    LEGEND_LINE,
    Beside,
    drawn,
    looks_of,
    methods_of,
    network_name,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import fitting_size
from pretraining_robustness.figures.words import count, sentence

READS = {"rows": "imagenet_rib/effective.csv", "lines": "imagenet_rib/lines.csv", "points": "imagenet_rib/points.csv"}

_ACROSS, _PANEL_TITLE, _LEFT, _BELOW, _SPACE = 4, 0.28, 0.55, 0.42, 0.3  # panels; inches
_TITLE = 9  # points
_TICKS = np.array([1, 2, 5, 10, 20, 30, 50, 70, 80, 90, 95, 98, 99])
_KEY = ["method", "distribution", "architecture"]


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_effective)


def draw_effective(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw a panel a variant on logit axes: baseline networks and their line, and networks before and after."""
    used = rows[rows["counts"]]
    methods, lines, points = methods_of(used, figure), beside["lines"].set_index("tested_on"), beside["points"]
    looks = looks_of(methods)
    variants = [name for name in figure["tested_on"] if name in set(used["tested_on"])]
    down = -(-len(variants) // _ACROSS)
    size = (FULL_WIDTH - _LEFT - 2 * MARGIN - (_ACROSS - 1) * _SPACE) / _ACROSS
    legend = LEGEND_LINE * (1 + (len(methods) + 1) // 3) + 0.1
    footer = [
        f"Grey: {int(lines['networks'].max())} networks trained on ImageNet alone, before fine-tuning, and their "
        "least-squares line; open: a network before fine-tuning; filled: after it, mean over the other variants "
        "fine-tuned on. Logit axes."
    ]
    page = make_page(FULL_WIDTH, down * (size + _PANEL_TITLE + _BELOW) + legend, figure["title"], footer,
                     figure["note"] or "")  # fmt: skip
    means = (
        used.groupby([*_KEY, "seed", "tested_on"])[["id_before", "id_after", "before", "after"]].mean().reset_index()
    )
    x_all = np.concatenate([means["id_before"], means["id_after"], points["id"]])
    for number, name in enumerate(variants):
        across, row = number % _ACROSS, number // _ACROSS
        bottom = page.top - legend - (row + 1) * (size + _PANEL_TITLE + _BELOW) + _BELOW
        axes = page.add_axes(_LEFT + across * (size + _SPACE), bottom, size, size, name)
        own, line = points[points["tested_on"] == name], lines.loc[name]
        axes.plot(_place(own["id"]), _place(own["ood"]), "o", color="0.65", markersize=3, zorder=1)
        ends = np.array([_place(x_all).min(), _place(x_all).max()])
        axes.plot(ends, line["slope"] * ends + line["intercept"], color="0.5", linewidth=0.9, zorder=1)
        for method in methods:
            look: dict[str, Any] = {"marker": looks[method].marker, "color": looks[method].colour, "linestyle": ""}
            some = means[(means["method"] == method) & (means["tested_on"] == name)]
            before, after = ((_place(some[f"id_{when}"]), _place(some[when])) for when in ("before", "after"))
            axes.plot(np.stack([before[0], after[0]]), np.stack([before[1], after[1]]), color="0.75", linewidth=0.5)
            axes.plot(*before, markersize=3.5, fillstyle="none", **look)
            axes.plot(*after, markersize=3.5, **look)
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            shown = _TICKS[(_place(_TICKS) >= limits[0]) & (_place(_TICKS) <= limits[1])]
            axis.set_ticks(_place(shown), [f"{tick:g}" for tick in shown])
        title = figure["variants"][name]
        axes.set_title(title, fontsize=fitting_size(title, size, _TITLE))
        axes.grid()
        axes.set_axisbelow(True)
        if across == 0:
            axes.set_ylabel("Accuracy on the variant (%)")
        if number + _ACROSS >= len(variants):
            axes.set_xlabel("On ImageNet (%)")
    marks = [Line2D([], [], linestyle="", marker=looks[one].marker, color=looks[one].colour) for one in methods]
    marks += [Line2D([], [], linestyle="", marker="o", color="0.3", fillstyle="none")]
    marks += [Line2D([], [], linestyle="-", marker="o", color="0.65", markersize=3)]
    labels = [*(figure["methods"][one] for one in methods), "before fine-tuning", "trained on ImageNet alone"]
    write_legend(page, marks, labels, 3)
    return page.figure, _caption(used, lines, figure)


def _place(percent: Any) -> np.ndarray:
    return special.logit(np.asarray(percent, dtype=np.float64) / 100)


def _caption(used: pd.DataFrame, lines: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    readings = []
    for (method, distribution, architecture), some in used.groupby(_KEY, sort=False):
        name = network_name((str(distribution), str(architecture)), figure).replace("\n", " ")
        mean = some[["effective_before", "effective_after"]].mean()
        readings.append(
            f"- {name}, {figure['methods'][method]}: effective robustness {mean['effective_before']:+.2f} points "
            f"before and {mean['effective_after']:+.2f} after fine-tuning, mean over {count(len(some), 'cell')}."
        )
    fits = ", ".join(f"{figure['variants'][name]} {row['r_squared']:.2f}" for name, row in lines.iterrows())
    outside = int(used["extrapolated"].sum())
    text = (
        f"{sentence(figure['title'])} Effective robustness (Taori et al. 2020): height above the line of "
        f"{int(lines['networks'].max())} networks trained on ImageNet alone, fitted on logit axes for each variant; R² "
        f"of the lines: {fits}. Accuracy on ImageNet is over all of its classes for every variant, also for those "
        f"that have only some. {count(outside, 'cell')} of {len(used)} lie outside the baseline's range of accuracy on "
        "ImageNet, where the line is extrapolated. Neither paper applies it to fine-tuning on variants; this is ours. "
        f"{sentence(figure['note'])}"
    )
    return "\n".join([text.strip(), "", *readings]) + "\n"
