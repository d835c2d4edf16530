"""Collections whose images are arrays of pixels, not files; each becomes an uncompressed image file of its own."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, class_table

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Block:
    """Images that lie together.

    Attributes:
        name: an image is called by it and its number, from 0.
        labels: places in the list of classes, (n,).
        pixels: returns them, uint8 (n, height, width, 3), RGB.
        attributes: further columns of the store, the same for all its images.
    """

    name: str
    labels: NDArray[np.integer]
    pixels: Callable[[], NDArray[np.uint8]]
    attributes: Mapping[str, str | int] = field(default_factory=dict)


class PixelArrays(RawCollection):
    """Images of blocks, one block after the other. The store's column `original` is an image's number in its block.

    Args:
        files: that hold the images.
        names: class_id of each label, in the order of the labels.
        blocks: of images.
        superclasses: of each label, where there are any.
        is_task: whether the store gets a column y, the label.

    Raises:
        InputError: for no images at all, or a label that has no name.
    """

    def __init__(
        self,
        files: Sequence[Path],
        names: Sequence[str],
        blocks: Sequence[Block],
        superclasses: Sequence[str] = (),
        is_task: bool = False,
    ) -> None:
        self.archives, self.names, self.blocks = list(files), list(names), list(blocks)
        self.superclasses, self.is_task = list(superclasses), is_task
        if not len(self):
            raise InputError(f"{self.archives[0]}: no images in it: fetch it again")
        for block in self.blocks:
            strange = block.labels[(block.labels < 0) | (block.labels >= len(names))]
            if len(strange):
                raise InputError(
                    f"{self.archives[0]}: {block.name} has the label {strange[0]}, but there are {len(names)} "
                    "classes: is it the right archive?"
                )

    @property
    def splits(self) -> list[str]:
        """The split of every image of a task; none of a source."""
        return [str(block.attributes["split"]) for block in self.blocks for _ in block.labels] if self.is_task else []

    def __len__(self) -> int:
        return sum(len(block.labels) for block in self.blocks)

    def classes(self) -> "pd.DataFrame":
        """Return class_id, name (without underscores) and, where there is one, superclass, ordered by label."""
        table = class_table(self.names, (name.replace("_", " ") for name in self.names))
        return table.assign(superclass=self.superclasses) if self.superclasses else table

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on."""
        for block in self.blocks:
            if start < len(block.labels):
                pixels = block.pixels()
                for number in range(start, len(block.labels)):
                    label = int(block.labels[number])
                    columns: dict[str, str | int] = {**block.attributes, "original": f"{number:05d}"}
                    columns |= {"y": label} if self.is_task else {}
                    columns |= {"superclass": self.superclasses[label]} if self.superclasses else {}
                    image = f"{block.name}/{number:05d}"
                    yield RawImage(image, self.names[label], as_file(pixels[number]), columns)
            start = max(0, start - len(block.labels))


def as_file(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels (height, width, 3) as a PPM file, which holds them as they are."""
    height, width, _ = pixels.shape
    return b"P6 %d %d 255\n" % (width, height) + pixels.tobytes()
