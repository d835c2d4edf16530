"""What grows, lies or stands in a place: painters of single elements of a scene."""

import math
from dataclasses import dataclass
from random import Random

from PIL import ImageDraw

from miniature.drawing.pen import Colour, hsv, mix, shade


@dataclass(frozen=True)
class Canvas:
    """What the painters of elements need: the drawing, its size and horizon in pixels, the scene's colours."""

    draw: ImageDraw.ImageDraw
    size: int
    horizon: float
    far: Colour
    near: Colour
    rng: Random

    def depth(self) -> tuple[float, float]:
        """Return a random height on the ground (pixels from the top) and the size of things there (1 at the bottom)."""
        along = self.rng.random() ** 1.5
        return self.horizon + along * (self.size - self.horizon), 0.25 + 0.75 * along


def paint_trunks(canvas: Canvas, colour: Colour) -> None:
    """Draw tree trunks that rise beyond the view."""
    for nearness in sorted(canvas.rng.random() for _ in range(canvas.rng.randint(3, 9))):
        x = canvas.rng.uniform(-0.05, 1.05) * canvas.size
        width = canvas.size * (0.02 + 0.09 * nearness * canvas.rng.random())
        foot = canvas.horizon + 0.7 * nearness * (canvas.size - canvas.horizon)
        lean = canvas.rng.uniform(-0.06, 0.06) * canvas.size
        bark = mix(canvas.far, shade(colour, canvas.rng.uniform(0.6, 1.2)), 0.3 + 0.7 * nearness)
        canvas.draw.polygon(
            [(x - width, foot), (x + lean - width * 0.6, 0), (x + lean + width * 0.5, 0), (x + width, foot)], fill=bark
        )
        canvas.draw.line(
            [(x + width * 0.5, foot), (x + lean + width * 0.3, 0)],
            fill=shade(bark, 1.25),
            width=max(1, int(width * 0.4)),
        )


def paint_crowns(canvas: Canvas, flat: bool) -> None:
    """Draw single trees with round or flat crowns."""
    for _ in range(canvas.rng.randint(1, 4)):
        x, base = canvas.rng.random() * canvas.size, canvas.horizon + canvas.rng.uniform(0.0, 0.06) * canvas.size
        tall = canvas.size * canvas.rng.uniform(0.12, 0.34)
        green = shade(hsv(canvas.rng.uniform(0.18, 0.36), 0.6, 0.42), canvas.rng.uniform(0.6, 1.2))
        canvas.draw.line([(x, base), (x, base - tall)], fill=(75, 58, 40), width=max(1, int(tall * 0.1)))
        wide, thick = (tall * 0.75, tall * 0.2) if flat else (tall * 0.45, tall * 0.42)
        canvas.draw.ellipse([x - wide, base - tall - thick, x + wide, base - tall + thick], fill=green)
        canvas.draw.ellipse(
            [x - wide * 0.6, base - tall - thick * 0.9, x + wide * 0.3, base - tall], fill=shade(green, 1.25)
        )


def paint_conifers(canvas: Canvas) -> None:
    """Draw conifers along the horizon."""
    for _ in range(canvas.rng.randint(3, 8)):
        x, base = canvas.rng.random() * canvas.size, canvas.horizon + canvas.rng.uniform(0.0, 0.08) * canvas.size
        tall = canvas.size * canvas.rng.uniform(0.12, 0.42)
        green = shade((38, 70, 52), canvas.rng.uniform(0.6, 1.3))
        for level in (0.0, 0.3, 0.6):
            wide = tall * 0.28 * (1 - level * 0.8)
            canvas.draw.polygon(
                [
                    (x - wide, base - level * tall),
                    (x, base - tall * min(1.0, level + 0.5)),
                    (x + wide, base - level * tall),
                ],
                fill=green,
            )


def paint_hills(canvas: Canvas, peaked: bool) -> None:
    """Draw hills or peaks beyond the horizon."""
    for layer in range(canvas.rng.randint(1, 2)):
        colour = mix(canvas.far, canvas.near, 0.25 + 0.25 * layer)
        points = [(0.0, canvas.horizon + 1)]
        steps = 5 if peaked else 9
        for i in range(steps + 1):
            rise = canvas.rng.uniform(0.02, 0.3 if peaked else 0.12) * canvas.size * (1 - 0.4 * layer)
            points.append((canvas.size * i / steps, canvas.horizon - rise))
        canvas.draw.polygon([*points, (canvas.size, canvas.horizon + 1)], fill=colour)


