"""What fine-tuning changes against the distance of data sets. Its rows are the cells of `imagenet_rib.results`.

Beside them, `distances` is what `imagenet_rib.embedding` measured.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import (
    DEFINED,
    LEGEND_LINE,
    Beside,
    drawn,
    looks_of,
    methods_of,
    network_name,
    networks_of,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.imagenet_rib.indices import robustness_improvement
from pretraining_robustness.imagenet_rib.transport import correlations, with_distances
from pretraining_robustness.trends.conclusions import p_in_words

READS = {"rows": "imagenet_rib/cells.csv", "distances": "imagenet_rib/distances.csv"}

_TALL, _LEFT, _BELOW, _SPACE, _ABOVE = 2.4, 0.6, 0.45, 0.7, 0.6  # inches
_KEY = ["method", "distribution", "architecture"]


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_transport)


def draw_transport(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw RI against the distance from ImageNet, and every change of accuracy against that of its two variants."""
    reference = figure["reference"]
    cells = with_distances(rows, beside["distances"])
    used = cells[cells["counts"]]
    methods = methods_of(used, figure)
    looks = looks_of(methods)
    label = figure["variants"][reference]
    away = cells[cells["tested_on"] == reference].drop_duplicates("fine_tuned_on").set_index("fine_tuned_on")["otdd"]
    of_ri = robustness_improvement(used).groupby([*_KEY, "fine_tuned_on"])["RI"].mean().reset_index()
    of_cells = used.groupby([*_KEY, "fine_tuned_on", "tested_on"])[["change", "otdd"]].mean().reset_index()
    footer = ["Left: a mark a network and variant fine-tuned on; right: and variant tested on. Means over seeds."]
    legend = LEGEND_LINE * (1 + (len(methods) - 1) // 3) + 0.1
    page = make_page(FULL_WIDTH, _TALL + _BELOW + _ABOVE + legend, figure["title"], footer, figure["note"] or "")
    width = (page.width - _LEFT - _SPACE - 2 * MARGIN) / 2
    left = page.add_axes(_LEFT, page.bottom + _BELOW, width, _TALL, "ri")
    right = page.add_axes(_LEFT + width + _SPACE, page.bottom + _BELOW, width, _TALL, "cells")
    for method in methods:
        look: dict[str, Any] = {"marker": looks[method].marker, "color": looks[method].colour, "linestyle": ""}
        own = of_ri[of_ri["method"] == method]
        left.plot(own["fine_tuned_on"].map(away), own["RI"], markersize=4, label=figure["methods"][method], **look)
        own = of_cells[of_cells["method"] == method]
        right.plot(own["otdd"], own["change"], markersize=2.5, alpha=0.7, **look)
    for name, place in away.items():
        left.annotate(figure["variants"][name], (place, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                      textcoords="offset points", rotation=30, fontsize=SMALL - 2, color="0.3")  # fmt: skip
    left.set_xlabel(f"Distance from {label} (OTDD)")
    left.set_ylabel("RI (percentage points)")
    right.set_xlabel("Distance of the variants (OTDD)")
    right.set_ylabel("Change of accuracy\n(percentage points)")
    for axes in (left, right):
        axes.axhline(0, color="0.3", linewidth=0.7)
        axes.grid()
        axes.set_axisbelow(True)
    handles, labels = left.get_legend_handles_labels()
    write_legend(page, handles, labels, 3)
    found = correlations(cells, reference, figure["permutations"], figure["seed"])
    readings = []
    for network in networks_of(used, figure):
        for row in found[(found["distribution"] == network[0]) & (found["architecture"] == network[1])].to_dict(
            "records"
        ):
            name = network_name(network, figure).replace("\n", " ")
            readings.append(
                f"- {name}, {figure['methods'][row['method']]}: rank correlation of RI with the distance from {label} "
                f"{row['of_ri']:+.2f} ({p_in_words(row['p_of_ri'])}), of the change on {label} "
                f"{row['of_reference']:+.2f} ({p_in_words(row['p_of_reference'])}), of all changes with the distance "
                f"of the two variants {row['of_cells']:+.2f} ({p_in_words(row['p_of_cells'])})."
            )
    text = (
        f"{sentence(figure['title'])} {DEFINED} Distances: optimal transport dataset distances (OTDD; Alvarez-Melis & "
        f"Fusi 2020) between samples of {figure['count']:,} images of each variant, whose labels are Gaussians with "
        f"diagonal covariance of the features before the head of {figure['embedding']}. Spearman's rank correlations; "
        f"p values by permuting the {len(away)} variants fine-tuned on, uncorrected. An early version of the paper "
        "(arXiv 2410.21582) reports that the distance of pre-training and fine-tuning set predicts the loss; its "
        f"settings are not known, these are ours. {sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *readings]) + "\n"
