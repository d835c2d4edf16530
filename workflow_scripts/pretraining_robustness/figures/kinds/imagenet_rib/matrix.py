"""Every change of accuracy as a heat map for each network and method."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from pretraining_robustness.figures.heat_map import draw_colour_scale, draw_heat_map
from pretraining_robustness.figures.imagenet_rib import Shown, lay_out, of
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN
from pretraining_robustness.figures.text import SMALL, height, width, wrap_words

READS = {"rows": "imagenet_rib/cell_means.csv"}
# Inches.
_CELL, _WIDEST_CELL, _GAP, _SCALE, _BESIDE_NAMES, _NARROWEST = 0.27, 0.4, 0.15, 0.6, 0.12, 4.6
_NUMBERS = 5.5  # points


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a row of heat maps for each network, a column for each method."""
    shown = Shown.read(files, figure)
    networks, methods, tuned = shown.networks, shown.methods, shown.tuned
    tested = [figure["reference"], *figure["tested_on"]]
    across = len(methods)
    left, foot = (max(width(shown.variant(name), SMALL) for name in names) + _BESIDE_NAMES for names in (tuned, tested))
    room = FULL_WIDTH - left - 2 * MARGIN - _SCALE - (across - 1) * _GAP
    wide = min(_WIDEST_CELL, room / (across * len(tested))) * len(tested)
    page_width = max(_NARROWEST, 2 * MARGIN + left + across * wide + (across - 1) * _GAP + _SCALE)
    titles = [
        [wrap_words(f"{shown.method(method)}, {shown.network(network)}", wide, SMALL)[:3] for method in methods]
        for network in networks
    ]
    above = max(height(lines, SMALL) for row in titles for lines in row) + 0.06
    tall = _CELL * len(tuned)
    right = page_width - (MARGIN + left + across * wide + (across - 1) * _GAP)
    page, panels = lay_out(
        shown, [tall] * len(networks), [1.0] * across, left=[MARGIN + left, *[_GAP] * (across - 1)], right=right,
        above=above, below=0.1, foot=foot, page_width=page_width,
        footer="Rows: fine-tuned on; columns: tested on. Grey: the variant itself. Bold: the "
        f"{shown.level} interval of the change excludes 0; {shown.variant(figure['reference'])} has no interval.",
    )  # fmt: skip
    reach = float(np.ceil(shown.rows.loc[shown.rows["tested_on"].isin(tested), "change"].abs().max()))
    for down, network in enumerate(networks):
        for right_of, method in enumerate(methods):
            axes = panels[down][right_of]
            some = of(shown.rows, network, method)
            some = some.assign(clear=some["low"] * some["high"] > 0)  # not where there is no interval
            matrix, clear = (
                some.pivot(index="fine_tuned_on", columns="tested_on", values=value).reindex(tuned, columns=tested)
                for value in ("change", "clear")
            )
            itself = np.array([[one == other for other in tested] for one in tuned])
            draw_heat_map(axes, matrix, clear, reach, itself | matrix.isna().to_numpy(), 0, _NUMBERS)
            columns = list(map(shown.variant, tested)) if down == len(networks) - 1 else []
            rows = list(map(shown.variant, tuned)) if right_of == 0 else []
            axes.set_xticks(np.arange(len(columns)) + 0.5, columns, rotation=90, fontsize=SMALL)
            axes.set_yticks(np.arange(len(rows)) + 0.5, rows, rotation=0, fontsize=SMALL)
            axes.set_title("\n".join(titles[down][right_of]), fontsize=SMALL)
    place = page_width - right + 0.12
    label = "Change of accuracy (percentage points)"
    draw_colour_scale(page, place, page.top - above - tall, tall, reach, label)
    used = shown.rows[shown.rows["counts"]]
    return shown.drawing(
        page.figure, "matrix.jinja", cells=len(used),
        fell=int((used["high"] < 0).sum()), rose=int((used["low"] > 0).sum()), several=used["seeds"].max() > 1,
        turned=used[["gained", "lost", "changed"]].mean(),
    )  # fmt: skip
