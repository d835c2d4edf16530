"""WiSE-FT from the network before fine-tuning to the one after it. Its rows are the cells of `imagenet_rib.results`.

`alphas` of the figure says which part of the way each method goes; the network before is at 0.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import (
    DEFINED,
    INFERRED,
    LEGEND_LINE,
    LOOKS,
    Beside,
    drawn,
    network_name,
    networks_of,
    rows_of,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.imagenet_rib.tradeoff import tradeoff

READS = {"rows": "imagenet_rib/cells.csv"}

_TALL, _LEFT, _BELOW, _SPACE = 2.3, 0.7, 0.45, 0.75  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_alphas)


def draw_alphas(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw mRI and the mean accuracy on the variants fine-tuned on against alpha, a line a network."""
    swept = sweep(rows, figure["alphas"])
    networks = networks_of(swept, figure)[: len(LOOKS)]
    held_out = bool(swept["held_out"].all())
    whose = "held-out images of them" if held_out else "the images of them that were fine-tuned on"
    footer = [
        "Alpha: weight of the network after fine-tuning, in the mean of its weights and those of the network before; "
        f"0: before, 1: after. Means over the variants fine-tuned on and over seeds; right: accuracy of {whose}."
    ]
    legend = LEGEND_LINE * (1 + (len(networks) - 1) // 2) + 0.15
    page = make_page(FULL_WIDTH, _TALL + _BELOW + legend, figure["title"], footer, figure["note"] or "")
    width = (page.width - _LEFT - _SPACE - 2 * MARGIN) / 2
    columns = {"mri": "mRI (percentage points)", "own": "Accuracy on the variants\nfine-tuned on (%)"}
    readings = []
    for place, (column, label) in enumerate(columns.items()):
        axes = page.add_axes(_LEFT + place * (width + _SPACE), page.bottom + _BELOW, width, _TALL, column)
        for network, look in zip(networks, LOOKS, strict=False):
            own = rows_of(swept, network).groupby("alpha")[column].mean()
            style: dict[str, Any] = {"marker": look.marker, "color": look.colour, "markersize": 4, "linewidth": 1}
            name = network_name(network, figure).replace("\n", " ")
            axes.plot(own.index, own, label=name, **style)
            if column == "mri":
                last = f"{own.iloc[-1]:+.2f} at {own.index[-1]:g}"
                readings.append(f"- {name}: mRI highest at alpha = {own.idxmax():g} ({own.max():+.2f}), {last}.")
        if column == "mri":
            axes.axhline(0, color="0.3", linewidth=0.7)
        axes.set_xlabel("Alpha")
        axes.set_ylabel(label)
        axes.grid()
        handles, labels = axes.get_legend_handles_labels()
    write_legend(page, handles, labels, 2)
    text = (
        f"{sentence(figure['title'])} {footer[0]} {DEFINED} {INFERRED} The published code has alpha = 0.5 alone. "
        f"{sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *readings]) + "\n"


def sweep(cells: pd.DataFrame, alphas: Mapping[str, float]) -> pd.DataFrame:
    """Return mRI and the mean accuracy on the variants fine-tuned on at every alpha, of every network.

    Args:
        cells: the table of `results.compute_indices`, after the last epoch.
        alphas: where between the network before fine-tuning (0) and after it (1) the network of a method lies.

    Returns:
        distribution, architecture, seed, alpha, mri (percentage points), own (percent), held_out. At 0 mRI is 0.
    """
    found = tradeoff(cells[cells["method"].isin(list(alphas))])
    found["alpha"] = found["method"].map(dict(alphas))
    key = ["distribution", "architecture", "seed", "alpha"]
    after = found.groupby(key).agg(mri=("RI", "mean"), own=("own_after", "mean"), held_out=("held_out", "all"))
    start = found[found["alpha"] == found["alpha"].max()].assign(alpha=0.0)
    before = start.groupby(key).agg(own=("own_before", "mean"), held_out=("held_out", "all")).assign(mri=0.0)
    # An alpha of 0 that was merged is the network before as well.
    return pd.concat([before, after[after.index.get_level_values("alpha") > 0]]).reset_index()
