"""The object world in several styles as DomainNet, in the archive that the wilds package downloads.

Layout of the unpacked folder (wilds 2.0.0, domainnet_dataset.py; p-lambda/wilds,
dataset_preprocessing/domainnet/generate_metadata.py at 46e1dbc2): RELEASE_v1.0.txt; metadata.csv with image_path,
domain, split (train or test), category and y; the images in <domain>/<category>/. Names of files are the original's:
real_001_000001.jpg is the first photograph of category 1, and quick drawings are PNG files named by a long number.

A choice of categories has labels y from 0 without a gap, in the order of DomainNet's list: as wilds' own choice of 40
categories (`use_sentry`) is labelled.
"""

import csv
import hashlib
import io
import logging
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from miniature.domainnet_classes import Category, choose_categories
from miniature.drawing.domainnet_styles import draw_in_style
from miniature.drawing.traits import Traits
from miniature.formats.archives import add_file, new_tar_gz
from miniature.object_world import to_jpeg
from pretraining_robustness.errors import InputError

_LOG = logging.getLogger(__name__)

# Images of DomainNet's training and test splits, 586,575 in all (TensorFlow Datasets' page of domainnet 1.0.0; the sums
# of each domain are those that http://ai.bu.edu/M3SDA states for the cleaned version).
REAL_IMAGES = {
    "clipart": {"train": 33_525, "test": 14_604},
    "infograph": {"train": 36_023, "test": 15_582},
    "painting": {"train": 50_416, "test": 21_850},
    "quickdraw": {"train": 120_750, "test": 51_750},
    "real": {"train": 120_906, "test": 52_041},
    "sketch": {"train": 48_212, "test": 20_916},
}
SPLITS = ("train", "test")
_COLUMNS = ("image_path", "domain", "split", "category", "y")


@dataclass(frozen=True)
class _Drawing:
    """One image to draw: its place in the archive, its split, and its number within domain and category."""

    path: str
    split: str
    number: int


