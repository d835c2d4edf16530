"""A table as one HTML page that needs nothing else: no network, no fonts of its own, no scripts."""

from html import escape

from pretraining_robustness.tables.typeset import Column, TypesetTable

_STYLE = """
body { margin: 2rem auto; padding: 0 1.5rem; color: #1a1a1a; background: #fff;
  font: 14px/1.4 "Helvetica Neue", Helvetica, Arial, "Liberation Sans", sans-serif; }
body.narrow { max-width: 60rem; }
body.wide { max-width: 110rem; font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; border-bottom: 2px solid #1a1a1a; }
.wide table { min-width: 75rem; }
caption { padding: 0 0 .6rem; text-align: left; font-size: 1.25em; font-weight: bold; }
caption .note { display: block; margin-top: .2rem; font-size: .8em; font-weight: normal; color: #9a3200; }
th, td { padding: .35rem .55rem; text-align: left; vertical-align: top; overflow-wrap: break-word; }
thead { border-top: 2px solid #1a1a1a; border-bottom: 1px solid #1a1a1a; }
thead th { vertical-align: bottom; }
thead th[scope=colgroup] { text-align: center; border-bottom: 1px solid #999; }
tbody th { font-weight: normal; }
.wide tbody th .first { font-weight: bold; }
th.group { padding-top: .6rem; font-weight: bold; background: #f0f2f4; border-top: 1px solid #999; }
tbody tr + tr > * { border-top: 1px solid #e3e3e3; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.notes { margin: 1rem 0 0; padding-left: 1.1rem; max-width: 75rem; font-size: .92em; color: #333; }
@media print { @page { size: A4 landscape; margin: 1cm; } body.wide { font-size: 8px; } .wide table { min-width: 0; }
  thead { display: table-header-group; } tr { break-inside: avoid; } }
"""


def html_page(table: TypesetTable) -> str:
    """Return the table as a whole HTML document. All text is escaped."""
    note = f'<span class="note">{escape(table.note)}</span>' if table.note else ""
    widths = "".join(f'<col style="width: {share:.2%}">' for share in table.shares())
    bodies = "\n".join(_body(table, heading, rows) for heading, rows in table.grouped_rows())
    notes = "\n".join(f"<li>{escape(text)}</li>" for text in table.all_notes())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(table.title)}</title>
<style>{_STYLE}</style>
</head>
<body class="{"wide" if table.wide else "narrow"}">
<div class="scroll">
<table id="{escape(table.name)}">
<caption>{escape(table.title)}{note}</caption>
<colgroup>{widths}</colgroup>
<thead>
{_head(table)}
</thead>
{bodies}
</table>
</div>
<ul class="notes">
{notes}
</ul>
</body>
</html>
"""


def _head(table: TypesetTable) -> str:
    if not any(column.spanner for column in table.columns):
        return f"<tr>{''.join(_heading(column) for column in table.columns)}</tr>"
    upper, place = "", 0
    for spanner, width in table.spanners():
        upper += (
            f'<th scope="colgroup" colspan="{width}">{escape(spanner)}</th>'
            if spanner
            else _heading(table.columns[place], ' rowspan="2"')
        )
        place += width
    lower = "".join(_heading(column) for column in table.columns if column.spanner)
    return f"<tr>{upper}</tr>\n<tr>{lower}</tr>"


def _heading(column: Column, more: str = "") -> str:
    return f'<th scope="col"{more}{_class(column)}>{_lines(column.heading)}</th>'


def _body(table: TypesetTable, heading: str, rows: list[list[str]]) -> str:
    group = f'<tr><th class="group" scope="rowgroup" colspan="{len(table.columns)}">{escape(heading)}</th></tr>\n'
    lines = "\n".join(_row(table, cells) for cells in rows)
    return f"<tbody>\n{group if heading else ''}{lines}\n</tbody>"


def _row(table: TypesetTable, cells: list[str]) -> str:
    first, *more = cells[0].split("\n")
    name = "<br>".join([f'<span class="first">{escape(first)}</span>', *map(escape, more)])
    rest = "".join(
        f"<td{_class(column)}>{_lines(cell)}</td>" for column, cell in zip(table.columns[1:], cells[1:], strict=True)
    )
    return f'<tr><th scope="row">{name}</th>{rest}</tr>'


def _class(column: Column) -> str:
    return ' class="number"' if column.numeric else ""


def _lines(text: str) -> str:
    # A long name such as imagenet_60k_1000_classes may be broken after its underscores.
    return escape(text).replace("_", "_<wbr>").replace("\n", "<br>")
