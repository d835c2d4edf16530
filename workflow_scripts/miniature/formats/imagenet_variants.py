"""Variants of ImageNet drawn from the object world, in the archives that the real ones come in.

What shifts is what shifts in the real ones: nothing but the draw (ImageNet-V2), the style (ImageNet-R and
ImageNet-Sketch), viewpoint and place (ObjectNet), or the rendering of the validation images (ImageNet-Cartoon,
ImageNet-Drawing, and ImageNet-C by the 15 corruptions of the imagecorruptions package). Names are the originals'.
"""

import hashlib
import io
import json
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from miniature.formats.archives import add_file, new_tar, new_tar_gz
from miniature.formats.imagenet_archive import meta_mat
from miniature.formats.variant_world import Files, World, write_archive
from miniature.object_world import to_jpeg
from pretraining_robustness.seeds import hashed_seed

logger = logging.getLogger(__name__)

RENDITIONS = {
    "art": "painting",
    "cartoon": "clipart",
    "graphic": "infograph",
}  # ImageNet-R's prefixes, DomainNet's styles
SEVERITIES = range(1, 6)
# ImageNet-C's archives and their corruptions, in the order of Hendrycks & Dietterich 2019, Figure 1.
CORRUPTIONS = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
RED_BORDER = 1  # pixels around every image of ObjectNet
RED = (255, 0, 0)


def fresh_draw(world: World) -> Files:
    """ImageNet-V2: a folder per class, called by the class's number."""
    for index, one in enumerate(world.all):
        for number in range(world.per_class):
            data = to_jpeg(world.picture(one, "v2", number))
            name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
            yield f"imagenetv2-matched-frequency-format-val/{index}/{name}.jpeg", data


def renditions(world: World) -> Files:
    """ImageNet-R: art, cartoons and graphics."""
    for one in world.classes:
        for number in range(world.per_class):
            prefix = list(RENDITIONS)[number % len(RENDITIONS)]
            data = to_jpeg(world.picture(one, "r", number, RENDITIONS[prefix]))
            yield f"imagenet-r/{one.wnid}/{prefix}_{number}.jpg", data


def sketches(world: World) -> Files:
    """ImageNet-Sketch: pencil on paper, in grey."""
    for one in world.all:
        for number in range(world.per_class):
            data = to_jpeg(world.picture(one, "sketch", number, "sketch"))
            yield f"sketch/{one.wnid}/sketch_{number}.JPEG", data


def anywhere(world: World) -> Files:
    """ObjectNet: any viewpoint, any place, object names for folders, a red border, and its mapping files."""
    labels = {folder: folder.replace("_", " ").capitalize() for folder in dict.fromkeys(world.folders.values())}
    yield "objectnet-1.0/mappings/folder_to_objectnet_label.json", json.dumps(labels, indent=2).encode()
    for one in world.classes:
        for number in range(world.per_class):
            inside = Image.fromarray(world.picture(one, "objectnet", number, "anywhere"))
            file = io.BytesIO()
            ImageOps.expand(inside, RED_BORDER, RED).save(file, "PNG")
            name = hashlib.sha1(file.getvalue(), usedforsecurity=False).hexdigest()[:15]
            yield f"objectnet-1.0/images/{world.folders[one.wnid]}/{name}.png", file.getvalue()


def cartoons(world: World) -> Files:
    """ImageNet-Cartoon: the validation images with flat colours inside dark outlines."""
    for one, name, pixels in world.validation():
        yield f"datasets/imagenet-cartoon/{one.wnid}/{name}.JPEG", to_jpeg(np.asarray(cartoon(Image.fromarray(pixels))))


def drawings(world: World) -> Files:
    """ImageNet-Drawing: the validation images as drawings with coloured pencils."""
    for one, name, pixels in world.validation():
        yield f"datasets/imagenet-drawing/{one.wnid}/{name}.JPEG", to_jpeg(np.asarray(drawing(Image.fromarray(pixels))))