def images_per_class(images: int, classes: int, domains: Sequence[str]) -> dict[tuple[str, str], list[int]]:
    """Return the number of images of each class by (domain, split); all sum to `images`.

    Domains and splits share the images in the real proportions, the classes of each equally (one more or less), as
    they do in the real quick drawings: 350 training and 150 test images per class.

    Raises:
        InputError: for an unknown or repeated domain, or so few images that a class would have none in some split.
    """
    unknown = [domain for domain in domains if domain not in REAL_IMAGES]
    if unknown or len(set(domains)) != len(domains) or not domains:
        raise InputError(
            f"domainnet: the domains {', '.join(domains)!r} cannot be drawn: give each once of {', '.join(REAL_IMAGES)}"
        )
    cells = [(domain, split) for domain in REAL_IMAGES if domain in domains for split in SPLITS]
    real = np.array([REAL_IMAGES[domain][split] for domain, split in cells])
    bounds = np.rint(np.cumsum(real) / real.sum() * images).astype(int)
    totals = np.diff(bounds, prepend=0)
    if totals.min() < classes:
        domain, split = cells[int(totals.argmin())]
        needed = -(-classes * int(real.sum()) // int(real.min()))
        raise InputError(
            f"domainnet: {images} images give {domain}'s {split} split {totals.min()}, fewer than its {classes} "
            f"classes: ask for about {needed} images, for fewer classes or for fewer domains"
        )
    return {
        cell: np.diff(np.arange(classes + 1) * total // classes).tolist()
        for cell, total in zip(cells, totals.tolist(), strict=True)
    }


def _drawings(domain: str, category: Category, counts: dict[str, int], seed: int) -> list[_Drawing]:
    """Return the images of a category in a domain by their numbers; which of them are for testing is random."""
    splits = [split for split in SPLITS for _ in range(counts[split])]
    Random(f"splits {seed}|{domain}|{category.name}").shuffle(splits)
    folder = f"{domain}/{category.name}"
    names = [_file_name(domain, category, number, seed) for number in range(1, len(splits) + 1)]
    return [
        _Drawing(f"{folder}/{name}", split, number)
        for number, (name, split) in enumerate(zip(names, splits, strict=True), start=1)
    ]


def _file_name(domain: str, category: Category, number: int, seed: int) -> str:
    if domain != "quickdraw":
        return f"{domain}_{category.number:03d}_{number:06d}.jpg"
    digest = hashlib.blake2b(f"quickdraw {seed}|{category.name}|{number}".encode(), digest_size=8).digest()
    return f"{4_503_599_627_370_496 + int.from_bytes(digest, 'big') % 2**51}.png"


def draw_images(domain: str, category: Category, numbers: Sequence[int], size: int, seed: int) -> list[bytes]:
    """Draw a category's images in a domain as image files; each depends on seed, domain, category and number alone.

    A category is wider than a class of the object world ("bus", not one make of it), so every image shows another
    individual: a descendant of the object world's class of the same seed, with traits partly its own.
    """
    one = category.drawn
    files = []
    for number in numbers:
        name = f"{domain}|{category.name}|{number}"
        traits = Traits((*one.path, name), f"object world {seed}", one.family.settings)
        pixels = draw_in_style(domain, one, traits, size, Random(f"{seed}|{name}"))
        files.append(_to_png(pixels) if domain == "quickdraw" else to_jpeg(pixels))
    return files


def _to_png(pixels: np.ndarray) -> bytes:
    """Encode the first channel of (height, width, 3) as a grey PNG file."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels[:, :, 0])).save(file, "PNG")
    return file.getvalue()


def _draw_all(
    jobs: Sequence[tuple[str, Category, list[_Drawing]]], size: int, seed: int, threads: int
) -> Iterator[list[bytes]]:
    """Draw the jobs' images in order, in `threads` processes."""
    domains, categories = [job[0] for job in jobs], [job[1] for job in jobs]
    numbers = [[drawing.number for drawing in job[2]] for job in jobs]
    constant = [size] * len(jobs), [seed] * len(jobs)
    if threads <= 1:
        yield from map(draw_images, domains, categories, numbers, *constant)
        return
    with ProcessPoolExecutor(threads, mp_context=multiprocessing.get_context("fork")) as pool:
        yield from pool.map(draw_images, domains, categories, numbers, *constant)


def draw(
    files: Sequence[str | Path],
    classes: int,
    images: int,
    image_size: int,
    seed: int,
    domains: Sequence[str] = tuple(REAL_IMAGES),
    threads: int = 1,
) -> None:
    """Write domainnet_v1.0.tar.gz of the object world; its members lie at the top.

    The first `classes` categories of domainnet_classes.csv share `images` images of `image_size` x `image_size`
    pixels among `domains` and their splits as `images_per_class` says. The unpacked folder opens with
    `wilds.get_dataset("domainnet")`. The bytes depend on the arguments except `threads`, the number of processes that
    draw, and the order of `domains`.

    Raises:
        InputError: as `images_per_class` and `domainnet_classes.choose_categories`.
    """
    categories = choose_categories(classes)
    counts = images_per_class(images, classes, domains)
    jobs = [
        (domain, one, _drawings(domain, one, {split: counts[domain, split][y] for split in SPLITS}, seed))
        for domain in REAL_IMAGES
        if domain in domains
        for y, one in enumerate(categories)
    ]
    label = {one.name: y for y, one in enumerate(categories)}
    table = io.StringIO(newline="")
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for domain, one, drawings in jobs:
        writer.writerows((each.path, domain, each.split, one.name, label[one.name]) for each in drawings)
    with new_tar_gz(files[0]) as tar:
        note = b"A procedural miniature of DomainNet; it holds no picture of the original.\n"
        add_file(tar, "RELEASE_v1.0.txt", note)
        add_file(tar, "metadata.csv", table.getvalue().encode())
        for (_, _, drawings), encoded in zip(jobs, _draw_all(jobs, image_size, seed, threads), strict=True):
            for each, data in zip(drawings, encoded, strict=True):
                add_file(tar, each.path, data)
    _LOG.info("drew %d images of %d classes in %d domains as DomainNet", images, classes, len(domains))
