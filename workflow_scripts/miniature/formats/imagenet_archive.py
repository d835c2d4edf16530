"""The object world as ILSVRC2012: a tar of one tar per class, and the development kit."""

import io
import logging
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy.io import savemat

from miniature.formats.archives import add_file, new_tar, new_tar_gz
from miniature.imagenet_classes import Synset, ancestors_of, choose_classes, family_of
from miniature.object_world import ObjectClass, draw_classes
from pretraining_robustness.errors import InputError
from pretraining_robustness.seeds import hashed_uniform

_LOG = logging.getLogger(__name__)
# ILSVRC2012 has 732 to 1300 training images per class, 895 classes have 1300 (Russakovsky et al. 2015, Table 2 and
# section 3.2.3).
_FEWEST, _MOST, _FULL_SHARE = 732, 1300, 0.895


def images_per_class(classes: list[Synset], images: int) -> list[int]:
    """Return each class's number of training images: ILSVRC2012's profile scaled so that the sum is `images`."""
    if images < len(classes):
        raise InputError(f"imagenet: {images} images for {len(classes)} classes; ask for at least one per class")
    ranked = sorted(range(len(classes)), key=lambda i: hashed_uniform(f"images of {classes[i].wnid}"))
    full = round(_FULL_SHARE * len(classes))
    short = len(classes) - full
    profile = np.empty(len(classes))
    profile[ranked[:full]] = _MOST
    # Our shape of the tail, which ends at the real minimum.
    profile[ranked[full:]] = _MOST - (_MOST - _FEWEST) * (np.arange(1, short + 1) / max(1, short)) ** 2
    exact = profile / profile.sum() * images
    counts = np.maximum(1, np.floor(exact)).astype(int)
    by_need = sorted(range(len(classes)), key=lambda i: (counts[i] - exact[i], ranked.index(i)))
    for i in by_need[: images - counts.sum()]:
        counts[i] += 1
    return [int(count) for count in counts]


def object_class(one: Synset) -> ObjectClass:
    """Return what is drawn for an ImageNet class: its family, and its ancestors from the family's synset down."""
    anchor, family = family_of(one)
    return ObjectClass(one.wnid, family, one.path[one.path.index(anchor) :])


def _class_tar(wnid: str, pictures: list[bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number, picture in enumerate(pictures, start=1):
            add_file(tar, f"{wnid}_{number}.JPEG", picture)
    return file.getvalue()


def meta_mat(classes: list[Synset], counts: list[int]) -> bytes:
    """Return meta.mat: a struct array `synsets` of the classes (ILSVRC2012_ID from 1) and the synsets above."""
    inner = ancestors_of(classes)
    numbers = {one.synset: number for number, one in enumerate([*classes, *inner], start=1)}
    children: dict[str, set[int]] = {one.synset: set() for one in inner}
    height = dict.fromkeys(numbers, 0)
    for one in classes:
        for up, (above, below) in enumerate(zip(one.path[-2::-1], one.path[:0:-1], strict=True), start=1):
            children[above].add(numbers[below])
            height[above] = max(height[above], up)
    fields = [
        "ILSVRC2012_ID",
        "WNID",
        "words",
        "gloss",
        "num_children",
        "children",
        "wordnet_height",
        "num_train_images",
    ]
    synsets = np.empty((len(numbers), 1), dtype=[(name, object) for name in fields])
    for row, one in enumerate([*classes, *inner]):
        below_it = sorted(children.get(one.synset, ()))
        trained = counts[row] if row < len(counts) else 0
        synsets[row, 0] = (
            float(row + 1),
            one.wnid,
            one.name,
            "",
            float(len(below_it)),
            np.array([below_it], dtype=float),
            float(height[one.synset]),
            float(trained),
        )
    file = io.BytesIO()
    savemat(file, {"synsets": synsets})
    content = file.getvalue()
    # The first 116 bytes of a MAT file are a free text in which scipy puts the date; a fixed one keeps the bytes the
    # same.
    return b"MATLAB 5.0 MAT-file, miniature of ILSVRC2012".ljust(116) + content[116:]


def draw(files: Sequence[str | Path], classes: int, images: int, image_size: int, seed: int, threads: int = 1) -> None:
    """Write ILSVRC2012_img_train.tar and ILSVRC2012_devkit_t12.tar.gz, in this order, of the object world.

    `classes` (10 to 1000) real wnids spread over WordNet share `images` images of `image_size` x `image_size` pixels
    in ImageNet's nearly balanced proportions. The bytes depend on the arguments except `threads`, the number of
    processes that draw.
    """
    train_tar, devkit = files
    chosen = choose_classes(classes)
    counts = images_per_class(chosen, images)
    drawn = draw_classes([object_class(one) for one in chosen], counts, image_size, seed, threads)
    with new_tar(train_tar) as tar:
        for one, pictures in zip(chosen, drawn, strict=True):
            add_file(tar, f"{one.wnid}.tar", _class_tar(one.wnid, pictures))
    folder = "ILSVRC2012_devkit_t12"
    with new_tar_gz(devkit) as tar:
        add_file(
            tar, f"{folder}/readme.txt", b"A procedural miniature of ILSVRC2012; it holds no picture of ImageNet.\n"
        )
        add_file(tar, f"{folder}/data/meta.mat", meta_mat(chosen, counts))
        # The real file names the class of 50 validation images of each class; the miniature has no validation images.
        truth = "".join(f"{number}\n" for number in range(1, len(chosen) + 1))
        add_file(tar, f"{folder}/data/ILSVRC2012_validation_ground_truth.txt", truth.encode())
    _LOG.info("drew %d images of %d classes as ImageNet", sum(counts), len(chosen))
