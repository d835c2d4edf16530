"""What fine-tuning changes against the distance of data sets by optimal transport."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from pretraining_robustness.figures.imagenet_rib import RI, Shown, lay_out, of, set_grid, zero_line
from pretraining_robustness.figures.line_names import spread
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import axes_size
from pretraining_robustness.figures.text import SMALL, width
from pretraining_robustness.imagenet_rib.indices import robustness_improvement
from pretraining_robustness.imagenet_rib.transport import correlations, with_distances
from pretraining_robustness.trends.conclusions import p_in_words

READS = {"rows": "imagenet_rib/cells.csv", "distances": "imagenet_rib/distances.csv"}
_TALL, _LEADER = 2.4, 0.2  # inches
_KEY = ["method", "distribution", "architecture"]


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw RI against the distance from ImageNet, and every change of accuracy against that of its two variants."""
    shown = Shown.read(files, figure)
    reference = figure["reference"]
    cells = with_distances(shown.rows, shown.beside["distances"])
    used = cells[cells["counts"]]
    away = of(cells, tested_on=reference).drop_duplicates("fine_tuned_on").set_index("fine_tuned_on")["otdd"]
    of_ri = robustness_improvement(used).groupby([*_KEY, "fine_tuned_on"])["RI"].mean().reset_index()
    of_cells = used.groupby([*_KEY, "fine_tuned_on", "tested_on"])[["change", "otdd"]].mean().reset_index()
    label = shown.variant(reference)
    above = max(width(shown.variant(name), SMALL) for name in away.index) + _LEADER + 0.08
    page, ((left, right),) = lay_out(
        shown, [_TALL], [1, 1], left=[0.75, 0.8], above=above, legend=shown.legend(),
        footer="Left: one mark for each network and variant fine-tuned on. Right: one mark for each network, variant "
        "fine-tuned on and other variant tested on. Means over seeds. OTDD: optimal transport dataset distance.",
    )  # fmt: skip
    box = right.get_position()  # as high as the names above the left panel
    right.set_position((box.x0, box.y0, box.width, box.height + (above - 0.1) / page.height))
    for method in shown.methods:
        own, pairs, style = of(of_ri, method=method), of(of_cells, method=method), shown.looks[method]
        left.plot(own["fine_tuned_on"].map(away), own["RI"], linestyle="", markersize=4, **style)
        right.plot(pairs["otdd"], pairs["change"], linestyle="", markersize=2.5, alpha=0.7, **style)
    for axes, across, up in (
        (left, f"Distance from {label} (OTDD)", RI),
        (right, "Distance of the two variants (OTDD)", "Change of accuracy\n(percentage points)"),
    ):
        axes.set_xlabel(across)
        axes.set_ylabel(up)
        zero_line(axes, across=True)
        set_grid(axes)
    _name_places(left, {shown.variant(str(name)): place for name, place in away.items()})
    found = correlations(cells, reference, figure["permutations"], figure["seed"])
    readings = [
        (shown.network(network), shown.method(row["method"]), _in_words(row))
        for network in shown.networks
        for row in of(found, network).to_dict("records")
    ]
    return shown.drawing(page.figure, "transport.jinja", tuned=len(away), readings=readings)


def _name_places(axes: Axes, places: Mapping[str, float]) -> None:
    """Write names upright above axes at their places, moved aside so that none touch, with lines that lead there."""
    across, down = axes_size(axes)
    low, high = axes.get_xlim()
    named = sorted(((place - low) / (high - low), name) for name, place in places.items())
    moved = 1 - np.array(spread([1 - place for place, _ in named], [SMALL * 1.5 / 72 / across] * len(named)))
    for (place, name), x in zip(named, moved, strict=True):
        ends: dict[str, Any] = {"color": "0.55", "linewidth": 0.6, "transform": axes.transAxes, "clip_on": False}
        axes.plot([place, x], [1, 1 + _LEADER / down], **ends)
        axes.text(x, 1 + (_LEADER + 0.03) / down, name, rotation=90, fontsize=SMALL, color="0.2", ha="center",
                  va="bottom", transform=axes.transAxes)  # fmt: skip


def _in_words(row: Mapping[Any, Any]) -> dict[str, str]:
    names = ("of_ri", "of_reference", "of_cells")
    return {name: f"{row[name]:+.2f} ({p_in_words(row[f'p_{name}'])})" for name in names}
