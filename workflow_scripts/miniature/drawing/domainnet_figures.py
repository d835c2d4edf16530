"""What the styles of DomainNet have in common: plain pens, figures without light, their edges, and an unsteady hand."""

from collections.abc import Sequence
from random import Random

import numpy as np
from PIL import Image

from miniature.drawing.pen import Colour, Pen, Point
from miniature.drawing.traits import Traits
from miniature.object_world import ObjectClass

# A ground that no figure is drawn with.
_GROUND: Colour = (255, 0, 254)


class FlatPen(Pen):
    """A pen without light and shade: what looks round elsewhere is one flat ellipse."""

    def ball(self, x: float, y: float, width: float, height: float, colour: Colour, angle: float = 0.0) -> None:
        """Fill an ellipse."""
        self.ellipse(x, y, width, height, colour, angle)


class HastyPen(FlatPen):
    """A flat pen that leaves details out: shapes whose larger side is shorter than `_DETAIL`, and eyes."""

    _DETAIL = 0.14

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon unless it is a detail."""
        across = [x for x, _ in points]
        down = [y for _, y in points]
        if max(max(across) - min(across), max(down) - min(down)) >= self._DETAIL:
            super().polygon(points, colour)

    def eye(self, x: float, y: float, size: float) -> None:
        """Leave the eye out."""


def draw_figure(
    one: ObjectClass, traits: Traits, image: Image.Image, rng: Random, pen: type[Pen] = FlatPen, part: float = 0.95
) -> None:
    """Draw the figure about in the middle of a square image and some `part` of its width wide."""
    side = image.width
    scale = side / 2 * part * rng.uniform(0.75, 1.0)
    slack = side / 2 - scale
    centre = (side / 2 + rng.uniform(-0.6, 0.6) * slack, side / 2 + rng.uniform(-0.6, 0.6) * slack)
    turn = one.family.turn
    one.family.figure(pen(image, centre, scale, rng.uniform(-turn, turn), rng.random() < 0.5), traits, rng)


def flat_figure(one: ObjectClass, traits: Traits, side: int, rng: Random, pen: type[Pen] = FlatPen) -> np.ndarray:
    """Draw the figure alone on `_GROUND`: int16 (side, side, 3)."""
    image = Image.new("RGB", (side, side), _GROUND)
    draw_figure(one, traits, image, rng, pen)
    return np.asarray(image).astype(np.int16)


def generator(rng: Random) -> np.random.Generator:
    """Return a generator of arrays that follows from `rng`."""
    return np.random.default_rng(rng.getrandbits(64))


def smooth(side: int, cells: int, rng: Random) -> np.ndarray:
    """Return noise that changes over about side / cells pixels, float32 (side, side) of standard deviation near 1."""
    grid = generator(rng).standard_normal((cells, cells), np.float32)
    return np.asarray(Image.fromarray(grid).resize((side, side), Image.Resampling.BICUBIC))


def wobbled(picture: np.ndarray, by: float, cells: int, rng: Random) -> np.ndarray:
    """Shift every pixel of (side, side, ...) by some `by` pixels, its neighbours nearly as much: an unsteady hand."""
    side = picture.shape[0]
    rows, columns = np.indices((side, side), sparse=True)
    rows = rows + np.rint(by * smooth(side, cells, rng)).astype(np.int64)
    columns = columns + np.rint(by * smooth(side, cells, rng)).astype(np.int64)
    moved: np.ndarray = picture[np.clip(rows, 0, side - 1), np.clip(columns, 0, side - 1)]
    return moved


def thicker(lines: np.ndarray) -> np.ndarray:
    """Widen lines, bool (side, side), by a pixel to the right and below."""
    wide = lines.copy()
    wide[1:] |= lines[:-1]
    wide[:, 1:] |= wide[:, :-1]
    return wide


def edges(picture: np.ndarray, step: int) -> np.ndarray:
    """Return where the colour changes by `step` or more (sum over the channels): bool (side, side)."""
    lines = np.zeros(picture.shape[:2], bool)
    lines[1:] |= np.abs(picture[1:] - picture[:-1]).sum(axis=2) >= step
    lines[:, 1:] |= np.abs(picture[:, 1:] - picture[:, :-1]).sum(axis=2) >= step
    return lines


def on_ground(picture: np.ndarray) -> np.ndarray:
    """Return where nothing was drawn: bool (side, side)."""
    ground: np.ndarray = (picture == np.array(_GROUND, np.int16)).all(axis=2)
    return ground


def halved(pixels: np.ndarray) -> np.ndarray:
    """Average (2 size, 2 size, 3) of 0 to 255 down to uint8 (size, size, 3)."""
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return np.asarray(image.reduce(2))
