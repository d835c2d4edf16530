"""Labels in any letters and with any signs: drawn as written, or said which letters cannot be."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from matplotlib.font_manager import FontEntry, findfont, fontManager

from pretraining_robustness.figures import fonts
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.output import Drawing, save_figure
from pretraining_robustness.figures.text import width


@pytest.fixture(autouse=True)
def known_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the fonts that come with matplotlib, whatever is installed here."""
    own = [font for font in fontManager.ttflist if "mpl-data" in font.fname]
    monkeypatch.setattr(fontManager, "ttflist", own)
    for cached in (fonts.letters_of, fonts.missing, fonts.fallbacks):
        cached.cache_clear()


def add_font_with(letters: str, path: Path) -> None:
    """Register a font in which each of these letters looks like an O."""
    family = f"Letters of {path.parent.name}"  # matplotlib remembers where a family lies
    font = TTFont(findfont("DejaVu Sans"))
    for table in font["cmap"].tables:
        table.cmap = {ord(letter): "O" for letter in letters}
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = family
    font.save(path)
    fontManager.ttflist.append(FontEntry(fname=str(path), name=family))
    for cached in (fonts.letters_of, fonts.missing, fonts.fallbacks):
        cached.cache_clear()


def save(label: str, folder: Path) -> bytes:
    with own_look():
        figure = Figure(figsize=(3, 1))
        figure.text(0.1, 0.4, label)
    files = {key: folder / f"figure.{key}" for key in ("pdf", "png", "table", "caption")}
    save_figure(Drawing(figure, pd.DataFrame({"a": [1]}), "text"), **files)
    return files["png"].read_bytes()


def test_letters_that_another_font_has_are_drawn_with_it(tmp_path, capsys):
    boxes = save("森林鸟 birds", tmp_path)
    line = capsys.readouterr().err
    assert "林 森 鸟" in line and "boxes" in line  # noqa: PT018
    narrow = width("森林鸟", 8)
    add_font_with("森林鸟", tmp_path / "other.ttf")
    assert save("森林鸟 birds", tmp_path) != boxes
    assert capsys.readouterr().err == ""
    assert width("森林鸟", 8) == pytest.approx(width("OOO", 8), rel=0.01)
    assert width("森林鸟", 8) != narrow


def test_every_missing_letter_is_named(tmp_path, capsys):
    add_font_with("鸟", tmp_path / "other.ttf")
    save("鸟 and 鱼 and 犬", tmp_path)
    assert "letters 犬 鱼, which" in capsys.readouterr().err


@pytest.mark.parametrize(
    "label", ["Ba$$in", "$x", "$\\frac{", "50 % of a_b^c {}", "a  b", "\\alpha", "Käfer, œuf, ñ, Ж, λ"]
)
def test_signs_are_drawn_as_written(tmp_path, label, capsys):
    save(label, tmp_path)
    assert capsys.readouterr().err == ""
    with own_look():
        assert not Figure().text(0, 0, label).get_parse_math()


def test_a_matplotlibrc_changes_no_figure(tmp_path):
    plain = save("A label", tmp_path)
    with mpl.rc_context({"font.size": 30, "text.usetex": True, "figure.facecolor": "red", "savefig.dpi": 30}):
        assert save("A label", tmp_path) == plain
    assert np.frombuffer(plain, np.uint8).size > 1000
