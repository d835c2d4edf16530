"""The object world as Tiny-ImageNet, CIFAR and the shifted test sets of CIFAR-10, in the archives of the real ones.

Three images of every class of CINIC-10 that is a class of Tiny-ImageNet, too, are images of it made smaller, so
that a search for copies has something to find. All else that differs between test sets is our choice: CIFAR-10.1 and
CIFAR-10.2 are fresh draws, CINIC-10's objects stand anywhere and at an angle, CIFAR-10-C's are corrupted by the
imagecorruptions package.
"""

import csv
import io
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from miniature.drawing.scenery import PLACES
from miniature.drawing.traits import Traits
from miniature.formats.archives import add_file, new_tar, new_tar_gz, write_zip
from miniature.formats.imagenet_archive import object_class
from miniature.formats.imagenet_variants import CORRUPTIONS, SEVERITIES, corrupted
from miniature.imagenet_classes import Synset, all_classes, choose_classes
from miniature.object_world import ObjectClass, draw_class, draw_classes, draw_object
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import hashed_seed

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]
TABLE = Path(__file__).resolve().parents[3] / "data" / "tiny_imagenet_classes.csv"
TINY, SMALL = 64, 32  # sides of the images of Tiny-ImageNet and of all others
# What is drawn for CIFAR-10's classes, in their order; all but three are classes of Tiny-ImageNet.
CIFAR10 = {
    **{"airplane": "n02690373", "automobile": "n04285008", "bird": "n01855672", "cat": "n02123045"},
    **{"deer": "n02422106", "dog": "n02099601", "frog": "n01641577", "horse": "n02389026"},
    **{"ship": "n03662601", "truck": "n03796401"},
}
TRAIN_FILES = 5
COPIES = 3  # of Tiny-ImageNet's images, in each class of CINIC-10
FROM_CIFAR = 2 / 7  # CINIC-10 has 60,000 images of CIFAR-10 beside 210,000 of ImageNet


