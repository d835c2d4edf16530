"""A downstream task: a folder of images and metadata.csv, the user's own or iWildCam-WILDS v2.0.

Columns and splits are those of WILDS (wilds 2.0.0, iwildcam_dataset.py): `train`, `id_val` and `id_test` are
in-distribution, `val` and `test` out-of-distribution. Without a table, folders named like splits
hold class folders.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.division import divide
from pretraining_robustness.store.readers.folders import FoundImage, class_folders, find_images
from pretraining_robustness.store.readers.named_images import NamedImages
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, read_image, said

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


class MetadataFolder(RawCollection):
    """Images of a folder in the order of its metadata.csv, whose `filename` is relative to the folder.

    Further columns say what images have in common; the store keeps them, whole numbers as numbers.

    Args:
        folder: the folder, or the metadata.csv in it.
        divided: by which column splits are made, in place of the column split.

    Raises:
        InputError: names the line of metadata.csv with an unknown split, a label that is no whole number from 0 on, a
            missing or repeated file; a label without images; an absent column or split.
    """

    upright = True

    def __init__(self, folder: str | Path, divided: Mapping[str, Any] | None = None) -> None:
        path = Path(folder)
        self.metadata = path if path.suffix == ".csv" else path / METADATA
        self.folder = self.metadata.parent
        if not self.metadata.is_file():
            raise InputError(
                f"{self.metadata}: no such file: the folder of a task needs it, or folders named like splits "
                f"({', '.join(SPLITS)}) with a folder of images for each class"
            )
        self.table = read_csv_table(self.metadata, REQUIRED if divided is None else REQUIRED[:2])
        self.splits = self._splits() if divided is None else divide(self.table, divided)
        if "train" not in self.splits:
            raise InputError(
                f"{self.metadata}: no image has the split train, so there is nothing to fine-tune on; give it to some"
            )
        self.labels = self._labels()
        self.files = NamedImages(self.table, "filename", self.folder, self.image_path)
        self.attributes = {GROUPS.get(name, name): self._values(name) for name in self._group_columns()}
        self.names = self._class_names()

    def image_path(self, filename: str) -> PurePosixPath:
        """Return where an image lies, relative to the folder."""
        return PurePosixPath(filename)

    def __len__(self) -> int:
        return len(self.table)

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the label) and name, ordered by label."""
        import pandas as pd

        labels = range(max(self.labels) + 1)
        names = [self.names.get(label) or str(label) for label in labels]
        return pd.DataFrame({"class_id": [str(label) for label in labels], "name": names})

    def fingerprint(self) -> list[str]:
        """Return the names of the labels, which no image tells."""
        return [repr(sorted(self.names.items()))]

    def records(self) -> list[str]:
        """Return of every image its file's name, size and time, and what the table says of it."""
        rows = zip(self.files.found, self.labels, self.splits, *self.attributes.values(), strict=True)
        return [f"{file.record} {rest}" for file, *rest in rows]

    def faults(self) -> dict[str, str]:
        """Return the links that lead nowhere and what has an image's name and is no file."""
        return self.files.faults()

    def passed_over(self) -> Counter[str]:
        """Return how many files of the folder the table does not name, by what they are."""
        return self.files.passed_over()

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, with y, split and their groups: location, sequence and the like."""
        for row in range(start, len(self)):
            groups = {name: values[row] for name, values in self.attributes.items()}
            attributes = {"y": self.labels[row], "split": self.splits[row], **groups}
            yield self.files.read(row, str(self.labels[row]), attributes)

    def _group_columns(self) -> list[str]:
        """Return the columns that say what images have in common."""
        renamed = {name for column, name in GROUPS.items() if column in self.table}
        return [name for name in self.table.columns if name not in NOT_KEPT | renamed]

    def _values(self, column: str) -> list[str] | list[int]:
        texts = self.table.columns[column]
        if column in NUMBERS:
            return self._whole_numbers(column)
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

    def _splits(self) -> list[str]:
        splits = self.table.columns["split"]
        what = f"is unknown: the splits are {', '.join(SPLITS)}"
        self.table.refuse_first((split not in SPLITS for split in splits), what, "split")
        return splits

    def _labels(self) -> list[int]:
        labels = self._whole_numbers("y")
        present = set(labels)
        gap = next((label for label in range(max(present)) if label not in present), None)
        if gap is not None:
            raise InputError(
                f"{self.metadata}: the labels y must run from 0 to {max(present)} without a gap, but none is {gap}; "
                "number the classes anew"
            )
        return labels

    def _whole_numbers(self, column: str) -> list[int]:
        """Return a column as numbers; every value must be a whole number from 0 on (3.0 is one)."""
        known: dict[str, int | None] = {}
        numbers = []
        for row, text in enumerate(self.table.columns[column]):
            if text not in known:
                known[text] = _whole_number(text)
            number = known[text]
            if number is None:
                self.table.refuse(row, f"{column} is {text!r}, not a whole number from 0 on")
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


class SplitFolders(RawCollection):
    """A task without a table: folders named like splits, in each a folder of images for each class.

    Labels are the ranks of the names of all classes. Files are chosen by the policy of `folders`.

    Raises:
        InputError: for a folder that is no split, or a split without images.
    """

    upright = True

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
        self.rows: list[tuple[str, str, str, FoundImage]] = []
        for split in (split for split in SPLITS if split in splits):
            before, inside = len(self.rows), Counter[str]()
            for name, path in class_folders(splits[split], inside).items():
                self.rows += [(split, name, path, found) for found in find_images(path, inside)]
            self._passed_over += inside
            if len(self.rows) == before:
                found = said(inside) or "it is empty"
                raise InputError(
                    f"{splits[split]}: no class folder with images in it ({found}); a task without {METADATA} has "
                    "folders of splits, and in each a folder of images for each class: fill it, remove it, or write "
                    f"{folder / METADATA}"
                )
        self.names = sorted({name for _, name, _, _ in self.rows})
        self.label_of = {name: label for label, name in enumerate(self.names)}

    @property
    def splits(self) -> list[str]:
        """The split of every image."""
        return [split for split, *_ in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the label) and name (the folder's), ordered by label."""
        import pandas as pd

        labels = [str(label) for label in range(len(self.names))]
        return pd.DataFrame({"class_id": labels, "name": self.names})

    def fingerprint(self) -> list[str]:
        """Return the names of the classes, which decide the labels."""
        return self.names

    def records(self) -> list[str]:
        """Return split, class, name, size and time of every image file."""
        return [f"{split}/{name}/{found.record}" for split, name, _, found in self.rows]

    def passed_over(self) -> Counter[str]:
        """Return how many files are no images of a class, by what they are."""
        return self._passed_over

    def faults(self) -> dict[str, str]:
        """Return the links that lead nowhere and what has an image's name and is no file."""
        return {f"{path}/{found.path}": found.fault for _, _, path, found in self.rows if found.fault}

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, with y and split; an image is named split/class/file."""
        for split, name, path, found in self.rows[start:]:
            label = self.label_of[name]
            image = f"{split}/{name}/{found.image}"
            yield read_image(f"{path}/{found.path}", image, str(label), {"y": label, "split": split}, found.fault)
