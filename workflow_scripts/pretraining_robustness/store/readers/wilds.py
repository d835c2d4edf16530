"""Data sets of the WILDS benchmark as tasks, opened by the wilds package: its images, labels, splits and groups.

Importing the package's data sets imports torch, so that this reader is none of `FORMATS`.
"""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import wilds

from pretraining_robustness.acquire.wilds_datasets import WILDS, release_file, wilds_folder
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, file_stamp

# The file, below the data set's folder, that the package's `get_input` opens for an image.
FILES: dict[str, Callable[[Any, int], str]] = {
    "camelyon17": lambda dataset, number: dataset._input_array[number],
    "domainnet": lambda dataset, number: dataset._input_image_paths[number],
    "fmow": lambda dataset, number: f"images/rgb_img_{dataset.full_idxs[number]}.png",
    "iwildcam": lambda dataset, number: f"train/{dataset._input_array[number]}",
    "rxrx1": lambda dataset, number: dataset._input_array[number],
}
NO_GROUPS = ("y", "from_source_domain")  # metadata fields that labels and splits already tell


class WildsImages(RawCollection):
    """Images of a WILDS data set, official splits, in the package's order; images of no split are left out.

    Args:
        root: the folder that holds the data set's folder (the package's `root_dir`), or the RELEASE file in the latter.
        dataset: a key of `acquire.wilds_datasets.WILDS`.
        id_domain: for a data set with domains, the one to fine-tune on (the package's source domain).
        ood_domain: the one that measures performance out of distribution (its target domain).

    Raises:
        InputError: for a folder that is missing or of another version, or that the package cannot open.
    """

    def __init__(
        self, root: str | Path, dataset: str, id_domain: str | None = None, ood_domain: str | None = None
    ) -> None:
        root = Path(root)
        if root.is_file():
            root = root.parent.parent
        self.name = dataset
        self.folder = root / wilds_folder(dataset)
        self._require_version(root)
        domains = {"source_domain": id_domain, "target_domain": ood_domain} if WILDS[dataset].domains else {}
        self.dataset = self._open(root, domains)
        self.table = self._table()

    def __str__(self) -> str:
        return str(self.folder)

    @property
    def splits(self) -> list[str]:
        """The split of every image."""
        return self.table["split"].tolist()

    def __len__(self) -> int:
        return len(self.table)

    def classes(self) -> pd.DataFrame:
        """Return class_id (the label) and name, ordered by label; RxRx1's siRNAs have no names but their labels."""
        labels = [str(label) for label in range(self.dataset.n_classes)]
        return pd.DataFrame({"class_id": labels, "name": self._class_names() or labels})

    def fingerprint(self) -> list[str]:
        """Return name, size and time of the tables in the folder and of every image file.

        Raises:
            InputError: for a missing image file.
        """
        tables = sorted(path for path in self.folder.iterdir() if path.is_file())
        images = [self.folder / image for image in self.table["image"]]
        try:
            return [file_stamp(path) for path in (*tables, *images)]
        except FileNotFoundError as error:
            raise self._missing(error) from error

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, with y, split and the package's metadata fields.

        Raises:
            InputError: for a missing image file.
        """
        for row in self.table.iloc[start:].to_dict("records"):
            image = row.pop("image")
            try:
                data = (self.folder / image).read_bytes()
            except FileNotFoundError as error:
                raise self._missing(error) from error
            yield RawImage(image, str(row["y"]), data, {str(key): value for key, value in row.items()})

    def _require_version(self, root: Path) -> None:
        release = self.folder / release_file(self.name)
        if not release.is_file():
            others = sorted(path.name for path in root.glob(f"{self.name}_v*") if path != self.folder)
            there = f"there is {', '.join(others)}, another version" if others else "nothing of it is there"
            raise InputError(
                f"{release}: no such file ({there}): give the folder that holds {self.folder.name}, unpacked"
            )

    def _open(self, root: Path, domains: dict[str, str | None]) -> Any:
        try:
            with warnings.catch_warnings(), patch.object(pd.Series, "values", property(_writable_values)):
                warnings.simplefilter("ignore")  # about pandas, and groups that are empty
                return wilds.get_dataset(self.name, root_dir=str(root), download=False, **domains)
        except Exception as error:  # the package raises whatever it trips over
            raise InputError(
                f"{self.folder}: the wilds package cannot open it ({type(error).__name__}: {error}): unpack it again"
            ) from error

    def _table(self) -> pd.DataFrame:
        """Return image, y, split and one column for each metadata field, one row for each image of a split."""
        splits = {number: name for name, number in self.dataset.split_dict.items()}
        columns: dict[str, Any] = {
            "image": [FILES[self.name](self.dataset, number) for number in range(len(self.dataset))],
            "y": self.dataset.y_array.tolist(),
            "split": [splits.get(int(number)) for number in self.dataset.split_array],
        }
        for field, values in zip(self.dataset.metadata_fields, self.dataset.metadata_array.T.tolist(), strict=True):
            if field not in NO_GROUPS:
                meanings = (self.dataset.metadata_map or {}).get(field)
                columns[field] = values if meanings is None else [_plain(meanings[value]) for value in values]
        table = pd.DataFrame(columns)
        return table[table["split"].notna()].reset_index(drop=True)

    def _class_names(self) -> list[str] | None:
        """Return the names of the labels in their order, where the package or the folder has them."""
        if self.name == "camelyon17":
            return ["normal", "tumour"]
        if self.name == "fmow":
            return [category.replace("_", " ") for category in self.dataset.category_to_idx]
        if self.name == "domainnet":
            return [category.replace("_", " ") for category in self.dataset.metadata_map["category"]]
        if self.name == "iwildcam":
            names = pd.read_csv(self.folder / "categories.csv").set_index("y")["name"]
            return [str(names[label]) for label in range(self.dataset.n_classes)]
        return None

    def _missing(self, error: FileNotFoundError) -> InputError:
        return InputError(f"{error.filename}: no such file, though the tables name it: unpack {self.folder.name} again")


def _plain(meaning: Any) -> str | int:
    """Return what a number of a metadata field stands for: a year as a number, all else as text."""
    return meaning if isinstance(meaning, int) else str(meaning)


_read_only_values = pd.Series.values.fget  # type: ignore[attr-defined]


def _writable_values(series: pd.Series) -> Any:
    """Return what `Series.values` is, writable: wilds 2.0.0 writes to it (rxrx1_dataset.py), pandas 3 forbids that."""
    values = _read_only_values(series)
    return values.copy() if isinstance(values, np.ndarray) else values