def corruptions(world: World, archive: str) -> Files:
    """ImageNet-C: the validation images under each corruption of an archive at five severities."""
    for one, name, pixels in world.validation():
        for corruption in CORRUPTIONS[archive]:
            for severity in SEVERITIES:
                data = to_jpeg(corrupted(pixels, corruption, severity, hashed_seed(world.seed, name)))
                yield f"{corruption}/{severity}/{one.wnid}/{name}.JPEG", data


def cartoon(picture: Image.Image) -> Image.Image:
    """Return an image in few flat colours, with dark lines where its lightness changes."""
    flat = picture.filter(ImageFilter.MedianFilter(5)).quantize(12).convert("RGB").filter(ImageFilter.ModeFilter(5))
    edges = picture.convert("L").filter(ImageFilter.MedianFilter(3)).filter(ImageFilter.FIND_EDGES)
    ink = edges.point(lambda value: 0 if value > 60 else 255).convert("RGB")
    return ImageChops.darker(flat, ink)


def drawing(picture: Image.Image) -> Image.Image:
    """Return an image as coloured pencils on paper: lines, lightness divided by that of its surroundings (a colour
    dodge), over half of its tone and of its colours.
    """
    grey = np.asarray(picture.convert("L"), np.float32)
    around = np.asarray(Image.fromarray(grey.astype(np.uint8)).filter(ImageFilter.GaussianBlur(3)), np.float32)
    lines = np.clip(grey / np.maximum(around, 1), 0, 1)
    tone = (1 + grey / 255) / 2
    colours = (1 + np.asarray(picture.convert("RGB"), np.float32) / 255) / 2
    return Image.fromarray((255 * (lines * tone)[..., None] * colours).astype(np.uint8))


def corrupted(pixels: np.ndarray, corruption: str, severity: int, seed: int) -> np.ndarray:
    """Return an image, uint8 (size, size, 3) of at least 32 pixels, under a corruption; the same at the same seed."""
    from imagecorruptions import corrupt  # type: ignore[import-untyped]

    np.random.seed(seed % 2**32)
    own = {"seed": seed % 2**32} if corruption in ("glass_blur", "impulse_noise") else {}
    return np.asarray(corrupt(pixels, severity=severity, corruption_name=corruption, **own))


KINDS: dict[str, Callable[[World], Files]] = {
    "fresh_draw": fresh_draw,
    "renditions": renditions,
    "sketches": sketches,
    "anywhere": anywhere,
    "cartoons": cartoons,
    "drawings": drawings,
}


def draw(
    files: Sequence[str | Path],
    kind: str,
    classes: int,
    per_class: int,
    image_size: int,
    seed: int,
    table: str | Path | None = None,
    threads: int = 1,  # a variant is small
) -> None:
    """Write the archives of a variant.

    Args:
        files: to write; a zip or a tar as the name says, gzip-compressed where it ends in .tar.gz. `validation` writes
            the archive of the images and the devkit, `corruptions` an archive for each key of `CORRUPTIONS`.
        kind: validation, corruptions, or a key of `KINDS`.
        classes, per_class, image_size, seed, table: see `World`.
    """
    world = World(classes, per_class, image_size, seed, table)
    if kind == "validation":
        images, devkit = files
        with new_tar(images) as tar:
            for _, name, pixels in world.validation():
                add_file(tar, f"{name}.JPEG", to_jpeg(pixels))
        _write_devkit(devkit, world)
    elif kind == "corruptions":
        for path in files:
            write_archive(path, corruptions(world, Path(path).name.partition(".")[0]))
    else:
        (path,) = files
        write_archive(path, KINDS[kind](world))
    logger.info("drew %s of %d classes", kind, len(world.classes))


def _write_devkit(path: str | Path, world: World) -> None:
    number_of = {one.wnid: number for number, one in enumerate(world.all, start=1)}
    truth = "".join(f"{number_of[one.wnid]}\n" for one, _ in world.validation_order())
    with new_tar_gz(path) as tar:
        folder = "ILSVRC2012_devkit_t12/data"
        add_file(tar, f"{folder}/meta.mat", meta_mat(world.all, [1] * len(world.all)))
        add_file(tar, f"{folder}/ILSVRC2012_validation_ground_truth.txt", truth.encode())
