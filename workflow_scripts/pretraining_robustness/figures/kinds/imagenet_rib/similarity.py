"""How similar each layer stays to itself in fine-tuning."""

from collections.abc import Mapping
from typing import Any

from matplotlib.lines import Line2D

from pretraining_robustness.figures.imagenet_rib import Shown, lay_out, of, set_grid, share
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.text import SMALL

READS = {"rows": "imagenet_rib/{method}/{distribution}/similarity.csv"}
_TALL, _LAYER_NAMES = 1.5, 0.62  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw the similarity of each layer with itself before fine-tuning: networks as panels, methods as lines.

    All panels have the same range of similarities.
    """
    shown = Shown.read(files, figure)
    marks = [Line2D([], [], markersize=4, **shown.looks[method]) for method in shown.methods]
    legend = [(mark, f"{shown.method(method)}: mean") for mark, method in zip(marks, shown.methods, strict=True)]
    legend.append((Line2D([], [], color="0.5", linewidth=0.5), "one variant fine-tuned on, one seed"))
    page, panels = lay_out(shown, [_TALL] * len(shown.networks), left=0.65, below=_LAYER_NAMES, legend=legend)
    for network, (axes,) in zip(shown.networks, panels, strict=True):
        for method in shown.methods:
            some, style = of(shown.rows, network, method), shown.looks[method]
            for _, one in some.groupby(["fine_tuned_on", "seed"]):
                axes.plot(one["depth"], one["cka"], color=style["color"], linewidth=0.4, alpha=0.6)
            mean = some.groupby("depth")["cka"].mean()
            axes.plot(mean.index, mean, markersize=4, **style)
        names = of(shown.rows, network).drop_duplicates("depth").sort_values("depth")["layer"]
        axes.set_xticks(range(len(names)), list(names), rotation=30, ha="right", fontsize=SMALL)
        axes.set_ylabel("Linear CKA")
        axes.set_title(shown.network(network), loc="left")
        set_grid(axes, "y")
    share([axes for (axes,) in panels], "y")
    return shown.drawing(page.figure, "similarity.jinja", tuned=list(map(shown.variant, shown.tuned)))
