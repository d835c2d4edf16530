"""Tiny-ImageNet-200 straight from its zip: 200 of ImageNet's classes, images of 64 x 64 pixels.

Layout of tiny-imagenet-200.zip (cs231n.stanford.edu), below the folder tiny-imagenet-200: wnids.txt lists the classes,
words.txt names synsets; train/WNID/images holds a class's images and train/WNID/WNID_boxes.txt a line for each of
them; val/images holds the validation images and val/val_annotations.txt a line for each, with its class. The test
images have no labels and are passed over.
"""

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pretraining_robustness.acquire.archives import named_faults
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, class_table

if TYPE_CHECKING:
    import pandas as pd

TOP = "tiny-imagenet-200"


class TinyImageNet(RawCollection):
    """Training images of Tiny-ImageNet: classes by WordNet id, the images of a class in the order of the archive.

    Args:
        archive: tiny-imagenet-200.zip.

    Raises:
        InputError: for a missing or damaged archive, a missing table, an image that a table lists and that is missing,
            a class without images.
    """

    def __init__(self, archive: str | Path) -> None:
        self.archive = Path(archive)
        self.archives = [self.archive]
        with named_faults(archive), zipfile.ZipFile(archive) as file:
            self.members = dict.fromkeys(file.namelist())
            self.wnids = sorted(self._text(file, "wnids.txt").split())
            words = (line.partition("\t") for line in self._text(file, "words.txt").splitlines())
            self.words = {wnid: name.strip() for wnid, _, name in words}
            self.found = self._list(file)

    def __len__(self) -> int:
        return len(self.found)

    def classes(self) -> "pd.DataFrame":
        """Return class_id (WordNet id) and name (the synset's words) of every class, ordered by class_id."""
        return class_table(self.wnids, (self.words.get(wnid, wnid) for wnid in self.wnids))

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on; an image is named as in the archive."""
        with named_faults(self.archive), zipfile.ZipFile(self.archive) as file:
            for path, wnid in self.found[start:]:
                yield RawImage(path, wnid, file.read(f"{TOP}/{path}"))

    def _list(self, file: zipfile.ZipFile) -> list[tuple[str, str]]:
        """Return path and class of every image."""
        images: dict[str, list[str]] = {wnid: [] for wnid in self.wnids}
        for path in (name.removeprefix(f"{TOP}/") for name in self.members if name.endswith(".JPEG")):
            place = PurePosixPath(path)
            if place.parts[0] == "train" and place.parts[1] in images:
                images[place.parts[1]].append(path)
        for wnid, found in images.items():
            boxes = self._text(file, f"train/{wnid}/{wnid}_boxes.txt").splitlines()
            self._require(f"train/{wnid}/images/{line.split()[0]}" for line in boxes if line.strip())
            if not found:
                raise InputError(f"{self.archive}: the class {wnid} of wnids.txt has no image: fetch the archive again")
        return [(path, wnid) for wnid, found in images.items() for path in found]

    def _require(self, paths: Iterable[str]) -> None:
        """Refuse an archive that lacks an image which one of its tables lists."""
        lacking = [path for path in paths if f"{TOP}/{path}" not in self.members]
        if lacking:
            raise InputError(
                f"{self.archive}: {len(lacking):,} images that its tables list are missing, first {lacking[0]}: fetch "
                "the archive again and check its checksum"
            )

    def _text(self, file: zipfile.ZipFile, name: str) -> str:
        if f"{TOP}/{name}" not in self.members:
            raise InputError(f"{self.archive}: the archive lacks {TOP}/{name}: is it the right one?")
        return file.read(f"{TOP}/{name}").decode("utf-8")


class TinyImageNetValidation(TinyImageNet):
    """Validation images of Tiny-ImageNet, in the order of val_annotations.txt; see `TinyImageNet`."""

    def _list(self, file: zipfile.ZipFile) -> list[tuple[str, str]]:
        lines = (line.split("\t") for line in self._text(file, "val/val_annotations.txt").splitlines() if line.strip())
        found = [(f"val/images/{fields[0]}", fields[1]) for fields in lines]
        strange = {wnid for _, wnid in found} - set(self.wnids)
        if strange:
            raise InputError(f"{self.archive}: val_annotations.txt names {min(strange)}, which wnids.txt does not list")
        self._require(path for path, _ in found)
        return found
