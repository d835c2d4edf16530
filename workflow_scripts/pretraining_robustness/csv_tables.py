"""The reader of all CSV tables that people write: every value is text, and errors report the line.

It reads what spreadsheets and editors write: UTF-8 with or without a byte-order mark, UTF-16 with one, any line ends,
quoted values over several lines, blank lines, empty cells behind the last column. Blanks around a value, and marks that
no editor shows, do not count. No value is converted or taken as missing: NA, None, null, 001, 1e5 and true are names.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pretraining_robustness.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "vertical bars"}
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
OPEN = "a quotation mark is never closed; close or remove it"
# Every kind of blank, and the marks without a width that texts are copied with.
BLANKS = (
    "".join(one for one in map(chr, range(0x3001)) if one.isspace() or unicodedata.category(one) == "Cf") + "\ufeff"
)
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class CsvTable:
    """A table as it stands in its file.

    Attributes:
        path: the file.
        columns: the values of each column, top to bottom, by its name; columns without a name are left out.
        lines: the line of the file on which each row begins; the header is on line 1, unless blank lines precede it.
    """

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]

    def __len__(self) -> int:
        return len(self.lines)

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def rows(self) -> Iterator[dict[str, str]]:
        """Yield every row, values by column."""
        names = list(self.columns)
        for values in zip(*self.columns.values(), strict=True):
            yield dict(zip(names, values, strict=True))

    def refuse_lookalikes(self, column: str) -> None:
        """Refuse a column in which two values look alike: they differ in blanks, invisible marks or the way in which an
        accent is written, and would count as two.
        """
        first: dict[str, int] = {}
        for row, value in enumerate(self.columns[column]):
            line = first.setdefault(_as_seen(value), row)
            other = self.columns[column][line]
            if other != value:
                what = f"{column} is {value!a}, and {other!a} on line {self.lines[line]}, which looks the same"
                self.refuse(row, f"{what}; write both alike")

    def frame(self) -> "pd.DataFrame":
        """Return the table as a frame of text, indexed by the row numbers that `refuse` takes."""
        import pandas as pd  # costs half a second that planning need not spend

        return pd.DataFrame(self.columns, index=range(len(self)), dtype=str)

    def numbers(self, column: str) -> "pd.Series":
        """Return a column as float64 to the last bit; NaN where a value is not a number."""
        import pandas as pd

        return pd.Series(map(_number, self.columns[column]), dtype="float64")

    def refuse(self, row: int, what: str) -> NoReturn:
        """Raise InputError about a row, with its line in the file."""
        raise InputError(f"{self.path}: line {self.lines[row]}: {what}")

    def refuse_first(self, bad: Iterable[bool], what: str, column: str | None = None) -> None:
        """Refuse the first row that is `bad`, if any; the message starts with its value of `column`."""
        row = next((row for row, is_bad in enumerate(bad) if is_bad), None)
        if row is not None:
            self.refuse(row, what if column is None else f"{column} {self.columns[column][row]!r} {what}")


def read_csv_table(
    path: str | Path, required: Sequence[str] = (), *, what: str = "table", separators: str = ","
) -> CsvTable:
    """Read a CSV table whose first line names its columns; blanks around names and values are ignored.

    Args:
        path: the file.
        required: columns that it must have.
        what: name of the table in messages ("label map", "table of published numbers").
        separators: what may separate values; the first of these that the header holds.

    Raises:
        InputError: a missing, empty or unreadable file, another encoding or separator, a column that is missing or
            occurs twice, a row with more or fewer values than the header names, a quotation mark without its end.
    """
    path = Path(path)
    lines = io.StringIO(_text(path, what), newline="").readlines()
    if lines and re.fullmatch(r'"?sep=."?\s*', lines[0]):  # tells Excel the separator
        lines[0] = "\n"
    separator = _separator(path, lines, required, separators)
    records = _records(path, lines, separator)
    _, header = next(records, (0, []))
    names = [name.strip(BLANKS) for name in header]
    named = max((place for place, name in enumerate(names, start=1) if name), default=0)
    if not any(names):
        raise InputError(f"{path}: the file is empty; its first line should name the columns {', '.join(required)}")
    _check_header(path, names, required)
    numbers, rows = [], []
    for number, values in records:
        if len(values) > len(names) and not any(values[len(names) :]):
            values = values[: len(names)]
        if not named <= len(values) <= len(names):
            _refuse_width(path, lines, number, separator, len(values), len(names))
        numbers.append(number)
        rows.append([value.strip(BLANKS) for value in values[:named]])
    names = names[:named]
    columns = zip(*rows, strict=True) if rows else [()] * named
    return CsvTable(path, {name: list(column) for name, column in zip(names, columns, strict=True) if name}, numbers)


def read_frame(path: str | Path, whole: Sequence[str] = ()) -> "pd.DataFrame":
    """Read a table that the workflow wrote as a frame of text, in which the columns `whole` are whole numbers."""
    table = read_csv_table(path, whole)
    frame = table.frame()
    try:
        return frame.astype(dict.fromkeys(whole, "int64"))
    except ValueError as error:
        raise InputError(f"{path}: {error}; remove the file to make it again") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _as_seen(value: str) -> str:
    """Return a value with single blanks, composed characters and no invisible marks."""
    shown = "".join(one for one in unicodedata.normalize("NFKC", value) if unicodedata.category(one) != "Cf")
    return " ".join(shown.split())


def _refuse_width(path: Path, lines: Sequence[str], number: int, separator: str, values: int, names: int) -> NoReturn:
    """Refuse a row with more or fewer values than the header names columns."""
    if _is_open(lines[number - 1 :], separator):
        raise InputError(f"{path}: line {number}: {OPEN}")
    remedy = "give it one value per column, empty where there is none"
    if values > names:
        remedy = "put values that hold a separator in quotation marks"
    raise InputError(
        f"{path}: line {number}: the row has {values} values and the header names {names} columns; {remedy}"
    )


def _text(path: Path, what: str) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such {what}; correct the path") from None
    except OSError as error:
        raise InputError(f"{path}: the {what} cannot be read ({error.strerror}); it should be a CSV file") from None
    if data.startswith(SPREADSHEETS):
        raise InputError(f"{path}: a spreadsheet's own file, not text; save the {what} as CSV in UTF-8")
    encoding = "utf-16" if data.startswith(UTF_16) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path}: line {line}: the byte {data[error.start]:#04x} is not {encoding.upper().removesuffix('-SIG')}; "
            "save the table as UTF-8 (iconv -f windows-1252 -t utf-8 OLD > NEW, if it comes from a Western Windows)"
        ) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}: line {line}: holds a NUL character; save the {what} as CSV in UTF-8")
    return text


def _separator(path: Path, lines: Sequence[str], required: Sequence[str], separators: str) -> str:
    """Return the separator with which the header has all required names, or else the first one in the header."""
    header = next((line for line in lines if line.strip()), "")
    held = [separator for separator in (*separators, *SEPARATORS) if separator in header]
    fitting = [separator for separator in held if set(required) <= _names(header, separator)]
    found = next(iter(fitting or held), separators[0])
    if found not in separators:
        wanted = " or ".join(SEPARATORS[separator] for separator in separators)
        raise InputError(f"{path}: the values are separated by {SEPARATORS[found]}; save the table with {wanted}")
    return found


def _names(header: str, separator: str) -> set[str]:
    return {name.strip(BLANKS) for name in next(csv.reader([header], delimiter=separator), [])}


def _records(path: Path, lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record that is not blank with the line on which it begins."""
    reader = csv.reader(lines, delimiter=separator)
    begin = last = 1
    try:
        for values in reader:
            if any(value.strip() for value in values):
                yield begin, values
            last, begin = begin, reader.line_num + 1
    except csv.Error as error:  # an absurdly long value
        raise InputError(f"{path}: line {begin}: {error}; is a quotation mark left open?") from None
    if _is_open(lines[last - 1 :], separator):
        raise InputError(f"{path}: line {last}: {OPEN}")


def _is_open(lines: Sequence[str], separator: str) -> bool:
    """Whether a quoted value reaches to the end of the file, which only a strict reader reports."""
    try:
        list(csv.reader(lines, delimiter=separator, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _check_header(path: Path, names: Sequence[str], required: Sequence[str]) -> None:
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{path}: the column {twice} occurs twice; rename or remove one of them")
    missing = [name for name in required if name not in names]
    if missing:
        columns = "columns" if len(missing) > 1 else "column"
        raise InputError(
            f"{path}: no {columns} {', '.join(missing)}; it has {', '.join(filter(None, names))}; name "
            "the columns in the first line"
        )
