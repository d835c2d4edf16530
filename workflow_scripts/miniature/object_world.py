"""The object world: images of classes whose looks follow from their place in a hierarchy."""

import io
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image

from miniature.drawing.pen import Pen
from miniature.drawing.scenery import draw_place, texture
from miniature.drawing.traits import Traits
from miniature.families import Family

_QUALITY = 88  # of the JPEG files


@dataclass(frozen=True)
class ObjectClass:
    """A class of the object world: its name, its family, and its ancestors from the family's top down to itself."""

    name: str
    family: Family
    path: tuple[str, ...]


def to_jpeg(pixels: np.ndarray) -> bytes:
    """Encode uint8 pixels (height, width, 3) as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def draw_object(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """Draw one image of a class, uint8 (size, size, 3).

    Place, pose, scale and light come from `rng`, the rest from the traits.

    It is drawn at twice the size and averaged down, so that edges are smooth.
    """
    family = one.family
    image, _ = draw_place(rng.choice(family.places), 2 * size, rng)
    scale = size * rng.uniform(0.5, 0.95)
    reach = 1.5 * size - scale
    centre = (size + rng.uniform(-0.4, 0.4) * reach, size + rng.uniform(-0.15, 0.35) * reach)
    tint = rng.uniform(0.8, 1.2)
    colour_cast = (tint * rng.uniform(0.94, 1.06), tint * rng.uniform(0.94, 1.06), tint * rng.uniform(0.94, 1.06))
    pen = Pen(image, centre, scale, rng.uniform(-family.turn, family.turn), rng.random() < 0.5, colour_cast)
    family.figure(pen, traits, rng)
    pixels: np.ndarray = np.asarray(image.reduce(2), dtype=np.float32)
    light, contrast = rng.uniform(0.85, 1.3), rng.uniform(0.85, 1.2)
    grain = texture(3, size, rng)[:, :, None] * rng.uniform(0.5, 4.0)
    pixels = (pixels - 115.0) * (contrast * light) + 115.0 * light + grain
    return np.clip(pixels, 0, 255).astype(np.uint8)


def draw_class(one: ObjectClass, numbers: Sequence[int], size: int, seed: int) -> list[bytes]:
    """Draw a class's images of the given numbers as JPEG files; each depends on (seed, class, number) alone."""
    traits = Traits(one.path, f"object world {seed}", one.family.settings)
    return [to_jpeg(draw_object(one, traits, size, Random(f"{seed}|{one.name}|{number}"))) for number in numbers]


def draw_classes(
    classes: Sequence[ObjectClass], counts: Sequence[int], size: int, seed: int, threads: int
) -> Iterator[list[bytes]]:
    """Draw images 0 to count - 1 of every class, in order, in `threads` processes.

    The result does not depend on the number of processes."""
    numbers = [range(count) for count in counts]
    if threads <= 1:
        for one, some in zip(classes, numbers, strict=True):
            yield draw_class(one, some, size, seed)
        return
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(threads, mp_context=context) as pool:
        yield from pool.map(draw_class, classes, numbers, [size] * len(classes), [seed] * len(classes))
