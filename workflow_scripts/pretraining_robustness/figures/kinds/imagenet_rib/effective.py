"""Accuracy on every variant against that on ImageNet, before and after fine-tuning, with baselines."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from scipy import special

from pretraining_robustness.figures.imagenet_rib import Shown, lay_out, of, set_grid
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.text import fitting_size

READS = {
    "rows": "imagenet_rib/effective.csv",
    "lines": "imagenet_rib/lines.csv",
    "points": "imagenet_rib/points.csv",
}
_ACROSS, _SIDE, _TITLE = 3, 1.62, 9  # panels in a row; inches; points
_TICKS = np.array([1, 2, 5, 10, 20, 30, 50, 70, 80, 90, 95, 98, 99])
_KEY = ["method", "distribution", "architecture"]
_BASELINE: dict[str, Any] = {"color": "0.62", "marker": "o", "markersize": 3}


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a panel for each variant on logit axes: baseline networks and their line, and networks before and after."""
    shown = Shown.read(files, figure)
    used = shown.rows[shown.rows["counts"]]
    lines, points = shown.beside["lines"].set_index("tested_on"), shown.beside["points"]
    variants = [name for name in figure["tested_on"] if name in set(used["tested_on"])]
    means = used.groupby([*_KEY, "seed", "tested_on"])[["id_before", "id_after", "before", "after"]].mean()
    means = means.reset_index()
    reach = _place(np.concatenate([means["id_before"], means["id_after"], points["id"]]))
    before = Line2D([], [], linestyle="", marker="o", color="0.3", fillstyle="none", markersize=6)
    baseline = Line2D([], [], linestyle="-", **_BASELINE)
    label = shown.variant(figure["reference"])
    legend = [*shown.legend(), (before, "before fine-tuning"), (baseline, f"trained on {label} alone, with their line")]
    page, panels = lay_out(
        shown, [_SIDE] * -(-len(variants) // _ACROSS), [1] * _ACROSS, left=0.55, above=0.28, below=0.42, legend=legend,
        footer=f"Filled: after fine-tuning, mean over the variants fine-tuned on. Grey: {int(lines['networks'].max())} "
        "networks and their least-squares line. Logit axes.",
    )  # fmt: skip
    for number, (name, axes) in enumerate(zip(variants, [one for row in panels for one in row], strict=False)):
        own, line = points[points["tested_on"] == name], lines.loc[name]
        axes.plot(_place(own["id"]), _place(own["ood"]), linestyle="", zorder=1, **_BASELINE)
        ends = np.array([reach.min(), reach.max()])
        axes.plot(ends, line["slope"] * ends + line["intercept"], color="0.5", linewidth=0.9, zorder=1)
        for method in shown.methods:
            _draw_method(axes, of(means, method=method, tested_on=name), shown.looks[method])
        for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            ticks = _TICKS[(_place(_TICKS) >= limits[0]) & (_place(_TICKS) <= limits[1])]
            axis.set_ticks(_place(ticks), [f"{tick:g}" for tick in ticks])
        axes.set_title(shown.variant(name), fontsize=fitting_size(shown.variant(name), 1.7, _TITLE), loc="left")
        set_grid(axes)
        if number % _ACROSS == 0:
            axes.set_ylabel("Accuracy on the variant (%)")
        if number + _ACROSS >= len(variants):
            axes.set_xlabel(f"Accuracy on {label} (%)")
    for axes in [one for row in panels for one in row][len(variants) :]:
        axes.remove()
    columns = ["effective_before", "effective_after"]
    readings = [
        (shown.network((str(network), str(architecture))), shown.method(str(method)), *some[columns].mean(), len(some))
        for (method, network, architecture), some in used.groupby(_KEY, sort=False)
    ]
    return shown.drawing(
        page.figure, "effective.jinja", baselines=int(lines["networks"].max()), readings=readings, cells=len(used),
        fits=[f"{shown.variant(str(name))} {fit:.2f}" for name, fit in lines["r_squared"].items()],
        outside=int(used["extrapolated"].sum()),
    )  # fmt: skip


def _draw_method(axes: Axes, some: pd.DataFrame, look: Mapping[str, Any]) -> None:
    """Draw networks before and after; the open marks are larger and on top, so that filled ones do not hide them."""
    before, after = ((_place(some[f"id_{when}"]), _place(some[when])) for when in ("before", "after"))
    axes.plot(np.stack([before[0], after[0]]), np.stack([before[1], after[1]]), color="0.7", linewidth=0.6, zorder=1.5)
    axes.plot(*after, linestyle="", markersize=3.5, zorder=3, **look)
    axes.plot(*before, linestyle="", markersize=6, fillstyle="none", markeredgewidth=0.9, zorder=4, **look)


def _place(percent: Any) -> np.ndarray:
    return special.logit(np.asarray(percent, dtype=np.float64) / 100)
