"""A table as LaTeX source, to be read with \\input; the packages that it needs are named in its first lines."""

from pretraining_robustness.tables.typeset import TypesetTable

_PACKAGES = ("array", "booktabs", "longtable")
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_\allowbreak{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # LaTeX's default font encoding has no straight quotes
    "`": "`{}",  # two in a row stay two, here and below
    "*": "{*}",  # this and the next would belong to a \\ before them
    "[": "{[}",
    "]": "{]}",
    "-": "-{}",
    "/": r"/\allowbreak{}",
    "–": "--",
    "\N{MINUS SIGN}": "$-$",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
}


def escape(text: str) -> str:
    """Return text as LaTeX source that prints it: special characters escaped, long names breakable."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def latex_source(table: TypesetTable) -> str:
    """Return the table as a `longtable` (which breaks over pages), on pages turned sideways if it is wide."""
    packages = ",".join([*_PACKAGES, *(["pdflscape"] if table.wide else [])])
    size = r"\scriptsize" if table.wide else r"\small"
    head = "\n".join([r"\toprule", *_head(table), r"\midrule"])
    number = len(table.columns)
    title = escape(table.title)
    note = rf"\\ {{\normalfont\itshape {escape(table.note.rstrip('.'))}.}}" if table.note else ""
    body = "\n".join(_group(heading, rows, table) for heading, rows in table.grouped_rows())
    notes = "\n\n".join(escape(text) for text in table.all_notes())
    source = rf"""{{{size}\setlength{{\tabcolsep}}{{4pt}}\setlength{{\LTleft}}{{0pt}}\setlength{{\LTright}}{{0pt}}
\begin{{longtable}}{{{_widths(table)}}}
\caption[{{{title}}}]{{{title}{note}}}\label{{tab:{table.name}}}\\
{head}
\endfirsthead
{head}
\endhead
\midrule
\multicolumn{{{number}}}{{r}}{{continued on the next page}}\\
\endfoot
\bottomrule
\endlastfoot
{body}
\end{{longtable}}
\setlength{{\parindent}}{{0pt}}\setlength{{\parskip}}{{2pt}}\raggedright
{notes}
\par}}"""
    if table.wide:
        source = f"\\begin{{landscape}}\n{source}\n\\end{{landscape}}"
    return f"% Needs \\usepackage{{{packages}}} in the preamble; read it with \\input.\n{source}\n"


def _widths(table: TypesetTable) -> str:
    columns = zip(table.columns, table.shares(), strict=True)
    return "".join(
        rf">{{\ragged{'left' if column.numeric else 'right'}\arraybackslash\hspace{{0pt}}}}"
        rf"p{{\dimexpr {share:.4f}\linewidth-2\tabcolsep\relax}}"
        for column, share in columns
    )


def _head(table: TypesetTable) -> list[str]:
    lower = [" & ".join(escape(column.heading) for column in table.columns) + r" \\"]
    if not any(column.spanner for column in table.columns):
        return lower
    cells, rules, place = [], [], 1
    for spanner, width in table.spanners():
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(spanner)}}}" if spanner else "")
        if spanner:
            rules.append(rf"\cmidrule(lr){{{place}-{place + width - 1}}}")
        place += width
    return [" & ".join(cells) + r" \\", "".join(rules), *lower]


def _group(heading: str, rows: list[list[str]], table: TypesetTable) -> str:
    gap = r"\addlinespace" if table.wide else ""  # rows of several lines must be told apart
    lines = [" & ".join(_cell(cell) for cell in row) + rf" \\{gap}" for row in rows]
    if heading:
        whole = rf"\multicolumn{{{len(table.columns)}}}{{p{{\dimexpr\linewidth-2\tabcolsep\relax}}}}"
        lines.insert(0, rf"\addlinespace{whole}{{\textbf{{{escape(heading)}}}}}\\*\addlinespace")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return r" \newline ".join(escape(line) for line in text.split("\n"))
