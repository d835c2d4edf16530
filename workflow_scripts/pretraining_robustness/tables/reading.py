"""Reading the small CSV files that tables are made from."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError

Files = Mapping[str, Sequence[str | Path]]
"""The files that a table is made from, by their name in `READS`."""


def read_frames(files: Files) -> dict[str, pd.DataFrame]:
    """Read tables of which each name has one."""
    return {name: pd.read_csv(path) for name, (path,) in files.items()}


def read_columns(path: str | Path, columns: Mapping[str, type], optional: Sequence[str] = ()) -> pd.DataFrame:
    """Read columns of a CSV file.

    Args:
        path: the file.
        columns: name and type (str, int or bool) of each column that must be there and be complete.
        optional: names of further columns of text that are read where they exist.

    Raises:
        InputError: the file cannot be read, is empty, lacks a column or has a value of another type.
    """
    try:
        table = read_csv_table(path).frame()
        for name, kind in columns.items():
            table[name] = table[name].map({"True": True, "False": False}) if kind is bool else table[name].astype(kind)
    except KeyError as error:
        raise InputError(f"{path}: the column {error} is missing; remove the file to make it again") from None
    except ValueError as error:
        raise InputError(f"{path}: not a readable table ({error}); remove the file to make it again") from None
    wanted = table[[*columns, *(name for name in optional if name in table)]]
    if wanted.empty or wanted.isna().any(axis=None):
        raise InputError(f"{path}: it has no rows or an empty value; remove the file to make it again")
    return wanted


def by_folder(paths: Sequence[str | Path]) -> dict[str, Path]:
    """Return files by the name of the folder that each is in: results/stores/imagenet/classes.csv is `imagenet`."""
    return {Path(path).parent.name: Path(path) for path in paths}
