"""The picture of `snakemake against`: a line with its band, and somebody's own numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.beyond.against import SCALE, Standing
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.figures.axes import common_limits, set_up_score_axes
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.output import Drawing, save_figure
from pretraining_robustness.figures.page import FULL_WIDTH, make_page
from pretraining_robustness.figures.style import SCRATCH, SERIES
from pretraining_robustness.figures.trend_marks import draw_band, draw_identity, draw_line

_SIDE, _LEFT, _WIDTH = 3.6, 0.7, FULL_WIDTH  # inches


def draw_against(
    standing: Standing, *, pdf: str | Path, png: str | Path, table: str | Path, caption: str | Path
) -> None:
    """Draw and write it; the table has a row per model, the caption a sentence per group."""
    with own_look():
        drawing = Drawing(_page(standing), standing.models, standing.words() + "\n")
    save_figure(drawing, pdf=pdf, png=png, table=table, caption=caption)


def _page(standing: Standing):  # type: ignore[no-untyped-def]
    row, models = standing.line.row, standing.models
    page = make_page(_WIDTH, _SIDE + 0.5, f"Your numbers against {row['name']}", standing.words().split("\n"))
    axes = page.add_axes(_LEFT, page.bottom + 0.45, _SIDE, _SIDE, label="against")
    ends = np.array([row["id_low"], row["id_high"]])
    limits = common_limits(np.concatenate([ends, models["id"], models["ood"]]), SCALE)
    set_up_score_axes(axes, limits, SCALE)
    draw_identity(axes, limits)
    first, last = SCALE.forward(ends)
    x = np.linspace(first, last, 60)
    heights = standing.line.heights(x)
    low, high = heights.interval(standing.confidence)
    ys = {"x": x, "y": heights.value, "low": low, "high": high}
    curve = pd.DataFrame({name: SCALE.inverse(values) for name, values in ys.items()})
    draw_band(axes, curve, SCRATCH, "_band")
    draw_line(axes, curve, SCRATCH, f"{row['group']} ({int(row['n_clusters'])} networks)")
    for look, (name, part) in zip(SERIES * 9, models.groupby("group", sort=False), strict=False):
        options: dict[str, Any] = {"s": 2 * look.area, "marker": look.marker, "color": look.colour, "zorder": 7}
        axes.scatter(part["id"], part["ood"], edgecolors="white", linewidths=0.4, label=str(name), **options)
    metric = score_metric(row["metric"]).label
    for write, name in ((axes.set_xlabel, row["id"]), (axes.set_ylabel, row["ood"])):
        write(name if metric.lower() in name.lower() else f"{name} ({metric})")
    axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False)
    return page.figure
