"""The files of a figure, the same bytes from the same inputs whenever and wherever they are written."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text

from pretraining_robustness.figures.fonts import families, missing, own_look, warn_of_missing_letters
from pretraining_robustness.figures.style import PNG_DOTS_PER_INCH
from pretraining_robustness.files import atomic_path

# Without dates and versions, which would change the bytes.
_METADATA = {"pdf": {"CreationDate": None, "Producer": None, "Creator": None}, "png": {"Software": None}}


Files = Mapping[str, str | Path | Sequence[str | Path]]
"""The files that a figure is drawn from, by name."""


@dataclass(frozen=True)
class Drawing:
    """A figure, the rows that it shows and its caption."""

    page: Figure
    rows: pd.DataFrame
    caption: str


def save_figure(drawing: Drawing, *, pdf: str | Path, png: str | Path, table: str | Path, caption: str | Path) -> None:
    """Write a figure as vector PDF and 300 dpi PNG, what it shows as CSV and its caption as text."""
    figure = drawing.page
    foreign = [artist for artist in figure.findobj(Text) if missing(artist.get_text())]
    for artist in foreign:
        artist.set_fontfamily(families(artist.get_text()))
    warn_of_missing_letters(artist.get_text() for artist in foreign)
    pictures = ((pdf, _bytes(figure, "pdf")), (png, _bytes(figure, "png")))
    for path, contents in pictures:
        with atomic_path(path) as temporary:
            temporary.write_bytes(contents)
    with atomic_path(table) as temporary:
        drawing.rows.to_csv(temporary, index=False)
    with atomic_path(caption) as temporary:
        temporary.write_text(drawing.caption, encoding="utf-8")


def one_file(files: Files, name: str) -> str | Path:
    """Return the file of a name that stands for a single one."""
    found = files[name]
    return found if isinstance(found, (str, Path)) else found[0]


def all_files(files: Files, name: str) -> list[str | Path]:
    """Return the files of a name, none where it is missing."""
    found = files.get(name, [])
    return [found] if isinstance(found, (str, Path)) else list(found)


def _bytes(figure: Figure, form: str) -> bytes:
    buffer = io.BytesIO()
    with own_look():
        figure.savefig(buffer, format=form, dpi=PNG_DOTS_PER_INCH, metadata=_METADATA[form])
    return buffer.getvalue()
