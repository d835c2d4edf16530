"""Backgrounds that a person would call a place: sky, horizon and ground, with what grows or stands there."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from miniature.drawing.pen import Colour, Range, hsv
from miniature.drawing.scene_elements import (
    Canvas,
    paint_big_leaves,
    paint_boards,
    paint_bushes,
    paint_clouds,
    paint_conifers,
    paint_crowns,
    paint_hills,
    paint_houses,
    paint_ripples,
    paint_rocks,
    paint_sea,
    paint_trunks,
    paint_tufts,
    paint_weeds,
    paint_windows,
)

_TEXTURE_SIZE = 512


@cache
def textures() -> np.ndarray:
    """Return four smooth grey textures, float32 (4, 512, 512), each of mean 0 and standard deviation 1."""
    generator = np.random.default_rng(20230724)
    layers = []
    for scales in ((64, 128, 512), (16, 64, 512), (8, 32, 256), (128, 256, 512)):
        total = np.zeros((_TEXTURE_SIZE, _TEXTURE_SIZE), np.float32)
        for scale in scales:
            noise = Image.fromarray(generator.standard_normal((scale, scale)).astype(np.float32))
            total += np.asarray(noise.resize((_TEXTURE_SIZE, _TEXTURE_SIZE), Image.Resampling.BICUBIC))
        layers.append((total - total.mean()) / total.std())
    return np.stack(layers)


def texture(kind: int, size: int, rng: Random) -> np.ndarray:
    """Return a random square of texture `kind` (0 to 3), float32 (size, size); `size` is at most 512."""
    left, top = (int(rng.random() * (_TEXTURE_SIZE - size + 1)) for _ in range(2))
    return textures()[kind, top : top + size, left : left + size]


Hsv = tuple[Range, Range, Range]


@dataclass(frozen=True)
class Place:
    """A kind of place.

    Colours above and below the horizon, the horizon (share of the height), roughness of the ground, elements."""

    sky: Hsv
    ground: Hsv
    horizon: Range
    roughness: Range
    elements: tuple[Callable[[Canvas], None], ...]


_DAY: Hsv = ((0.53, 0.62), (0.05, 0.5), (0.65, 0.98))
PLACES: dict[str, Place] = {
    "grassland": Place(
        _DAY,
        ((0.18, 0.33), (0.3, 0.65), (0.35, 0.7)),
        (0.25, 0.5),
        (8, 18),
        (
            paint_clouds,
            lambda c: paint_hills(c, False),
            lambda c: paint_crowns(c, False),
            lambda c: paint_tufts(c, (70, 110, 40)),
        ),
    ),
    "savanna": Place(
        ((0.1, 0.6), (0.05, 0.3), (0.75, 0.98)),
        ((0.1, 0.15), (0.35, 0.6), (0.5, 0.8)),
        (0.25, 0.5),
        (8, 20),
        (lambda c: paint_crowns(c, True), lambda c: paint_tufts(c, (150, 120, 55))),
    ),
    "forest": Place(
        ((0.2, 0.36), (0.3, 0.6), (0.2, 0.5)),
        ((0.06, 0.3), (0.3, 0.6), (0.2, 0.42)),
        (0.3, 0.55),
        (10, 24),
        (lambda c: paint_trunks(c, (88, 68, 50)), lambda c: paint_bushes(c, (50, 85, 40))),
    ),
    "desert": Place(
        _DAY,
        ((0.07, 0.12), (0.3, 0.6), (0.65, 0.9)),
        (0.25, 0.5),
        (4, 12),
        (
            lambda c: paint_hills(c, False),
            lambda c: paint_rocks(c, (170, 135, 100)),
            lambda c: paint_bushes(c, (110, 115, 60)),
        ),
    ),
    "snow": Place(
        ((0.55, 0.62), (0.02, 0.2), (0.6, 0.92)),
        ((0.55, 0.65), (0.0, 0.1), (0.8, 0.97)),
        (0.28, 0.55),
        (3, 9),
        (lambda c: paint_hills(c, True), paint_conifers),
    ),
    "mountain": Place(
        _DAY,
        ((0.06, 0.3), (0.1, 0.4), (0.3, 0.6)),
        (0.35, 0.6),
        (10, 22),
        (paint_clouds, lambda c: paint_hills(c, True), lambda c: paint_rocks(c, (130, 125, 118))),
    ),
    "water": Place(
        _DAY,
        ((0.45, 0.6), (0.25, 0.6), (0.35, 0.7)),
        (0.2, 0.5),
        (4, 12),
        (paint_clouds, lambda c: paint_hills(c, False), paint_ripples),
    ),
    "shore": Place(
        _DAY,
        ((0.09, 0.13), (0.15, 0.4), (0.65, 0.9)),
        (0.2, 0.45),
        (5, 12),
        (paint_clouds, paint_sea, lambda c: paint_rocks(c, (140, 130, 115))),
    ),
    "underwater": Place(
        ((0.45, 0.6), (0.4, 0.8), (0.5, 0.8)),
        ((0.5, 0.63), (0.5, 0.85), (0.2, 0.45)),
        (0.7, 1.0),
        (6, 14),
        (paint_weeds,),
    ),
    "litter": Place(
        ((0.05, 0.12), (0.3, 0.55), (0.3, 0.5)),
        ((0.05, 0.12), (0.3, 0.55), (0.3, 0.55)),
        (0.0, 0.05),
        (12, 28),
        (paint_big_leaves,),
    ),
    "leaves": Place(
        ((0.2, 0.38), (0.3, 0.7), (0.25, 0.6)),
        ((0.2, 0.38), (0.4, 0.7), (0.2, 0.5)),
        (0.3, 0.7),
        (6, 14),
        (paint_big_leaves,),
    ),
    "sky": Place(_DAY, ((0.53, 0.62), (0.1, 0.5), (0.6, 0.95)), (0.85, 1.0), (2, 8), (paint_clouds,)),
    "street": Place(_DAY, ((0.0, 0.6), (0.0, 0.1), (0.3, 0.6)), (0.35, 0.55), (4, 10), (paint_houses,)),
    "room": Place(
        ((0.0, 1.0), (0.02, 0.35), (0.5, 0.95)),
        ((0.03, 0.12), (0.15, 0.6), (0.3, 0.75)),
        (0.55, 0.75),
        (2, 7),
        (paint_windows,),
    ),
    "table": Place(
        ((0.0, 1.0), (0.02, 0.45), (0.3, 0.9)),
        ((0.04, 0.12), (0.1, 0.6), (0.35, 0.85)),
        (0.3, 0.6),
        (3, 9),
        (paint_boards,),
    ),
    "studio": Place(
        ((0.0, 1.0), (0.0, 0.3), (0.6, 1.0)), ((0.0, 1.0), (0.0, 0.3), (0.5, 0.95)), (0.6, 0.9), (1, 4), ()
    ),
}


def _pick(colour: Hsv, rng: Random) -> Colour:
    hue, saturation, value = colour
    return hsv(rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value))


def draw_place(kind: str, size: int, rng: Random) -> tuple[Image.Image, float]:
    """Draw a place of a kind in `PLACES`; return an RGB image (size x size) and its horizon in pixels from the top."""
    place = PLACES[kind]
    far, near = _pick(place.sky, rng), _pick(place.ground, rng)
    horizon = rng.uniform(*place.horizon) * size
    rows = np.arange(size, dtype=np.float32)
    below = rows >= horizon
    above_share = np.clip(rows / max(1.0, horizon), 0, 1)[:, None]
    below_share = np.clip((rows - horizon) / max(1.0, size - horizon), 0, 1)[:, None]
    far_row, near_row = np.array(far, np.float32), np.array(near, np.float32)
    sky = far_row * (0.88 + 0.16 * above_share)
    ground = near_row * (0.8 + 0.3 * below_share)
    base = np.where(below[:, None], ground, sky)
    rough = np.where(below, rng.uniform(*place.roughness), 1.5).astype(np.float32)
    relief = texture(int(rng.random() * 4), size, rng) * rough[:, None]
    image = Image.fromarray(np.clip(base[:, None, :] + relief[:, :, None], 0, 255).astype(np.uint8))
    canvas = Canvas(ImageDraw.Draw(image), size, horizon, far, near, rng)
    for element in place.elements:
        element(canvas)
    return image, horizon
