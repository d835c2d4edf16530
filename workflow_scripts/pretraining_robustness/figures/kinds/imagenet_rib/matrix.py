"""Every change of accuracy as a heat map for each network and method. Rows: cell_means of `imagenet_rib.results`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import (
    INFERRED,
    Beside,
    drawn,
    methods_of,
    network_name,
    networks_of,
    rows_of,
    signed,
)
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL, width, wrap_words
from pretraining_robustness.figures.words import count, sentence

# Inches.
READS = {"rows": "imagenet_rib/cell_means.csv"}

_CELL, _COLUMN_NAMES, _ROW_NAMES, _PANEL_TITLE, _GAP, _WIDEST_CELL = 0.27, 0.85, 0.95, 0.46, 0.15, 0.36
_BESIDE_NAMES, _NARROWEST = 0.12, 4.6


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_matrix)


def draw_matrix(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw a heat map of the changes of accuracy for each network and method; return the figure and its caption."""
    networks, methods = networks_of(rows, figure), methods_of(rows, figure)
    tuned = [name for name in figure["variants"] if name in set(rows["fine_tuned_on"])]
    tested = [figure["reference"], *figure["tested_on"]]
    across = len(methods)
    row_names, column_names = (
        max(least, max(width(figure["variants"][name], SMALL) for name in names) + _BESIDE_NAMES)
        for least, names in ((_ROW_NAMES, tuned), (_COLUMN_NAMES, tested))
    )
    wide = min(_WIDEST_CELL, (FULL_WIDTH - row_names - 2 * MARGIN - across * _GAP) / (across * len(tested)))
    cell = (wide * len(tested), _CELL * len(tuned))
    row = cell[1] + _PANEL_TITLE
    footer = [
        "Columns: tested on; rows: fine-tuned on. Grey: the variant itself, whose images were trained on. Bold: the "
        f"{100 * figure['confidence']:g} % interval of the change excludes 0; "
        f"on {figure['variants'][figure['reference']]} there is none."
    ]
    page_width = max(_NARROWEST, 2 * MARGIN + row_names + across * (cell[0] + _GAP))
    page = make_page(page_width, len(networks) * row + column_names, figure["title"], footer, figure["note"] or "")
    reach = float(np.ceil(rows.loc[rows["tested_on"].isin(tested), "change"].abs().max()))
    for down, network in enumerate(networks):
        for right, method in enumerate(methods):
            some = rows_of(rows, network, method)
            some = some.assign(clear=some["low"] * some["high"] > 0)  # not where there is no interval
            matrix, clear = (
                some.pivot(index="fine_tuned_on", columns="tested_on", values=value).reindex(
                    index=tuned, columns=tested
                )
                for value in ("change", "clear")
            )
            left = MARGIN + row_names + right * (cell[0] + _GAP)
            axes = page.add_axes(left, page.top - (down + 1) * row, *cell, label=f"{down} {right}")
            _heat_map(axes, matrix, clear, reach, figure, names=(right == 0, down == len(networks) - 1))
            name = network_name(network, figure).replace("\n", " ")
            title = wrap_words(f"{figure['methods'][method]}, {name}", cell[0], SMALL)
            axes.set_title("\n".join(title[:3]), fontsize=SMALL)
    return page.figure, _caption(rows, figure)


def _heat_map(
    axes: Axes,
    matrix: pd.DataFrame,
    clear: pd.DataFrame,
    reach: float,
    figure: Mapping[str, Any],
    names: Sequence[bool],
) -> None:
    itself = np.array([[tuned == tested for tested in matrix.columns] for tuned in matrix.index])
    hidden = itself | matrix.isna().to_numpy()
    words = signed(matrix, 0)
    sns.heatmap(matrix, mask=hidden, annot=words, fmt="", annot_kws={"fontsize": 5.5}, cmap="RdBu", vmin=-reach,
                vmax=reach, cbar=False, ax=axes, linewidths=0.4)  # fmt: skip
    for text, sure in zip(axes.texts, clear.to_numpy()[~hidden], strict=True):
        text.set_fontweight("bold" if bool(sure) else "normal")
    axes.set_facecolor("0.85")
    labels = [figure["variants"][name] for name in matrix.columns]
    axes.set_xticks(np.arange(len(labels)) + 0.5, labels if names[1] else [], rotation=90, fontsize=SMALL)
    rows = [figure["variants"][name] for name in matrix.index]
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows if names[0] else [], rotation=0, fontsize=SMALL)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0)


def _caption(rows: pd.DataFrame, figure: Mapping[str, Any]) -> str:
    used = rows[rows["counts"]]
    fell, rose = int((used["high"] < 0).sum()), int((used["low"] > 0).sum())
    seeds = " and seeds" if rows["seeds"].max() > 1 else ""
    return (
        f"{sentence(figure['title'])} Change of accuracy in percentage points after fine-tuning on the variant of the "
        f"row, tested on that of the column; {figure['variants'][figure['reference']]} is in no mean. Of "
        f"{count(len(used), 'cell')} that count towards RI, {fell} fell and {rose} rose by more than their "
        f"{100 * figure['confidence']:g} % intervals over images{seeds}, each by itself, allow for chance. On average "
        f"{used['gained'].mean():.1f} % of the images became right and {used['lost'].mean():.1f} % wrong; "
        f"{used['changed'].mean():.1f} % of the answers changed. {INFERRED} {sentence(figure['note'])}"
    ).strip() + "\n"
