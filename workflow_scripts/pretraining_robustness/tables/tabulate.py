"""Make a table of any kind: hand its files to the module of its kind and write what comes back."""

import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pretraining_robustness.files import atomic_path
from pretraining_robustness.tables.typeset import html_page, latex_source

logger = logging.getLogger(__name__)


def tabulate(
    files: Mapping[str, Sequence[str | Path]],
    table: Mapping[str, Any],
    csv: str | Path,
    html: str | Path,
    tex: str | Path,
) -> None:
    """Write a table as CSV, as an HTML page and as LaTeX source. The same input gives the same bytes.

    Args:
        files: what the table is made from, by the names in `READS` of the module of its kind.
        table: kind, name, title, note, and what else the module of its kind reads.
        csv, html, tex: outputs.

    Raises:
        InputError: a file is not what it should be.
    """
    rows, typeset = import_module(f"pretraining_robustness.tables.kinds.{table['kind']}").make(files, table)
    with atomic_path(csv) as path:
        rows.to_csv(path, index=False)
    for target, text in ((html, html_page(typeset)), (tex, latex_source(typeset))):
        with atomic_path(target) as path:
            path.write_text(text, encoding="utf-8")
    logger.info("wrote %s with %d rows", csv, len(rows))
