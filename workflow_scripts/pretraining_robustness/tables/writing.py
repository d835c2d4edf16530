"""The three files of a table."""

import logging
from pathlib import Path

import pandas as pd

from pretraining_robustness.files import atomic_path
from pretraining_robustness.tables.html_page import html_page
from pretraining_robustness.tables.latex_source import latex_source
from pretraining_robustness.tables.typeset import TypesetTable

logger = logging.getLogger(__name__)


def write_table(facts: pd.DataFrame, table: TypesetTable, csv: str | Path, html: str | Path, tex: str | Path) -> None:
    """Write `facts` as CSV and `table` as an HTML page and as LaTeX source. The same input gives the same bytes."""
    with atomic_path(csv) as path:
        facts.to_csv(path, index=False)
    for target, text in ((html, html_page(table)), (tex, latex_source(table))):
        with atomic_path(target) as path:
            path.write_text(text, encoding="utf-8")
    logger.info("wrote %s with %d rows", csv, len(facts))
