"""The pages: single HTML files with data, program and drawing library inside, which load nothing else.

Charts are made by Altair and drawn by Vega (vega.github.io), whose bundle the package vl-convert-python brings along.
The program's parts are JavaScript modules that `deno check` and `deno lint` look over.
"""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import vl_convert

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import paired_scores, read_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.report.charts import curves as curve_charts
from pretraining_robustness.report.charts import scatter
from pretraining_robustness.report.contents import page_contents
from pretraining_robustness.report.curves import read_curves
from pretraining_robustness.trends.fit import read_trends

logger = logging.getLogger(__name__)

PARTS = ("page.html", "page.css", "checkpoints.html")
PROGRAM = ("data.js", "fit.js", "panels.js", "details.js", "main.js")
"""Parts of the page's program, each of which imports only from those before it."""

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
    write_html(page, render(contents, config, versions, study))


def render(contents: Mapping[str, Any], config: str, versions: Mapping[str, str], study: str) -> str:
    """Return the page as HTML, from its contents (`contents.page_contents`)."""
    data = json.dumps(
        {**contents, "charts": {"scatter": scatter(), "curves": curve_charts()}},
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
    )
    main = template("checkpoints.html").substitute(
        study=escape(study),
        versions=escape(", ".join(f"{name} {version}" for name, version in versions.items())),
        config=escape(config),
        data=data.replace("<", "\\u003c"),
    )
    parts = [(Path(__file__).parent / name).read_text(encoding="utf-8") for name in PROGRAM]
    # In one script there is nothing to import from a part of it.
    program = re.sub(r"^(import .*?;\n|export )", "", "\n".join(parts), flags=re.MULTILINE)
    return whole_page(f"Results of the study “{study}”", main, program)


def whole_page(title: str, main: str, program: str, note: str | None = "") -> str:
    """Return an HTML document that loads nothing, with the drawing library and a program in it.

    `note` must not be overlooked; None leaves its place to the program.
    """
    return template("page.html").substitute(
        title=escape(title),
        style=(Path(__file__).parent / "page.css").read_text(encoding="utf-8"),
        hidden="" if note else " hidden",
        note=escape(note or ""),
        main=main,
        library=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"),
        vega_version=vl_convert.get_vega_version(),
        program=program,
    )


def template(name: str) -> Template:
    """Return a part of a page in which names are to be filled in."""
    return Template((Path(__file__).parent / name).read_text(encoding="utf-8"))


def write_html(page: str | Path, html: str) -> None:
    """Write a page, unless it is larger than a browser should be given."""
    size = len(html.encode())
    if size > MOST_BYTES:
        raise InputError(f"{page}: would have {size:,} bytes, more than {MOST_BYTES:,}; split the study")
    with atomic_path(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    logger.info("wrote %s, %d bytes", page, size)
