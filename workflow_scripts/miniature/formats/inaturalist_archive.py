"""The object world as the iNaturalist 2017 competition: one tree of images and COCO-style annotations."""

import csv
import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from statistics import NormalDist

import numpy as np

from miniature.families import families_of
from miniature.formats.archives import add_file, new_tar_gz, write_zip
from miniature.object_world import ObjectClass, draw_classes
from pretraining_robustness.errors import InputError

_LOG = logging.getLogger(__name__)

_DATA = Path(__file__).resolve().parents[3] / "data"
# Standard deviation of log(images) within a super category: ours, so that the most frequent fifth of the classes holds
# well over half of the images and its last class still has 1.3 times the mean, as in the real set (1000 of 5089 classes
# have 150 images or more, the mean is 114).
_SPREAD = 0.95


@dataclass(frozen=True)
class Species:
    """A made-up species: number from 0, binomial name, super category, order, genus, and numbers of images."""

    number: int
    name: str
    supercategory: str
    order: str
    genus: str
    train: int
    val: int


@dataclass(frozen=True)
class Supercategory:
    """A super category of the real competition: its name and its numbers of classes and images."""

    name: str
    classes: int
    train_images: int
    val_images: int


@cache
def supercategories() -> tuple[Supercategory, ...]:
    """Return the super categories, largest first, from data/inaturalist_supercategories.csv."""
    return tuple(
        Supercategory(row["supercategory"], int(row["classes"]), int(row["train_images"]), int(row["val_images"]))
        for row in _rows("inaturalist_supercategories.csv")
    )


def _rows(table: str) -> list[dict[str, str]]:
    with (_DATA / table).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _name_parts(part: str) -> list[str]:
    """Return the beginnings, middles or ends of genera or the epithets of species that names are made of."""
    return [row["text"] for row in _rows("species_name_parts.csv") if row["part"] == part]


def _validation_share() -> float:
    """Return the real number of validation images to a training image."""
    return sum(one.val_images for one in supercategories()) / sum(one.train_images for one in supercategories())


def _share_out(weights: np.ndarray, total: int, least: int) -> np.ndarray:
    """Return whole numbers in proportion to the weights, none below `least`, that sum to `total`."""
    exact = weights / weights.sum() * total
    counts = np.maximum(least, np.floor(exact).astype(int))
    while counts.sum() != total:
        step = 1 if counts.sum() < total else -1
        gap = np.where((step < 0) & (counts <= least), -np.inf, step * (exact - counts))
        counts[int(np.argmax(gap))] += step
    return counts


def species_list(classes: int, images: int) -> list[Species]:
    """Return species of all super categories with long-tailed numbers of training images that sum to `images`."""
    if classes < len(supercategories()) or images < classes:
        raise InputError(
            f"inaturalist: {classes} classes and {images} images asked of the miniature: "
            f"give at least {len(supercategories())} classes and one image per class"
        )
    starts, middles, ends, epithets = map(_name_parts, ("start", "middle", "end", "epithet"))
    # Beyond half of what two parts and an end can name, a genus has three parts, so that a new one is soon found.
    short_genera = len(starts) * len(middles) * len(ends) // 2
    per_super = _share_out(np.array([real.classes for real in supercategories()], dtype=float), classes, least=1)
    drafts: list[tuple[str, str, str, str]] = []
    weights: list[float] = []
    used: set[str] = set()
    for real, size in zip(supercategories(), per_super.tolist(), strict=True):
        name, count = real.name, size
        rng = Random(f"species of {name}")
        genera = 0
        while count > 0:
            longer = rng.choice(middles) if len(used) > short_genera else ""
            genus = rng.choice(starts) + rng.choice(middles) + longer + rng.choice(ends)
            if genus in used:
                continue
            used.add(genus)
            order = f"{name} order {genera % len(families_of('inaturalist')[name])}"
            genera += 1
            for epithet in rng.sample(epithets, min(count, rng.randint(1, 4))):
                drafts.append((name, order, genus, f"{genus} {epithet}"))
                count -= 1
        # A log-normal number of images around the super category's mean: its quantiles, dealt out at random.
        quantiles = [NormalDist(0, _SPREAD).inv_cdf((i + 0.5) / size) for i in range(size)]
        rng.shuffle(quantiles)
        weights += [real.train_images / real.classes * float(np.exp(quantile)) for quantile in quantiles]
    train = _share_out(np.array(weights), images, least=1)
    val = _share_out(train.astype(float), round(images * _validation_share()), least=0)
    return [
        Species(i, binomial, supercategory, order, genus, int(train[i]), int(val[i]))
        for i, (supercategory, order, genus, binomial) in enumerate(drafts)
    ]


def _object_class(species: Species) -> ObjectClass:
    families = families_of("inaturalist")[species.supercategory]
    family = families[int(species.order.rsplit(" ", 1)[1])]
    return ObjectClass(species.name, family, (species.supercategory, species.order, species.genus, species.name))


def _coco(species: list[Species], files: list[tuple[int, str]], image_size: int, first_id: int) -> bytes:
    """Return one of the competition's json files: categories, images and their annotations."""
    content = {
        "info": {
            "year": 2017,
            "version": "1",
            "description": "A procedural miniature of iNaturalist 2017",
            "contributor": "",
            "url": "",
        },
        "licenses": [{"id": 1, "name": "made by a program", "url": ""}],
        "categories": [{"id": one.number, "name": one.name, "supercategory": one.supercategory} for one in species],
        "images": [
            {
                "id": first_id + i,
                "width": image_size,
                "height": image_size,
                "file_name": name,
                "license": 1,
                "rights_holder": "",
            }
            for i, (_, name) in enumerate(files)
        ],
        "annotations": [
            {"id": first_id + i, "image_id": first_id + i, "category_id": number} for i, (number, _) in enumerate(files)
        ],
    }
    return json.dumps(content).encode()


def draw(files: Sequence[str | Path], classes: int, images: int, image_size: int, seed: int, threads: int = 1) -> None:
    """Write train_val_images.tar.gz and train_val2017.zip, in this order, of the object world.

    `classes` (at least 13) made-up species of the 13 real super categories share `images` training images of
    `image_size` x `image_size` pixels with a long tail; validation images come on top in the real proportion and lie
    in the same tree. The bytes depend on the arguments except `threads`, the number of processes that draw.
    """
    images_tar, annotations_zip = files
    species = species_list(classes, images)
    counts = [one.train + one.val for one in species]
    drawn = draw_classes([_object_class(one) for one in species], counts, image_size, seed, threads)
    train: list[tuple[int, str]] = []
    val: list[tuple[int, str]] = []
    with new_tar_gz(images_tar) as tar:
        for one, pictures in zip(species, drawn, strict=True):
            # Which images are for validation does not show in the tree, only in the json files.
            for number, picture in enumerate(pictures):
                stem = hashlib.md5(f"{one.name} {number}".encode(), usedforsecurity=False).hexdigest()
                name = f"train_val_images/{one.supercategory}/{one.name}/{stem}.jpg"
                add_file(tar, name, picture)
                (train if number < one.train else val).append((one.number, name))
    train_json = _coco(species, train, image_size, 1)
    val_json = _coco(species, val, image_size, 1 + len(train))
    write_zip(annotations_zip, {"train2017.json": train_json, "val2017.json": val_json})
    _LOG.info(
        "drew %d training and %d validation images of %d species as iNaturalist", len(train), len(val), len(species)
    )
