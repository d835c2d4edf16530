"""DomainNet as the wilds package has it: one folder of all domains, with metadata.csv.

Columns (wilds 2.0.0, domainnet_dataset.py; made by p-lambda/wilds, dataset_preprocessing/domainnet/generate_metadata.py
at 46e1dbc2): image_path, domain, split (of that domain: train or test), category, y. In metadata.csv y is the
category's place in the list of 345; sentry_metadata.csv beside it holds 40 categories of four domains with a y of its
own, 0 to 39. Either way the labels run from 0 without a gap, one for each category.
"""

import csv
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawImage, file_stamp

METADATA = "metadata.csv"
COLUMNS = ("image_path", "domain", "split", "category", "y")
SPLITS = ("train", "test")


class DomainNet:
    """Images of DomainNet in the order of its metadata.csv; the class_id is the category.

    Args:
        folder: the unpacked folder, or a file in it; a .csv file is read in place of metadata.csv.

    Raises:
        InputError: for a missing metadata.csv or column in it; names the row (the line of the file, the header being
            line 1) with an unknown split, a label that is no whole number, a missing or repeated file; for labels with
            a gap, a label with several categories or a category with several labels.
    """

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder)
        if path.suffix == ".csv":
            self.metadata = path
        else:
            self.metadata = (path.parent if path.is_file() else path) / METADATA
        self.folder = self.metadata.parent
        self.table = self._read()

    def __len__(self) -> int:
        return len(self.table)

    def classes(self) -> pd.DataFrame:
        """Return class_id (the category) and name (without underscores), ordered by label."""
        categories = self.table[["y", "category"]].drop_duplicates().sort_values("y")["category"]
        return pd.DataFrame({"class_id": list(categories), "name": [one.replace("_", " ") for one in categories]})

    def fingerprint(self) -> list[str]:
        """Return name, size and time of metadata.csv and of every image file."""
        return [file_stamp(path) for path in (self.metadata, *(self.folder / one for one in self.table["image_path"]))]

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, with y, domain, category and split (of the domain: train or test).

        Raises:
            InputError: for a file that has vanished since the folder was opened.
        """
        rows = self.table.iloc[start:]
        columns = (rows[column] for column in ("image_path", "category", "y", "domain", "split"))
        for path, category, y, domain, split in zip(*columns, strict=True):
            try:
                data = (self.folder / path).read_bytes()
            except FileNotFoundError as error:
                raise InputError(f"{self.folder / path}: the file that {self.metadata.name} names is gone") from error
            yield RawImage(path, category, data, {"y": int(y), "domain": domain, "category": category, "split": split})

    def _read(self) -> pd.DataFrame:
        try:
            table = pd.read_csv(self.metadata, dtype=str, keep_default_na=False, quoting=csv.QUOTE_MINIMAL)
        except FileNotFoundError as error:
            raise InputError(f"{self.metadata}: no such file: unpack DomainNet again") from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(f"{self.metadata}: not a table of comma-separated values ({error})") from error
        lacking = [column for column in COLUMNS if column not in table]
        if lacking:
            raise InputError(f"{self.metadata}: the column {', '.join(lacking)} is missing: is it wilds' DomainNet?")
        if table.empty:
            raise InputError(f"{self.metadata}: the table has no rows: unpack DomainNet again")
        self._require(table["split"].isin(SPLITS), table["split"], f"is no split: there are {' and '.join(SPLITS)}")
        self._require(table["domain"] != "", table["image_path"], "is an image without a domain")
        self._require(table["y"].str.fullmatch(r"\d+"), table["y"], "is no label: labels are whole numbers from 0 on")
        table["y"] = table["y"].astype("int64")
        self._check_labels(table)
        self._check_files(table["image_path"])
        return table

    def _require(self, good: pd.Series, values: pd.Series, otherwise: str) -> None:
        """Refuse the table at its first row that is not good."""
        wrong = good.index[~good]
        if len(wrong):
            raise InputError(f"{self.metadata}, row {wrong[0] + 2}: {values.iloc[wrong[0]]!r} {otherwise}")

    def _check_labels(self, table: pd.DataFrame) -> None:
        pairs = table[["y", "category"]].drop_duplicates()
        for one, other in (("y", "category"), ("category", "y")):
            twice = pairs[pairs[one].duplicated(keep=False)]
            if len(twice):
                value = twice[one].iloc[0]
                several = " and ".join(map(str, twice.loc[twice[one] == value, other]))
                raise InputError(f"{self.metadata}: {one} {value} stands for several of {other}: {several}")
        gap = next((y for y in range(len(pairs)) if y not in set(pairs["y"])), None)
        if gap is not None:
            raise InputError(
                f"{self.metadata}: the labels y must run from 0 to {pairs['y'].max()} without a gap, but none is {gap}"
            )

    def _check_files(self, paths: pd.Series) -> None:
        self._require(~paths.duplicated(), paths, "occurs for the second time")
        inside = [not (path.is_absolute() or ".." in path.parts) for path in map(PurePosixPath, paths)]
        self._require(pd.Series(inside), paths, "leaves the folder: it must be relative to it")
        there = pd.Series([(self.folder / path).is_file() for path in paths])
        self._require(there, paths, "is not among the unpacked files: unpack DomainNet again")
