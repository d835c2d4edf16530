"""A downstream task: a folder of images and metadata.csv, the user's own or iWildCam-WILDS v2.0.

Columns and splits are those of WILDS (wilds 2.0.0, iwildcam_dataset.py): `train`, `id_val` and `id_test` are
in-distribution, `val` and `test` out-of-distribution. Without a table, folders named like splits
hold class folders.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pretraining_robustness.csv_tables import CsvTable, read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.division import divide
from pretraining_robustness.store.readers.folders import FoundImage, class_folders, find_images
from pretraining_robustness.store.readers.named_images import FolderImages, NamedImages
from pretraining_robustness.store.readers.raw import RawCollection, class_table, said

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata.csv"
REQUIRED = ("filename", "y", "split")
SPLITS = ("train", "id_val", "id_test", "val", "test")
NUMBERS = ("location_remapped", "sequence_remapped")
GROUPS = dict(zip(NUMBERS, ("location", "sequence"), strict=True))  # the names that wilds' metadata_fields give them
TEXTS = ("datetime",)
NAME_COLUMNS = ("class_name", "class")
NOT_KEPT = frozenset({*REQUIRED, *NAME_COLUMNS, "row", "image", "class_id", "offset", "length"})  # the store's own, too


def open_task_folder(folder: str | Path, divided: Mapping[str, Any] | None = None) -> RawCollection:
    """Open a task: a folder with metadata.csv, that table itself, or a folder of folders named like splits.

    With `divided`, a table whose splits are made of one of its columns (see `division.divide`).
    Raises InputError for a folder with neither, and what the readers raise.
    """
    path = Path(folder)
    if path.is_dir() and not (path / METADATA).is_file() and divided is None:
        names = [entry.name for entry in path.iterdir() if entry.is_dir() and entry.name in SPLITS]
        if "train" in names:
            return SplitFolders(path)
    return MetadataFolder(path, divided)


class MetadataFolder(NamedImages):
    """Images of a folder in the order of its metadata.csv, whose `filename` is relative to the folder.

    Further columns say what images have in common; the store keeps them, whole numbers as numbers.

    Args:
        folder: the folder, or the metadata.csv in it.
        divided: by which column splits are made, instead of the column split.

    Raises:
        InputError: names the line of metadata.csv with an unknown split, a label that is no whole number from 0 on, a
            missing or repeated file; a label without images; an absent column or split.
    """

    def __init__(self, folder: str | Path, divided: Mapping[str, Any] | None = None) -> None:
        path = Path(folder)
        self.metadata = path if path.suffix == ".csv" else path / METADATA
        folder = self.metadata.parent
        if not self.metadata.is_file():
            raise InputError(
                f"{self.metadata}: no such file: the folder of a task needs it, or folders named like splits "
                f"({', '.join(SPLITS)}) with a folder of images for each class"
            )
        table = read_csv_table(self.metadata, REQUIRED if divided is None else REQUIRED[:2])
        self.splits = _splits(table) if divided is None else divide(table, divided)
        if "train" not in self.splits:
            raise InputError(
                f"{self.metadata}: no image has the split train, so there is nothing to fine-tune on; give it to some"
            )
        self.labels = _labels(table)
        self.class_ids = list(map(str, self.labels))
        self.find(table, "filename", folder, self.image_path)
        self.attributes = {GROUPS.get(name, name): self._values(name) for name in self._group_columns()}
        self.names = self._class_names()

    def image_path(self, filename: str) -> PurePosixPath:
        """Return where an image lies, relative to the folder."""
        return PurePosixPath(filename)

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the label) and name, ordered by label."""
        labels = range(max(self.labels) + 1)
        return class_table(map(str, labels), (self.names.get(label) or str(label) for label in labels))

    def fingerprint(self) -> list[str]:
        """Return the names of the labels, which no image tells."""
        return [repr(sorted(self.names.items()))]

    def columns(self, row: int) -> dict[str, str | int]:
        """Return y, split and the image's groups: location, sequence and the like."""
        groups = {name: values[row] for name, values in self.attributes.items()}
        return {"y": self.labels[row], "split": self.splits[row], **groups}

    def told(self, row: int) -> list[str | int]:
        """Return all of these."""
        return list(self.columns(row).values())

    def _group_columns(self) -> list[str]:
        """Return the columns that say what images have in common."""
        renamed = {name for column, name in GROUPS.items() if column in self.table}
        return [name for name in self.table.columns if name not in NOT_KEPT | renamed]

    def _values(self, column: str) -> list[str] | list[int]:
        texts = self.table.columns[column]
        if column in NUMBERS:
            return _whole_numbers(self.table, column)
        whole = all(text.isdecimal() and text.isascii() and (text == "0" or text[0] != "0") for text in texts)
        return list(map(int, texts)) if whole and max(map(len, texts), default=0) < 19 else texts

    def _class_names(self) -> dict[int, str]:
        """Return the names of the labels; empty when there are none."""
        column = next((column for column in NAME_COLUMNS if column in self.table), None)
        names: dict[int, str] = {}
        for row, name in enumerate(self.table.columns[column] if column else []):
            known = names.setdefault(self.labels[row], name)
            if known != name:
                self.table.refuse(row, f"label {self.labels[row]} has several names: {known} and {name}; give it one")
        return names