def paint_tufts(canvas: Canvas, colour: Colour) -> None:
    """Draw tufts of grass."""
    for _ in range(canvas.rng.randint(8, 26)):
        y, near = canvas.depth()
        x = canvas.rng.random() * canvas.size
        tall = canvas.size * 0.11 * near
        blade = shade(colour, canvas.rng.uniform(0.65, 1.3))
        for lean in (-0.5, 0.05, 0.5):
            canvas.draw.line([(x, y), (x + lean * tall, y - tall)], fill=blade, width=1)


def paint_bushes(canvas: Canvas, colour: Colour) -> None:
    """Draw bushes."""
    for _ in range(canvas.rng.randint(2, 6)):
        y, near = canvas.depth()
        x, radius = canvas.rng.random() * canvas.size, canvas.size * canvas.rng.uniform(0.06, 0.16) * near
        leaf = shade(colour, canvas.rng.uniform(0.55, 1.15))
        canvas.draw.ellipse([x - 1.4 * radius, y - 1.5 * radius, x + 1.4 * radius, y + 0.2 * radius], fill=leaf)
        canvas.draw.ellipse(
            [x - 0.9 * radius, y - 1.4 * radius, x + 0.5 * radius, y - 0.6 * radius], fill=shade(leaf, 1.2)
        )


def paint_rocks(canvas: Canvas, colour: Colour) -> None:
    """Draw rocks."""
    for _ in range(canvas.rng.randint(2, 7)):
        y, near = canvas.depth()
        x, radius = canvas.rng.random() * canvas.size, canvas.size * canvas.rng.uniform(0.03, 0.13) * near
        stone = shade(colour, canvas.rng.uniform(0.65, 1.2))
        canvas.draw.polygon(
            [
                (x - radius, y),
                (x - 0.7 * radius, y - 0.8 * radius),
                (x + 0.2 * radius, y - 1.1 * radius),
                (x + radius, y - 0.3 * radius),
                (x + radius, y),
            ],
            fill=stone,
        )
        canvas.draw.polygon(
            [(x - 0.7 * radius, y - 0.8 * radius), (x + 0.2 * radius, y - 1.1 * radius), (x, y - 0.6 * radius)],
            fill=shade(stone, 1.2),
        )


def paint_ripples(canvas: Canvas) -> None:
    """Draw ripples on water."""
    for _ in range(canvas.rng.randint(10, 24)):
        y, near = canvas.depth()
        x, half = canvas.rng.random() * canvas.size, canvas.size * 0.1 * near
        canvas.draw.line(
            [(x - half, y), (x + half, y)], fill=shade(canvas.near, canvas.rng.choice((0.75, 1.3))), width=1
        )


def paint_weeds(canvas: Canvas) -> None:
    """Draw water plants and bubbles."""
    for _ in range(canvas.rng.randint(2, 7)):
        x, tall = canvas.rng.random() * canvas.size, canvas.size * canvas.rng.uniform(0.15, 0.5)
        sway = canvas.rng.uniform(-0.08, 0.08) * canvas.size
        green = hsv(canvas.rng.uniform(0.2, 0.5), 0.6, canvas.rng.uniform(0.2, 0.5))
        canvas.draw.line(
            [(x, canvas.size), (x + sway, canvas.size - tall / 2), (x - sway, canvas.size - tall)],
            fill=green,
            width=max(2, canvas.size // 32),
        )
    for _ in range(canvas.rng.randint(0, 6)):
        x, y, radius = (canvas.rng.random() * canvas.size for _ in range(3))
        radius *= 0.02
        canvas.draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(200, 220, 230))


