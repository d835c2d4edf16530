"""RI against the size of the set fine-tuned on. Its rows are those of `imagenet_rib.set_size`."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import (
    LEGEND_LINE,
    LOOKS,
    Beside,
    drawn,
    named_variants,
    network_name,
    write_legend,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL
from pretraining_robustness.figures.words import sentence

READS = {"rows": "imagenet_rib/set_sizes.csv"}

_TALL, _LEFT, _BELOW, _TITLE = 1.9, 0.72, 0.65, 0.25  # inches
_SHOWN = {
    "RI": "RI (percentage points)",
    "own_after": "Accuracy on the variant (%)",
    "reference_after": "Accuracy on {} (%)",
}
_EQUAL = {"epochs": "equal epochs", "steps": "equal steps"}


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_set_size)


def draw_set_size(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw RI and accuracies against the number of images, a row of panels a variant; means over seeds."""
    rows = rows.assign(equal=rows["equal"].fillna(""))
    series = list(dict.fromkeys(rows[["method", "distribution", "architecture"]].itertuples(index=False, name=None)))
    series = series[: len(LOOKS)]
    tuned = [name for name in figure["variants"] if name in set(rows["fine_tuned_on"])]
    whose = "held-out images" if rows["held_out"].all() else "the images fine-tuned on"
    footer = [
        "Solid: as many epochs as with all images, so fewer steps; dashed: as many steps, the images being repeated. "
        f"Last: all images. Accuracy on the variant is of {whose}."
    ]
    legend = LEGEND_LINE * (1 + (len(series) - 1) // 2) + 0.15
    each = _TALL + _BELOW + _TITLE
    page = make_page(FULL_WIDTH, len(tuned) * each + legend, figure["title"], footer, figure["note"] or "")
    width = (page.width - 3 * _LEFT - 2 * MARGIN) / 3
    reference = figure["variants"][figure["reference"]]
    readings: list[str] = []
    marks: dict[Any, Any] = {}
    for down, name in enumerate(tuned):
        for place, (column, label) in enumerate(_SHOWN.items()):
            bottom = page.top - legend - (down + 1) * each + _BELOW
            axes = page.add_axes(_LEFT + place * (width + _LEFT), bottom, width, _TALL, f"{name} {column}")
            for one, look in zip(series, LOOKS, strict=False):
                own = rows[(rows[["method", "distribution", "architecture"]] == list(one)).all(axis=1)]
                own = own[own["fine_tuned_on"] == name]
                for equal in _EQUAL:
                    line = own[own["equal"].isin([equal, ""])].groupby("images")[column].mean()
                    style: dict[str, Any] = {"marker": look.marker, "color": look.colour, "markersize": 4}
                    drawn = axes.plot(line.index, line, linestyle="-" if equal == "epochs" else "--", **style)[0]
                    marks.setdefault(one, drawn)
                    if column == "RI" and len(line) > 1:
                        who = network_name(one[1:], figure).replace("\n", " ")
                        readings.append(
                            f"- {figure['variants'][name]}, {who}, {figure['methods'][one[0]]}, {_EQUAL[equal]}: RI "
                            f"{line.iloc[0]:+.2f} with {line.index[0]:,} images and {line.iloc[-1]:+.2f} with all "
                            f"{line.index[-1]:,}."
                        )
            if column == "RI":
                axes.axhline(0, color="0.3", linewidth=0.7)
                axes.set_title(figure["variants"][name], loc="left")
            sizes = sorted(set(rows.loc[rows["fine_tuned_on"] == name, "images"]))
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45, ha="right", fontsize=SMALL)
            axes.set_xlabel("Images fine-tuned on")
            axes.set_ylabel(label.format(reference), fontsize=SMALL)
            axes.grid()
    names = [f"{network_name(one[1:], figure)}, {figure['methods'][one[0]]}".replace("\n", " ") for one in marks]
    write_legend(page, list(marks.values()), names, 2, SMALL)
    text = (
        f"{sentence(figure['title'])} RI: mean change of accuracy on the variants of ImageNet that were not fine-tuned "
        f"on ({named_variants(figure['tested_on'], figure)}). Subsets have equally many images of each class, a "
        f"smaller one is part of a larger one. {footer[0]} Which subsets the paper (arXiv 2410.21582) takes, and "
        f"at how many steps, is not known; these are ours. {sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *readings]) + "\n"
