"""Heat maps of changes in percentage points, with their colour scale."""

from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from pretraining_robustness.figures.imagenet_rib import signed_cells
from pretraining_robustness.figures.page import Page
from pretraining_robustness.figures.text import SMALL

COLOURS = "RdBu"  # red: lost, blue: gained; told apart with every colour vision
_EMPTY = "0.85"
_THICK = 0.1  # inches


def draw_heat_map(
    axes: Axes, matrix: pd.DataFrame, clear: pd.DataFrame, reach: float, hidden: np.ndarray, digits: int, size: float
) -> None:
    """Draw a matrix with its numbers, in bold where `clear`; `hidden` cells are grey.

    Args:
        axes: to draw in.
        matrix: percentage points.
        clear: of the same shape: whether the interval excludes 0.
        reach: the largest change that the colours show.
        hidden: of the same shape: cells without a number.
        digits: after the point.
        size: of the numbers, points.
    """
    look: dict[str, Any] = {"cmap": COLOURS, "vmin": -reach, "vmax": reach, "cbar": False, "linewidths": 0.4}
    words = signed_cells(matrix, digits)
    sns.heatmap(matrix, mask=hidden, annot=words, fmt="", annot_kws={"fontsize": size}, ax=axes, **look)
    for text, sure in zip(axes.texts, clear.to_numpy()[~hidden], strict=True):
        text.set_fontweight("bold" if bool(sure) else "normal")
    axes.set_facecolor(_EMPTY)
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0)


def draw_colour_scale(page: Page, left: float, bottom: float, tall: float, reach: float, label: str) -> None:
    """Draw the scale of the colours, upright, from the place (left, bottom) in inches on."""
    axes = page.add_axes(left, bottom, _THICK, tall, label="colours")
    bar = page.figure.colorbar(ScalarMappable(Normalize(-reach, reach), COLOURS), cax=axes)
    bar.set_label(label, fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL, length=2)
    bar.outline.set_linewidth(0.5)
