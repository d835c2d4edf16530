"""A table as it is shown, as an HTML page that needs nothing else and as LaTeX source, both written by pandas.

pandas writes neither a heading across a table for a group of rows nor LaTeX that prints all our characters: groups are
rows whose first cell is stretched over the others, and characters are escaped here.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

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

TEMPLATE = "page.html"
PACKAGES = "array,booktabs,longtable,pdflscape"
_LATEX = {
    **{character: rf"\{character}" for character in "&%$#{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"},
    **{'"': "''", "“": "``", "”": "''", "–": "--", "-": "-{}"},
    **{"*": "{*}", "[": "{[}", "]": "{]}"},  # these would belong to a \\ before them
    **{"_": r"\_\allowbreak{}", "/": r"/\allowbreak{}", "\n": r" \newline "},
    **{"\N{MINUS SIGN}": "$-$", "→": r"$\rightarrow$", "×": r"$\times$", "≤": r"$\leq$", "≥": r"$\geq$"},
    **{"²": "$^2$", "α": r"$\alpha$"},
}


@dataclass(frozen=True)
class Column:
    """A column as it is shown.

    `name` is its column in the rows, `width` its share of a printed page relative to the other columns, `spanner` a
    heading that it shares with its neighbours of the same spanner, `numeric` whether it is set flush right.
    """

    name: str
    heading: str
    width: float = 1.0
    spanner: str = ""
    numeric: bool = False


@dataclass(frozen=True)
class TypesetTable:
    """A table as it is shown.

    `rows` holds text; a line feed in a cell starts a new line there. Rows with the same text in the column `group`,
    which stand together, share a heading. `note` is a line that must not be overlooked, `notes` stand below.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: pd.DataFrame
    note: str | None = None
    notes: Sequence[str] = field(default_factory=list)

    def lines(self) -> list[list[str]]:
        """Return the cells of each row with minus signs; the heading of a group is a row of a single cell."""
        names = [column.name for column in self.columns]
        found: list[list[str]] = []
        for group, rows in self.rows.groupby("group", sort=False):
            found += [[str(group)], *rows[names].to_numpy().tolist()]
        return [[re.sub(r"(?<![\w)-])-(?=\d)", "\N{MINUS SIGN}", cell) for cell in line] for line in found]

    def all_notes(self) -> list[str]:
        """Return the notes, the last of them spelling out the abbreviations that occur."""
        headings = [text for column in self.columns for text in (column.heading, column.spanner)]
        cells = [cell for line in self.lines() for cell in line]
        text = "\n".join([self.title, self.note or "", *headings, *cells, *self.notes])
        found = [f"{short}: {long}" for short, long in ABBREVIATIONS.items() if re.search(rf"\b{short}\b", text)]
        return [*self.notes, *([f"Abbreviations. {'; '.join(found)}."] if found else [])]


Made = tuple[pd.DataFrame, TypesetTable]
"""What the module of a kind makes: the rows of the CSV and the table as it is shown."""


def typeset(
    table: Mapping[str, Any], columns: Sequence[Column], lines: Sequence[Mapping[str, str]], notes: Sequence[str]
) -> TypesetTable:
    """Return the table of these rows, each with its `group`, without the column `note` where no row has one."""
    shown = [column for column in columns if column.name != "note" or any(line.get("note") for line in lines)]
    return TypesetTable(table["name"], table["title"], shown, pd.DataFrame(lines), table.get("note"), notes)


def html_page(table: TypesetTable) -> str:
    """Return the table as a whole HTML document that needs nothing else. All text is escaped."""
    source = _styler(table).format(escape="html").format_index(escape="html", axis="columns")
    width, numeric = len(table.columns), [place for place, one in enumerate(table.columns, 1) if one.numeric]
    group = rf"<td >([^<]+)</td>(?:\s*<td ></td>){{{width - 1}}}"
    heading = rf'<th colspan="{width}" scope="rowgroup">\1</th>'
    return Template((Path(__file__).parent / TEMPLATE).read_text(encoding="utf-8")).substitute(
        title=escape(table.title),
        note=f'<p class="note">{escape(table.note)}</p>' if table.note else "",
        numeric=", ".join(f"td:nth-child({place}), tr:last-child > th:nth-child({place})" for place in numeric) or "_",
        table=re.sub(group, heading, source.to_html(exclude_styles=True)),
        notes="\n".join(f"<li>{escape(text)}</li>" for text in table.all_notes()),
    )


def latex_source(table: TypesetTable) -> str:
    """Return the table as LaTeX source for \\input, on pages turned sideways; its first line names its packages."""
    total = sum(column.width for column in table.columns)
    widths = "".join(
        rf">{{\ragged{'left' if column.numeric else 'right'}\arraybackslash\hspace{{0pt}}}}"
        rf"p{{\dimexpr {column.width / total:.4f}\linewidth-2\tabcolsep\relax}}"
        for column in table.columns
    )
    styler = _styler(table).format(_latex).format_index(_latex, axis="columns")
    # What stands after a group's heading in its row are empty cells, which a comment takes away.
    whole = rf"\multicolumn{{{len(table.columns)}}}{{p{{\dimexpr\linewidth-2\tabcolsep\relax}}}}"
    groups = (styler.index[[len(line) == 1 for line in table.lines()]], styler.columns[0])
    styler = styler.format(lambda text: rf"\addlinespace{whole}{{\textbf{{{_latex(text)}}}}} \\* %", subset=groups)
    title = _latex(table.title)
    note = rf" \textit{{{_latex(table.note.rstrip('.'))}.}}" if table.note else ""
    source = styler.to_latex(
        environment="longtable",
        column_format=widths,
        hrules=True,
        multicol_align="c",
        caption=(title + note, title),
        label=f"tab:{table.name}",
    )
    notes = "\n\n".join(map(_latex, table.all_notes()))
    return rf"""% Needs \usepackage{{{PACKAGES}}} in the preamble; read it with \input.
\begin{{landscape}}
{{\scriptsize\setlength{{\tabcolsep}}{{4pt}}\setlength{{\LTleft}}{{0pt}}\setlength{{\LTright}}{{0pt}}
{source}
\setlength{{\parindent}}{{0pt}}\setlength{{\parskip}}{{2pt}}\raggedright
{notes}
\par}}
\end{{landscape}}
"""


def _styler(table: TypesetTable) -> Styler:
    """Return the rows as pandas writes them; a group's heading is a row whose other cells are empty."""
    heads = [(column.spanner, column.heading) for column in table.columns]
    spanned = any(column.spanner for column in table.columns)
    columns = pd.MultiIndex.from_tuples(heads) if spanned else pd.Index([heading for _, heading in heads])
    lines = [line + [""] * (len(columns) - len(line)) for line in table.lines()]
    return pd.DataFrame(lines, columns=columns).style.hide(axis="index")


def _latex(text: object) -> str:
    return "".join(_LATEX.get(character, character) for character in str(text))
