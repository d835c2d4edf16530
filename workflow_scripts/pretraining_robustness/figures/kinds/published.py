"""Published networks on several shifts: OOD against ID scores, or effective robustness by images of pre-training.

One panel per shift, each with a table of published scores (trends/published.py) that has the columns pretrained_on and
images. Axes are fitted to the points. The line is that of the networks of one group, the reference.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from pretraining_robustness.figures.axes import common_limits, round_ticks, scale_axes
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.output import Drawing, Files, all_files
from pretraining_robustness.figures.page import Page, make_page
from pretraining_robustness.figures.style import SeriesStyle, series_styles
from pretraining_robustness.figures.text import LINE, wrap
from pretraining_robustness.figures.trend_marks import key
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.trends.axis_scales import AxisScale, axis_scale
from pretraining_robustness.trends.lines import Line
from pretraining_robustness.trends.published import read_published
from pretraining_robustness.trends.published_robustness import (
    by_data_set,
    rank_correlation,
    reference_line,
)

READS = {"published": "config"}

# Inches.
_SIDE, _LEFT, _BETWEEN, _RIGHT, _ABOVE, _BELOW = 2.75, 0.62, 0.7, 0.12, 0.22, 0.55
_COLUMNS = 2
_SHADE = 0.45  # opacity of a network's point


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of published networks.

    `figure` has title, scale, confidence, shows (scores or robustness), baseline, series, at_least (the least ID score
    that is shown) and panels (title, x_label, y_label), one per table of `published`.
    """
    scale, by_size = axis_scale(figure["scale"]), figure["shows"] == "robustness"
    shown = [figure["baseline"], *figure["series"]]
    styles = series_styles([figure["series"]], [figure["baseline"]])
    tables, lines, hidden = [], [], 0
    for path, panel in zip(all_files(files, "published"), figure["panels"], strict=True):
        table = read_published(path)
        table = table[table["group"].isin(shown)].assign(panel=panel["title"])
        table["images"] = pd.to_numeric(table["images"])
        lines.append(reference_line(table, figure["baseline"], scale))
        kept = table["id"] >= figure["at_least"]
        hidden += int((~kept).sum())
        table = table[kept]
        tables.append(table.assign(robustness=table["ood"] - lines[-1].predict(table["id"].to_numpy())))
    sets = [by_data_set(table, figure["confidence"]).assign(panel=table["panel"].iloc[0]) for table in tables]
    footer = _footer(figure, hidden)
    with own_look():
        page, all_axes = _lay_out(figure, footer)
        for axes, table, line, means in zip(all_axes, tables, lines, sets, strict=True):
            if by_size:
                _draw_sizes(axes, table, means, styles)
            else:
                _draw_scores(axes, table, line, scale, styles)
    rows = pd.concat(sets if by_size else tables, ignore_index=True)
    rows = rows[["panel", *rows.columns.drop("panel")]]
    return Drawing(page.figure, rows, _caption(figure, tables, sets, footer, by_size))


