"""The charts of both pages, as Altair makes them for Vega-Lite.

The page of checkpoints fills in the data sets and the values of the parameters that stand here empty (report/*.js); the
matrix of ImageNet-RIB has its data and its controls with it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import altair as alt
import pandas as pd

Chart = dict[str, Any]

_AXES = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "gridColor": "#ebebeb"}
_LIT = "lit === '' || lit === datum.series"
_FOUR_LINES = {
    "Pre-training": "#1030A8",
    "Fine-tuning": "#CA1C03",
    "In distribution": "#4477AA",
    "Out of distribution": "#AA3377",
}


def scatter() -> Chart:
    """Return the chart of a panel: checkpoints, trends, and the line on which both scores are equal.

    Data sets: `points` (x, y, i, series, colour, shape, size and the four lines of text of a tooltip), `lines` (x, y,
    x2, y2, series, colour, dashed) and `equal` (x, y, x2, y2). Parameters: `low` and `high`, the range of both axes;
    `ticks`, their places; `scores`, the score of each place; `pointed`, the checkpoint that the keyboard is at; `lit`,
    the series that stands out.
    """
    values: dict[str, Any] = {"low": 0, "high": 1, "ticks": [], "scores": {}, "pointed": -1, "lit": ""}
    parameters = [alt.param(name=name, value=value) for name, value in values.items()]
    hover = alt.selection_point(name="hover", nearest=True, on="pointerover", clear="pointerout", fields=["i"])
    scale = alt.Scale(domain=[alt.expr("low"), alt.expr("high")], zero=False, nice=False)
    axis = alt.Axis(values=alt.expr("ticks"), labelExpr="scores[datum.value]", labelOverlap=False)
    x, y = alt.X("x:Q", scale=scale, axis=axis), alt.Y("y:Q", scale=scale, axis=axis)
    ends = {"x2": "x2", "y2": "y2"}
    equal = (
        alt.Chart(alt.NamedData("equal")).mark_rule(strokeDash=[2, 3], color="#666", clip=True).encode(x=x, y=y, **ends)
    )
    trends = alt.Chart(alt.NamedData("lines")).encode(x=x, y=y, **ends)
    halo = trends.transform_filter("!datum.dashed").mark_rule(strokeWidth=5, color="white", opacity=0.8, clip=True)
    lines = trends.mark_rule(clip=True).encode(
        color=alt.Color("colour:N", scale=None),
        strokeWidth=alt.condition("datum.dashed", alt.value(1.4), alt.value(2.4)),
        strokeDash=alt.condition("datum.dashed", alt.value([6, 4]), alt.value([1, 0])),
        opacity=alt.condition(_LIT, alt.value(1), alt.value(0.08)),
    )
    marked: dict[str, Any] = {"or": [{"param": "hover", "empty": False}, "datum.i === pointed"]}
    # The pointer meets the cell around a checkpoint, whose datum is the mark in it.
    words = {"who": "Pre-trained on", "run": "Run", "id": "In distribution", "ood": "Out of distribution"}
    tooltip = ", ".join(f"'{title}': (datum.datum || datum).{name}" for name, title in words.items())
    points = (
        alt.Chart(alt.NamedData("points"), name="checkpoints")
        .mark_point(filled=True, clip=True, cursor="pointer", tooltip=alt.expr(f"{{{tooltip}}}"))
        .encode(
            x=x,
            y=y,
            shape=alt.Shape("shape:N", scale=None),
            size=alt.Size("size:Q", scale=None),
            color=alt.Color("colour:N", scale=None),
            opacity=alt.condition(_LIT, alt.value(0.85), alt.value(0.08)),
            stroke=alt.StrokeValue("white", condition={"test": marked, "value": "black"}),
            strokeWidth=alt.StrokeWidthValue(0.5, condition={"test": marked, "value": 2}),
        )
        .add_params(hover)
    )
    return _plain(alt.layer(equal, halo, lines, points).add_params(*parameters).properties(padding=5))


def curves() -> Chart:
    """Return the small charts of a run, one per `panel` of the data set `curves` (panel, order, line, epoch, value)."""
    colour = alt.Color("line:N", title=None, legend=alt.Legend(orient="bottom", columns=2))
    colour = colour.scale(domain=list(_FOUR_LINES), range=list(_FOUR_LINES.values()))
    chart = (
        alt.Chart(alt.NamedData("curves"))
        .mark_line(point=alt.OverlayMarkDef(size=30), strokeWidth=2)
        .encode(
            x=alt.X("epoch:Q", title="Epoch", axis=alt.Axis(tickMinStep=1, format="d", tickCount=5)),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=5)),
            color=colour,
            tooltip=["line:N", "epoch:Q", alt.Tooltip("value:Q", format=".4~g")],
        )
        .properties(width=200, height=150)
    )
    order = alt.EncodingSortField("order", op="min")
    panels = alt.Facet("panel:N", title=None, sort=order, header=alt.Header(labelFontWeight="bold"))
    return _plain(chart.facet(panels, columns=3).resolve_scale(x="independent", y="independent"))


def matrix(rows: pd.DataFrame, labels: Mapping[str, Mapping[str, str]]) -> Chart:
    """Return the chart of changes of accuracy: a cell per variant fine-tuned on and variant tested on.

    Network and method are chosen below it; rows are those of `imagenet_rib.results`' mean cells, with `labels` as in
    `rib_page.write_rib_page`.
    """
    variants = labels["variants"]
    named = pd.DataFrame(
        {
            "network": rows["distribution"].map(labels["distributions"]) + ", " + rows["architecture"],
            "by": rows["method"].map(labels["methods"]),
            "tuned": rows["fine_tuned_on"].map(variants),
            "tested": rows["tested_on"].map(variants),
            **{name: rows[name].round(2) for name in ("before", "after", "change")},
        }
    )
    reach = float(named.loc[named["tuned"] != named["tested"], "change"].abs().max())
    order = list(dict.fromkeys(variants.values()))
    architectures = sorted(set(rows["architecture"]))
    networks = [f"{label}, {one}" for label in labels["distributions"].values() for one in architectures]
    network = _chosen("network", "Network ", networks, named)
    method = _chosen("by", "Method ", labels["methods"].values(), named)
    words = {"tuned:N": "Fine-tuned on", "tested:N": "Tested on", "before:Q": "Before (%)", "after:Q": "After (%)"}
    chart = (
        alt.Chart(named)
        .transform_filter("datum.network === chosen_network && datum.by === chosen_by")
        .encode(
            x=alt.X("tested:N", sort=order, title="Tested on", axis=alt.Axis(labelAngle=-40)),
            y=alt.Y("tuned:N", sort=order, title="Fine-tuned on"),
            tooltip=[alt.Tooltip(name, title=title) for name, title in (words | {"change:Q": "Change"}).items()],
        )
    )
    colours = alt.Scale(domain=[-reach, reach], clamp=True, range=["#b2182b", "#f7f7f7", "#2166ac"])
    cells = chart.mark_rect().encode(color=alt.Color("change:Q", title="Change (points)", scale=colours))
    own = chart.transform_filter("datum.tuned === datum.tested").mark_rect(color="#d9d9d9")
    dark = f"datum.tuned !== datum.tested && abs(datum.change) > {0.7 * reach}"
    ink = alt.condition(dark, alt.value("white"), alt.value("black"))
    texts = chart.mark_text().encode(text=alt.Text("change:Q", format="+.1f"), color=ink)
    size = {"width": alt.Step(74), "height": alt.Step(30)}
    return _plain(alt.layer(cells, own, texts).add_params(network, method).properties(**size))


def _chosen(field: str, words: str, options: Iterable[str], rows: pd.DataFrame) -> alt.Parameter:
    present = [one for one in options if one in set(rows[field])]
    return alt.param(name=f"chosen_{field}", value=present[0], bind=alt.binding_select(options=present, name=words))


def _plain(chart: Any) -> Chart:
    return dict(chart.configure_axis(**_AXES).configure(aria=False).to_dict())