def paint_big_leaves(canvas: Canvas) -> None:
    """Draw leaves seen from near by."""
    hue = canvas.rng.uniform(0.08, 0.36)
    for _ in range(canvas.rng.randint(7, 14)):
        x, y = canvas.rng.random() * canvas.size, canvas.rng.random() * canvas.size
        angle, long = canvas.rng.uniform(0, 6.28), canvas.size * canvas.rng.uniform(0.12, 0.34)
        dx, dy = long * math.cos(angle), long * math.sin(angle)
        leaf = hsv(hue + canvas.rng.uniform(-0.05, 0.05), 0.6, canvas.rng.uniform(0.2, 0.6))
        canvas.draw.polygon(
            [(x - dx, y - dy), (x - dy * 0.4, y + dx * 0.4), (x + dx, y + dy), (x + dy * 0.4, y - dx * 0.4)], fill=leaf
        )
        canvas.draw.line([(x - dx, y - dy), (x + dx, y + dy)], fill=shade(leaf, 1.3), width=1)


def paint_clouds(canvas: Canvas) -> None:
    """Draw clouds."""
    for _ in range(canvas.rng.randint(0, 4)):
        x, y = canvas.rng.random() * canvas.size, canvas.rng.random() * canvas.horizon * 0.7
        wide = canvas.size * canvas.rng.uniform(0.08, 0.22)
        for shift, size in ((-0.6, 0.6), (0.0, 1.0), (0.7, 0.5)):
            canvas.draw.ellipse(
                [x + (shift - size) * wide, y - 0.4 * size * wide, x + (shift + size) * wide, y + 0.4 * size * wide],
                fill=mix(canvas.far, (250, 250, 250), 0.6),
            )


def paint_windows(canvas: Canvas) -> None:
    """Draw windows or pictures on a wall, and the edge of the floor."""
    for _ in range(canvas.rng.randint(0, 2)):
        x, y = canvas.rng.uniform(0, 0.8) * canvas.size, canvas.rng.uniform(0.02, 0.25) * canvas.size
        wide, tall = canvas.size * canvas.rng.uniform(0.12, 0.3), canvas.size * canvas.rng.uniform(0.12, 0.3)
        canvas.draw.rectangle(
            [x, y, x + wide, y + tall],
            fill=hsv(canvas.rng.random(), 0.3, canvas.rng.uniform(0.3, 0.9)),
            outline=shade(canvas.far, 0.6),
        )
    canvas.draw.line(
        [(0, canvas.horizon), (canvas.size, canvas.horizon)],
        fill=shade(canvas.near, 0.6),
        width=max(1, canvas.size // 40),
    )


def paint_boards(canvas: Canvas) -> None:
    """Draw the boards of a table."""
    for i in range(1, canvas.rng.randint(2, 5)):
        y = canvas.horizon + (canvas.size - canvas.horizon) * i / 4
        canvas.draw.line([(0, y), (canvas.size, y)], fill=shade(canvas.near, 0.8), width=1)


def paint_houses(canvas: Canvas) -> None:
    """Draw a row of houses and the line of a road."""
    x = -0.1 * canvas.size
    while x < canvas.size:
        wide, tall = canvas.size * canvas.rng.uniform(0.12, 0.3), canvas.size * canvas.rng.uniform(0.1, 0.42)
        wall = hsv(canvas.rng.uniform(0, 0.15), canvas.rng.uniform(0.05, 0.4), canvas.rng.uniform(0.4, 0.8))
        canvas.draw.rectangle([x, canvas.horizon - tall, x + wide, canvas.horizon], fill=mix(wall, canvas.far, 0.35))
        for row in range(2):
            top = canvas.horizon - tall * (0.85 - 0.35 * row)
            canvas.draw.rectangle([x + wide * 0.2, top, x + wide * 0.4, top + tall * 0.15], fill=shade(wall, 0.55))
            canvas.draw.rectangle([x + wide * 0.6, top, x + wide * 0.8, top + tall * 0.15], fill=shade(wall, 0.55))
        x += wide + canvas.size * canvas.rng.uniform(0.0, 0.12)
    middle = (canvas.horizon + canvas.size) / 2
    canvas.draw.line([(0, middle), (canvas.size, middle)], fill=(205, 205, 190), width=1)


def paint_sea(canvas: Canvas) -> None:
    """Draw a strip of sea and its surf."""
    low = canvas.horizon + 0.25 * (canvas.size - canvas.horizon)
    canvas.draw.rectangle(
        [0, canvas.horizon, canvas.size, low],
        fill=hsv(canvas.rng.uniform(0.48, 0.6), 0.5, canvas.rng.uniform(0.4, 0.7)),
    )
    canvas.draw.line([(0, low), (canvas.size, low)], fill=(235, 235, 230), width=max(1, canvas.size // 50))
