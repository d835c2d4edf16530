"""Gains and losses at equal ID accuracy by class and image, and images on which the line turns over."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.ticker import NullLocator

from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.output import Drawing, Files, one_file
from pretraining_robustness.figures.page import FULL_WIDTH, make_page
from pretraining_robustness.figures.style import REFERENCES, SCRATCH, SERIES

READS = {
    "images": "images/{figure}.csv",
    "classes": "images/{figure}_classes.csv",
    "summary": "images/{figure}_summary.csv",
    "checkpoints": "images/{figure}_checkpoints.csv",
}

_SIDE, _LEFT, _GAP, _BELOW, _ABOVE = 1.72, 0.55, 0.58, 0.45, 0.25  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of images."""
    images, classes, summary, checkpoints = (pd.read_csv(one_file(files, name)) for name in READS)
    row = summary.iloc[0].to_dict()
    page = make_page(FULL_WIDTH, _SIDE + _BELOW + _ABOVE, figure["title"], [], figure["note"] or "")
    panels = [
        page.add_axes(_LEFT + place * (_SIDE + _GAP), page.bottom + _BELOW, _SIDE, _SIDE, label=title)
        for place, title in enumerate(("Classes", "Images", "Chosen images"))
    ]
    for axes in panels:
        axes.set_title(str(axes.get_label()), loc="left")
        axes.grid(True)
        axes.set_axisbelow(True)
    by_class, by_image, turned = panels
    x, gain = classes["train_images"].clip(lower=1), 100 * classes["gain"]
    sure = classes["gain_p_holm"] <= 1 - figure["confidence"]
    by_class.axhline(0, color="0.4", linewidth=0.8)
    by_class.vlines(x, 100 * classes["gain_low"], 100 * classes["gain_high"], color=SCRATCH.colour, linewidth=0.6)
    for which, fill in ((sure, SCRATCH.colour), (~sure, "white")):
        by_class.scatter(x[which], gain[which], s=16, color=fill, edgecolors=SCRATCH.colour, linewidths=0.8, zorder=3)
    by_class.set_xscale("log")
    round_numbers = [first * 10**power for power in range(8) for first in (1, 2, 5)]
    shown = [one for one in round_numbers if x.min() <= one <= x.max()][-4:]
    by_class.set_xticks(shown, [f"{one:,}" for one in shown])
    by_class.xaxis.set_minor_locator(NullLocator())
    by_class.set_xlabel("Training images of the class")
    by_class.set_ylabel("Gain (points)")
    by_image.hist(100 * images["gain"], bins=list(range(-100, 101, 5)), color=REFERENCES[0].colour)
    by_image.set_xlabel("Gain of an image (points)")
    by_image.set_ylabel("OOD images")
    judged = checkpoints[checkpoints["judges"]]
    looks = (("ood", "0.6", "o", "all"), ("on_chosen", SERIES[0].colour, "D", f"{int(row['chosen'])} chosen"))
    for column, colour, marker, label in looks:
        turned.scatter(judged["id"], judged[column], s=8, color=colour, marker=marker, linewidths=0, label=label)
    turned.set_xlabel("ID accuracy")
    turned.set_ylabel("Accuracy on OOD images")
    turned.legend(frameon=True, fontsize=7, handletextpad=0.1)
    names = {name: figure["labels"].get(row[name], row[name]) for name in ("first", "second")}
    ordered = classes[sure].sort_values("gain")
    facts = {"row": row, "figure": figure, "names": names, "classes": len(classes), "sure": ordered.to_dict("records")}
    return Drawing(page.figure, classes, render("images.jinja", **facts))
