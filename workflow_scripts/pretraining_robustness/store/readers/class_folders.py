"""A user's own pre-training source: a folder with one folder of images for each class."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.folders import SUFFIXES, FoundImage, class_folders, find_images
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, read_image, said

if TYPE_CHECKING:
    import pandas as pd

# Names of folders that hold splits of a collection, not classes.
SPLIT_NAMES = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "id_val", "id_test"})


class ClassFolders(RawCollection):
    """Images of a folder of class folders: classes by name, images in the order of torchvision's ImageFolder.

    Files are chosen by the policy of `folders`.

    Raises:
        InputError: for a missing folder, no class folder in it, a class without images, folders of splits.
    """

    upright = True

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such folder: it should hold one folder of images for each class")
        self._passed_over: Counter[str] = Counter()
        self.files = self._list()

    def __len__(self) -> int:
        return sum(map(len, self.files.values()))

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the folder's name) and name (the same, or of a wnid the synset's words), ordered by it."""
        import pandas as pd

        names = [", ".join(wordnet.lemmas(name)) if name in wordnet.all_wnids() else name for name in self.files]
        return pd.DataFrame({"class_id": list(self.files), "name": names})

    def fingerprint(self) -> list[str]:
        """Return nothing but the records of the images."""
        return []

    def records(self) -> list[str]:
        """Return name, size and time of every image file."""
        return [f"{name}/{file.record}" for name, files in self.files.items() for file in files]

    def passed_over(self) -> Counter[str]:
        """Return how many files are no images of a class, by what they are."""
        return self._passed_over

    def faults(self) -> dict[str, str]:
        """Return the links that lead nowhere and what has an image's name and is no file."""
        return {
            f"{self.folder / name / file.path}": file.fault
            for name, files in self.files.items()
            for file in files
            if file.fault
        }

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on; an image is named class/file."""
        for name, files in self.files.items():
            for file in files[start:]:
                path = f"{self.paths[name]}/{file.path}"
                yield read_image(path, f"{name}/{file.image}", name, fault=file.fault)
            start = max(0, start - len(files))

    def _list(self) -> dict[str, list[FoundImage]]:
        self.paths = class_folders(self.folder, self._passed_over)
        if not self.paths:
            beside = said(self._passed_over)
            raise InputError(
                f"{self.folder}: no class folder in it{beside and f', but {beside}'}: it should hold one folder of "
                "images for each class"
            )
        if len(self.paths) > 1 and {name.lower() for name in self.paths} <= SPLIT_NAMES:
            split = "train" if "train" in self.paths else next(iter(self.paths))
            raise InputError(
                f"{self.folder}: its folders are splits ({', '.join(self.paths)}), not classes: "
                f"give {self.folder}/{split} as the source's path"
            )
        files: dict[str, list[FoundImage]] = {}
        for name, path in self.paths.items():
            inside: Counter[str] = Counter()
            files[name] = find_images(path, inside)
            if not files[name]:
                beside = f"; it holds {said(inside)}" if inside else ""
                raise InputError(
                    f"{path}: the class has no image ({', '.join(sorted(SUFFIXES))}){beside}: remove its folder, or "
                    "convert what is in it"
                )
            self._passed_over += inside
        return files
