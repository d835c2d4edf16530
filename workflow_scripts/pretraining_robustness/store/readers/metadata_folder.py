"""A downstream task: a folder of images and metadata.csv, the user's own or iWildCam-WILDS v2.0.

Columns and splits are those of WILDS (wilds 2.0.0, iwildcam_dataset.py): `train`, `id_val` and `id_test` are
in-distribution, `val` and `test` out-of-distribution.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawImage, file_stamp

METADATA = "metadata.csv"
REQUIRED = ("filename", "y", "split")
SPLITS = ("train", "id_val", "id_test", "val", "test")
NUMBERS = ("location_remapped", "sequence_remapped")
GROUPS = dict(zip(NUMBERS, ("location", "sequence"), strict=True))  # the names that wilds' metadata_fields give them
TEXTS = ("datetime",)
NAME_COLUMNS = ("class_name", "class")
NOT_KEPT = {*REQUIRED, *NAME_COLUMNS, "row", "image", "class_id", "offset", "length"}  # the store's own columns, too


class MetadataFolder:
    """Images of a folder in the order of its metadata.csv, whose `filename` is relative to the folder.

    Args:
        folder: the folder, or the metadata.csv in it.

    Raises:
        InputError: names the row of metadata.csv (the line of the file, the header being line 1) with an unknown split,
            a label that is no number from 0 on, a missing or repeated file; a label without images; an absent column
            or split.
    """

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder)
        self.metadata = path if path.suffix == ".csv" else path / METADATA
        self.folder = self.metadata.parent
        self.table = self._read()
        self.names = self._class_names()

    def image_path(self, filename: str) -> PurePosixPath:
        """Return where an image lies, relative to the folder."""
        return PurePosixPath(filename)

    def _group_columns(self, table: pd.DataFrame) -> list[str]:
        """Return the columns that say what images have in common; the store keeps them."""
        renamed = [name for column, name in GROUPS.items() if column in table]
        names = [name for name in map(str, table) if not name.startswith("Unnamed:")]
        return [name for name in names if name not in NOT_KEPT and name not in renamed]

    def _class_names(self) -> dict[int, str]:
        """Return the names of the labels; empty when there are none."""
        column = next((column for column in NAME_COLUMNS if column in self.table), None)
        if column is None:
            return {}
        pairs = self.table[["y", column]].drop_duplicates()
        twice = pairs[pairs["y"].duplicated(keep=False)]
        if len(twice):
            label = int(twice["y"].iloc[0])
            names = " and ".join(map(str, twice.loc[twice["y"] == label, column]))
            raise InputError(f"{self.metadata}: label {label} has several names: {names}")
        return {int(label): str(name) for label, name in zip(pairs["y"], pairs[column], strict=True)}

    def __len__(self) -> int:
        return len(self.table)

    def classes(self) -> pd.DataFrame:
        """Return class_id (the label) and name, ordered by label."""
        labels = range(int(self.table["y"].max()) + 1)
        return pd.DataFrame(
            {
                "class_id": [str(label) for label in labels],
                "name": [self.names.get(label, str(label)) for label in labels],
            }
        )

    def fingerprint(self) -> list[str]:
        """Return name, size and time of metadata.csv and of every image file."""
        files = [self.folder / self.image_path(filename) for filename in self.table["filename"]]
        return [file_stamp(path) for path in [self.metadata, *files]]

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, with y, split and their groups: location, sequence and the like."""
        columns = ["filename", "y", "split", *self._group_columns(self.table)]
        for row in self.table.iloc[start:][columns].rename(columns=GROUPS).to_dict("records"):
            path = self.image_path(row.pop("filename"))
            try:
                data = (self.folder / path).read_bytes()
            except FileNotFoundError as error:
                raise InputError(f"{self.folder / path}: the file that {METADATA} names is gone") from error
            yield RawImage(str(path), str(row["y"]), data, {str(key): value for key, value in row.items()})

    def _read(self) -> pd.DataFrame:
        try:
            table = pd.read_csv(self.metadata, dtype=dict.fromkeys(("filename", "split", *TEXTS, *NAME_COLUMNS), str))
        except FileNotFoundError as error:
            raise InputError(f"{self.metadata}: no such file: the folder of a task needs it") from error
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(f"{self.metadata}: not a table of comma-separated values ({error})") from error
        lacking = [column for column in REQUIRED if column not in table]
        if lacking:
            raise InputError(f"{self.metadata}: the column {', '.join(lacking)} is missing")
        self._check_splits(table)
        table["y"] = self._labels(table)
        self._check_files(table)
        for column in self._group_columns(table):
            if column in NUMBERS:
                table[column] = self._whole_numbers(table, column)
            elif not pd.api.types.is_integer_dtype(table[column]):
                table[column] = table[column].map(str, na_action="ignore").fillna("")
        return table

    def _refuse(self, index: int, what: str) -> InputError:
        return InputError(f"{self.metadata}, row {index + 2}: {what}")

    def _check_splits(self, table: pd.DataFrame) -> None:
        unknown = table.index[~table["split"].isin(SPLITS)]
        if len(unknown):
            split = table["split"].iloc[unknown[0]]
            raise self._refuse(unknown[0], f"split {split!r} is unknown: the splits are {', '.join(SPLITS)}")
        if not (table["split"] == "train").any():
            raise InputError(f"{self.metadata}: no image has the split train, so there is nothing to fine-tune on")

    def _labels(self, table: pd.DataFrame) -> pd.Series:
        labels = self._whole_numbers(table, "y")
        present = set(labels)
        gap = next((label for label in range(int(labels.max())) if label not in present), None)
        if gap is not None:
            raise InputError(
                f"{self.metadata}: the labels y must run from 0 to {labels.max()} without a gap, but none is {gap}"
            )
        return labels

    def _whole_numbers(self, table: pd.DataFrame, column: str) -> pd.Series:
        """Return a column as int64; every value must be a whole number from 0 on."""
        numbers = pd.to_numeric(table[column], errors="coerce")
        wrong = table.index[~((numbers >= 0) & (numbers % 1 == 0))]
        if len(wrong):
            raise self._refuse(
                wrong[0], f"{column} is {str(table[column].iloc[wrong[0]])!r}, not a whole number from 0 on"
            )
        return numbers.astype("int64")

    def _check_files(self, table: pd.DataFrame) -> None:
        twice = table.index[table["filename"].duplicated()]
        if len(twice):
            raise self._refuse(twice[0], f"filename {table['filename'].iloc[twice[0]]!r} occurs for the second time")
        for index, filename in enumerate(table["filename"]):
            if not isinstance(filename, str):
                raise self._refuse(index, "filename is empty")
            path = PurePosixPath(filename)
            if path.is_absolute() or ".." in path.parts:
                raise self._refuse(index, f"filename {filename!r} leaves the folder: give it relative to the folder")
            if not (self.folder / self.image_path(filename)).is_file():
                raise self._refuse(index, f"there is no file {self.folder / self.image_path(filename)}")


class IWildCam(MetadataFolder):
    """iWildCam-WILDS v2.0: the images of all splits lie in `train/`, the names of the labels in categories.csv."""

    def image_path(self, filename: str) -> PurePosixPath:
        """Return where an image lies, relative to the folder."""
        return PurePosixPath("train") / filename

    def _group_columns(self, table: pd.DataFrame) -> list[str]:
        """Return the columns of place, burst and time."""
        return [column for column in (*NUMBERS, *TEXTS) if column in table]

    def _class_names(self) -> dict[int, str]:
        """Return the names of the labels; categories.csv marks species that do not occur by a y of 99999."""
        path = self.folder / "categories.csv"
        try:
            categories = pd.read_csv(path)
            used = categories[categories["y"].isin(set(self.table["y"]))]
            return {int(label): str(name) for label, name in zip(used["y"], used["name"], strict=True)}
        except (FileNotFoundError, KeyError) as error:
            raise InputError(f"{path}: missing, or without the columns y and name: unpack iWildCam again") from error
