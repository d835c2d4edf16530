"""The files of a figure, the same bytes from the same inputs whenever and wherever they are written."""

import io
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text

from pretraining_robustness.figures.fonts import families, missing, own_look, warn_of_missing_letters
from pretraining_robustness.figures.style import PNG_DOTS_PER_INCH
from pretraining_robustness.files import atomic_path

# Without dates and versions, which would change the bytes.
_METADATA = {"pdf": {"CreationDate": None, "Producer": None, "Creator": None}, "png": {"Software": None}}


def save_figure(
    figure: Figure,
    rows: pd.DataFrame,
    text: str,
    *,
    pdf: str | Path,
    png: str | Path,
    table: str | Path,
    caption: str | Path,
) -> None:
    """Write a figure as vector PDF and 300 dpi PNG, the rows behind it as CSV and its caption as text."""
    foreign = [artist for artist in figure.findobj(Text) if missing(artist.get_text())]
    for artist in foreign:
        artist.set_fontfamily(families(artist.get_text()))
    warn_of_missing_letters(artist.get_text() for artist in foreign)
    pictures = ((pdf, _bytes(figure, "pdf")), (png, _bytes(figure, "png")))
    for path, contents in pictures:
        with atomic_path(path) as temporary:
            temporary.write_bytes(contents)
    with atomic_path(table) as temporary:
        rows.to_csv(temporary, index=False)
    with atomic_path(caption) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _bytes(figure: Figure, form: str) -> bytes:
    buffer = io.BytesIO()
    with own_look():
        figure.savefig(buffer, format=form, dpi=PNG_DOTS_PER_INCH, metadata=_METADATA[form])
    return buffer.getvalue()
