"""mRI of every method and network as a heat map. Its rows are the means of `imagenet_rib.results`."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from pretraining_robustness.figures.imagenet_rib import INFERRED, Beside, drawn, network_name, networks_of, signed
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.figures.words import count, sentence
from pretraining_robustness.imagenet_rib.comparison import ALL

READS = {"rows": "imagenet_rib/means.csv"}

_ROW, _WIDEST, _METHODS, _NETWORKS = 0.3, 1.3, 1.9, 0.75  # inches


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw a figure of this kind."""
    return drawn(files, figure, draw_methods)


def draw_methods(rows: pd.DataFrame, beside: Beside, figure: Mapping[str, Any]) -> tuple[Figure, str]:
    """Draw mRI, a row a method and a column a network, and the mean accuracy before fine-tuning on top."""
    means = rows[(rows["fine_tuned_on"] == ALL) & (rows["counting"] == "all")]
    networks = networks_of(means, figure)
    methods = [method for method in figure["methods"] if method in set(means["method"])]
    wide = min(_WIDEST, (FULL_WIDTH - _METHODS - 2 * MARGIN) / len(networks))
    columns = pd.MultiIndex.from_tuples(networks)
    matrix, low, high = (
        means.pivot(index="method", columns=["distribution", "architecture"], values=value).reindex(
            index=methods, columns=columns
        )
        for value in ("index", "low", "high")
    )
    level = f"{100 * figure['confidence']:g} %"
    over = "images and seeds" if means["seeds"].max() > 1 else "images"
    footer = [f"mRI in percentage points; bold: its {level} interval over {over} excludes 0."]
    page = make_page(FULL_WIDTH, _ROW * len(methods) + _NETWORKS + 0.1, figure["title"], footer, figure["note"] or "")
    axes = page.add_axes(MARGIN + _METHODS, page.bottom + _NETWORKS, wide * len(networks), _ROW * len(methods))
    reach = float(np.ceil(np.nanmax(np.abs(matrix.to_numpy()))))
    hidden = matrix.isna().to_numpy()
    words = signed(matrix, 1)
    sns.heatmap(matrix, mask=hidden, annot=words, fmt="", annot_kws={"fontsize": SMALL}, cmap="RdBu", vmin=-reach,
                vmax=reach, cbar=False, ax=axes, linewidths=0.4)  # fmt: skip
    clear = (low.to_numpy() * high.to_numpy() > 0)[~hidden]
    for shown, sure in zip(axes.texts, clear, strict=True):
        shown.set_fontweight("bold" if sure else "normal")
    axes.set_facecolor("0.85")
    names = [network_name(network, figure, wide - 0.08) for network in networks]
    turned = wide < 0.9
    axes.set_xticks(np.arange(len(networks)) + 0.5, names, rotation=35 if turned else 0, fontsize=SMALL,
                    ha="right" if turned else "center")  # fmt: skip
    labels = ["\n".join(wrap_words(figure["methods"][method], _METHODS - 0.2, SMALL)[:2]) for method in methods]
    axes.set_yticks(np.arange(len(methods)) + 0.5, labels, rotation=0, fontsize=SMALL)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0)
    best = []
    for network, name in zip(networks, (network_name(one, figure).replace("\n", " ") for one in networks), strict=True):
        own = matrix[network].dropna()
        top = str(own.idxmax())
        best.append(f"- {name}: highest with {figure['methods'][top]}, {own.max():+.2f}; lowest {own.min():+.2f}.")
    text = (
        f"{sentence(figure['title'])} mRI of {count(len(methods), 'method')} and {count(len(networks), 'network')}, "
        f"all variants counted: the mean change of accuracy on the variants of ImageNet that were not fine-tuned on. "
        f"{footer[0]} {INFERRED} {sentence(figure['note'])}"
    )
    return page.figure, "\n".join([text.strip(), "", *best]) + "\n"
