"""Draw a figure of any kind: hand its files to the module of its kind and write what comes back."""

import logging
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.kinds import KINDS
from pretraining_robustness.figures.output import Drawing, Files, save_figure

logger = logging.getLogger(__name__)


def draw_figure(
    files: Files, figure: Mapping[str, Any], *, pdf: str | Path, png: str | Path, table: str | Path, caption: str | Path
) -> None:
    """Draw the figure that a specification describes.

    Writes a vector PDF, a 300 dpi PNG, what is shown as CSV and the caption as text. The same inputs give the same
    bytes.

    Args:
        files: what the figure is drawn from, by the names in `READS` of the module of its kind; a list where that reads
            several, missing where there is none.
        figure: the specification (`study.show`), with name, kind, title and note.
        pdf, png, table, caption: to write.

    Raises:
        InputError: the specification or a file is not what it should be.
    """
    save_figure(drawing(files, figure), pdf=pdf, png=png, table=table, caption=caption)
    logger.info("drew %s", pdf)


def drawing(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Return a figure with what it shows and its caption, unwritten."""
    kind = figure.get("kind")
    if kind not in KINDS:
        raise InputError(f"figure {figure.get('name')}: kind {kind!r} is not one of {', '.join(KINDS)}")
    module = import_module(f"pretraining_robustness.figures.kinds.{KINDS[kind].replace('/', '.')}")
    with own_look():
        drawn: Drawing = module.draw(files, figure)
    return drawn
