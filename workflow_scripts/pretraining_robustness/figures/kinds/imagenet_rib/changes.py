"""What fine-tuning changes: predictions that turn, accuracy on every variant, and RI against what is gained."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from pretraining_robustness.figures.imagenet_rib import (
    RI,
    LegendEntry,
    Network,
    Shown,
    lay_out,
    of,
    set_grid,
    share,
    zero_line,
)
from pretraining_robustness.figures.line_names import name_line_ends, names_width
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.style import SeriesStyle
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.imagenet_rib.tradeoff import tradeoff

READS = {"rows": "imagenet_rib/cells.csv"}
# Inches.
_METHODS, _VARIANTS, _LABEL, _STEP, _VARIANT, _SHORTEST = 1.26, 1.08, 0.76, 0.17, 0.2, 1.9
_WIDEST = 0.85  # of the names of variants at the right
_EQUALS = "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
_NAMED = SeriesStyle("0.45", "")
_KEY = ["method", "distribution", "architecture"]


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a row of three panels for each network.

    Left: the share of images whose prediction became correct or wrong. Middle: the accuracy on every variant before
    and after fine-tuning on the others. Right: RI against the accuracy on the variant fine-tuned on.
    """
    shown = Shown.read(files, figure)
    turned = shown.rows[shown.rows["counts"]]
    tested = [figure["reference"], *figure["tested_on"]]
    accuracy = shown.rows[shown.rows["counts"] | (shown.rows["tested_on"] == figure["reference"])]
    accuracy = accuracy.groupby([*_KEY, "tested_on"])[["before", "after"]].mean().reset_index()
    gained = tradeoff(shown.rows)
    held_out = bool(gained["held_out"].all())
    gained = gained.groupby([*_KEY, "fine_tuned_on"])[["RI", "own_after"]].mean().reset_index()
    networks, methods = shown.networks, shown.methods
    tall = max(_SHORTEST, _STEP * len(methods), _VARIANT * len(tested))
    page, panels = lay_out(
        shown, [tall] * len(networks), [0.8, 1.0, 1.2], left=[_METHODS, _VARIANTS, _LABEL], above=0.34, below=0.55,
        right=names_width(map(shown.variant, shown.tuned), SMALL, _WIDEST) + 0.05, legend=_legend(shown),
        footer="Means over seeds; left and middle, over the other variants fine-tuned on. Right: accuracy on "
        f"{'held-out images' if held_out else 'the images fine-tuned on'}; a grey line joins the methods of a variant.",
    )  # fmt: skip
    for network, (left, middle, right) in zip(networks, panels, strict=True):
        left.set_title(shown.network(network), loc="left", x=-1.0)
        _draw_turned(left, shown, of(turned, network))
        _draw_accuracy(middle, shown, of(accuracy, network), tested)
        _draw_tradeoff(right, shown, of(gained, network))
    for column, axis in ((0, "x"), (1, "x"), (2, "x"), (2, "y")):
        share([row[column] for row in panels], axis)
    for network, row in zip(networks, panels, strict=True):
        _name_variants(row[2], shown, of(gained, network))
    readings = [_reading(shown, one, method, turned, accuracy, gained) for one in networks for method in methods]
    return shown.drawing(
        page.figure, "changes.jinja", held_out=held_out, pairs=turned.groupby(["fine_tuned_on", "tested_on"]).ngroups,
        readings=[one for one in readings if one],
    )  # fmt: skip


def _legend(shown: Shown) -> list[LegendEntry]:
    change = Line2D([], [], linestyle="", marker="|", color="black", markersize=7, markeredgewidth=1.6)
    return [
        *shown.legend(),
        (Patch(color="0.4", alpha=0.55), "became wrong"),
        (Patch(color="0.4"), "became correct"),
        (change, "change of accuracy (left), accuracy before (middle)"),
    ]


