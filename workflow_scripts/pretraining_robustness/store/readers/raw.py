"""What every reader of a raw image collection offers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd


@dataclass(frozen=True)
class RawImage:
    """One encoded image file with its label.

    Attributes:
        image: path inside the raw collection, with forward slashes.
        class_id: the collection's own name of the class.
        data: the bytes of the image file.
        attributes: further columns of the store's table, the same keys for every image of a collection.
    """

    image: str
    class_id: str
    data: bytes
    attributes: dict[str, str | int] = field(default_factory=dict)


class RawCollection(Protocol):
    """A collection of labelled image files, read in an order that depends on its files alone."""

    def __len__(self) -> int:
        """Return the number of images that `images` yields from the first to the last."""

    def classes(self) -> pd.DataFrame:
        """Return one row a class: class_id, name and, where the collection has one, superclass."""

    def fingerprint(self) -> list[str]:
        """Return what changes when the raw files change: names, sizes and times of modification."""

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on.

        Raises:
            InputError: where the collection turns out to be incomplete or damaged.
        """


def file_stamp(path: str | Path) -> str:
    """Return a file's path, size in bytes and time of modification in nanoseconds as one string."""
    status = Path(path).stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"
