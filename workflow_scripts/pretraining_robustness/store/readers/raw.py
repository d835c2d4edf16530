"""What every reader of a raw image collection offers."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pretraining_robustness.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RawImage:
    """One encoded image file with its label.

    Attributes:
        image: path inside the raw collection, with forward slashes.
        class_id: the collection's own name of the class.
        data: the bytes of the image file; empty when it has a fault.
        attributes: further columns of the store's table, the same keys for every image of a collection.
        fault: why there are no bytes: a dangling link, a sample without its image; empty for a sound image.
    """

    image: str
    class_id: str
    data: bytes
    attributes: dict[str, str | int] = field(default_factory=dict)
    fault: str = ""


class RawCollection:
    """A collection of labelled image files, read in an order that depends on its files alone.

    Attributes:
        upright: whether images are turned as their EXIF orientation says. A user's own are, as every viewer does it;
            published collections are not, since torchvision and wilds read them as they lie.
        archives: the files that the collection is read from, where it is no folder.
    """

    upright = False
    archives: Sequence[Path] = ()

    def __len__(self) -> int:
        """Return the number of images that `images` yields from the first to the last."""
        raise NotImplementedError

    def classes(self) -> "pd.DataFrame":
        """Return one row per class: class_id, name and, where the collection has one, superclass."""
        raise NotImplementedError

    def fingerprint(self) -> list[str]:
        """Return what changes when the archives change, or what the records of a folder's images do not say."""
        return [file_stamp(path) for path in self.archives]

    def records(self) -> list[str]:
        """Return one text per image with all that decides its row of the store; none for archives.

        A store in the making keeps its images up to the first whose record has changed.
        """
        return []

    def class_counts(self) -> "Counter[str] | None":
        """Return how many images each class_id has, or None where only the images tell."""
        return None

    def passed_over(self) -> Counter[str]:
        """Return how many files the reader leaves aside, by what they are."""
        return Counter()

    def faults(self) -> dict[str, str]:
        """Return the faults that are known before anything is decoded, by image."""
        return {}

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on.

        Raises:
            InputError: where the collection turns out to be incomplete or damaged.
        """
        raise NotImplementedError


def class_table(class_ids: Iterable[str], names: Iterable[str] | None = None) -> "pd.DataFrame":
    """Return a table of classes: class_id and name, which is the class_id where there are no names."""
    import pandas as pd

    known = list(class_ids)
    return pd.DataFrame({"class_id": known, "name": known if names is None else list(names)})


def file_stamp(path: str | Path, name: str | None = None) -> str:
    """Return a file's path (or the `name` it goes by), size in bytes and time of modification in nanoseconds."""
    status = os.stat(path)  # noqa: PTH116
    return f"{path if name is None else name} {status.st_size} {status.st_mtime_ns}"


def damaged(image: str, fault: str, count: int = 1) -> InputError:
    """Return the refusal of an image that cannot be stored; its fault ends with what to do about it."""
    more = f" (so for {count - 1:,} more)" if count > 1 else ""
    return InputError(
        f"{image}: {fault}{more}, or set store.on_undecodable to skip in the config to go on without such images"
    )


def said(passed_over: Counter[str]) -> str:
    """Say in words what was passed over: 1 files of .txt, 3 hidden and system files."""
    return ", ".join(f"{count:,} {what}" for what, count in sorted(passed_over.items()))
