"""How the tests of tables make one and read what a person sees of it."""

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from pretraining_robustness.tables.tabulate import tabulate


def cells(page: ElementTree.Element) -> list[list[str]]:
    """Return the text of every cell, row by row."""
    return [["".join(cell.itertext()) for cell in row] for row in page.iter("tr")]


class Table:
    """A table in three files; the page is read as XML, so it has to be well-formed."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.facts = pd.read_csv(files["csv"], keep_default_na=False, dtype=str)
        self.csv = files["csv"]
        self.html = files["html"].read_text(encoding="utf-8")
        page = ElementTree.fromstring(self.html.removeprefix("<!DOCTYPE html>\n"))
        self.rows = cells(page)
        self.body = cells(page.find(".//tbody"))
        self.groups = [row[0] for row in self.body if len(row) == 1]
        self.notes = "\n".join("".join(note.itertext()) for note in page.iter("li"))

    def row(self, start: str) -> list[str]:
        """Return the only row whose first cell begins with this line."""
        (row,) = [row for row in self.body if len(row) > 1 and row[0].split("\n")[0] == start]
        return row


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Table]:
    """Make a table from its specification and the files that it reads, by name."""

    def make(spec: dict, **files: list[Path]) -> Table:
        outputs = {kind: tmp_path / f"{spec['name']}.{kind}" for kind in ("csv", "html", "tex")}
        tabulate(files, spec, **outputs)
        return Table(outputs)

    return make


@pytest.fixture
def page_rows() -> Callable[[str], list[list[str]]]:
    """The cells of a page."""
    return lambda html: cells(ElementTree.fromstring(html.removeprefix("<!DOCTYPE html>\n")))
