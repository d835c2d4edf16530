"""Figures of ImageNet-RIB: mRI of every network as bars, and every change of accuracy as a matrix."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.output import save_figure
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.style import REFERENCES, SERIES, SETTINGS
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.figures.words import count, sentence
from pretraining_robustness.imagenet_rib.comparison import ALL, COUNTINGS
from pretraining_robustness.imagenet_rib.indices import NETWORK

_SERIES = ["distribution", "architecture"]
_LOOKS = [*REFERENCES, *SERIES]
# Inches.
_BAR, _BETWEEN, _NAMES, _BELOW = 0.13, 0.2, 2.3, 0.45
_CELL, _COLUMN_NAMES, _ROW_NAMES, _PANEL_TITLE, _GAP, _WIDEST_CELL = 0.27, 0.85, 0.95, 0.46, 0.15, 0.36
_SIMILARITY, _LAYER_NAMES = 1.4, 0.6
_INFERRED = (
    "The formula of mRI is inferred from the axis of the published figure (arXiv 2410.21582) and its unweighted mean "
    "from a worked example; the published code holds none."
)


def draw_rib_figure(
    *,
    tables: Sequence[str | Path],
    figure: Mapping[str, Any],
    pdf: str | Path,
    png: str | Path,
    table: str | Path,
    caption: str | Path,
    published: str | Path | None = None,
) -> None:
    """Draw a figure from its tables, after the last epoch, and write its files.

    Args:
        tables: for rib_bars the indices and for rib_matrix the cells of `results.compute_indices`, for rib_similarity
            what `similarity.compare_networks` wrote.
        figure: kind (rib_bars, rib_matrix or rib_similarity), name, title, note, confidence, methods, networks,
            architectures and variants (readable name of each, in the order shown), tested_on, sharing, reference.
        published: for rib_bars, CSV of published mRI with the columns architecture, method, before, after, mri.
        pdf, png, table, caption: see `output.save_figure`.

    Raises:
        InputError: no network was fine-tuned, or more methods than can be told apart.
    """
    draw = {"rib_bars": _draw_bars, "rib_matrix": _draw_matrix, "rib_similarity": _draw_similarity}[figure["kind"]]
    rows = pd.concat([pd.read_csv(path) for path in tables], ignore_index=True)
    if rows.empty:
        raise InputError(f"{tables[0]}: holds no network; fine-tune one")
    rows = rows[rows["epoch"] == rows.groupby(["method", *_SERIES, "seed"])["epoch"].transform("max")]
    with mpl.rc_context(SETTINGS):
        page, text = draw(rows, {**figure, "published": _published(published)})
    save_figure(page, rows, text, pdf=pdf, png=png, table=table, caption=caption)


def _draw_bars(rows: pd.DataFrame, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw a bar of mRI for each network and method, without and with the cells of shared images."""
    means = rows[rows["fine_tuned_on"] == ALL]
    networks = _networks(means, figure)
    methods = [method for method in figure["methods"] if method in set(means["method"])]
    published = figure["published"]
    if len(methods) > len(_LOOKS):
        raise InputError(f"figures: {len(methods)} methods, but only {len(_LOOKS)} can be told apart; show fewer")
    tall = len(networks) * (len(methods) * _BAR + _BETWEEN)
    text = _bars_caption(means, figure)
    footer = [f"Bars: mRI; whiskers: {100 * figure['confidence']:g} % intervals over images. {_shared(figure)}"]
    if any((network[1], method) in published for network in networks for method in methods):
        known = "Diamonds: mRI of the same network as published, read off the vector figure to 0.03."
        footer, text = [f"{footer[0]} {known}"], f"{text.rstrip()}\n\n{known}\n"
    page = make_page(FULL_WIDTH, tall + _BELOW + 0.25 * (1 + len(methods) // 3) + 0.25, figure["title"], footer,
                     figure["note"] or "")  # fmt: skip
    width = (page.width - _NAMES - 3 * MARGIN) / 2
    panels = []
    for place, counting in enumerate(COUNTINGS):
        axes = page.add_axes(_NAMES + place * (width + MARGIN), page.bottom + _BELOW, width, tall, counting)
        axes.set_title("All variants" if counting == "all" else "Without shared images")
        for number, network in enumerate(networks):
            for step, method in enumerate(methods):
                one = _of(means, network, method, counting)
                if one.empty:
                    continue
                y = -(number * (len(methods) * _BAR + _BETWEEN) + step * _BAR)
                value, low, high = one["index"].mean(), one["low"].mean(), one["high"].mean()
                label = figure["methods"][method] if number == 0 else None
                axes.barh(y, value, height=0.85 * _BAR, color=_LOOKS[step].colour, label=label)
                if counting == COUNTINGS[0] and (network[1], method) in published:
                    axes.plot(published[network[1], method], y, "d", color="black", markersize=4)
                axes.errorbar(value, y, xerr=[[value - low], [high - value]], color="0.1", linewidth=0.8, capsize=1.5)
        axes.axvline(0, color="0.3", linewidth=0.7)
        axes.set_ylim(-tall + _BETWEEN / 2 + _BAR / 2, _BETWEEN / 2 + _BAR / 2)
        middles = [
            -(n * (len(methods) * _BAR + _BETWEEN) + (len(methods) - 1) * _BAR / 2) for n in range(len(networks))
        ]
        axes.set_yticks(middles, [_name(network, figure) for network in networks] if place == 0 else [])
        axes.set_xlabel("mRI (percentage points)")
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        panels.append(axes)
    reach = [end for axes in panels for end in axes.get_xlim()]
    for axes in panels:
        axes.set_xlim(min(reach), max(reach))
    handles, labels = panels[0].get_legend_handles_labels()
    page.figure.legend(handles, labels, ncols=3, loc="upper center", bbox_to_anchor=(0.5, page.top / page.height))
    return page.figure, text


def _published(table: str | Path | None) -> dict[tuple[str, str], float]:
    """Return published mRI by architecture and method."""
    rows = [] if table is None else pd.read_csv(table).to_dict("records")
    return {(row["architecture"], row["method"]): float(row["mri"]) for row in rows}


def _draw_matrix(rows: pd.DataFrame, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw a heat map of the changes of accuracy for each network and method."""
    networks = _networks(rows, figure)
    methods = [method for method in figure["methods"] if method in set(rows["method"])]
    tuned = [name for name in figure["variants"] if name in set(rows["fine_tuned_on"])]
    tested = [figure["reference"], *figure["tested_on"]]
    across = len(methods)
    wide = min(_WIDEST_CELL, (FULL_WIDTH - _ROW_NAMES - 2 * MARGIN - across * _GAP) / (across * len(tested)))
    cell = (wide * len(tested), _CELL * len(tuned))
    row = cell[1] + _PANEL_TITLE
    footer = ["Columns: tested on; rows: fine-tuned on. Grey: the variant itself, whose images were trained on."]
    page = make_page(FULL_WIDTH, len(networks) * row + _COLUMN_NAMES, figure["title"], footer, figure["note"] or "")
    reach = float(np.ceil(rows.loc[rows["tested_on"].isin(tested), "change"].abs().max()))
    for down, network in enumerate(networks):
        for right, method in enumerate(methods):
            some = _of(rows, network, method)
            matrix = some.pivot_table(index="fine_tuned_on", columns="tested_on", values="change", aggfunc="mean")
            matrix = matrix.reindex(index=tuned, columns=tested)
            left = MARGIN + _ROW_NAMES + right * (cell[0] + _GAP)
            axes = page.add_axes(left, page.top - (down + 1) * row, *cell, label=f"{down} {right}")
            _heat_map(axes, matrix, reach, figure, names=(right == 0, down == len(networks) - 1))
            name = _name(network, figure).replace("\n", " ")
            title = wrap_words(f"{figure['methods'][method]}, {name}", cell[0], SMALL)
            axes.set_title("\n".join(title[:3]), fontsize=SMALL)
    return page.figure, _matrix_caption(rows, figure)


def _heat_map(axes: Axes, matrix: pd.DataFrame, reach: float, figure: Mapping[str, Any], names: Sequence[bool]) -> None:
    itself = np.array([[tuned == tested for tested in matrix.columns] for tuned in matrix.index])
    sns.heatmap(matrix, mask=itself | matrix.isna().to_numpy(), annot=True, fmt="+.0f", annot_kws={"fontsize": 5.5},
                cmap="RdBu", vmin=-reach, vmax=reach, cbar=False, ax=axes, linewidths=0.4)  # fmt: skip
    axes.set_facecolor("0.85")
    labels = [figure["variants"][name] for name in matrix.columns]
    axes.set_xticks(np.arange(len(labels)) + 0.5, labels if names[1] else [], rotation=90, fontsize=SMALL)
    rows = [figure["variants"][name] for name in matrix.index]
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows if names[0] else [], rotation=0, fontsize=SMALL)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0)


def _draw_similarity(rows: pd.DataFrame, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw the similarity of each layer with itself before fine-tuning, a panel a network, a line a method."""
    networks = _networks(rows, figure)
    methods = [method for method in figure["methods"] if method in set(rows["method"])]
    tuned = ", ".join(figure["variants"][name] for name in figure["variants"] if name in set(rows["fine_tuned_on"]))
    footer = [f"Lines: means over the variants fine-tuned on ({tuned}); thin: each of them."]
    lines = 0.2 * (1 + (len(methods) - 1) // 3)
    row = _PANEL_TITLE + _SIMILARITY + _LAYER_NAMES
    page = make_page(FULL_WIDTH, len(networks) * row + lines, figure["title"], footer, figure["note"] or "")
    left = MARGIN + 0.55
    for down, network in enumerate(networks):
        axes = page.add_axes(
            left,
            page.top - lines - (down + 1) * row + _LAYER_NAMES,
            page.width - left - MARGIN,
            _SIMILARITY,
            label=str(down),
        )
        for step, method in enumerate(methods):
            some = _of(rows, network, method)
            for _, one in some.groupby(["fine_tuned_on", "seed"]):
                axes.plot(one["depth"], one["cka"], color=_LOOKS[step].colour, linewidth=0.4, alpha=0.6)
            mean = some.groupby("depth")["cka"].mean()
            look: dict[str, Any] = {"color": _LOOKS[step].colour, "marker": _LOOKS[step].marker, "markersize": 4}
            axes.plot(mean.index, mean, label=figure["methods"][method] if down == 0 else None, **look)
        names = _of(rows, network, methods[0]).drop_duplicates("depth").sort_values("depth")["layer"]
        axes.set_xticks(range(len(names)), list(names), rotation=30, ha="right", fontsize=SMALL)
        axes.set_ylabel("Linear CKA")
        axes.set_title(_name(network, figure).replace("\n", " "))
        axes.grid(axis="y")
    page.figure.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, page.top / page.height))
    text = (
        f"{sentence(figure['title'])} Linear centred kernel alignment (CKA; Kornblith et al. 2019) of each layer with "
        f"the same layer before fine-tuning, on {figure['variants'][figure['reference']]}; 1: same but for rotation "
        "and scale. The unbiased minibatch estimate (Nguyen et al. 2021). Which layers, images and estimator the paper "
        f"(arXiv 2410.21582) took is not known; these are ours. {footer[0]} {sentence(figure['note'])}"
    )
    return page.figure, text.strip() + "\n"


def _networks(rows: pd.DataFrame, figure: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return distribution and architecture of the networks, in the order of the config."""
    present = set(zip(rows["distribution"], rows["architecture"], strict=True))
    ordered = [(one, other) for one in figure["networks"] for other in figure["architectures"]]
    return [pair for pair in ordered if pair in present]


def _of(rows: pd.DataFrame, network: tuple[str, str], method: str, counting: str | None = None) -> pd.DataFrame:
    chosen = (rows["distribution"] == network[0]) & (rows["architecture"] == network[1]) & (rows["method"] == method)
    return rows[chosen & (rows["counting"] == counting)] if counting else rows[chosen]


def _name(network: tuple[str, str], figure: Mapping[str, Any]) -> str:
    name = f"{figure['networks'][network[0]]}, {network[1]}"
    return "\n".join(wrap_words(name, _NAMES - 0.3, SMALL)[:3])


def _shared(figure: Mapping[str, Any]) -> str:
    names = ", ".join(figure["variants"][name] for name in figure["sharing"])
    return f"Without shared images: none of {names}, renderings of the same images, counts for another of them."


def _bars_caption(means: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    readings = []
    for _, one in means[means["counting"] == "all"].sort_values([*NETWORK]).iterrows():
        network = (one["distribution"], one["architecture"])
        name = _name(network, figure).replace("\n", " ")
        readings.append(
            f"- {name}, {figure['methods'][one['method']]}, seed {one['seed']}: mRI {one['index']:+.2f} "
            f"[{one['low']:+.2f}, {one['high']:+.2f}], mean accuracy {one['before']:.2f} before and {one['after']:.2f} "
            "after."
        )
    tested = ", ".join(figure["variants"][name] for name in figure["tested_on"])
    paragraph = (
        f"{sentence(figure['title'])} mRI: mean over the variants of ImageNet that a network is fine-tuned on of the "
        f"mean change of accuracy on the others, in percentage points. Variants: {tested}. Intervals: "
        f"{100 * figure['confidence']:g} %, over images, paired before and after, the renderings of one image being "
        f"one cluster; bars are means over seeds, whose spread is not in the interval. {_shared(figure)} {_INFERRED} "
        f"{sentence(figure['note'])}"
    )
    return "\n".join([paragraph.strip(), "", *readings]) + "\n"


def _matrix_caption(rows: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    used = rows[rows["counts"]]
    fell = int((used["change"] < 0).sum())
    return (
        f"{sentence(figure['title'])} Change of accuracy in percentage points after fine-tuning on the variant of the "
        f"row, tested on that of the column; {figure['variants'][figure['reference']]} is in no mean. Of "
        f"{count(len(used), 'cell')} that count towards RI, {fell} fell. On average {used['gained'].mean():.1f} % of "
        f"the images became right and {used['lost'].mean():.1f} % wrong; {used['changed'].mean():.1f} % of the answers "
        f"changed. {_INFERRED} "
        f"{sentence(figure['note'])}"
    ).strip() + "\n"
