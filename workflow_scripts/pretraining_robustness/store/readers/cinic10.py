"""The part of CINIC-10 that comes from ImageNet, straight from its archive: CIFAR-10's classes at 32 x 32 pixels.

Layout (Darlow et al. 2018, arXiv 1810.03505; https://datashare.ed.ac.uk/handle/10283/3192): SPLIT/CLASS/IMAGE.png with
the splits train, valid and test. Images from ImageNet are called by synset and number (n02123045_10036.png), the others
are CIFAR-10's own, which would be no shift, and are passed over.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pretraining_robustness.acquire.archives import read_member, stream_members
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.cifar import CLASSES
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, class_table

if TYPE_CHECKING:
    import pandas as pd

FROM_IMAGENET = re.compile(r"n\d{8}_\d+")
SPLITS = ("train", "valid", "test")


class Cinic10(RawCollection):
    """CINIC-10's images from ImageNet in the order of the archive; columns split and original (the file's name).

    Args:
        archive: CINIC-10.tar.gz.

    Raises:
        InputError: for a missing or damaged archive, a class or split that CINIC-10 has not, none of its images.
    """

    def __init__(self, archive: str | Path) -> None:
        self.archive = Path(archive)
        self.archives = [self.archive]
        self.others = 0
        self.paths = [path for path, _, file in stream_members(self.archive) if file is not None and self._wanted(path)]
        if not self.paths:
            raise InputError(f"{self.archive}: no image of ImageNet in it (n02123045_10036.png): is it CINIC-10?")

    def __len__(self) -> int:
        return len(self.paths)

    def classes(self) -> "pd.DataFrame":
        """Return class_id and name, CIFAR-10's, in its order."""
        return class_table(CLASSES)

    def passed_over(self) -> Counter[str]:
        """Return how many images are CIFAR-10's."""
        return Counter({"images of CIFAR-10": self.others} if self.others else {})

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on."""
        wanted = set(self.paths[start:])
        for path, size, file in stream_members(self.archive):
            if file is not None and path in wanted:
                split, class_id, _ = PurePosixPath(path).parts[-3:]
                columns: dict[str, str | int] = {"split": split, "original": PurePosixPath(path).stem}
                yield RawImage(path, class_id, read_member(self.archive, path, size, file), columns)

    def _wanted(self, path: str) -> bool:
        """Whether a file is one of the images."""
        place = PurePosixPath(path)
        if place.suffix != ".png":
            return False
        if not FROM_IMAGENET.fullmatch(place.stem):
            self.others += 1
            return False
        if len(place.parts) < 3 or place.parts[-3] not in SPLITS or place.parts[-2] not in CLASSES:
            raise InputError(f"{self.archive}: {path} is in no split and class of CINIC-10: is it the right archive?")
        return True
