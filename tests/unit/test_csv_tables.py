"""The one reader of CSV tables, against what spreadsheets, editors and scripts write."""

import pytest

from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError

TABLE = "model,group\nA,cats\nB,dogs\n"
WANTED = {"model": ["A", "B"], "group": ["cats", "dogs"]}


@pytest.mark.parametrize(
    "data",
    [
        TABLE.encode(),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace("\n", "\r").encode(),
        b"\n\nmodel , group\n\nA,cats\n,\n  \nB,dogs",
        b"model,group\nA,cats,\nB,dogs,,\n",
        b"model,group,,\nA,cats,,\nB,dogs,1,2\n",
        b',model,group\n0,A,cats\n1,"B",dogs\n',
        b"model,group,,\nA,cats\nB,dogs,,\n",
        b"sep=,\r\nmodel,group\r\nA,cats\r\nB,dogs\r\n",
        ("\ufeff" + TABLE.replace("group", "\u00a0group\u200b")).encode("utf-8-sig"),
    ],
    ids=[
        *("plain", "BOM", "UTF-16", "CRLF", "CR", "blanks", "commas behind rows", "nameless columns", "an index"),
        *("commas behind the header", "Excel's own first line", "BOM twice and marks that no editor shows"),
    ],
)
def test_what_programs_write_is_read(tmp_path, data):
    (tmp_path / "t.csv").write_bytes(data)
    assert read_csv_table(tmp_path / "t.csv", ["model", "group"]).columns == WANTED


@pytest.mark.parametrize(
    "name", ["NA", "None", "null", "nan", "001", "1e5", "true", "two  blanks", "Ba$$in", "鸟", "{}", 'a "b"']
)
def test_every_value_is_text(tmp_path, name):
    quoted = name.replace('"', '""')
    (tmp_path / "t.csv").write_text(f'model,group\nA,"{quoted}"\n', encoding="utf-8")
    assert read_csv_table(tmp_path / "t.csv").frame()["group"].tolist() == [name]


def test_a_quotation_mark_within_a_value_is_a_letter(tmp_path):
    (tmp_path / "t.csv").write_text('image\tcaption\n1.jpg\t12" disc\n', encoding="utf-8")
    table = read_csv_table(tmp_path / "t.csv", separators="\t,")
    assert table.columns["caption"] == ['12" disc']


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"model;group\nA;cats\n", ["separated by semicolons", "commas"]),
        (b"model\tgroup\nA\tcats\n", ["separated by tabs", "commas"]),
        ("model,group\nA,Käfer\n".encode("latin-1"), ["line 2", "0xe4", "UTF-8", "iconv"]),
        (b"sep=;\nmodel;group\nA;cats\n", ["separated by semicolons", "commas"]),
        (b"model;id, top-1;group\nA;0,5;cats\n", ["separated by semicolons", "commas"]),
        (b"PK\x03\x04\x14\0\x06\0", ["spreadsheet", "save the label map as CSV in UTF-8"]),
        ("model,group\nA,cats\n".encode("utf-16-le"), ["line 1", "NUL", "save the label map as CSV in UTF-8"]),
        (b"\nmodel,group\n\nA,cats,dogs\n", ["line 4", "3 values", "2 columns", "quotation marks"]),
        (b"model,group\nA\n", ["line 2", "1 values", "2 columns"]),
        (b'model,group\nA,cats\n"B,dogs\nC,owls\n', ["line 3", "quotation mark"]),
        (b'model,group\nA,"cats\nB,dogs\n', ["line 2", "quotation mark"]),
        (b'model,group\nA,"' + b"x\n" * 100_000, ["line 2", "quotation mark"]),
        (b"model,group,model\nA,cats,B\n", ["column model occurs twice"]),
        (b"model,groupe\nA,cats\n", ["no column group", "model, groupe"]),
        (b"\n \n", ["empty"]),
        (b"model,group\nA,c\0ts\n", ["line 2", "NUL"]),
        (None, ["no such label map"]),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_line(tmp_path, data, words):
    path = tmp_path / "t.csv"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError) as refused:
        read_csv_table(path, ["model", "group"], what="label map")
    assert all(word in str(refused.value) for word in [str(path), *words]), refused.value


def test_rows_are_refused_by_the_line_of_the_file(tmp_path):
    (tmp_path / "t.csv").write_text('model,group\n\nA,"two\nlines"\n\nB,x\n', encoding="utf-8")
    table = read_csv_table(tmp_path / "t.csv")
    assert table.lines == [3, 6]
    with pytest.raises(InputError, match=r"t\.csv: line 6: group 'x' is short$"):
        table.refuse_first([False, True], "is short", "group")
