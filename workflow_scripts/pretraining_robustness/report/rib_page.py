"""The results of ImageNet-RIB on one page that loads nothing else: a matrix to choose from, all figures, all tables."""

import base64
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.report.page import MOST_BYTES, STYLE, library

logger = logging.getLogger(__name__)

TEMPLATE = "rib_page.html"


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
        page: the HTML file to write.

    Raises:
        InputError: the page would be larger than a browser should be given.
    """
    rows = pd.read_csv(cells)
    rows = rows[(rows["epoch"] == rows["epoch"].max()) & rows["tested_on"].isin(list(labels["variants"]))]
    images = [base64.b64encode(Path(figure).read_bytes()).decode() for figure in figures]
    texts = [Path(caption).read_text(encoding="utf-8").strip() for caption in captions]
    shown = [
        f'<figure><img alt="{escape(title)}" src="data:image/png;base64,{image}">'
        f"<figcaption>{escape(text)}</figcaption></figure>"
        for title, image, text in zip(figures_shown, images, texts, strict=True)
    ]
    documents = [Path(table).read_text(encoding="utf-8") for table in tables]
    tabulated = [
        f'<details><summary>{escape(title)}</summary><iframe title="{escape(title)}" '
        f'srcdoc="{escape(document)}"></iframe></details>'
        for title, document in zip(tables_shown, documents, strict=True)
    ]
    folder = Path(__file__).parent
    html = Template((folder / TEMPLATE).read_text(encoding="utf-8")).substitute(
        title=escape(f"ImageNet-RIB in the study “{study}”"),
        style=(folder / STYLE).read_text(encoding="utf-8"),
        library=library(),
        matrix=json.dumps(matrix(rows, labels), allow_nan=False).replace("<", "\\u003c"),
        figures="\n".join(shown),
        tables="\n".join(tabulated),
    )
    if len(html.encode()) > MOST_BYTES:
        raise InputError(f"{page}: would have {len(html.encode()):,} bytes, more than {MOST_BYTES:,}; split the study")
    with atomic_path(page) as temporary:
        temporary.write_text(html, encoding="utf-8")
    logger.info("wrote a page of %d cells and %d figures, %d bytes", len(rows), len(figures), len(html.encode()))


def matrix(rows: pd.DataFrame, labels: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Return the chart of changes of accuracy as Vega-Lite reads it: a cell a variant fine-tuned on and tested on.

    Network and method are chosen on the page; rows are those of `cells` with `labels` as in `write_rib_page`.
    """
    variants = labels["variants"]
    named = rows.assign(
        network=rows["distribution"].map(labels["distributions"]) + ", " + rows["architecture"],
        by=rows["method"].map(labels["methods"]),
        tuned=rows["fine_tuned_on"].map(variants),
        tested=rows["tested_on"].map(variants),
    ).round({"before": 2, "after": 2, "change": 2})
    columns = ["network", "by", "tuned", "tested", "before", "after", "change"]
    order = list(dict.fromkeys(variants.values()))
    reach = float(named.loc[named["tuned"] != named["tested"], "change"].abs().max())

    def chosen(name: str, words: str, order: Iterable[str]) -> dict[str, Any]:
        present = set(named[name])
        options = [one for one in order if one in present]
        return {
            "name": f"chosen_{name}",
            "value": options[0],
            "bind": {"input": "select", "options": options, "name": words},
        }

    architectures = sorted(set(rows["architecture"]))
    networks = (f"{label}, {one}" for label in labels["distributions"].values() for one in architectures)
    places = {
        "y": {"field": "tuned", "type": "nominal", "sort": order, "title": "Fine-tuned on"},
        "x": {"field": "tested", "type": "nominal", "sort": order, "title": "Tested on", "axis": {"labelAngle": -40}},
    }
    told = {
        "tuned": "Fine-tuned on",
        "tested": "Tested on",
        "before": "Before (%)",
        "after": "After (%)",
        "change": "Change",
    }
    return {
        "data": {"values": named[columns].to_dict("records")},
        "params": [chosen("network", "Network ", networks), chosen("by", "Method ", labels["methods"].values())],
        "transform": [{"filter": "datum.network === chosen_network && datum.by === chosen_by"}],
        "width": {"step": 74},
        "height": {"step": 30},
        "encoding": places,
        "layer": [
            {
                "mark": "rect",
                "encoding": {
                    "color": {
                        **{"field": "change", "type": "quantitative", "title": "Change (points)"},
                        "scale": {"domain": [-reach, reach], "clamp": True, "range": ["#b35806", "#f7f7f7", "#2166ac"]},
                    },
                    "tooltip": [{"field": name, "title": title} for name, title in told.items()],
                },
            },
            {"mark": "text", "encoding": {"text": {"field": "change", "format": "+.1f"}}},
        ],
    }
