"""mRI of every method and network as a heat map."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.figures.heat_map import draw_colour_scale, draw_heat_map
from pretraining_robustness.figures.imagenet_rib import Shown, lay_out, of
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.imagenet_rib.comparison import ALL

READS = {"rows": "imagenet_rib/means.csv"}
_ROW, _WIDEST, _METHODS, _NETWORKS, _SCALE, _NARROW = 0.27, 1.9, 2.1, 0.4, 0.7, 0.9  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw mRI, a row for each method and a column for each network."""
    shown = Shown.read(files, figure)
    means = of(shown.rows, fine_tuned_on=ALL, counting="all")
    networks, methods = shown.networks, shown.methods
    wide = min(_WIDEST, (FULL_WIDTH - _METHODS - MARGIN - _SCALE) / len(networks))
    page_width, tall = _METHODS + wide * len(networks) + MARGIN + _SCALE, _ROW * len(methods)
    several = bool(means["seeds"].max() > 1)
    footer = f"Bold: the {shown.level} interval over images{' and seeds' if several else ''} excludes 0."
    below = _NETWORKS * (1 if wide >= _NARROW else 2)
    page, ((axes,),) = lay_out(
        shown, [tall], left=_METHODS, right=MARGIN + _SCALE, above=0.1, below=below, footer=footer,
        page_width=page_width,
    )  # fmt: skip
    matrix, low, high = (
        means.pivot(index="method", columns=["distribution", "architecture"], values=value).reindex(
            index=methods, columns=pd.MultiIndex.from_tuples(networks)
        )
        for value in ("index", "low", "high")
    )
    reach = float(np.ceil(np.nanmax(np.abs(matrix.to_numpy()))))
    draw_heat_map(axes, matrix, low * high > 0, reach, matrix.isna().to_numpy(), 1, SMALL)
    names = [shown.wrapped_network(network, wide - 0.08) for network in networks]
    turned: dict[str, Any] = {"rotation": 35, "ha": "right"} if wide < _NARROW else {"rotation": 0, "ha": "center"}
    axes.set_xticks(np.arange(len(networks)) + 0.5, names, fontsize=SMALL, **turned)
    labels = ["\n".join(wrap_words(shown.method(method), _METHODS - 0.2, SMALL)[:2]) for method in methods]
    axes.set_yticks(np.arange(len(methods)) + 0.5, labels, rotation=0, fontsize=SMALL)
    left, bottom = page_width - MARGIN - _SCALE + 0.12, page.top - 0.1 - tall
    draw_colour_scale(page, left, bottom, tall, reach, "Mean robustness improvement, mRI\n(percentage points)")
    readings = []
    for network in networks:
        own = matrix[network].dropna()
        readings.append((shown.network(network), shown.method(str(own.idxmax())), own.max(), own.min()))
    facts = {"methods": len(methods), "networks": len(networks), "bold": footer, "readings": readings}
    return shown.drawing(page.figure, "methods.jinja", **facts)
