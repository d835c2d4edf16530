"""Figures of things that move people and goods, from the side."""

import math
from random import Random

from miniature.drawing.pen import Colour, Pen, shade
from miniature.drawing.traits import Traits

_TYRE = (28, 28, 30)
_PANE = (165, 195, 210)


def _wheel(pen: Pen, x: float, y: float, radius: float, hub: Colour) -> None:
    pen.ellipse(x, y, radius, radius, _TYRE)
    pen.ellipse(x, y, radius * 0.55, radius * 0.55, hub)
    pen.ellipse(x, y, radius * 0.18, radius * 0.18, _TYRE)


def car(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a car, a truck or a bus: body, cabin, windows, wheels."""
    paint = traits.colour("paint", "paint")
    second = traits.colour("second", "paint", "metal")
    tall = traits.between("tall", 0.16, 0.4)
    cabin = traits.between("cabin", 0.15, 0.4)
    start, end = traits.between("start", -0.85, -0.1), traits.between("end", 0.2, 0.85)
    slant = traits.between("slant", 0.02, 0.25)
    wheel = traits.between("wheel", 0.14, 0.26)
    floor = 0.35
    pen.polygon(
        [
            (start, floor - tall),
            (start + slant, floor - tall - cabin),
            (end - slant, floor - tall - cabin),
            (end, floor - tall),
        ],
        shade(paint, 0.85),
    )
    windows = traits.whole("windows", 1, 4)
    for i in range(windows):
        left = start + slant + (end - start - 2 * slant) * (i + 0.08) / windows
        right = start + slant + (end - start - 2 * slant) * (i + 0.9) / windows
        pen.box(left, floor - tall - 0.82 * cabin, right, floor - tall - 0.06, _PANE)
    pen.polygon(
        [
            (-0.92, floor),
            (-0.92, floor - 0.8 * tall),
            (-0.8, floor - tall),
            (0.82, floor - tall),
            (0.94, floor - 0.7 * tall),
            (0.94, floor),
        ],
        paint,
    )
    if traits.choice("stripe", "yes", "no", "no") == "yes":
        pen.box(-0.92, floor - 0.6 * tall, 0.94, floor - 0.4 * tall, second)
    if traits.choice("cargo", "none") == "box":
        pen.box(-0.92, floor - tall - 1.4 * cabin, start - 0.03, floor - 0.5 * tall, second)
    if traits.choice("top", "none") == "light":
        pen.box(0.05, floor - tall - cabin - 0.1, 0.2, floor - tall - cabin, (225, 60, 50))
    pen.box(0.86, floor - 0.7 * tall, 0.94, floor - 0.5 * tall, (250, 240, 180))
    pen.box(-0.92, floor - 0.14 * tall, 0.94, floor, shade(paint, 0.55))
    axles = traits.whole("axles", 2, 2)
    for i in range(axles):
        _wheel(pen, -0.58 + 1.16 * i / (axles - 1), floor, wheel, (170, 170, 175))


def cycle(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a bicycle, a motor cycle, a cart: open wheels and a frame."""
    paint = traits.colour("paint", "paint")
    wheel = traits.between("wheel", 0.26, 0.42)
    body = traits.between("body", 0.0, 0.25)
    ground = 0.72
    lean = rng.uniform(-0.03, 0.03)
    hubs = (-0.5, 0.5)
    for x in hubs:
        pen.ellipse(x, ground - wheel, wheel, wheel, _TYRE)
        pen.ellipse(x, ground - wheel, wheel * 0.78, wheel * 0.78, (186, 190, 188))
        for i in range(4):
            a = 0.8 * i + lean
            pen.line(
                [
                    (x - wheel * math.cos(a), ground - wheel - wheel * math.sin(a)),
                    (x + wheel * math.cos(a), ground - wheel + wheel * math.sin(a)),
                ],
                0.02,
                (90, 90, 90),
            )
    y = ground - wheel
    if body > 0.1:
        pen.ball(0.0, y - 0.12, 0.42, body, paint)
        pen.ellipse(0.18, y - 0.12 - body, 0.22, 0.12, shade(paint, 1.1))
    for one, other in (
        ((-0.5, y), (0, y)),
        ((0, y), (0.35, y - 0.42)),
        ((-0.5, y), (-0.15, y - 0.42)),
        ((-0.15, y - 0.42), (0, y)),
        ((-0.15, y - 0.4), (0.35, y - 0.42)),
        ((0.5, y), (0.32, y - 0.55)),
    ):
        pen.line([one, other], 0.07, paint)
    handle = traits.between("handle", 0.05, 0.3)
    pen.line([(0.32, y - 0.55), (0.3 - handle, y - 0.62)], 0.05, (40, 40, 40))
    pen.ellipse(-0.2, y - 0.48, 0.18, 0.06, (40, 35, 35))


def wagon(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a railway engine, a tram or a tank: a long box on many wheels."""
    paint = traits.colour("paint", "paint", "metal")
    second = traits.colour("second", "paint", "metal")
    tall = traits.between("tall", 0.3, 0.7)
    nose = traits.between("nose", 0.0, 0.4)
    wheels = traits.whole("wheels", 3, 6)
    floor = 0.4
    pen.polygon(
        [(-1.0, floor), (-1.0, floor - tall), (0.95 - nose, floor - tall), (1.0, floor - 0.4 * tall), (1.0, floor)],
        paint,
    )
    pen.box(-1.0, floor - 0.35 * tall, 1.0, floor - 0.2 * tall, second)
    windows = traits.whole("windows", 0, 6)
    for i in range(windows):
        x = -0.9 + 1.5 * i / windows
        pen.box(x, floor - 0.85 * tall, x + 1.0 / windows, floor - 0.5 * tall, _PANE)
    if traits.choice("chimney", "no", "no", "yes") == "yes":
        pen.box(0.45, floor - tall - 0.28, 0.6, floor - tall, shade(paint, 0.5))
        smoke = rng.uniform(0.1, 0.3)
        pen.ellipse(0.4 - smoke, floor - tall - 0.42, 0.22, 0.12, (215, 215, 215))
    for i in range(wheels):
        _wheel(pen, -0.8 + 1.6 * i / (wheels - 1), floor + 0.06, 0.75 / wheels, second)


def boat(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a boat or a ship: hull, and mast with sails or a cabin with a funnel."""
    hull = traits.colour("hull", "paint", "wood")
    sail = traits.colour("sail", "cloth", "grey")
    deep = traits.between("deep", 0.14, 0.32)
    rake = traits.between("rake", 0.05, 0.35)
    kind = traits.choice("rig", "sail", "cabin", "open")
    base = 0.55
    if kind == "sail":
        masts = traits.whole("masts", 1, 3)
        for i in range(masts):
            x = -0.45 + 0.9 * (i + 0.5) / masts
            tall = traits.between("mast", 0.8, 1.25)
            pen.line([(x, base - deep), (x, base - deep - tall)], 0.05, (80, 60, 45))
            belly = rng.uniform(0.2, 0.35) * 1.6 / masts
            pen.polygon(
                [(x + 0.03, base - deep - tall), (x + 0.06 + belly, base - deep - 0.15), (x + 0.03, base - deep - 0.1)],
                sail,
            )
            pen.polygon(
                [
                    (x - 0.03, base - deep - 0.85 * tall),
                    (x - 0.03 - belly, base - deep - 0.15),
                    (x - 0.03, base - deep - 0.1),
                ],
                shade(sail, 0.8),
            )
    elif kind == "cabin":
        decks = traits.whole("decks", 1, 3)
        for i in range(decks):
            half = traits.between("cabin", 0.35, 0.65) * (1 - 0.25 * i)
            top = base - deep - 0.22 * (i + 1)
            pen.box(-half, top, half * 0.8, top + 0.22, shade(sail, 1.0 - 0.1 * i))
            for j in range(4):
                pen.ellipse(-0.8 * half + 0.4 * half * j, top + 0.1, 0.05, 0.05, (40, 50, 60))
        pen.box(
            -0.15, base - deep - 0.22 * decks - 0.3, 0.05, base - deep - 0.22 * decks, traits.colour("funnel", "paint")
        )
    else:
        pen.line([(-0.2, base - deep - 0.25), (0.35, base + 0.1)], 0.05, (120, 90, 60))
        pen.ball(-0.1, base - deep - 0.12, 0.13, 0.16, traits.colour("funnel", "cloth"))
    pen.polygon([(-0.9, base - deep), (1.0, base - deep - 0.06), (1.0 - rake, base), (-0.85 + rake * 0.5, base)], hull)
    pen.polygon(
        [
            (-0.88, base - 0.9 * deep),
            (0.98, base - 0.9 * deep - 0.05),
            (0.95, base - 0.6 * deep),
            (-0.86, base - 0.6 * deep),
        ],
        traits.colour("second", "paint", "grey"),
    )
    pen.line([(-1.1, base), (1.15, base)], 0.05, (215, 228, 235))


def aircraft(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw an aeroplane, an airship, a rocket: fuselage, wings and fin."""
    body = traits.colour("body", "metal", "paint")
    second = traits.colour("second", "paint")
    thick = traits.between("thick", 0.14, 0.42)
    wing = traits.between("wing", 0.0, 0.6)
    sweep = traits.between("sweep", 0.1, 0.45)
    pen.polygon([(-0.65, 0), (-0.98, -0.35 - 0.3 * wing), (-0.8, -0.35 - 0.3 * wing), (-0.4, -0.03)], second)
    pen.polygon([(0.25, 0.0), (-0.1 - sweep, -0.5 * wing), (-0.25 - sweep, -0.5 * wing), (-0.15, 0)], shade(body, 0.7))
    pen.ball(0, 0, 0.9, thick, body)
    pen.ellipse(0, 0.25 * thick, 0.8, 0.2 * thick, second)
    for i in range(6):
        pen.ellipse(-0.45 + 0.18 * i, -0.25 * thick, 0.035, 0.035, (50, 60, 75))
    pen.polygon([(0.7, -0.5 * thick), (0.86, -0.2 * thick), (0.66, -0.15 * thick)], (50, 60, 75))
    pen.polygon(
        [(0.3, 0.05), (-0.15 - sweep, 0.1 + 0.75 * wing), (-0.35 - sweep, 0.1 + 0.75 * wing), (-0.2, 0.05)],
        shade(body, 0.8),
    )
    if traits.choice("basket", "no", "no", "yes") == "yes":
        pen.box(-0.2, thick, 0.2, thick + 0.15, shade(second, 0.7))


def balloon(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a hot-air balloon or a parachute: a striped envelope over a basket."""
    one, other = traits.colour("body", "paint"), traits.colour("second", "paint")
    pen.ball(0, -0.25, 0.6, 0.65, one)
    for x in (-0.32, 0.0, 0.32):
        pen.ellipse(x, -0.25, 0.09, 0.6, other)
    for x in (-0.3, 0.3):
        pen.line([(x, 0.25), (x * 0.4, 0.75)], 0.025, (70, 60, 50))
    pen.box(-0.16, 0.7, 0.16, 0.92, (120, 85, 50))
