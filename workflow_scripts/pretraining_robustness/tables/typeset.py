"""What a typeset table is: rows, columns, groups and notes."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd

NOTHING = "–"
"""What a cell shows when there is nothing to say."""

ABBREVIATIONS = {
    "adamw": "Adam with decoupled weight decay (optimiser)",
    "bfloat16": "16-bit floating-point numbers with 8 bits of exponent",
    "BREEDS": "benchmarks of subpopulation shift made from ImageNet (Santurkar et al. 2021)",
    "ILSVRC": "ImageNet Large Scale Visual Recognition Challenge",
    "ReaL": "Reassessed Labels of ImageNet's validation images (Beyer et al. 2020)",
    "sgd": "stochastic gradient descent (optimiser)",
    "WILDS": "benchmark of in-the-wild distribution shifts (Koh et al. 2021)",
}


@dataclass(frozen=True)
class Column:
    """A column as it is shown.

    `name` is its column in the rows, `width` its share of the page relative to the other columns, `spanner` a heading
    that it shares with its neighbours of the same spanner, `numeric` whether it is set flush right.
    """

    name: str
    heading: str
    width: float = 1.0
    spanner: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class TypesetTable:
    """A table as it is shown.

    `rows` holds text; a line feed in a cell starts a new line there, and the first column heads its row. Rows with the
    same value in the column `group` (not among `columns`), which must stand together, share a heading. `note` is a
    line that must not be overlooked. `wide` tables are set across the page.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: pd.DataFrame
    note: str | None = None
    notes: Sequence[str] = field(default_factory=list)
    group: str | None = None
    wide: bool = False

    def grouped_rows(self) -> Iterator[tuple[str, list[list[str]]]]:
        """Yield the heading of each group (empty if there are none) and its rows as lists of cells.

        The hyphens before negative numbers have become minus signs.
        """
        groups = [("", self.rows)] if self.group is None else self.rows.groupby(self.group, sort=False)
        for heading, rows in groups:
            cells = rows[[column.name for column in self.columns]].to_numpy().tolist()
            yield _with_minus_signs(str(heading)), [[_with_minus_signs(cell) for cell in row] for row in cells]

    def spanners(self) -> list[tuple[str, int]]:
        """Return the upper row of headings: each spanner (or an empty text) and how many columns it covers."""
        spans: list[tuple[str, int]] = []
        for column in self.columns:
            if spans and column.spanner and spans[-1][0] == column.spanner:
                spans[-1] = (column.spanner, spans[-1][1] + 1)
            else:
                spans.append((column.spanner, 1))
        return spans

    def shares(self) -> list[float]:
        """Return each column's share of the table's width; they add up to 1."""
        total = sum(column.width for column in self.columns)
        return [column.width / total for column in self.columns]

    def all_notes(self) -> list[str]:
        """Return the notes, the last of them spelling out the abbreviations that occur."""
        cells = [cell for _, rows in self.grouped_rows() for row in rows for cell in row]
        headings = [text for column in self.columns for text in (column.heading, column.spanner)]
        text = "\n".join([self.title, self.note or "", *headings, *cells, *self.notes])
        found = {short: long for short, long in ABBREVIATIONS.items() if re.search(rf"\b{short}\b", text)}
        spelled_out = "; ".join(f"{short}: {long}" for short, long in found.items())
        return [*self.notes, *([f"Abbreviations. {spelled_out}."] if found else [])]


def _with_minus_signs(text: str) -> str:
    return re.sub(r"(?<![\w)-])-(?=\d)", "\N{MINUS SIGN}", text)
