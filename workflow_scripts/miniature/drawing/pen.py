"""A pen that draws filled shapes in a figure's own coordinates, and the colours it draws with."""

import colorsys
import math
from collections.abc import Sequence
from random import Random

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]
Range = tuple[float, float]

_CIRCLE = [complex(math.cos(2 * math.pi * i / 18), math.sin(2 * math.pi * i / 18)) for i in range(18)]

# Hue, saturation and value in [0, 1]; a hue beyond 1 wraps round.
PALETTES: dict[str, tuple[Range, Range, Range]] = {
    "fur": ((0.03, 0.12), (0.08, 0.68), (0.16, 0.92)),
    "grey": ((0.05, 0.62), (0.0, 0.12), (0.12, 0.95)),
    "skin": ((0.02, 0.1), (0.1, 0.4), (0.25, 0.8)),
    "plumage": ((-0.02, 0.7), (0.1, 0.9), (0.18, 0.95)),
    "scales": ((0.06, 0.42), (0.2, 0.8), (0.22, 0.8)),
    "marine": ((0.0, 0.72), (0.2, 0.9), (0.3, 0.95)),
    "chitin": ((-0.05, 0.4), (0.4, 0.95), (0.12, 0.85)),
    "petals": ((-0.3, 0.2), (0.3, 0.95), (0.7, 1.0)),
    "leaf": ((0.2, 0.42), (0.4, 0.9), (0.25, 0.75)),
    "fruit": ((-0.06, 0.33), (0.6, 0.95), (0.45, 0.95)),
    "food": ((0.02, 0.14), (0.3, 0.9), (0.35, 0.9)),
    "paint": ((0.0, 1.0), (0.15, 0.95), (0.25, 0.95)),
    "cloth": ((0.0, 1.0), (0.05, 0.85), (0.15, 0.95)),
    "wood": ((0.04, 0.11), (0.35, 0.8), (0.25, 0.75)),
    "metal": ((0.5, 0.65), (0.0, 0.15), (0.25, 0.85)),
    "brass": ((0.09, 0.14), (0.4, 0.85), (0.5, 0.9)),
    "glass": ((0.2, 0.65), (0.05, 0.6), (0.35, 0.85)),
    "stone": ((0.03, 0.14), (0.03, 0.4), (0.35, 0.85)),
    "plastic": ((0.0, 1.0), (0.0, 0.5), (0.15, 0.95)),
}


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """Return a colour as red, green, blue in 0..255 from hue (wrapped), saturation and value in [0, 1]."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, min(1.0, max(0.0, saturation)), min(1.0, max(0.0, value)))
    return round(red * 255), round(green * 255), round(blue * 255)


def shade(colour: Colour, factor: float) -> Colour:
    """Return the colour `factor` times as bright, cut off at 255."""
    red, green, blue = colour
    return min(255, int(red * factor)), min(255, int(green * factor)), min(255, int(blue * factor))


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return `one` with a share in [0, 1] of `other`."""
    red, green, blue = (int(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


class Pen:
    """Draws on an image in local coordinates: x to the right, y down, a figure fills about -1..1 in both.

    `centre` is in pixels, `scale` in pixels per unit, `angle` in radians, `flip` mirrors x; `tint` multiplies the
    colours' channels.
    """

    def __init__(
        self,
        image: Image.Image,
        centre: Point,
        scale: float,
        angle: float = 0.0,
        flip: bool = False,
        tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> None:
        self._draw = ImageDraw.Draw(image)
        self._centre = complex(*centre)
        self._turn = scale * complex(math.cos(angle), math.sin(angle))
        self._scale = scale
        self._sign = -1.0 if flip else 1.0
        self._tint = tint

    def _tinted(self, colour: Colour) -> Colour:
        red, green, blue = self._tint
        return min(255, int(colour[0] * red)), min(255, int(colour[1] * green)), min(255, int(colour[2] * blue))

    def _place(self, points: Sequence[Point]) -> list[Point]:
        placed = []
        for x, y in points:
            point = self._centre + self._turn * complex(self._sign * x, y)
            placed.append((point.real, point.imag))
        return placed

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._place(points), fill=self._tinted(colour))

    def ellipse(self, x: float, y: float, width: float, height: float, colour: Colour, angle: float = 0.0) -> None:
        """Fill an ellipse round (x, y) with half-axes `width` and `height`, turned by `angle` radians."""
        turn = complex(math.cos(angle), math.sin(angle))
        points = [turn * complex(width * p.real, height * p.imag) for p in _CIRCLE]
        self.polygon([(x + p.real, y + p.imag) for p in points], colour)

    def line(self, points: Sequence[Point], width: float, colour: Colour) -> None:
        """Draw a line of the given width (at least one pixel) through the points, its joints rounded."""
        pixels = max(1, round(width * self._scale))
        self._draw.line(
            self._place(points), fill=self._tinted(colour), width=pixels, joint="curve" if pixels > 2 else None
        )

    def taper(self, points: Sequence[Point], start: float, end: float, colour: Colour) -> None:
        """Draw a limb through the points whose width shrinks or grows from `start` to `end`."""
        left, right = [], []
        last = len(points) - 1
        for i, (x, y) in enumerate(points):
            before, after = points[max(0, i - 1)], points[min(last, i + 1)]
            dx, dy = after[0] - before[0], after[1] - before[1]
            length = math.hypot(dx, dy) or 1.0
            half = (start + (end - start) * i / last) / 2
            left.append((x - dy / length * half, y + dx / length * half))
            right.append((x + dy / length * half, y - dx / length * half))
        self.polygon(left + right[::-1], colour)

    def ball(self, x: float, y: float, width: float, height: float, colour: Colour, angle: float = 0.0) -> None:
        """Fill an ellipse that looks round: dark below, lighter above."""
        self.ellipse(x, y, width, height, shade(colour, 0.72), angle)
        self.ellipse(x, y - 0.12 * height, width * 0.94, height * 0.84, colour, angle)
        self.ellipse(x + 0.05 * width, y - 0.4 * height, width * 0.55, height * 0.35, shade(colour, 1.15), angle)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def eye(self, x: float, y: float, size: float) -> None:
        """Draw a dark eye with a glint."""
        self.ellipse(x, y, size, size, (15, 12, 10))
        self.ellipse(x + 0.3 * size, y - 0.3 * size, 0.35 * size, 0.35 * size, (230, 230, 225))


def markings(
    pen: Pen, pattern: str, colour: Colour, x: float, y: float, width: float, height: float, count: int, rng: Random
) -> None:
    """Draw a pattern inside the ellipse round (x, y); a name that is not known here leaves it plain."""

    def half_height(across: float) -> float:
        return height * math.sqrt(max(0.0, 1 - across * across))

    if pattern in ("stripes", "bands"):
        thick = (0.55 if pattern == "bands" else 0.32) * 1.6 * width / count
        for i in range(count):
            across = -0.8 + 1.6 * (i + 0.5) / count
            reach = half_height(across) * 0.95
            pen.line([(x + across * width, y - reach), (x + across * width * 0.96, y + reach * 0.8)], thick, colour)
    elif pattern in ("spots", "speckles"):
        many, radius = (count + 2, 0.13) if pattern == "spots" else (3 * count, 0.05)
        for i in range(many):
            across = -0.8 + 1.6 * (i + rng.random()) / many
            up = half_height(across) * rng.uniform(-0.8, 0.7)
            pen.ellipse(x + across * width, y + up, radius * height + 0.02, radius * height + 0.02, colour)
    elif pattern == "patches":
        for across, up, size in ((-0.5, -0.25, 0.34), (0.15, 0.1, 0.4), (0.6, -0.3, 0.25)):
            pen.ellipse(x + across * width, y + up * height, size * width, size * height * 1.3, colour)
    elif pattern == "saddle":
        pen.ellipse(x - 0.05 * width, y - 0.4 * height, 0.72 * width, 0.52 * height, colour)
    elif pattern == "belly":
        pen.ellipse(x, y + 0.5 * height, 0.75 * width, 0.42 * height, colour)
    elif pattern == "halves":
        pen.ellipse(x - 0.45 * width, y, 0.5 * width, 0.86 * height, colour)
