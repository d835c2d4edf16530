"""From the tables of a figure to its files: PDF, PNG, the points behind it and its caption."""

import io
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.style import PNG_DOTS_PER_INCH, SETTINGS
from pretraining_robustness.figures.trend_figure import draw_trend_figure, figure_points
from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.captions import trend_caption
from pretraining_robustness.trends.fit import read_bands, read_trends
from pretraining_robustness.trends.scores import read_scores

logger = logging.getLogger(__name__)

# Each kind of figure: how it is drawn, which points are behind it, what its caption says.
_KINDS = {"trends": (draw_trend_figure, figure_points, trend_caption)}


def draw_figure(
    scores: str | Path,
    trends: str | Path,
    bands: str | Path,
    specification: Mapping[str, Any],
    pdf: str | Path,
    png: str | Path,
    table: str | Path,
    caption: str | Path,
) -> None:
    """Draw the figure that `specification` (specification.TrendFigure as a dict, with `kind`) describes.

    Writes a vector PDF, a 300 dpi PNG, the points behind it as CSV and its caption as text. The same inputs give the
    same bytes.

    Raises:
        InputError: the specification or a table is not what it should be.
    """
    kind = specification.get("kind")
    if kind not in _KINDS:
        raise InputError(f"figure {specification.get('name')}: kind {kind!r} is not one of {', '.join(_KINDS)}")
    draw, points_of, caption_of = _KINDS[kind]
    score_table, trend_table, band_table = read_scores(scores), read_trends(trends), read_bands(bands)
    figure = draw(score_table, trend_table, band_table, specification)
    for path, contents in ((pdf, _bytes(figure, "pdf")), (png, _bytes(figure, "png"))):
        with atomic_path(path) as temporary:
            temporary.write_bytes(contents)
    with atomic_path(table) as temporary:
        points_of(score_table, specification).to_csv(temporary, index=False)
    with atomic_path(caption) as temporary:
        temporary.write_text(caption_of(score_table, trend_table, band_table, specification), encoding="utf-8")
    logger.info("drew %s", pdf)


def _bytes(figure: Figure, form: str) -> bytes:
    """Return the figure as a file of the given form, without dates or versions that would change its bytes."""
    metadata = {"pdf": {"CreationDate": None, "Producer": None, "Creator": None}, "png": {"Software": None}}[form]
    buffer = io.BytesIO()
    with mpl.rc_context(SETTINGS):
        figure.savefig(buffer, format=form, dpi=PNG_DOTS_PER_INCH, metadata=metadata)
    return buffer.getvalue()
