"""How similar each layer stays to itself in fine-tuning. Its rows are those of `imagenet_rib.similarity`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import (
    Beside,
    add_legend,
    drawn,
    looks_of,
    methods_of,
    named_variants,
    network_name,
    networks_of,
    rows_of,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL
from pretraining_robustness.figures.words import sentence

READS = {"rows": "imagenet_rib/{method}/{distribution}/similarity.csv"}

_SIMILARITY, _LAYER_NAMES, _PANEL_TITLE = 1.4, 0.6, 0.46  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_similarity)


def draw_similarity(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw the similarity of each layer with itself before fine-tuning, a panel a network, a line a method."""
    networks, methods = networks_of(rows, figure), methods_of(rows, figure)
    tuned = named_variants([name for name in figure["variants"] if name in set(rows["fine_tuned_on"])], figure)
    footer = [f"Lines: means over the variants fine-tuned on ({tuned}); thin: each of them."]
    lines = 0.2 * (1 + (len(methods) - 1) // 3)
    row = _PANEL_TITLE + _SIMILARITY + _LAYER_NAMES
    page = make_page(FULL_WIDTH, len(networks) * row + lines, figure["title"], footer, figure["note"] or "")
    left = MARGIN + 0.55
    looks, panels = looks_of(methods), []
    for down, network in enumerate(networks):
        bottom = page.top - lines - (down + 1) * row + _LAYER_NAMES
        axes = page.add_axes(left, bottom, page.width - left - MARGIN, _SIMILARITY, label=str(down))
        for method in methods:
            some = rows_of(rows, network, method)
            for _, one in some.groupby(["fine_tuned_on", "seed"]):
                axes.plot(one["depth"], one["cka"], color=looks[method].colour, linewidth=0.4, alpha=0.6)
            mean = some.groupby("depth")["cka"].mean()
            look: dict[str, Any] = {"color": looks[method].colour, "marker": looks[method].marker, "markersize": 4}
            axes.plot(mean.index, mean, label=figure["methods"][method], **look)
        names = rows_of(rows, network, methods[0]).drop_duplicates("depth").sort_values("depth")["layer"]
        axes.set_xticks(range(len(names)), list(names), rotation=30, ha="right", fontsize=SMALL)
        axes.set_ylabel("Linear CKA")
        axes.set_title(network_name(network, figure, FULL_WIDTH))
        axes.grid(axis="y")
        panels.append(axes)
    add_legend(page, panels[0])
    text = (
        f"{sentence(figure['title'])} Linear centred kernel alignment (CKA; Kornblith et al. 2019) of each layer with "
        f"the same layer before fine-tuning, on {figure['variants'][figure['reference']]}; 1: same but for rotation "
        "and scale. The unbiased minibatch estimate (Nguyen et al. 2021). Which layers, images and estimator the paper "
        f"(arXiv 2410.21582) took is not known; these are ours. {footer[0]} {sentence(figure['note'])}"
    )
    return page.figure, text.strip() + "\n"
