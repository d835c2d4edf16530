"""Splits by a column: what looks alike, what is missing, and what belongs together."""

from pathlib import Path

import pytest

from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.division import divide

BY_PLACE = {"by": "place", "column": "camera", "test": 0.25, "id_test": 0.25}
BY_DATE = {"by": "date", "column": "date", "test": "2016-06-01", "id_test": 0.5}


def divided(tmp_path: Path, spec: dict, header: str, rows: list[str]) -> list[str]:
    path = tmp_path / "metadata.csv"
    lines = [f"{number}.jpg,0,{row}" for number, row in enumerate(rows)]
    path.write_text("\n".join([f"filename,y,{header}", *lines]) + "\n", encoding="utf-8")
    return divide(read_csv_table(path), spec)


@pytest.mark.parametrize("blank", [" ", "\t", "\u00a0", "\u2003", "\u3000", "\u200b", "\ufeff"])
def test_blanks_around_a_value_do_not_make_another_place(tmp_path: Path, blank: str) -> None:
    rows = [place + blank * (number % 2) for number in range(10) for place in "ABCDEFGH"]
    splits = divided(tmp_path, BY_PLACE, "camera", rows)
    sides = {place: {split == "test" for split in splits[number::8]} for number, place in enumerate("ABCDEFGH")}
    assert all(len(side) == 1 for side in sides.values())


@pytest.mark.parametrize("other", ["north  gate", "north\u00a0gate", "north\u200b gate", "north\u2009gate"])
def test_places_that_look_alike_are_refused_with_both_lines(tmp_path: Path, other: str) -> None:
    with pytest.raises(InputError, match=r"line 4: camera .*line 2"):
        divided(tmp_path, BY_PLACE, "camera", ["north gate", "south", other, "east"])


def test_accents_written_in_two_ways_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"line 3: camera .*line 2"):
        divided(tmp_path, BY_PLACE, "camera", ["caf\u00e9", "cafe\u0301", "b", "c"])


@pytest.mark.parametrize("missing", ["", "NA", "nan", "None", "null"])
def test_rows_without_a_unit_are_units_of_their_own(tmp_path: Path, missing: str) -> None:
    rows = [f"camera_{number % 4},{missing if number % 10 else 'burst'}" for number in range(200)]
    rows = [row if not row.endswith("burst") else f"camera_0,burst_{number}" for number, row in enumerate(rows)]
    splits = divided(tmp_path, {**BY_PLACE, "together": "burst"}, "camera,burst", rows)
    inside = [split for split in splits if split != "test"]
    assert inside.count("id_test") == pytest.approx(len(inside) / 4, abs=1)


@pytest.mark.parametrize(
    ("spec", "rows"),
    [
        (BY_DATE, ["2016-01-01,p1", "2016-02-01,p2", "2016-07-01,p1"]),
        (BY_DATE, ["2016-07-01,p1", "2016-02-01,p2", "2016-01-01,p1"]),
        ({**BY_DATE, "val": "2016-03-01"}, ["2016-04-01,p1", "2016-02-01,p2", "2016-07-01,p1"]),
        ({**BY_PLACE, "column": "date", "test": ["b"]}, ["a,p1", "c,p2", "b,p1"]),
    ],
)
def test_a_unit_on_both_sides_is_refused_with_both_lines(tmp_path: Path, spec: dict, rows: list[str]) -> None:
    with pytest.raises(InputError, match=r"line 4: patient 'p1' .*line 2.*together"):
        divided(tmp_path, {**spec, "together": "patient"}, "date,patient", rows)


@pytest.mark.parametrize("second", ["2016-01-01T10:00:00Z", "2016-01-01T10:00:00-03:00", "2016-01-01 10:00:00"])
def test_dates_of_different_offsets_are_refused(tmp_path: Path, second: str) -> None:
    with pytest.raises(InputError, match=r"line 3: date is .*line 2"):
        divided(tmp_path, BY_DATE, "date", ["2016-07-01T10:00:00+02:00", second])
    assert divided(tmp_path, BY_DATE, "date", ["2016-07-01T10:00:00+02:00", "2016-01-01T10:00:00+02:00"])[0] == "test"
