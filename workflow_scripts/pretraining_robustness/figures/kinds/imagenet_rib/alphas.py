"""WiSE-FT from the network before fine-tuning to the one after it.

`alphas` of the figure says which part of the way each method goes; the network before is at 0.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from pretraining_robustness.figures.imagenet_rib import LOOKS, MRI, Shown, lay_out, look, of, set_grid, zero_line
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.imagenet_rib.comparison import ALL
from pretraining_robustness.imagenet_rib.tradeoff import tradeoff

READS = {"rows": "imagenet_rib/cells.csv", "means": "imagenet_rib/means.csv"}
_TALL = 2.4  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw mRI and the mean accuracy on the variants fine-tuned on against alpha, a line for each network."""
    shown = Shown.read(files, figure)
    swept = sweep(shown.rows, figure["alphas"])
    means = of(shown.beside["means"], fine_tuned_on=ALL, counting="all")
    intervals = means[means["method"].isin(list(figure["alphas"]))]
    intervals = intervals.assign(alpha=intervals["method"].map(dict(figure["alphas"])))
    networks = shown.networks[: len(LOOKS)]
    looks = [look(style) for style in LOOKS[: len(networks)]]
    legend = [(Line2D([], [], **one), shown.network(name)) for one, name in zip(looks, networks, strict=True)]
    held_out = bool(swept["held_out"].all())
    footer = (
        "Alpha: weight of the network after fine-tuning in the mean of both networks' weights (0: before, 1: after). "
        f"Whiskers: {shown.level} intervals of mRI over images{' and seeds' if intervals['seeds'].max() > 1 else ''}. "
        f"Right: accuracy on {'held-out images' if held_out else 'the images that were fine-tuned on'}."
    )
    page, ((left, right),) = lay_out(shown, [_TALL], [1, 1], left=0.8, above=0.12, legend=legend, footer=footer)
    readings = []
    for network, style in zip(networks, looks, strict=True):
        own = of(swept, network).groupby("alpha")[["mri", "own"]].mean()
        found = of(intervals, network).set_index("alpha").sort_index()
        ends = [found["index"] - found["low"], found["high"] - found["index"]]
        left.errorbar(
            found.index, found["index"], yerr=ends, linestyle="", color=style["color"], capsize=2, linewidth=0.9
        )
        left.plot(own.index, own["mri"], markersize=4, linewidth=1, **style)
        right.plot(own.index, own["own"], markersize=4, linewidth=1, **style)
        best = own["mri"]
        readings.append((shown.network(network), best.idxmax(), best.max(), best.iloc[-1], best.index[-1]))
    for axes, label in ((left, MRI), (right, "Accuracy on the variants\nfine-tuned on (%)")):
        axes.set_xlabel("Alpha")
        axes.set_ylabel(label)
        set_grid(axes)
    zero_line(left, across=True)
    return shown.drawing(page.figure, "alphas.jinja", footer=footer, readings=readings)


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