def _splits(table: CsvTable) -> list[str]:
    splits = table.columns["split"]
    what = f"is unknown: the splits are {', '.join(SPLITS)}"
    table.refuse_first((split not in SPLITS for split in splits), what, "split")
    return splits


def _labels(table: CsvTable) -> list[int]:
    labels = _whole_numbers(table, "y")
    present = set(labels)
    gap = next((label for label in range(max(present)) if label not in present), None)
    if gap is not None:
        raise InputError(
            f"{table.path}: the labels y must run from 0 to {max(present)} without a gap, but none is {gap}; "
            "number the classes anew"
        )
    return labels


def _whole_numbers(table: CsvTable, column: str) -> list[int]:
    """Return a column as numbers; every value must be a whole number from 0 on (3.0 is one)."""
    known: dict[str, int | None] = {}
    numbers = []
    for row, text in enumerate(table.columns[column]):
        if text not in known:
            known[text] = _whole_number(text)
        number = known[text]
        if number is None:
            table.refuse(row, f"{column} is {text!r}, not a whole number from 0 on")
        numbers.append(number)
    return numbers


def _whole_number(text: str) -> int | None:
    try:
        number = float(text if text.isascii() and "_" not in text else "")  # which Python's numbers may have
    except ValueError:
        return None
    return int(number) if 0 <= number < 1e15 and number % 1 == 0 else None


class IWildCam(MetadataFolder):
    """iWildCam-WILDS v2.0: the images of all splits lie in `train/`, the names of the labels in categories.csv."""

    upright = False

    def image_path(self, filename: str) -> PurePosixPath:
        """Return where an image lies, relative to the folder."""
        return PurePosixPath("train") / filename

    def _group_columns(self) -> list[str]:
        """Return the columns of place, burst and time."""
        return [column for column in (*NUMBERS, *TEXTS) if column in self.table]

    def _class_names(self) -> dict[int, str]:
        """Return the names of the labels; categories.csv marks species that do not occur by a y of 99999."""
        path = self.folder / "categories.csv"
        if not path.is_file():
            raise InputError(f"{path}: missing: unpack iWildCam again")
        categories = read_csv_table(path, ("y", "name"))
        named = zip(categories.columns["y"], categories.columns["name"], strict=True)
        used = set(self.labels)
        return {number: name for text, name in named if (number := _whole_number(text)) in used and number is not None}


class SplitFolders(FolderImages):
    """A task without a table: folders named like splits, in each a folder of images for each class.

    Labels are the ranks of the names of all classes. Files are chosen by the policy of `folders`.

    Raises:
        InputError: for a folder that is no split, or a split without images.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._passed_over: Counter[str] = Counter()
        splits = class_folders(folder, self._passed_over)
        unknown = next((name for name in splits if name not in SPLITS), None)
        if unknown is not None:
            raise InputError(
                f"{folder / unknown}: a task without {METADATA} has a folder for each split ({', '.join(SPLITS)}); "
                f"rename or remove this one, or write {METADATA}"
            )
        rows: list[tuple[str, str, str, FoundImage]] = []
        for split in (split for split in SPLITS if split in splits):
            before, inside = len(rows), Counter[str]()
            for name, path in class_folders(splits[split], inside).items():
                rows += [(split, name, path, found) for found in find_images(path, inside)]
            self._passed_over += inside
            if len(rows) == before:
                found = said(inside) or "it is empty"
                raise InputError(
                    f"{splits[split]}: no class folder with images in it ({found}); a task without {METADATA} has "
                    "folders of splits, and in each a folder of images for each class: fill it, remove it, or write "
                    f"{folder / METADATA}"
                )
        self.names = sorted({name for _, name, _, _ in rows})
        label_of = {name: label for label, name in enumerate(self.names)}
        self.splits = [split for split, *_ in rows]
        self.places = [(path, f"{split}/{name}/") for split, name, path, _ in rows]
        self.files = [found for *_, found in rows]
        self.labels = [label_of[name] for _, name, _, _ in rows]
        self.class_ids = list(map(str, self.labels))

    def place(self, row: int) -> tuple[str, str]:
        """Return the folder of the image's split and class; an image is named split/class/file."""
        return self.places[row]

    def columns(self, row: int) -> dict[str, str | int]:
        """Return y and split."""
        return {"y": self.labels[row], "split": self.splits[row]}

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the label) and name (the folder's), ordered by label."""
        return class_table(map(str, range(len(self.names))), self.names)

    def fingerprint(self) -> list[str]:
        """Return the names of the classes, which decide the labels."""
        return self.names

    def passed_over(self) -> Counter[str]:
        """Return how many files are no images of a class, by what they are."""
        return self._passed_over
