"""Splits of a task by a column of its table: by place (camera, site, hospital) or by date.

Places that are held out, or what is from a date on, are out-of-distribution (val, test). Of the other images some are
held out as well and are in-distribution (id_val, id_test); the rest is train. iWildCam-WILDS is divided in this way
(p-lambda/wilds, dataset_preprocessing/iwildcam/create_split.py: 10 and 15 % of the locations are val and test).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pretraining_robustness.csv_tables import CsvTable
from pretraining_robustness.errors import InputError
from pretraining_robustness.seeds import hashed_rank

OUT_OF_DISTRIBUTION = ("val", "test")
IN_DISTRIBUTION = ("id_val", "id_test")
MISSING = ("", "na", "n/a", "nan", "none", "null", "<na>")  # how tables say that a row belongs to no unit


def divide(table: CsvTable, spec: Mapping[str, Any]) -> list[str]:
    """Return the split of every row.

    Args:
        table: with the columns that `spec` names; filename, where it names none to keep together.
        spec: `by` (place or date) and `column`; `test` and, optionally, `val`: by place a share of the places or a list
            of them, by date the first that belongs to it (ISO 8601, or a year); `id_test` and, optionally, `id_val`:
            shares of the other images; `together`: a column whose rows of one value are held out together (a burst,
            a patient); `seed`.

    Raises:
        InputError: for a column that is missing, a place that no row has, an empty one, what is no date, values that
            look alike, and rows that belong together and would be divided, by line.
    """
    for key in ("column", "together"):
        if key in spec and spec[key] not in table:
            raise InputError(
                f"{table.path}: no column {spec[key]}, by which the task's config divides it; it has "
                f"{', '.join(table.columns)}; name one of these"
            )
        if key in spec:
            table.refuse_lookalikes(spec[key])
    outside = _by_place(table, spec) if spec["by"] == "place" else _by_date(table, spec)
    units = _units(table, spec, outside)
    inside = _shares([unit for unit, split in zip(units, outside, strict=True) if not split], spec)
    return [split or inside.get(unit, "train") for unit, split in zip(units, outside, strict=True)]


def _units(table: CsvTable, spec: Mapping[str, Any], outside: Sequence[str]) -> list[str]:
    """Return for each row the name of the unit that it is held out with: a row without one is a unit of its own.

    Raises InputError for a unit that lies on both sides of the border of the distributions.
    """
    files = table.columns["filename"]
    if "together" not in spec:
        return files
    together = spec["together"]
    values = table.columns[together]
    first: dict[str, int] = {}
    for row, (value, split) in enumerate(zip(values, outside, strict=True)):
        if value.lower() in MISSING:
            continue
        known = first.setdefault(value, row)
        if outside[known] != split:
            names = [part or "in-distribution" for part in (split, outside[known])]
            table.refuse(
                row,
                f"{together} {value!r} is {names[0]} here and {names[1]} on line {table.lines[known]}, but its rows "
                f"belong together; remove the rows on one side, choose another {spec['by']}, or leave out 'together'",
            )
    return [file if value.lower() in MISSING else value for file, value in zip(files, values, strict=True)]


def _by_place(table: CsvTable, spec: Mapping[str, Any]) -> list[str]:
    """Return val, test or nothing for each row."""
    places = table.columns[spec["column"]]
    table.refuse_first((not place.strip() for place in places), f"{spec['column']} is empty")
    split_of: dict[str, str] = {}
    known = sorted(set(places), key=lambda place: hashed_rank(spec.get("seed", 0), "places", place))
    given = [(split, spec[split]) for split in OUT_OF_DISTRIBUTION if split in spec]
    for split, wanted in sorted(given, key=lambda one: not isinstance(one[1], list)):  # those that are named first
        if isinstance(wanted, list):
            chosen = list(map(str, wanted))
            strange = next((place for place in chosen if place not in known or place in split_of), None)
            if strange is not None:
                raise InputError(
                    f"{table.path}: no image is left with the {spec['column']} {strange} for the split {split}; "
                    f"name others of its values: {', '.join(sorted(set(known) - set(split_of)))}"
                )
        else:
            free = [place for place in known if place not in split_of]
            chosen = free[: max(1, round(wanted * len(known)))]
        split_of |= dict.fromkeys(chosen, split)
    return [split_of.get(place, "") for place in places]


def _by_date(table: CsvTable, spec: Mapping[str, Any]) -> list[str]:
    """Return val, test or nothing for each row; dates are compared as they are written, so all need one offset."""
    column = spec["column"]
    starts = sorted(
        (_date(str(spec[split])).replace(tzinfo=None), split) for split in OUT_OF_DISTRIBUTION if split in spec
    )
    splits = []
    offset: timedelta | None = None
    for row, text in enumerate(table.columns[column]):
        try:
            date = _date(text)
        except ValueError:
            table.refuse(row, f"{column} is {text!r}, no date as 2016-07-31, 2016-07-31 14:05:00 or 2016")
        if row > 0 and date.utcoffset() != offset:
            first = table.columns[column][0]
            table.refuse(
                row,
                f"{column} is {text!r}, and {first!r} on line {table.lines[0]}: their offsets from UTC differ; "
                "write all dates with one offset, or all without",
            )
        offset = date.utcoffset()
        splits.append(next((split for start, split in reversed(starts) if date.replace(tzinfo=None) >= start), ""))
    return splits


def _date(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}-01-01" if len(text) == 4 else text)


def _shares(units: Sequence[str], spec: Mapping[str, Any]) -> dict[str, str]:
    """Return the split of the units that are held out of those of the distribution."""
    ranked = sorted(set(units), key=lambda unit: hashed_rank(spec.get("seed", 0), "held out", unit))
    split_of: dict[str, str] = {}
    for split in IN_DISTRIBUTION:
        if split in spec:
            first = len(split_of)
            split_of |= dict.fromkeys(ranked[first : first + max(1, round(spec[split] * len(ranked)))], split)
    return split_of
