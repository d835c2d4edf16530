"""The images of variants of ImageNet in the object world, and the archives that they are written into."""

import csv
import math
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np

from miniature.drawing.domainnet_styles import draw_in_style
from miniature.drawing.scenery import PLACES
from miniature.drawing.traits import Traits
from miniature.formats.archives import add_file, new_tar, new_tar_gz, write_zip
from miniature.formats.imagenet_archive import object_class
from miniature.imagenet_classes import Synset, choose_classes
from miniature.object_world import draw_object
from pretraining_robustness.errors import InputError

Files = Iterator[tuple[str, bytes]]


class World:
    """The drawn classes of a variant, and how its images are drawn.

    Args:
        classes: of the drawn ImageNet.
        per_class: images of each class.
        image_size: side of an image in pixels.
        seed: of the drawn ImageNet, whose objects these are.
        table: CSV of the variant's classes (class_id and, for ObjectNet, folder); None for all.
    """

    def __init__(self, classes: int, per_class: int, image_size: int, seed: int, table: str | Path | None) -> None:
        self.all = choose_classes(classes)
        self.size, self.seed, self.per_class = image_size, seed, per_class
        self.folders: dict[str, str] = {}
        self.classes = self.all
        if table is not None:
            with open(table, newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            self.folders = {row["class_id"]: row["folder"] for row in rows if "folder" in row}
            listed = {row["class_id"] for row in rows}
            self.classes = [one for one in self.all if one.wnid in listed]
        if len(self.classes) < 2:
            raise InputError(f"{table}: fewer than two of the {classes} drawn classes are listed; draw more classes")

    def picture(self, one: Synset, variant: str, number: int, style: str = "object") -> np.ndarray:
        """Draw an image that no other variant has, uint8 (size, size, 3)."""
        thing = object_class(one)
        rng = Random(f"{self.seed}|{variant}|{one.wnid}|{number}")
        traits = Traits(thing.path, f"object world {self.seed}", thing.family.settings)
        if style == "object":
            return draw_object(thing, traits, self.size, rng)
        if style == "anywhere":
            return draw_object(
                replace(thing, family=replace(thing.family, places=tuple(PLACES), turn=math.pi)), traits, self.size, rng
            )
        return draw_in_style(style, thing, traits, self.size, rng)

    def validation(self) -> Iterator[tuple[Synset, str, np.ndarray]]:
        """Yield class, name and pixels of the validation images; ImageNet's are in no order of classes."""
        for place, (one, number) in enumerate(self.validation_order(), start=1):
            yield one, f"ILSVRC2012_val_{place:08d}", self.picture(one, "validation", number)

    def validation_order(self) -> list[tuple[Synset, int]]:
        """Return class and number of the validation images, in their order."""
        images = [(one, number) for one in self.all for number in range(self.per_class)]
        Random(f"{self.seed}|order of the validation images").shuffle(images)
        return images


def write_archive(path: str | Path, files: Files) -> None:
    """Write a tar, a tar.gz or a zip, as its name says, of the files in their order."""
    if str(path).endswith(".zip"):
        write_zip(path, dict(files))
        return
    with ExitStack() as stack:
        tar = stack.enter_context(new_tar_gz(path) if str(path).endswith((".tar.gz", ".tgz")) else new_tar(path))
        for name, data in files:
            add_file(tar, name, data)