def _lay_out(figure: Mapping[str, Any], footer: str) -> tuple[Page, list[Axes]]:
    """Make the page with its axes, two per row, and the legend below them."""
    rows = -(-len(figure["panels"]) // _COLUMNS)
    legend_rows = -(-(1 + len(figure["series"])) // 3)
    row = _ABOVE + _SIDE + _BELOW
    width = _LEFT + _COLUMNS * _SIDE + (_COLUMNS - 1) * _BETWEEN + _RIGHT
    contents = rows * row + legend_rows * 8 * LINE * 1.15 + 0.05
    page = make_page(width, contents, figure["title"], [footer])
    all_axes = []
    for place, panel in enumerate(figure["panels"]):
        left = _LEFT + place % _COLUMNS * (_SIDE + _BETWEEN)
        axes = page.add_axes(left, page.top - place // _COLUMNS * row - _ABOVE - _SIDE, _SIDE, _SIDE, panel["title"])
        axes.set_title(panel["title"], loc="left")
        axes.set_xlabel("\n".join(wrap(panel["x_label"], _SIDE, 8)))
        axes.set_ylabel("\n".join(wrap(panel["y_label"], _SIDE, 8)))
        axes.grid(True, zorder=0)
        axes.set_axisbelow(True)
        all_axes.append(axes)
    styles = series_styles([figure["series"]], [figure["baseline"]])
    names = [figure["baseline"], *figure["series"]]
    corner: Any = {"loc": "lower left", "bbox_to_anchor": (_LEFT / page.width, page.bottom / page.height)}
    marks = [key(styles[name], width=1.6 if name == figure["baseline"] else 0.0, marker=True) for name in names]
    page.figure.legend(marks, names, ncols=3, frameon=False, borderaxespad=0, borderpad=0, columnspacing=1.4, **corner)
    return page, all_axes


def _draw_points(axes: Axes, x: Any, y: Any, style: SeriesStyle, zorder: float) -> None:
    axes.scatter(
        x, y, s=0.42 * style.area, c=style.colour, marker=style.marker, alpha=_SHADE, linewidths=0, zorder=zorder
    )


def _draw_scores(
    axes: Axes, table: pd.DataFrame, line: Line, scale: AxisScale, styles: Mapping[str, SeriesStyle]
) -> None:
    """Draw a shift's networks, the reference's line, and y = x where the axes hold it."""
    limits = [common_limits(table[name].to_numpy(dtype=np.float64), scale) for name in ("id", "ood")]
    scale_axes(axes, limits, [round_ticks(own, scale) for own in limits], scale)
    first, last = scale.forward(np.array(limits[0]))
    x = np.linspace(first, last, 50)
    axes.plot(scale.inverse(x), scale.inverse(x), color="0.45", linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=1.5)
    for place, (name, style) in enumerate(_present(table, styles)):
        mine = table[table["group"] == name]
        _draw_points(axes, mine["id"], mine["ood"], style, 3 + place / 10)
    colour = next(iter(_present(table, styles)))[1].colour
    axes.plot(scale.inverse(x), line.predict(scale.inverse(x)), color=colour, linewidth=1.6, zorder=2.5)


def _draw_sizes(axes: Axes, table: pd.DataFrame, means: pd.DataFrame, styles: Mapping[str, SeriesStyle]) -> None:
    """Draw each network's effective robustness over the images of its data set, and the mean of each data set."""
    axes.set_xscale("log")
    axes.axhline(0, color="0.45", linewidth=0.9, zorder=1.5)
    for place, (name, style) in enumerate(_present(table, styles)):
        mine, own = table[table["group"] == name], means[means["group"] == name]
        small: Any = {"s": 5, "c": style.colour, "alpha": 0.2, "linewidths": 0}
        axes.scatter(mine["images"], 100 * mine["robustness"], zorder=2 + place / 10, **small)
        ends = 100 * np.abs(own[["low", "high"]].to_numpy() - own[["mean"]].to_numpy()).T
        large: Any = {**style.marks, "markeredgewidth": 0.4, "linestyle": "", "elinewidth": 1.0}
        axes.errorbar(own["images"], 100 * own["mean"], yerr=np.nan_to_num(ends), zorder=4 + place / 10, **large)


def _present(table: pd.DataFrame, styles: Mapping[str, SeriesStyle]) -> list[tuple[str, SeriesStyle]]:
    """Return the groups that a table has, in the order of the legend."""
    groups = set(table["group"])
    return [(name, style) for name, style in styles.items() if name in groups]


def _footer(figure: Mapping[str, Any], hidden: int) -> str:
    axes = "" if figure["shows"] == "robustness" or figure["scale"] == "linear" else f"{figure['scale']} axes. "
    line = f"Line: least-squares fit to the networks of {figure['baseline']}"
    if figure["shows"] == "robustness":
        line = (
            f"Effective robustness: OOD score minus what the line of {figure['baseline']} predicts from the ID score. "
            f"Small: networks; large: means per data set with {figure['confidence'] * 100:g}\N{NO-BREAK SPACE}% "
            "t intervals (three networks or more, taken for independent)"
        )
    few = f"; {hidden} points below an ID score of {figure['at_least']:g} are not shown" if hidden else ""
    return sentence(f"{axes}{line}{few}")


def _caption(
    figure: Mapping[str, Any], tables: list[pd.DataFrame], sets: list[pd.DataFrame], footer: str, by_size: bool
) -> str:
    models = len(set(pd.concat(tables)["model"]))
    start = (
        f"{figure['title'].rstrip('.')}. Published scores of {models:,} networks; each point is one network. {footer}"
    )
    lines = []
    for table, means in zip(tables, sets, strict=True):
        if by_size:
            rho, p, count = rank_correlation(means)
            number = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
            best = means.sort_values("mean", ascending=False).iloc[0]
            lines.append(
                f"- {table['panel'].iloc[0]}: Spearman's rank correlation of images and mean effective robustness over "
                f"{count} data sets {rho:+.2f} ({number}); highest: {best['pretrained_on']} ({best['group']}), "
                f"{100 * best['mean']:+.1f} points, {best['networks']} networks."
            )
        else:
            heights = table.groupby("group")["robustness"].agg(["mean", "size"])
            told = "; ".join(
                f"{name} {100 * row['mean']:+.1f} ({row['size']:.0f})"
                for name, row in heights.iterrows()
                if name != figure["baseline"]
            )
            lines.append(f"- {table['panel'].iloc[0]}: mean height above the line in points (networks): {told}.")
    note = "Data sets differ in objective and architecture too, so a correlation is not the effect of size alone."
    return "\n".join([start, "", *lines, *(["", note] if by_size else [])]) + "\n"