def tiny_imagenet(archive: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write tiny-imagenet-200.zip: `images` training images and a tenth as many for validation."""
    chosen = tiny_classes(classes)
    each = images // len(chosen)
    held_out = max(1, each // 10)
    if not each:
        raise InputError(f"tiny_imagenet: {images} images for {len(chosen)} classes; ask for at least one per class")
    drawn = draw_classes(list(map(object_class, chosen)), [each + held_out] * len(chosen), TINY, seed, threads)
    top, contents, annotations = "tiny-imagenet-200", {}, []
    contents[f"{top}/wnids.txt"] = "\n".join(one.wnid for one in chosen).encode()
    contents[f"{top}/words.txt"] = "".join(f"{one.wnid}\t{one.name}\n" for one in all_classes()).encode()
    for one, pictures in zip(chosen, drawn, strict=True):
        names = [f"{one.wnid}_{number}.JPEG" for number in range(each)]
        for name, picture in zip(names, pictures, strict=False):
            contents[f"{top}/train/{one.wnid}/images/{name}"] = picture
        boxes = "".join(f"{name}\t0\t0\t63\t63\n" for name in names)
        contents[f"{top}/train/{one.wnid}/{one.wnid}_boxes.txt"] = boxes.encode()
        annotations += [(one.wnid, picture) for picture in pictures[each:]]
    Random(f"{seed}|validation").shuffle(annotations)
    for number, (_, picture) in enumerate(annotations):
        contents[f"{top}/val/images/val_{number}.JPEG"] = picture
    lines = (f"val_{number}.JPEG\t{wnid}\t0\t0\t63\t63\n" for number, (wnid, _) in enumerate(annotations))
    contents[f"{top}/val/val_annotations.txt"] = "".join(lines).encode()
    contents[f"{top}/test/images/test_0.JPEG"] = annotations[0][1]
    write_zip(archive, contents)


def cifar10(archive: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write cifar-10-binary.tar.gz; of six images, one is for testing."""
    test = images // 6
    with new_tar_gz(archive) as tar:
        folder = "cifar-10-batches-bin"
        add_file(tar, f"{folder}/batches.meta.txt", ("\n".join(CIFAR10) + "\n\n").encode())
        parts = np.array_split(np.arange(images - test), TRAIN_FILES)
        for number, part in enumerate(parts, start=1):
            add_file(tar, f"{folder}/data_batch_{number}.bin", _records(*_draw("train", part, seed)))
        add_file(tar, f"{folder}/test_batch.bin", _records(*_draw("test", np.arange(test), seed)))


def cifar100(archive: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write cifar-100-binary.tar.gz: classes of the object world, whose superclasses are its families."""
    chosen = list(map(object_class, choose_classes(max(10, classes))))
    fine = [one.path[-1].replace(".n.", "_") for one in chosen]
    coarse = sorted({one.family.name for one in chosen})
    numbers = np.arange(images + images // 5)
    label = np.array([_label("cifar100", int(number), len(chosen), seed) for number in numbers])
    pixels = np.stack([_picture(chosen[label[i]], f"cifar100|{i}", seed) for i in numbers])
    above = np.array([coarse.index(one.family.name) for one in chosen])
    records = np.concatenate([above[label][:, None], label[:, None], _planes(pixels)], axis=1).astype(np.uint8)
    with new_tar_gz(archive) as tar:
        folder = "cifar-100-binary"
        add_file(tar, f"{folder}/coarse_label_names.txt", "".join(f"{name}\n" for name in coarse).encode())
        add_file(tar, f"{folder}/fine_label_names.txt", "".join(f"{name}\n" for name in fine).encode())
        add_file(tar, f"{folder}/train.bin", records[:images].tobytes())
        add_file(tar, f"{folder}/test.bin", records[images:].tobytes())


def cifar10_1(data: Path, labels: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write cifar10.1_v6_data.npy and cifar10.1_v6_labels.npy."""
    pixels, numbers = _draw("cifar10.1", np.arange(images), seed)
    for path, array in ((data, pixels), (labels, numbers.astype(np.int64))):
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.save(file, array)


def cifar10_2(archive: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write cifar102_test.npz."""
    pixels, numbers = _draw("cifar10.2", np.arange(images), seed)
    with atomic_path(archive) as temporary, open(temporary, "wb") as file:
        np.savez(file, images=pixels, labels=numbers)


def cinic10(archive: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write CINIC-10.tar.gz: `images` of ImageNet, and CIFAR-10's in the real proportion."""
    each = max(COPIES, images // (3 * len(CIFAR10)))
    with new_tar_gz(archive) as tar:
        for split in ("train", "valid", "test"):
            for name, wnid in CIFAR10.items():
                for number in range(round(FROM_CIFAR * each)):
                    pixels = _picture(_drawn(name), f"train|{split}|{number}", seed)
                    add_file(tar, f"{split}/{name}/cifar10-train-{number}.png", _png(pixels))
                for number in range(each):
                    copied = split == "test" and number < COPIES
                    pixels = _smaller(wnid, number, seed) if copied else _anywhere(name, f"{split}|{number}", seed)
                    add_file(tar, f"{split}/{name}/{wnid}_{number if copied else f'9{number}'}.png", _png(pixels))


def cifar10_c(archive: Path, images: int, classes: int, seed: int, threads: int) -> None:
    """Write CIFAR-10-C.tar of the first test images of `cifar10`."""
    names = [name for some in CORRUPTIONS.values() for name in some]
    numbers = np.arange(max(1, images // (len(names) * len(SEVERITIES))))
    pixels, labels = _draw("test", numbers, seed)
    with new_tar(archive) as tar:
        add_file(tar, "CIFAR-10-C/labels.npy", _npy(np.tile(labels, len(SEVERITIES))))
        for name in names:
            parts = [
                corrupted(one, name, severity, hashed_seed(seed, f"{number}"))
                for severity in SEVERITIES
                for number, one in enumerate(pixels)
            ]
            add_file(tar, f"CIFAR-10-C/{name}.npy", _npy(np.stack(parts)))


FORMATS: dict[str, Callable[..., None]] = {
    "tiny_imagenet": tiny_imagenet,
    "cifar10": cifar10,
    "cifar100": cifar100,
    "cifar10_1": cifar10_1,
    "cifar10_2": cifar10_2,
    "cinic10": cinic10,
    "cifar10_c": cifar10_c,
}


def draw(files: Sequence[str | Path], format: str, images: int, classes: int, seed: int, threads: int = 1) -> None:
    """Write the archives of a data set; their bytes depend on the arguments except `threads`.

    Args:
        format: a key of `FORMATS`.
        files: to write, as `acquire.tiny_images` lists them.
        images: how many (of CIFAR-100, to train on; of Tiny-ImageNet, likewise).
        classes: of Tiny-ImageNet and CIFAR-100, at least 10; all others have ten.
        seed: of the object world.
        threads: processes that draw.
    """
    FORMATS[format](*map(Path, files), images=images, classes=classes, seed=seed, threads=threads)
    logger.info("drew %s of %d images", format, images)


def tiny_classes(count: int) -> list[Synset]:
    """Return `count` of Tiny-ImageNet's 200 classes by wnid: those of CIFAR-10 first, then spread over WordNet.

    Raises:
        InputError: for fewer than 10 or more than there are.
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        known = {row["wnid"] for row in csv.DictReader(file)}
    if not 10 <= count <= len(known):
        raise InputError(
            f"tiny_imagenet: {count} classes asked of the miniature; give a number from 10 to {len(known)}"
        )
    shared = set(CIFAR10.values())
    ordered = [one for one in choose_classes(len(all_classes()), by_wnid=False) if one.wnid in known]
    ordered.sort(key=lambda one: one.wnid not in shared)
    return sorted(ordered[:count], key=lambda one: one.wnid)


def _draw(part: str, numbers: NDArray[np.integer], seed: int) -> tuple[Pixels, NDArray[np.int64]]:
    """Return the images of a part of CIFAR-10 with these numbers, and their labels."""
    names = list(CIFAR10)
    labels = np.array([_label(part, int(number), len(names), seed) for number in numbers], dtype=np.int64)
    pixels = [
        _picture(_drawn(names[label]), f"{part}|{number}", seed) for number, label in zip(numbers, labels, strict=True)
    ]
    return np.stack(pixels), labels


def _label(part: str, number: int, classes: int, seed: int) -> int:
    """Return the label of an image: as many consecutive images as there are classes have one of each."""
    order = list(range(classes))
    Random(f"{seed}|{part}|labels|{number // classes}").shuffle(order)
    return order[number % classes]


def _drawn(name: str) -> ObjectClass:
    (synset,) = (one for one in all_classes() if one.wnid == CIFAR10[name])
    return object_class(synset)


def _picture(one: ObjectClass, name: str, seed: int, size: int = SMALL) -> Pixels:
    """Draw another individual of a class in every image."""
    traits = Traits((*one.path, name), f"object world {seed}", one.family.settings)
    return draw_object(one, traits, size, Random(f"{seed}|{one.name}|{name}"))


def _anywhere(name: str, number: str, seed: int) -> Pixels:
    one = _drawn(name)
    family = replace(one.family, places=tuple(PLACES), turn=one.family.turn + 0.5)
    return _reduced(_picture(replace(one, family=family), f"cinic10|{number}", seed, TINY))


def _smaller(wnid: str, number: int, seed: int) -> Pixels:
    """Return an image of Tiny-ImageNet at half its size."""
    (synset,) = (one for one in all_classes() if one.wnid == wnid)
    (data,) = draw_class(object_class(synset), [number], TINY, seed)
    return _reduced(np.asarray(Image.open(io.BytesIO(data))))


def _reduced(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).reduce(2))


def _planes(pixels: Pixels) -> Pixels:
    """Return pixels (n, 32, 32, 3) as the bytes of CIFAR's records: red, green, blue, each row by row."""
    return pixels.transpose(0, 3, 1, 2).reshape(len(pixels), -1)


def _records(pixels: Pixels, labels: NDArray[np.integer]) -> bytes:
    return np.concatenate([labels[:, None], _planes(pixels)], axis=1).astype(np.uint8).tobytes()


def _npy(array: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
