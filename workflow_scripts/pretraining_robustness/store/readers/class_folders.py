"""A user's own pre-training source: a folder with one folder of images for each class."""

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.folders import SUFFIXES, FoundImage, class_folders, find_images
from pretraining_robustness.store.readers.named_images import FolderImages
from pretraining_robustness.store.readers.raw import class_table, said

if TYPE_CHECKING:
    import pandas as pd

# Names of folders that hold splits of a collection, not classes: train, Validation, val2017, test_images.
SPLIT_NAME = re.compile(
    r"((id_)?(train|val|test)|training|valid|validation|testing|dev|eval)[-_ ]?(set|data|images|\d+)?"
)


class ClassFolders(FolderImages):
    """Images of a folder of class folders: classes by name, images in the order of torchvision's ImageFolder.

    Files are chosen by the policy of `folders`.

    Raises:
        InputError: for a missing folder, no class folder in it, a class without images, folders of splits.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such folder: it should hold one folder of images for each class")
        self._passed_over: Counter[str] = Counter()
        found = self._list()
        self.files = [file for files in found.values() for file in files]
        self.class_ids = [name for name, files in found.items() for _ in files]

    def place(self, row: int) -> tuple[str, str]:
        """Return the folder of the image's class; an image is named class/file."""
        name = self.class_ids[row]
        return self.paths[name], f"{name}/"

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the folder's name) and name (the same, or of a wnid the synset's words), ordered by it."""
        names = [", ".join(wordnet.lemmas(name)) if name in wordnet.all_wnids() else name for name in self.paths]
        return class_table(self.paths, names)

    def passed_over(self) -> Counter[str]:
        """Return how many files are no images of a class, by what they are."""
        return self._passed_over

    def _list(self) -> dict[str, list[FoundImage]]:
        self.paths = class_folders(self.folder, self._passed_over)
        if not self.paths:
            beside = said(self._passed_over)
            raise InputError(
                f"{self.folder}: no class folder in it{beside and f', but {beside}'}: it should hold one folder of "
                "images for each class"
            )
        files: dict[str, list[FoundImage]] = {}
        inside: dict[str, Counter[str]] = {}
        for name, path in self.paths.items():
            inside[name] = Counter()
            files[name] = find_images(path, inside[name])
            self._passed_over += inside[name]
        _refuse_splits(str(self.folder), files)
        empty = next((name for name, found in files.items() if not found), None)
        if empty is not None:
            beside = f"; it holds {said(inside[empty])}" if inside[empty] else ""
            raise InputError(
                f"{self.paths[empty]}: the class has no image ({', '.join(sorted(SUFFIXES))}){beside}: remove its "
                "folder, or convert what is in it"
            )
        return files


def _refuse_splits(folder: str, files: dict[str, list[FoundImage]]) -> None:
    """Refuse folders that are splits by their names, where classes are folders in them or nothing else is beside them.

    Of one folder alone, those in it are looked at, too.
    """
    splits = [name for name in files if SPLIT_NAME.fullmatch(name.lower())]
    nested = all("/" in file.path for name in splits for file in files[name])
    alone = len(splits) == len(files)
    if (len(splits) > 1 and (nested or alone)) or (len(splits) == 1 and nested and alone):
        split = next((name for name in splits if name.lower().startswith("train")), splits[0])
        raise InputError(
            f"{folder}: its folders are splits ({', '.join(splits)}), not classes: give {folder}/{split} as the "
            "source's path"
        )
    if len(files) == 1:
        ((name, found),) = files.items()
        below: dict[str, list[FoundImage]] = {}
        for file in found:
            first, slash, rest = file.path.partition("/")
            if slash:
                below.setdefault(first, []).append(file._replace(path=rest))
        if below:
            _refuse_splits(f"{folder}/{name}", below)
