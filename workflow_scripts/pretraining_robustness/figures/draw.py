"""From the tables of a figure to its files: PDF, PNG, the points behind it and its caption."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.figures.captions import residual_caption, trend_caption
from pretraining_robustness.figures.output import save_figure
from pretraining_robustness.figures.residual_figure import draw_residual_figure
from pretraining_robustness.figures.trend_figure import draw_trend_figure, figure_points
from pretraining_robustness.trends.comparisons import read_comparisons
from pretraining_robustness.trends.fit import read_bands, read_trends
from pretraining_robustness.trends.published import read_all_scores, read_published
from pretraining_robustness.trends.residuals import residual_points

logger = logging.getLogger(__name__)

Specification = Mapping[str, Any]
Draw = Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame, Specification], Figure]
Points = Callable[[pd.DataFrame, pd.DataFrame, Specification], pd.DataFrame]
Caption = Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame, Specification, pd.DataFrame | None], str]

# Each kind of figure: how it is drawn, which points are behind it, what its caption says.
_KINDS: dict[str, tuple[Draw, Points, Caption]] = {
    "trends": (draw_trend_figure, lambda scores, _, specification: figure_points(scores, specification), trend_caption),
    "residuals": (
        draw_residual_figure,
        residual_points,
        lambda scores, trends, bands, specification, _: residual_caption(scores, trends, bands, specification),
    ),
}


def draw_figure(
    scores: str | Path | None,
    trends: str | Path,
    bands: str | Path,
    specification: Mapping[str, Any],
    pdf: str | Path,
    png: str | Path,
    table: str | Path,
    caption: str | Path,
    comparisons: str | Path | None = None,
    published: Sequence[str | Path] = (),
) -> None:
    """Draw the figure that `specification` describes.

    Writes a vector PDF, a 300 dpi PNG, the points behind it as CSV and its caption as text. The same inputs give the
    same bytes.

    Args:
        scores: the study's own score table, None where all points are from elsewhere.
        trends: the trends of the figure's series (trends.fit.fit_trends).
        bands: their lines and bands.
        specification: specification.TrendFigure or ResidualFigure as a dict, with its `kind` (trends or residuals) and
            maybe `studies`: score tables of other studies by the study's name.
        pdf: written.
        png: written.
        table: written.
        caption: written.
        comparisons: tests of the differences between series (trends.comparisons), whose conclusions end the caption of
            a figure of trends.
        published: tables of published numbers (trends.published).

    Raises:
        InputError: the specification or a table is not what it should be.
    """
    kind = specification.get("kind")
    if kind not in _KINDS:
        raise InputError(f"figure {specification.get('name')}: kind {kind!r} is not one of {', '.join(_KINDS)}")
    draw, points_of, caption_of = _KINDS[kind]
    metric, pairs = score_metric(specification.get("metric")), specification.get("pairs") or {}
    score_table = read_all_scores(scores, metric, pairs, published=published, studies=specification.get("studies"))
    groups = [group for path in published for group in read_published(path)["group"]]
    specification = {**specification, "published": groups}
    trend_table, band_table = read_trends(trends), read_bands(bands)
    tested = read_comparisons(comparisons) if comparisons else None
    figure = draw(score_table, trend_table, band_table, specification)
    save_figure(
        figure,
        points_of(score_table, trend_table, specification),
        caption_of(score_table, trend_table, band_table, specification, tested),
        pdf=pdf,
        png=png,
        table=table,
        caption=caption,
    )
    logger.info("drew %s", pdf)