def _draw_turned(axes: Axes, shown: Shown, rows: pd.DataFrame) -> None:
    methods = shown.methods
    for place, method in enumerate(methods):
        some = of(rows, method=method)
        if some.empty:
            continue
        mean, colour = some[["gained", "lost", "change"]].mean(), shown.looks[method]["color"]
        axes.barh(-place, mean["gained"], height=0.8, color=colour)
        axes.barh(-place, -mean["lost"], height=0.8, color=colour, alpha=0.55)
        axes.plot([mean["change"]] * 2, [-place - 0.4, -place + 0.4], color="black", linewidth=1.6)
    names = [
        "\n".join(wrap_words(shown.method(one).replace(" = ", _EQUALS), _METHODS - 0.15, SMALL)[:2]) for one in methods
    ]
    axes.set_yticks(range(0, -len(methods), -1), names, fontsize=SMALL)
    axes.set_ylim(-len(methods) + 0.4, 0.6)
    zero_line(axes)
    axes.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_xlabel("Images whose prediction\nturned (%)", fontsize=SMALL)
    set_grid(axes, "x")


def _draw_accuracy(axes: Axes, shown: Shown, rows: pd.DataFrame, tested: Sequence[str]) -> None:
    methods = shown.methods
    for place, name in enumerate(tested):
        some = of(rows, tested_on=name)
        for method, before, after in zip(some["method"], some["before"], some["after"], strict=True):
            y = -place + 0.4 - (methods.index(method) + 1) * 0.8 / (len(methods) + 1)
            axes.plot([before, after], [y, y], color="0.75", linewidth=0.6, zorder=1)
            axes.plot(after, y, markersize=3.4, markeredgewidth=0, **shown.looks[method])
        axes.plot([some["before"].mean()] * 2, [-place - 0.38, -place + 0.38], color="black", linewidth=1.4)
    labels = ["\n".join(wrap_words(shown.variant(name), _VARIANTS - 0.15, SMALL)[:2]) for name in tested]
    axes.set_yticks(range(0, -len(tested), -1), labels, fontsize=SMALL)
    axes.set_ylim(-len(tested) + 0.45, 0.55)
    axes.set_xlabel("Accuracy (%)", fontsize=SMALL)
    set_grid(axes, "x")


def _draw_tradeoff(axes: Axes, shown: Shown, rows: pd.DataFrame) -> None:
    for name in shown.tuned:
        some = of(rows, fine_tuned_on=name).sort_values("own_after")
        axes.plot(some["own_after"], some["RI"], color="0.8", linewidth=0.6, zorder=1)
    for method in shown.methods:
        some = of(rows, method=method)
        axes.plot(some["own_after"], some["RI"], linestyle="", markersize=4, **shown.looks[method])
    zero_line(axes, across=True)
    axes.set_ylabel(RI)
    axes.yaxis.set_major_locator(MaxNLocator(6, prune="lower"))  # the lowest label would meet that of the x axis
    axes.set_xlabel("Accuracy on the variant\nfine-tuned on (%)", fontsize=SMALL, labelpad=6)
    set_grid(axes)


def _name_variants(axes: Axes, shown: Shown, rows: pd.DataFrame) -> None:
    """Name each variant at its mark of the first method, with a line that leads there."""
    first = of(rows, method=shown.methods[0])
    ends = zip(first["fine_tuned_on"], first["own_after"], first["RI"], strict=True)
    name_line_ends(axes, [(shown.variant(name), _NAMED, x, y) for name, x, y in ends], SMALL, _WIDEST)


def _reading(
    shown: Shown, network: Network, method: str, turned: pd.DataFrame, accuracy: pd.DataFrame, gained: pd.DataFrame
) -> dict[str, Any]:
    """Return what the caption says of a network and a method; nothing where it was not fine-tuned by it."""
    answers, own = of(turned, network, method), of(gained, network, method)
    scores = of(accuracy, network, method).set_index("tested_on")
    if answers.empty:
        return {}
    return {
        "who": f"{shown.network(network)}, {shown.method(method)}",
        **answers[["gained", "lost", "changed"]].mean(),
        "reference": scores.loc[shown.figure["reference"]],
        # weighted as mRI is, so that their difference is mRI
        "others": answers.groupby("fine_tuned_on")[["before", "after"]].mean().mean(),
        **{"own": own["own_after"].mean(), "mri": own["RI"].mean(), "variants": len(own)},
        "rank": own["RI"].corr(own["own_after"], method="spearman") if len(own) > 2 else None,
    }
