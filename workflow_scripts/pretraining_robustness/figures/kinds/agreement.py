"""Agreement on the line: of each series the line of its accuracies and that of its pairs, and what they tell.

Below them the errors of OOD accuracy as estimated without labels, with intervals over architectures.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from pretraining_robustness.beyond.agreement import PROBIT
from pretraining_robustness.beyond.measure_agreement import ESTIMATES
from pretraining_robustness.figures.axes import common_limits, set_up_score_axes
from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.output import Drawing, Files, one_file
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, Page, make_page
from pretraining_robustness.figures.style import REFERENCES, SCRATCH, SERIES
from pretraining_robustness.figures.text import LINE, SMALL, wrap, wrap_words
from pretraining_robustness.figures.trend_marks import draw_identity

READS = {
    "lines": "agreement/{figure}.csv",
    "checkpoints": "agreement/{figure}_checkpoints.csv",
    "pairs": "agreement/{figure}_pairs.csv",
}

_COLUMNS = 4
_LEFT, _GAP, _ABOVE, _TICKS, _LEGEND, _BAR, _LABEL = 0.62, 0.14, 0.4, 0.44, 0.3, 0.5, 0.3  # inches
_ACCURACY, _AGREEMENT = SCRATCH, SERIES[1]
_LOOKS = dict(zip(ESTIMATES, (REFERENCES[1], SERIES[1], SERIES[0], SERIES[4]), strict=True))
_MOST_POINTS = 1500  # pairs drawn of a series: more are a blot


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of agreement."""
    lines, checkpoints, pairs = (pd.read_csv(one_file(files, name)) for name in READS)
    count = len(lines)
    rows = -(-count // _COLUMNS)
    side = (FULL_WIDTH - _LEFT - MARGIN - (_COLUMNS - 1) * _GAP) / _COLUMNS
    names = {name: figure["labels"].get(name, name) for name in lines["series"]}
    below = len(lines) * 0.24 + _BAR + _LABEL
    contents = _LEGEND + rows * (side + _ABOVE) + _TICKS + below
    page = make_page(FULL_WIDTH, contents, figure["title"], [], figure["note"] or "")
    values = [checkpoints[["id", "ood"]].to_numpy().ravel(), pairs[["id", "ood"]].to_numpy().ravel()]
    limits = common_limits(np.concatenate(values), PROBIT)
    for place, row in enumerate(lines.to_dict("records")):
        down, across = divmod(place, _COLUMNS)
        bottom = page.top - _LEGEND - (down + 1) * (side + _ABOVE)
        axes = page.add_axes(_LEFT + across * (side + _GAP), bottom, side, side, label=row["series"])
        set_up_score_axes(axes, limits, PROBIT, roomy=False)
        axes.tick_params(labelleft=across == 0, labelbottom=place + _COLUMNS >= count)
        mine = [frame[frame["series"] == row["series"]] for frame in (pairs, checkpoints)]
        _draw_series(axes, row, mine[0], mine[1], limits)
        title = wrap(names[row["series"]], side, SMALL)[:2]
        axes.text(0, 1 + 0.05 / side, "\n".join(title), fontsize=SMALL, va="bottom", transform=axes.transAxes)
    _legend(page)
    middle = page.top - _LEGEND - rows * (side + _ABOVE) / 2
    options: dict[str, Any] = {"fontsize": 8, "rotation": 90, "va": "center", "ha": "left"}
    page.write(MARGIN, middle, f"Out of distribution ({figure['y_label']})", **options)
    across_label = page.bottom + below + 0.06
    page.write(FULL_WIDTH / 2, across_label, f"In distribution ({figure['x_label']})", fontsize=8, ha="center")
    _draw_errors(page, lines, names, below, figure["estimates"])
    return Drawing(page.figure, lines, _caption(lines, names, figure))


def _draw_series(
    axes: Axes, row: Mapping[Any, Any], pairs: pd.DataFrame, checkpoints: pd.DataFrame, limits: tuple[float, float]
) -> None:
    draw_identity(axes, limits)
    some = pairs.iloc[:: -(-len(pairs) // _MOST_POINTS)]
    axes.scatter(some["id"], some["ood"], s=2, color=_AGREEMENT.colour, alpha=0.25, linewidths=0, zorder=2)
    options: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.3, "zorder": 5}
    axes.scatter(checkpoints["id"], checkpoints["ood"], s=9, color=_ACCURACY.colour, **options)
    for look, kind, points in ((_ACCURACY, "accuracy", checkpoints), (_AGREEMENT, "agreement", pairs)):
        ends = PROBIT.forward(np.array([points["id"].min(), points["id"].max()]).clip(1e-6, 1 - 1e-6))
        grid = np.linspace(ends[0], ends[1], 40)
        heights = row[f"{kind}_intercept"] + row[f"{kind}_slope"] * grid
        x, y = PROBIT.inverse(grid), PROBIT.inverse(heights)
        axes.plot(x, y, color="white", linewidth=2.6, zorder=5.5)
        axes.plot(x, y, color=look.colour, linestyle=look.line_style, linewidth=1.4, zorder=6)


def _legend(page: Page) -> None:
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.line_style, marker="o", markersize=size, label=label)
        for look, size, label in (
            (_ACCURACY, 4, "Accuracy of a checkpoint, and their line"),
            (_AGREEMENT, 2, "Agreement of a pair, and their line"),
        )
    ]
    place = (_LEFT / page.width, page.top / page.height)
    page.figure.legend(handles=handles, loc="upper left", bbox_to_anchor=place, ncols=2, frameon=False, borderaxespad=0)


def _draw_errors(page: Page, lines: pd.DataFrame, names: Mapping[str, str], below: float, estimates: list[str]) -> None:
    """Draw the mean absolute error of each estimate of each series, in points, with its interval."""
    wide = 2.6
    axes = page.add_axes(wide, page.bottom + _BAR, FULL_WIDTH - wide - MARGIN - 1.1, below - _BAR - _LABEL, label="err")
    for step, one in enumerate(estimates):
        look = _LOOKS[one]
        y = np.arange(len(lines)) + (step - (len(estimates) - 1) / 2) * 0.18
        middle, low, high = (100 * lines[f"{one}_error{end}"] for end in ("", "_low", "_high"))
        axes.hlines(y, low.clip(lower=0), high, color=look.colour, linewidth=1)
        axes.plot(middle, y, look.marker, color=look.colour, markersize=4, label=ESTIMATES[one])
    axes.set_yticks(
        range(len(lines)), [wrap_words(names[one], wide - 0.3, 7)[0] for one in lines["series"]], fontsize=7
    )
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel("Mean absolute error of OOD accuracy as estimated by (points)")
    axes.grid(True, axis="x")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=7, labelspacing=LINE * 20)


def _caption(lines: pd.DataFrame, names: Mapping[str, str], figure: Mapping[str, Any]) -> str:
    rows = [{**row, "label": names[row["series"]]} for row in lines.to_dict("records")]
    estimates = [(ESTIMATES[one], f"{one}_error") for one in figure["estimates"]]
    return render("agreement.jinja", figure=figure, rows=rows, estimates=estimates, isnan=lambda value: value != value)
