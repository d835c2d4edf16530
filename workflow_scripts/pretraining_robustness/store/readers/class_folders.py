"""A user's own pre-training source: a folder with one folder of images for each class."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawImage, file_stamp

logger = logging.getLogger(__name__)

# What torchvision's ImageFolder takes for an image, and GIF.
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif"})


class ClassFolders:
    """Images of a folder of class folders: classes by name, the images of a class by name.

    Hidden files are passed over; files with another suffix than an image's are passed over with a line in the log.

    Raises:
        InputError: for a missing folder, no class folder in it, a class without images, or folders inside a class.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise InputError(f"{self.folder}: no such folder: it should hold one folder of images for each class")
        self.files = self._list()

    def __len__(self) -> int:
        return len(self.files)

    def classes(self) -> pd.DataFrame:
        """Return class_id and name, both the folder's name, ordered by it."""
        names = list(dict.fromkeys(path.parent.name for path in self.files))
        return pd.DataFrame({"class_id": names, "name": names})

    def fingerprint(self) -> list[str]:
        """Return name, size and time of every image file."""
        return [file_stamp(path) for path in self.files]

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on; an image is named class/file."""
        for path in self.files[start:]:
            yield RawImage(f"{path.parent.name}/{path.name}", path.parent.name, path.read_bytes())

    def _list(self) -> list[Path]:
        files: list[Path] = []
        passed_over = 0
        folders = sorted(path for path in self.folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        for folder in folders:
            inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
            nested = next((path for path in inside if path.is_dir()), None)
            if nested is not None:
                raise InputError(f"{nested}: a class folder must hold images, not folders: move its images up")
            images = [path for path in inside if path.suffix.lower() in SUFFIXES]
            if not images:
                raise InputError(f"{folder}: the class has no image ({', '.join(sorted(SUFFIXES))}): remove its folder")
            passed_over += len(inside) - len(images)
            files += images
        if not files:
            raise InputError(
                f"{self.folder}: no class folder in it: it should hold one folder of images for each class"
            )
        if passed_over:
            logger.warning("%s: %d files without an image's suffix are passed over", self.folder, passed_over)
        return files
