"""The object world in the six styles of DomainNet: a figure as a photograph, in lines, flat, or from a brush.

The figure has the same shape in every style. Its colours are kept in photographs, clipart and infographs, shifted to
warm ones in paintings, reduced to light and dark in sketches, and gone in quick drawings. Every constant is our choice.
"""

from collections.abc import Callable
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from miniature.drawing.domainnet_figures import (
    HastyPen,
    draw_figure,
    edges,
    flat_figure,
    generator,
    halved,
    on_ground,
    smooth,
    thicker,
    wobbled,
)
from miniature.drawing.pen import Colour, Pen, hsv
from miniature.drawing.scenery import draw_place, texture
from miniature.drawing.traits import Traits
from miniature.object_world import ObjectClass, draw_object

Style = Callable[[ObjectClass, Traits, int, Random], np.ndarray]
Box = tuple[float, float, float, float]

_PLACES = 0.6  # the part of the photographs that show a place
WHITE: Colour = (255, 255, 255)


def draw_in_style(domain: str, one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """Draw one image of a class in the style of a domain (a key of `STYLES`), uint8 (size, size, 3).

    Pose, scale and what varies within a style come from `rng`, the rest from the traits.
    """
    return STYLES[domain](one, traits, size, rng)


def photograph(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """The object world's own image before a place, or a product's before a plain light wall with its shadow."""
    if rng.random() < _PLACES:
        return draw_object(one, traits, size, rng)
    side = 2 * size
    light = rng.uniform(200, 255)
    wall = np.full((side, side, 3), light) * np.array([rng.uniform(0.93, 1.0) for _ in range(3)])
    image = Image.fromarray(wall.astype(np.uint8))
    ImageDraw.Draw(image).ellipse((0.15 * side, 0.8 * side, 0.85 * side, 0.95 * side), fill=(round(0.8 * light),) * 3)
    draw_figure(one, traits, image, rng, Pen)
    grain = texture(3, side, rng)[:, :, None] * rng.uniform(0.5, 3.0)
    return halved(np.asarray(image, np.float32) * rng.uniform(0.9, 1.1) + grain)


def sketch(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """Pencil on paper: every outline drawn twice with an unsteady hand, dark parts and often a ground hatched."""
    side = 2 * size
    figure = flat_figure(one, traits, side, rng)
    lines = np.zeros((side, side), np.float32)
    for strength in (1.0, 0.65):
        lines = np.maximum(lines, strength * thicker(edges(wobbled(figure, 1.1, 9, rng), 36)))
    empty = on_ground(figure)
    darkness = np.where(empty, 0, 1 - figure.mean(axis=2) / 255)
    rows, columns = np.indices((side, side), sparse=True)
    if rng.random() < 0.6:  # a ground to stand on, or a wall behind
        share = (rows - rng.uniform(0.3, 0.9) * side) / (0.3 * side)
        darkness += empty * np.clip(share, 0, 1) * rng.uniform(0.2, 0.6)
    hatching = (rows + rng.choice((-1, 1)) * columns + np.rint(2 * smooth(side, 8, rng)).astype(np.int64)) % 5 < 2
    tone = darkness * np.where(hatching, rng.uniform(0.7, 1.0), rng.uniform(0.1, 0.6))
    pressure = 0.85 + 0.12 * texture(1, side, rng)
    ink = np.clip(np.maximum(lines, tone) * pressure, 0, 1)
    paper = rng.uniform(205, 252) + 3.0 * texture(3, side, rng)
    grey = paper - ink * (paper - rng.uniform(25, 75))
    warmth = np.array([0, rng.uniform(-4, 1), rng.uniform(-18, 2)], np.float32)
    return halved(grey[:, :, None] + warmth * (grey[:, :, None] / 255))


def quickdraw(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """A drawing of a few seconds: thin black lines on white, shaky and without details."""
    side = 2 * size
    figure = flat_figure(one, traits, side, rng, HastyPen)
    lines = thicker(edges(wobbled(figure, rng.uniform(1.5, 3.0), 5, rng), 70))
    return halved(np.repeat(np.where(lines, 0, 255)[:, :, None], 3, axis=2))


def clipart(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """Flat, saturated colours inside bold outlines, on white or on a plain colour."""
    side = 2 * size
    ground = np.array(WHITE if rng.random() < 0.6 else hsv(rng.random(), rng.uniform(0.1, 0.5), 0.97), np.int16)
    picture = np.broadcast_to(ground, (side, side, 3)).copy()
    _paste_clipart(picture, flat_figure(one, traits, side, rng), (0, 0))
    return halved(picture)


def _paste_clipart(picture: np.ndarray, figure: np.ndarray, corner: tuple[int, int]) -> None:
    """Put a flat figure with vivid colours and bold outlines into an image, its corner at (row, column)."""
    row, column = corner
    side = figure.shape[0]
    ground = on_ground(figure)
    outline = thicker(edges(figure, 36)) | thicker(thicker(edges(ground[:, :, None].astype(np.int16), 1)))
    lighter = 45 + 0.82 * figure  # so that outlines show on what is black
    grey = lighter.mean(axis=2, keepdims=True)
    vivid = np.clip(grey + 2 * (lighter - grey), 0, 255).astype(np.int16)
    vivid = vivid // 43 * 51  # six levels a channel, 0 and 255 among them
    view = picture[row : row + side, column : column + side]
    view[~ground] = vivid[~ground]
    view[outline] = 20


def painting(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """Oil: warm colours in strokes that follow a flow, broad ones for the place, small ones inside the figure."""
    side = 2 * size
    place, _ = draw_place(rng.choice(one.family.places), side, rng)
    image = place.copy()
    draw_figure(one, traits, image, rng, Pen, part=0.88)
    ground, scene = np.asarray(place, np.float32), np.asarray(image, np.float32)
    drawn = (scene != ground).any(axis=2)
    warmth = _Warmth(rng)
    flow = 1.2 * smooth(side, 4, rng) + rng.uniform(0, 3.1)
    random = generator(rng)
    canvas = _brushed(warmth(ground), ~drawn, 0.045 * side, 0.08 * side, flow, random)
    figure = _brushed(warmth(scene), drawn, 0.016 * side, 0.022 * side, flow, random)
    inside = wobbled(drawn, 0.7, 12, rng)
    canvas[inside] = figure[inside]
    return halved(canvas)


class _Warmth:
    """A shift of colours, float32 (side, side, 3) of 0 to 255, towards ochre, as a yellowed varnish does."""

    def __init__(self, rng: Random) -> None:
        self._ochre = np.array(hsv(rng.uniform(0.05, 0.13), rng.uniform(0.4, 0.7), 0.8), np.float32) / 170
        self._contrast, self._light = rng.uniform(0.95, 1.2), rng.uniform(95, 125)

    def __call__(self, scene: np.ndarray) -> np.ndarray:
        grey = scene.mean(axis=2, keepdims=True)
        painted = (0.65 * scene + 0.35 * grey) * (0.35 + 0.65 * self._ochre)
        warm: np.ndarray = np.clip((painted - 110) * self._contrast + self._light, 0, 255)
        return warm


def _brushed(
    scene: np.ndarray, where: np.ndarray, width: float, length: float, flow: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Paint strokes over a scene, float32 (side, side, 3), at random places of the mask `where` (side, side).

    A stroke has the colour of its middle and the direction of `flow` there (radians); `width` and half the `length`
    are in pixels. There are enough of them to cover the mask about twice.
    """
    image = Image.fromarray(scene.astype(np.uint8))
    brush = ImageDraw.Draw(image)
    places = np.stack(np.nonzero(where))
    strokes = int(places.shape[1] / (width * length))
    if strokes:
        rows, columns = places[:, random.integers(places.shape[1], size=strokes)]
        angle = flow[rows, columns] + random.normal(0, 0.15, strokes)
        across, down = length * np.cos(angle), length * np.sin(angle)
        colours = np.clip(scene[rows, columns] + random.normal(0, 8, (strokes, 1)), 0, 255).astype(int)
        ends = np.stack([columns - across, rows - down, columns + across, rows + down], axis=1)
        for end, colour in zip(ends.tolist(), colours.tolist(), strict=True):
            brush.line(end, fill=tuple(colour), width=max(1, round(width)))
    return np.array(image)


def infograph(one: ObjectClass, traits: Traits, size: int, rng: Random) -> np.ndarray:
    """A poster: a heading, boxes, bars and lines of what could be text, and the figure as clipart."""
    side = 2 * size
    hue = rng.random()
    dark = hsv(hue, rng.uniform(0.4, 0.9), rng.uniform(0.25, 0.6))
    ground = WHITE if rng.random() < 0.5 else hsv(hue + rng.uniform(-0.1, 0.1), rng.uniform(0.05, 0.3), 0.96)
    image = Image.new("RGB", (side, side), ground)
    pen = ImageDraw.Draw(image)
    heading = round(side * rng.uniform(0.1, 0.18))
    pen.rectangle((0, 0, side, heading), fill=dark)
    _words(pen, (0.1 * side, 0.35 * heading, 0.9 * side, 0.75 * heading), 1, WHITE, rng)
    part = round(side * rng.uniform(0.5, 0.66))
    left = rng.choice((round(0.02 * side), side - part - round(0.02 * side)))
    top = round(heading + rng.uniform(0.02, 0.98) * (side - part - heading))
    panel = hsv(hue + rng.choice((0.0, 0.33, 0.5)), rng.uniform(0.05, 0.35), 0.95)
    pen.rectangle((left, top, left + part, top + part), fill=panel)
    beside = (0.04 * side, left - 0.04 * side) if left > side / 4 else (left + part + 0.04 * side, 0.96 * side)
    middle = heading + (side - heading) * rng.uniform(0.4, 0.6)
    for low, high in ((heading + 0.06 * side, middle - 0.03 * side), (middle + 0.03 * side, 0.95 * side)):
        if rng.choice((0, 1, 2)) == 0:
            _bars(pen, (beside[0], low, beside[1], high), 4, dark, rng)
        else:
            _words(pen, (beside[0], low, beside[1], high), 6, dark, rng)
    if top + part < 0.88 * side:
        _words(pen, (left, top + part + 0.04 * side, left + part, 0.97 * side), 3, dark, rng)
    picture = np.asarray(image).astype(np.int16)
    _paste_clipart(picture, flat_figure(one, traits, part, rng), (top, left))
    return halved(picture)


def _words(pen: ImageDraw.ImageDraw, box: Box, lines: int, colour: Colour, rng: Random) -> None:
    """Fill a box with lines of short bars, as text looks from afar."""
    left, top, right, bottom = box
    pitch = (bottom - top) / lines
    for line in range(lines):
        x, y = left, top + line * pitch
        while x < right - 4:
            end = min(right, x + rng.uniform(5, 16))
            pen.rectangle((x, y, end, y + 0.5 * pitch), fill=colour)
            x = end + 4


def _bars(pen: ImageDraw.ImageDraw, box: Box, count: int, colour: Colour, rng: Random) -> None:
    """Draw a bar chart into a box."""
    left, top, right, bottom = box
    pitch = (right - left) / count
    for bar in range(count):
        x = left + bar * pitch
        pen.rectangle((x, bottom - (bottom - top) * rng.uniform(0.2, 1), x + 0.7 * pitch, bottom), fill=colour)


STYLES: dict[str, Style] = {
    "clipart": clipart,
    "infograph": infograph,
    "painting": painting,
    "quickdraw": quickdraw,
    "real": photograph,
    "sketch": sketch,
}
