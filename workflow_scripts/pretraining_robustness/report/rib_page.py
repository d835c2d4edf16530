"""The results of ImageNet-RIB on one page that loads nothing else: a matrix to choose from, all figures, all tables."""

import base64
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from pretraining_robustness.report.charts import matrix
from pretraining_robustness.report.page import template, whole_page, write_html

TEMPLATE = "rib.html"


def write_rib_page(
    *,
    cells: str | Path,
    figures: Sequence[str | Path],
    captions: Sequence[str | Path],
    tables: Sequence[str | Path],
    labels: Mapping[str, Mapping[str, str]],
    figures_shown: Sequence[str],
    tables_shown: Sequence[str],
    study: str,
    note: str | None,
    page: str | Path,
) -> None:
    """Write the page.

    Args:
        cells: the table of mean changes of `imagenet_rib.results.compute_indices`, of which the last epoch is shown.
        figures, captions: PNG and text of each figure.
        tables: HTML document of each table.
        labels: readable names of `methods`, `distributions` and `variants`, the last in the order shown.
        figures_shown, tables_shown: titles of the figures and of the tables.
        study: name of the study.
        note: what must not be overlooked, if anything.
        page: the HTML file to write.

    Raises:
        InputError: the page would be larger than a browser should be given.
    """
    rows = pd.read_csv(cells)
    rows = rows[(rows["epoch"] == rows["epoch"].max()) & rows["tested_on"].isin(list(labels["variants"]))]
    links, sections = [], []
    for place, (title, image, caption) in enumerate(zip(figures_shown, figures, captions, strict=True), start=1):
        links.append(f'<li><a href="#figure-{place}">{escape(title)}</a></li>')
        source = base64.b64encode(Path(image).read_bytes()).decode()
        sections.append(
            f'<h2 id="figure-{place}">{escape(title)}</h2>\n'
            f'<figure><div class="scroll" tabindex="0"><img alt="{escape(title)}" src="data:image/png;base64,{source}">'
            f"</div><figcaption>{escape(Path(caption).read_text(encoding='utf-8').strip())}</figcaption></figure>"
        )
    for place, (title, document) in enumerate(zip(tables_shown, tables, strict=True), start=1):
        links.append(f'<li><a href="#table-{place}">{escape(title)}</a></li>')
        sections.append(
            f'<h2 id="table-{place}">{escape(title)}</h2>\n<iframe title="{escape(title)}" loading="lazy" '
            f'srcdoc="{escape(Path(document).read_text(encoding="utf-8"))}"></iframe>'
        )
    main = template(TEMPLATE).substitute(contents="\n".join(links), sections="\n".join(sections))
    chart = json.dumps(matrix(rows, labels), allow_nan=False).replace("<", "\\u003c")
    program = f'window.vegaEmbed("#matrix", {chart}, {{renderer: "svg", actions: false}});'
    write_html(page, whole_page(f"ImageNet-RIB in the study “{study}”", main, program, note))
