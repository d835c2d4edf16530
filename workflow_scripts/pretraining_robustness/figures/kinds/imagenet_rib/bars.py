"""mRI of every network as bars, with intervals, with and without the cells of shared images."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pretraining_robustness.figures.imagenet_rib import (
    MRI,
    NAMES,
    LegendEntry,
    Shown,
    lay_out,
    of,
    rows_of_methods,
    set_grid,
    share,
    whiskers,
    zero_line,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.imagenet_rib.comparison import ALL, COUNTINGS

READS = {
    "rows": "imagenet_rib/means.csv",
    "published": "config",  # published mRI: architecture, method, mri, rows
}
_BAR, _BETWEEN = 0.14, 0.2  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a bar for each network and method, a panel for each way of counting."""
    shown = Shown.read(files, figure)
    means = of(shown.rows, fine_tuned_on=ALL)
    networks, methods = shown.networks, shown.methods
    known = shown.beside.get("published", pd.DataFrame(columns=["architecture", "method", "mri", "rows"]))
    found = known.set_index(["architecture", "method"])["mri"].to_dict()
    published = {
        key: mri for key, mri in found.items() if key in {(one[1], name) for one in networks for name in methods}
    }
    countings = COUNTINGS if figure["sharing"] else COUNTINGS[:1]
    over_seeds = bool(means["seeds"].max() > 1)
    tall = len(networks) * (len(methods) * _BAR + _BETWEEN)
    page, ((*panels,),) = lay_out(
        shown, [tall], [1.0] * len(countings), left=[NAMES, 0.2][: len(countings)], below=0.6,
        legend=_legend(shown, over_seeds, bool(published)),
    )  # fmt: skip
    for axes, counting in zip(panels, countings, strict=True):
        axes.set_title("All variants" if counting == "all" else "Without shared images", loc="left")
        places = rows_of_methods(axes, len(networks), len(methods), _BAR, _BETWEEN)
        for network, heights in zip(networks, places, strict=True):
            for method, y in zip(methods, heights, strict=True):
                for row in of(means, network, method, counting=counting).to_dict("records"):
                    axes.barh(y, row["index"], height=0.85 * _BAR, color=shown.looks[method]["color"])
                    whiskers(axes, row["index"], y, (row["low_images"], row["high_images"]), over_seeds=False)
                    if row["seeds"] > 1:
                        whiskers(axes, row["index"], y, (row["low"], row["high"]), over_seeds=True)
                if counting == "all" and (network[1], method) in published:
                    axes.plot(published[network[1], method], y, "d", color="black", markersize=4, zorder=5)
        zero_line(axes)
        names = map(shown.wrapped_network, networks) if axes is panels[0] else [""] * len(networks)
        axes.set_yticks([(heights[0] + heights[-1]) / 2 for heights in places], list(names))
        axes.set_xlabel(MRI)
        set_grid(axes, "x")
    share(panels, "x")
    counted = of(means, counting="all").to_dict("records")
    return shown.drawing(
        page.figure, "bars.jinja", over_seeds=over_seeds,
        published=sorted({int(rows) for rows in known["rows"]} if published else []),
        readings=[(shown.network((one["distribution"], one["architecture"])), shown.method(one["method"]), one)
                  for one in counted],
    )  # fmt: skip


def _legend(shown: Shown, over_seeds: bool, published: bool) -> list[LegendEntry]:
    entries: list[LegendEntry] = [
        (Patch(color=shown.looks[method]["color"]), shown.method(method)) for method in shown.methods
    ]
    entries.append((Line2D([], [], color="0.45", linewidth=3.2), f"{shown.level} interval over images"))
    if over_seeds:
        thin = Line2D([], [], color="0.05", linewidth=0.8, marker="|", markersize=5)
        entries.append((thin, f"{shown.level} interval over images and seeds"))
    if published:
        entries.append((Line2D([], [], linestyle="", marker="d", color="black", markersize=4), "published mRI"))
    return entries
