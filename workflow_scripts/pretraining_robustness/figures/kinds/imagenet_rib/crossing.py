"""mRI against what networks were pre-trained on: the crossing of both studies, a panel for each intervention."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from pretraining_robustness.figures.imagenet_rib import (
    MRI,
    LegendEntry,
    Shown,
    lay_out,
    of,
    rows_of_methods,
    set_grid,
    share,
    zero_line,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.text import SMALL, wrap
from pretraining_robustness.imagenet_rib.comparison import ALL

READS = {
    "rows": "imagenet_rib/indices.csv",
    "means": "imagenet_rib/crossing/{figure}/means.csv",
    "trends": "imagenet_rib/crossing/{figure}/trends.csv",
}
_POINT, _BETWEEN, _NAMES = 0.17, 0.13, 2.5  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw mRI, and mean accuracy before and after, of the series of every panel."""
    shown = Shown.read(files, figure)
    networks = of(shown.rows, fine_tuned_on=ALL, counting="all")
    means = of(shown.beside["means"], counting="all")
    methods = shown.methods
    groups = [of(means, panel=panel["title"]) for panel in figure["panels"]]
    series = [list(dict.fromkeys(some["series"])) for some in groups]
    page, panels = lay_out(
        shown, [len(names) * (len(methods) * _POINT + _BETWEEN) for names in series], [1, 1], left=[_NAMES, 0.2],
        below=0.5, legend=_legend(shown),
        footer=f"Whiskers: {shown.level} intervals over networks, which differ in architecture or seed. Mean accuracy: "
        "over the shifted variants; after fine-tuning, of those that a network was not fine-tuned on.",
    )  # fmt: skip
    for panel, names, some, (left, right) in zip(figure["panels"], series, groups, panels, strict=True):
        places = rows_of_methods(left, len(names), len(methods), _POINT, _BETWEEN)
        right.set_ylim(left.get_ylim())
        for name, heights in zip(names, places, strict=True):
            for method, y in zip(methods, heights, strict=True):
                look = shown.looks[method]
                own = of(networks, method=method, distribution=name)
                left.plot(own["index"], [y] * len(own), linestyle="", markersize=2.5, alpha=0.55, **look)
                for row in of(some, method=method, series=name).to_dict("records"):
                    error = [[row["mri"] - row["low"]], [row["high"] - row["mri"]]] if pd.notna(row["low"]) else None
                    left.errorbar(row["mri"], y, xerr=error, markersize=5, linewidth=0.9, capsize=2, **look)
                    right.plot([row["before"], row["after"]], [y, y], color="0.6", linewidth=0.8, zorder=1)
                    right.plot(row["before"], y, linestyle="", markersize=5, fillstyle="none", **look)
                    right.plot(row["after"], y, linestyle="", markersize=5, **look)
        middles = [(heights[0] + heights[-1]) / 2 for heights in places]
        labels = ["\n".join(wrap(figure["networks"][name], _NAMES - 0.2, SMALL)[:2]) for name in names]
        left.set_yticks(middles, labels, fontsize=SMALL)
        right.set_yticks(middles, [""] * len(middles))
        left.set_title(panel["title"], loc="left")
        left.set_xlabel(MRI)
        right.set_xlabel("Mean accuracy on\nshifted variants (%)")
        zero_line(left)
        for axes in (left, right):
            set_grid(axes, "x")
    for column in (0, 1):
        share([row[column] for row in panels], "x")
    facts: dict[str, Any] = {"networks": len(networks[["distribution", "architecture", "seed"]].drop_duplicates())}
    trends = shown.beside["trends"]
    found = [(row["counting"], row["panel"], shown.method(row["method"]), row["conclusion"])
             for row in trends.to_dict("records")]  # fmt: skip
    facts["found"] = [row[1:] for row in found if row[0] == "all"]
    facts["apart"] = [row[1:] for row in found if row[0] != "all"]
    facts["missing"] = [label for name, label in figure["networks"].items() if name not in set(means["series"])]
    return shown.drawing(page.figure, "crossing.jinja", **facts)


def _legend(shown: Shown) -> list[LegendEntry]:
    entries: list[LegendEntry] = []
    for method in shown.methods:
        look, name = shown.looks[method], shown.method(method)
        entries.append((Line2D([], [], linestyle="", markersize=5, **look), f"{name}: mean"))
        entries.append((Line2D([], [], linestyle="", markersize=2.5, alpha=0.55, **look), "each network"))
        before = Line2D([], [], linestyle="", markersize=5, fillstyle="none", **look)
        entries.append((before, "before fine-tuning (right)"))
    return entries
