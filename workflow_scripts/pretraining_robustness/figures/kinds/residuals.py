"""Figure 3 and its like: residuals from a linear trend over the epochs of fine-tuning, one line per architecture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.line_names import LineEnd, name_line_ends, names_width
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, Page, axes_size, make_page
from pretraining_robustness.figures.scores import read_scores
from pretraining_robustness.figures.style import SERIES, SeriesStyle
from pretraining_robustness.figures.text import LINE, height, wrap
from pretraining_robustness.figures.trend_marks import key
from pretraining_robustness.figures.words import count, signed
from pretraining_robustness.trends.conclusions import p_in_words
from pretraining_robustness.trends.residuals import (
    LINE_KEY,
    baseline_trend,
    changes_sign,
    epoch_effect,
    mean_over_seeds,
    residual_points,
)
from pretraining_robustness.trends.specification import ResidualFigure

READS = {
    "scores": "scores/{figure}.csv",
    "trends": "trends/{figure}.csv",
    "bands": "trends/{figure}_bands.csv",
    "published": "config",
    "studies": "config",
}

_MOST = len(SERIES)  # lines that one panel can tell apart
_COLUMNS = 3  # of small multiples
# Inches.
_TICKS, _RIGHT, _TITLE, _BELOW_AXES, _BETWEEN, _BETWEEN_ROWS = 0.52, 0.12, 0.22, 0.46, 0.14, 0.24
_HEIGHT, _SMALL_HEIGHT, _NARROW = 2.75, 1.5, 2.5
_SMALLEST_REACH = 0.01  # of F1: the axis does not magnify what is smaller than a reader would care for
_LEGEND = 7  # points
_MEAN, _SINGLE = SeriesStyle("black", "o"), SeriesStyle("0.72", "")


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its title, its distribution and the look of each architecture in colour; none: all in grey."""

    title: str
    distribution: str
    styles: dict[str, SeriesStyle]


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of residuals."""
    scores, trends, bands, told = read_scores(files, figure)
    return Drawing(
        draw_residual_figure(scores, trends, bands, told),
        residual_points(scores, trends, told),
        residual_caption(scores, trends, bands, told),
    )


def draw_residual_figure(
    scores: pd.DataFrame, trends: pd.DataFrame, bands: pd.DataFrame, figure: Mapping[str, Any]
) -> Figure:
    """Draw the residuals of each distribution: in one panel, or by family when there are many architectures.

    Args:
        scores: a score table (scores.COLUMNS).
        trends: a trend table with the baseline's trend (fit.TREND_COLUMNS).
        bands: not used; all figures of scores are drawn from the same three tables.
        figure: the specification as a plain dict (specification.ResidualFigure).
    """
    spec = ResidualFigure.from_dict(figure)
    points, trend = residual_points(scores, trends, figure), baseline_trend(trends, spec)
    lines = mean_over_seeds(points)
    panels = _panels(spec, points)
    many = any(not panel.styles for panel in panels) and len(points) > 0
    with own_look():
        page, places = (_lay_out_grid if many else _lay_out_rows)(spec, panels, _footer(spec, trend, points))
        for panel, (axes, legend_top) in zip(panels, places, strict=True):
            mine = points[points["series"] == panel.distribution]
            _set_up(axes, points)
            if mine["drawn"].any():
                _draw_panel(axes, panel, mine, lines[lines["series"] == panel.distribution], spec)
                if panel.styles.keys() != set(mine["architecture"]):
                    _draw_legend(axes, panel, spec, legend_top)
            else:
                _say_why_empty(axes, spec, trend, mine)
    return page.figure


def _panels(spec: ResidualFigure, points: pd.DataFrame) -> list[Panel]:
    """Return a panel for each distribution, or with too many architectures one for all and one for each family."""
    panels = []
    for name in spec.series:
        present = set(points.loc[points["series"] == name, "architecture"])
        ordered = [one for one in spec.architectures if one in present]
        ordered += sorted(present.difference(ordered))
        styles = {one: SERIES[place % _MOST] for place, one in enumerate(ordered)}
        if len(ordered) <= _MOST:
            panels.append(Panel(spec.label(name), name, styles))
            continue
        before = f"{spec.label(name)}: " if len(spec.series) > 1 else ""
        panels.append(Panel(f"{before}all architectures" if before else "All architectures", name, {}))
        for family in dict.fromkeys(map(spec.family, ordered)):
            members = [one for one in ordered if spec.family(one) == family]
            for start in range(0, len(members), _MOST):
                chosen = {one: styles[one] for one in members[start : start + _MOST]}
                panels.append(Panel(f"{before}{family}", name, chosen))
    return panels


def _footer(spec: ResidualFigure, trend: pd.Series, points: pd.DataFrame) -> list[str]:
    sentences = []
    if pd.notna(trend["slope"]):
        dropped = int((~points["drawn"]).sum())
        sentences.append(
            f"y = 0: the trend of '{spec.label(spec.baseline)}', fitted on {spec.scale.name} axes to "
            f"{int(trend['n_checkpoints'])} checkpoints of {int(trend['n_runs'])} runs."
        )
        if dropped:
            sentences.append(
                f"Not shown: {count(dropped, 'checkpoint')} with an {spec.metric.symbol} of 0 or 1, without a place "
                "on these axes."
            )
    if points.groupby(["series", "architecture"])["seed"].nunique().gt(1).any():
        sentences.append("Lines: means over seeds; small points: single seeds.")
    sentences.append(spec.says_not_run())
    text = " ".join(sentence for sentence in sentences if sentence)
    return [text] if text else []


def _lay_out_rows(
    spec: ResidualFigure, panels: list[Panel], footer: Sequence[str]
) -> tuple[Page, list[tuple[Axes, float]]]:
    """Make a page with one wide panel a row and room for the lines' names at its right."""
    row = _TITLE + _HEIGHT + _BELOW_AXES
    page = make_page(FULL_WIDTH, len(panels) * row, spec.title, footer, spec.note)
    label = wrap(spec.y_label, _HEIGHT, 8)
    left = MARGIN + height(label, 8) + _TICKS
    names = max(names_width(map(spec.architecture_label, panel.styles)) for panel in panels)
    places = []
    for place, panel in enumerate(panels):
        bottom = page.top - (place + 1) * row + _BELOW_AXES
        axes = page.add_axes(left, bottom, FULL_WIDTH - left - names - MARGIN, _HEIGHT, label=panel.title)
        axes.set_title(panel.title, loc="left")
        axes.set_xlabel(spec.x_label)
        _label_vertically(page, label, bottom + _HEIGHT / 2)
        places.append((axes, 1.0))
    return page, places


