"""The results page: one HTML file with data, program and drawing library inside, which loads nothing else.

Charts are drawn by Vega (vega.github.io), whose bundle the Python package vl-convert-python brings along.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import vl_convert

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import paired_scores, read_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.report.contents import page_contents
from pretraining_robustness.report.curves import read_curves
from pretraining_robustness.trends.fit import read_trends

logger = logging.getLogger(__name__)

TEMPLATE = "page.html"
STYLE = "page.css"
PROGRAM = (
    *("data.js", "state.js", "fit.js", "scatter.js", "pointing.js", "panels.js"),
    *("series.js", "run.js", "table.js", "main.js"),
)
"""Parts of the page's program, in the order in which they are put together; all are in this module's folder."""

MOST_BYTES = 15_000_000


def write_page(
    scores: str | Path,
    trends: str | Path,
    curves: str | Path,
    page: str | Path,
    *,
    figures: Sequence[Mapping[str, Any]],
    pairs: Mapping[str, Mapping[str, str]],
    architectures: Mapping[str, str],
    study: str,
    config: str,
    versions: Mapping[str, str],
) -> None:
    """Write the page of a study's results.

    Args:
        scores: table of all checkpoints (scores.COLUMNS).
        trends: table of the trends of all figures (trends.TREND_COLUMNS).
        curves: table of all training curves (curves.COLUMNS).
        page: the HTML file to write.
        pairs: for each task the test set `id` and the test set `ood` whose scores are shown.
        figures, architectures: as for `contents.page_contents`.
        study: name of the study.
        config: the study's configuration as text, to be read by people.
        versions: the version of each package that the study ran with.

    Raises:
        InputError: a table is not what it should be, or the page would be larger than a browser should be given.
    """
    paired = paired_scores(read_scores(scores), pairs, scores)
    contents = page_contents(
        paired, read_trends(trends), read_curves(curves), figures=figures, architectures=architectures
    )
    html = render(contents | {"study": study, "config": config, "versions": dict(versions)})
    if len(html.encode()) > MOST_BYTES:
        raise InputError(f"{page}: would have {len(html.encode()):,} bytes, more than {MOST_BYTES:,}; split the study")
    with atomic_path(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    logger.info("wrote a page of %d checkpoints, %d bytes", len(contents["checkpoints"]["run"]), len(html.encode()))


def render(contents: Mapping[str, Any]) -> str:
    """Return the page as HTML, from its contents (`contents.page_contents` with study, config and versions)."""
    folder = Path(__file__).parent
    data = json.dumps(contents, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Template((folder / TEMPLATE).read_text(encoding="utf-8")).substitute(
        title=escape(f"Results of the study “{contents['study']}”"),
        style=(folder / STYLE).read_text(encoding="utf-8"),
        library=library(),
        vega_version=vl_convert.get_vega_version(),
        data=data.replace("<", "\\u003c"),
        program="\n".join((folder / part).read_text(encoding="utf-8") for part in PROGRAM),
    )


@cache
def library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, which holds no end of its own element."""
    return vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script")
