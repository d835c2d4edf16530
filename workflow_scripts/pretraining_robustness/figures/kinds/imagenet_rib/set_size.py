"""RI against the size of the set fine-tuned on."""

from collections.abc import Mapping
from typing import Any

from matplotlib.lines import Line2D

from pretraining_robustness.figures.imagenet_rib import LOOKS, LegendEntry, Shown, lay_out, look, set_grid, zero_line
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.text import SMALL

READS = {"rows": "imagenet_rib/set_sizes.csv"}
_TALL = 1.9  # inches
_SERIES = ["method", "distribution", "architecture"]
_COLUMNS = {
    "RI": "Robustness improvement,\nRI (percentage points)",
    "own_after": "Accuracy on the variant (%)",
    "reference_after": "Accuracy on {} (%)",
}
_EQUAL: dict[str, tuple[str, Any]] = {"epochs": ("equal epochs", "-"), "steps": ("equal steps", "--")}


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw RI and accuracies against the number of images, a row of panels for each variant; means over seeds."""
    shown = Shown.read(files, figure)
    rows = shown.rows.assign(equal=shown.rows["equal"].fillna(""))
    series = list(dict.fromkeys(rows[_SERIES].itertuples(index=False, name=None)))
    looks = dict(zip(series, map(look, LOOKS), strict=False))
    legend: list[LegendEntry] = [
        (Line2D([], [], markersize=4, **style), f"{shown.network(one[1:])}, {shown.method(one[0])}")
        for one, style in looks.items()
    ]
    legend += [(Line2D([], [], color="0.3", linestyle=line), words) for words, line in _EQUAL.values()]
    whose = "held-out images" if rows["held_out"].all() else "the images fine-tuned on"
    footer = (
        "Equal epochs: as many as with all images, so fewer steps; equal steps: as many, the images being repeated. "
        f"Last: all images. Accuracy on the variant is of {whose}."
    )
    page, panels = lay_out(
        shown, [_TALL] * len(shown.tuned), [1, 1, 1], left=[0.78, 0.66, 0.66], below=0.68, legend=legend, footer=footer
    )
    readings = []
    for name, line in zip(shown.tuned, panels, strict=True):
        some = rows[rows["fine_tuned_on"] == name]
        sizes = sorted(set(some["images"]))
        for axes, (column, label) in zip(line, _COLUMNS.items(), strict=True):
            if some[column].isna().all():  # ImageNet's training images are not tested on
                axes.remove()
                continue
            for one, style in looks.items():
                own = some[(some[_SERIES] == list(one)).all(axis=1)]
                for equal, (words, dashes) in _EQUAL.items():
                    found = own[own["equal"].isin([equal, ""])].groupby("images")[column].mean()
                    axes.plot(found.index, found, linestyle=dashes, markersize=4, **style)
                    if column == "RI" and len(found) > 1:
                        who = f"{shown.network(one[1:])}, {shown.method(one[0])}, {words}"
                        readings.append((shown.variant(name), who, found, "" in set(own["equal"])))
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=45, ha="right", fontsize=SMALL)
            axes.set_xlabel("Images fine-tuned on")
            axes.set_ylabel(label.format(shown.variant(figure["reference"])), fontsize=SMALL)
            set_grid(axes)
        zero_line(line[0], across=True)
        line[0].set_title(shown.variant(name), loc="left")
    return shown.drawing(page.figure, "set_size.jinja", footer=footer, readings=readings)