def _lay_out_grid(
    spec: ResidualFigure, panels: list[Panel], footer: Sequence[str]
) -> tuple[Page, list[tuple[Axes, float]]]:
    """Make a page with small panels, three a row, each with room for its title and its legend above.

    With each panel comes the top of its legend as a fraction of the axes' height.
    """
    label = wrap(spec.y_label, 2 * _SMALL_HEIGHT, 8)
    left = MARGIN + height(label, 8) + _TICKS
    width = (FULL_WIDTH - left - _RIGHT - (_COLUMNS - 1) * _BETWEEN) / _COLUMNS
    rows = [panels[start : start + _COLUMNS] for start in range(0, len(panels), _COLUMNS)]
    titles = [max(height(wrap(panel.title, width, 9), 9) for panel in row) + 0.04 for row in rows]
    legends = [max(-(-len(panel.styles) // 2) or 2 for panel in row) * _LEGEND * LINE + 0.06 for row in rows]
    heights = [title + legend + _SMALL_HEIGHT for title, legend in zip(titles, legends, strict=True)]
    contents = sum(heights) + (len(rows) - 1) * _BETWEEN_ROWS + _BELOW_AXES
    page = make_page(FULL_WIDTH, contents, spec.title, footer, spec.note)
    _label_vertically(page, label, (page.top + page.bottom + _BELOW_AXES) / 2)
    places, top = [], page.top
    for down, row in enumerate(rows):
        bottom = top - heights[down]
        for across, panel in enumerate(row):
            box = (left + across * (width + _BETWEEN), bottom, width, _SMALL_HEIGHT)
            axes = page.add_axes(*box, label=panel.title)
            legend_top = 1 + (legends[down] + 0.01) / _SMALL_HEIGHT
            axes.set_title("\n".join(wrap(panel.title, width, 9)), loc="left", y=legend_top, pad=2)
            nothing_below = down * _COLUMNS + across + _COLUMNS >= len(panels)
            axes.tick_params(labelleft=across == 0, labelbottom=nothing_below)
            axes.set_xlabel(spec.x_label if nothing_below else "")
            places.append((axes, legend_top))
        top = bottom - _BETWEEN_ROWS
    return page, places


def _label_vertically(page: Page, label: list[str], middle: float) -> None:
    options: dict[str, Any] = {"rotation": 90, "va": "center", "ha": "left", "multialignment": "center"}
    page.write(MARGIN, middle, "\n".join(label), fontsize=8, **options)


def _set_up(axes: Axes, points: pd.DataFrame) -> None:
    """Give all panels the same axes: epochs, and residuals as far up as down."""
    last = int(points["epoch"].max()) if len(points) else 1
    width = axes_size(axes)[0]
    step = -(-last // (6 if width < _NARROW else 15))
    axes.set_xlim(0.5, last + 0.5)
    axes.xaxis.set_major_locator(FixedLocator([epoch for epoch in range(1, last + 1) if epoch % step == 0]))
    reach = max(float(points["residual"].abs().max()) if points["drawn"].any() else 0.0, _SMALLEST_REACH)
    axes.set_ylim(-1.1 * reach, 1.1 * reach)
    ticks = MaxNLocator(6, steps=[1, 2, 5, 10], symmetric=True).tick_values(-1.1 * reach, 1.1 * reach)
    digits = max(len(f"{tick:.4f}".rstrip("0").partition(".")[2]) for tick in ticks)
    axes.yaxis.set_major_locator(FixedLocator([tick for tick in ticks if abs(tick) <= 1.1 * reach]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value, digits)))
    axes.grid(True, zorder=0)
    axes.set_axisbelow(True)
    axes.axhline(0, color="0.25", linewidth=1.1, zorder=1.5, label="_trend")


def _signed(value: float, digits: int) -> str:
    return "0" if abs(value) < 1e-9 else signed(value, digits).replace("-", "\N{MINUS SIGN}")


def _draw_panel(axes: Axes, panel: Panel, points: pd.DataFrame, lines: pd.DataFrame, spec: ResidualFigure) -> None:
    """Draw the panel's own lines in colour, above all others in grey."""
    others = lines[~lines["architecture"].isin(panel.styles)]
    if len(others):
        _draw_distribution(axes, others, with_mean=not panel.styles)
    for name, style in panel.styles.items():
        _draw_line(axes, points[(points["architecture"] == name) & points["drawn"]], lines, name, style, spec)
    if others.empty:
        name_line_ends(axes, _line_ends(panel, lines, spec))


def _draw_distribution(axes: Axes, lines: pd.DataFrame, with_mean: bool) -> None:
    """Draw single lines in grey and, if asked, their mean at each epoch with a band of one standard deviation."""
    import seaborn as sns  # takes half a second, and most figures have few enough lines to colour each

    options: dict[str, Any] = {"x": "epoch", "y": "residual", "ax": axes, "legend": False}
    labels = {"xlabel": axes.get_xlabel(), "ylabel": axes.get_ylabel()}
    sns.lineplot(lines, units="architecture", estimator=None, color="0.72", linewidth=0.7, zorder=2, **options)
    if with_mean:
        look = {"color": _MEAN.colour, "marker": _MEAN.marker, "linewidth": 1.6, "markersize": 3, "zorder": 5}
        sns.lineplot(lines, errorbar="sd", err_kws={"zorder": 1.7, "linewidth": 0, "alpha": 0.13}, **look, **options)
    axes.set(**labels)  # seaborn writes the columns' names where there are none


def _line_ends(panel: Panel, lines: pd.DataFrame, spec: ResidualFigure) -> list[LineEnd]:
    ends = lines.sort_values("epoch").groupby("architecture").tail(1)
    columns = (ends["architecture"], ends["epoch"], ends["residual"])
    return [
        (spec.architecture_label(name), panel.styles[name], epoch, residual)
        for name, epoch, residual in zip(*(column.tolist() for column in columns), strict=True)
    ]


def _draw_line(
    axes: Axes, seeds: pd.DataFrame, lines: pd.DataFrame, name: str, style: SeriesStyle, spec: ResidualFigure
) -> None:
    line = lines[lines["architecture"] == name]
    if line["seeds"].gt(1).any():
        look: Any = {"s": style.area / 3, "marker": style.marker, "color": style.colour, "alpha": 0.55}
        axes.scatter(seeds["epoch"], seeds["residual"], linewidths=0, zorder=3, **look)
    look = {**style.marks, **style.line, "linewidth": 1.5}
    axes.plot(line["epoch"], line["residual"], zorder=4, label=spec.architecture_label(name), **look)


def _draw_legend(axes: Axes, panel: Panel, spec: ResidualFigure, top: float) -> None:
    """Name the lines between the title and the axes; the family is in the title."""
    looks = [
        (spec.architecture_label(name).partition(" (")[2].removesuffix(")") or name, style, 1.5)
        for name, style in panel.styles.items()
    ] or [("Mean \N{PLUS-MINUS SIGN} standard deviation", _MEAN, 1.6), ("Single architectures", _SINGLE, 0.7)]
    handles = []
    for name, style, width in looks:
        handles.append(key(style, width, marker_size=5))
        handles[-1].set_label(name)
    place: Any = {"loc": "upper left", "bbox_to_anchor": (0, top), "ncols": 2 if panel.styles else 1}
    gaps: Any = {"borderaxespad": 0.1, "borderpad": 0, "handletextpad": 0.4, "columnspacing": 0.9}
    axes.legend(handles=handles, **place, **gaps, frameon=False, handlelength=2.2, labelspacing=0.25, fontsize=_LEGEND)


def _say_why_empty(axes: Axes, spec: ResidualFigure, trend: pd.Series, points: pd.DataFrame) -> None:
    if points.empty:
        text = "no checkpoints to show"
    elif pd.isna(trend["slope"]):
        text = f"no residuals to show: '{spec.label(spec.baseline)}' has {trend['note']}"
    else:
        text = f"no checkpoints to show: each has an {spec.metric.symbol} of 0 or 1"
    lines = wrap(text, 0.8 * axes_size(axes)[0], 8)
    look: Any = {"ha": "center", "va": "center", "zorder": 3, "bbox": {"facecolor": "white", "edgecolor": "none"}}
    axes.text(0.5, 0.5, "\n".join(lines), transform=axes.transAxes, **look)


def residual_caption(scores: pd.DataFrame, trends: pd.DataFrame, bands: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    """Return the caption: what the figure shows, how it was made, and the numbers read off it.

    Whether residuals depend on the epoch is tested (`residuals.epoch_effect`), on the architecture it is not. The
    arguments are those of `draw_residual_figure`.
    """
    spec = ResidualFigure.from_dict(figure)
    points, trend = residual_points(scores, trends, figure), baseline_trend(trends, spec)
    drawn, fitted = points[points["drawn"]], bool(pd.notna(trend["slope"]))
    lines = mean_over_seeds(points)
    changes = changes_sign(lines)
    own = drawn["series"] == spec.baseline
    found, others = drawn["residual"], drawn["residual_from_others"].dropna()
    effect = epoch_effect(points, spec.confidence)
    return render(
        "residuals.jinja",
        spec=spec,
        baseline=spec.label(spec.baseline),
        shown=[spec.label(name) for name in spec.series],
        several_seeds=points.groupby(LINE_KEY)["seed"].nunique().gt(1).any(),
        checkpoints=len(points),
        architectures=points["architecture"].nunique(),
        seeds=points["seed"].nunique(),
        axes=spec.axes(),
        level=f"{spec.confidence * 100:g} %",
        why=trend["note"],
        trend=_fit_in_words(trend) if fitted else None,
        drawn=len(drawn),
        **{"lowest": found.min(), "highest": found.max(), "mean": found.mean()},
        changing=int(changes.sum()),
        noun="architecture" if len(spec.series) == 1 else "line",
        own="all" if own.all() else "some" if own.any() else "none",
        others=others if len(others) else None,
        effect=effect,
        depends=effect is not None and effect.p <= 1 - spec.confidence,
        p=p_in_words(effect.p) if effect else "",
        dropped=int((~points["drawn"]).sum()),
        lines=[_line_in_words(spec, key, values, changes) for key, values in lines.groupby(LINE_KEY)["residual"]],
    )


def _fit_in_words(trend: pd.Series) -> dict[str, Any]:
    slope, low, high = (float(trend[name]) for name in ("slope", "slope_low", "slope_high"))
    numbers = {"checkpoints": int(trend["n_checkpoints"]), "runs": int(trend["n_runs"])}
    return {**numbers, "slope": f"{slope:.2f} [{low:.2f}, {high:.2f}]"}


def _line_in_words(spec: ResidualFigure, key: Any, values: pd.Series, changes: pd.Series) -> dict[str, Any]:
    series, architecture = map(str, key)
    name = spec.architecture_label(architecture)
    return {
        "name": f"{spec.label(series)}, {name}" if len(spec.series) > 1 else name,
        **{"mean": values.mean(), "low": values.min(), "high": values.max()},
        "changes": changes.loc[(series, architecture)],
    }
