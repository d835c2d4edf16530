"""Figures of ImageNet-RIB: from their tables to their files, kind by kind."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.output import save_figure
from pretraining_robustness.figures.rib_alphas import draw_alphas
from pretraining_robustness.figures.rib_bars import draw_bars
from pretraining_robustness.figures.rib_common import Beside
from pretraining_robustness.figures.rib_crossing import draw_crossing
from pretraining_robustness.figures.rib_effective import draw_effective
from pretraining_robustness.figures.rib_flips import draw_flips
from pretraining_robustness.figures.rib_matrix import draw_matrix
from pretraining_robustness.figures.rib_methods import draw_methods
from pretraining_robustness.figures.rib_panels import draw_accuracy, draw_tradeoff
from pretraining_robustness.figures.rib_set_size import draw_set_size
from pretraining_robustness.figures.rib_similarity import draw_similarity
from pretraining_robustness.figures.rib_transport import draw_transport
from pretraining_robustness.figures.style import SETTINGS

Draw = Callable[[pd.DataFrame, Beside, Mapping[str, Any]], tuple[Figure, str]]

_KINDS: dict[str, Draw] = {
    "rib_bars": draw_bars,
    "rib_matrix": draw_matrix,
    "rib_similarity": draw_similarity,
    "rib_crossing": draw_crossing,
    "rib_flips": draw_flips,
    "rib_effective": draw_effective,
    "rib_tradeoff": draw_tradeoff,
    "rib_accuracy": draw_accuracy,
    "rib_methods": draw_methods,
    "rib_alphas": draw_alphas,
    "rib_set_size": draw_set_size,
    "rib_transport": draw_transport,
}


def draw_rib_figure(
    *,
    rows: Sequence[str | Path],
    beside: Mapping[str, str | Path],
    figure: Mapping[str, Any],
    pdf: str | Path,
    png: str | Path,
    table: str | Path,
    caption: str | Path,
) -> None:
    """Draw a figure from its tables, after the last epoch, and write its files.

    Args:
        rows: the tables, one below the other, whose rows the figure shows; which, its module says.
        beside: further tables, by the name by which its module calls them.
        figure: kind, name, title, note, confidence, methods, networks, architectures and variants (readable name of
            each, in the order shown), tested_on, sharing, reference; and what its module says.
        pdf, png, table, caption: see `output.save_figure`.

    Raises:
        InputError: no network was fine-tuned, or more methods than can be told apart.
    """
    shown = pd.concat([pd.read_csv(path) for path in rows], ignore_index=True)
    shown = shown[shown["method"].isin(list(figure["methods"])) & shown["distribution"].isin(list(figure["networks"]))]
    shown = shown[shown["architecture"].isin(list(figure["architectures"]))]
    if shown.empty:
        raise InputError(f"{rows[0]}: holds no network that {figure['name']} shows; fine-tune one")
    network = [name for name in ("method", "distribution", "architecture", "seed") if name in shown]
    shown = shown[shown["epoch"] == shown.groupby(network)["epoch"].transform("max")]
    with mpl.rc_context(SETTINGS):
        page, text = _KINDS[figure["kind"]](shown, {name: pd.read_csv(path) for name, path in beside.items()}, figure)
    save_figure(page, shown, text, pdf=pdf, png=png, table=table, caption=caption)
