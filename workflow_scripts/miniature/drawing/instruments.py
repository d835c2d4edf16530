"""Figures of tools, weapons and musical instruments."""

from random import Random

from miniature.drawing.pen import Pen, shade
from miniature.drawing.traits import Traits


def tool(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a tool or a weapon: a handle and a working end."""
    grip, metal = traits.colour("grip", "wood", "paint"), traits.colour("metal", "metal", "brass")
    long = traits.between("long", 0.6, 1.0)
    thick = traits.between("thick", 0.07, 0.2)
    neck = traits.between("neck", -0.3, 0.2) * long
    end = traits.choice("end", "blade", "hammer", "spade", "round", "hook", "brush", "point")
    pen.taper([(-long, 0), (neck, 0)], thick * 1.2, thick * 0.8, grip)
    pen.taper([(neck - 0.05, 0), (0.6 * long, 0)], thick * 0.6, thick * 0.5, metal)
    size = traits.between("size", 0.15, 0.35)
    if end == "blade":
        pen.polygon([(neck, -0.6 * size), (long, -0.2 * size), (0.85 * long, 0.6 * size), (neck, 0.4 * size)], metal)
    elif end == "hammer":
        pen.box(0.45 * long, -1.4 * size, 0.45 * long + 0.8 * size, 1.2 * size, metal)
    elif end == "spade":
        pen.polygon(
            [(0.4 * long, -size), (0.8 * long, -0.8 * size), (long, 0), (0.8 * long, 0.8 * size), (0.4 * long, size)],
            metal,
        )
    elif end == "round":
        pen.ball(0.7 * long, 0, size * 1.3, size * 1.1, metal)
        pen.ellipse(0.7 * long, 0, size * 0.8, size * 0.65, shade(metal, 0.55))
    elif end == "hook":
        pen.line(
            [(0.5 * long, 0), (0.85 * long, -0.1), (0.85 * long, 1.6 * size), (0.6 * long, 1.7 * size)], 0.09, metal
        )
    elif end == "brush":
        for i in range(5):
            pen.line(
                [(0.5 * long, 0.2 * size * (i - 2)), (long, 0.5 * size * (i - 2))],
                0.06,
                traits.colour("bristle", "wood", "cloth"),
            )
    else:
        pen.taper([(0.3 * long, 0), (long, 0)], thick * 0.9, 0.02, metal)
    pen.line([(-0.9 * long, -0.2 * thick), (neck, -0.15 * thick)], 0.2 * thick, shade(grip, 1.3))


def instrument(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a stringed instrument: two lobes, a neck, strings."""
    wood, second = traits.colour("wood", "wood", "paint"), traits.colour("second", "wood")
    low, high = traits.between("low", 0.3, 0.5), traits.between("high", 0.15, 0.38)
    pen.box(-0.07, -0.95, 0.07, 0.0, second)
    pen.box(-0.13, -1.05, 0.13, -0.85, shade(second, 0.7))
    pen.ball(0, 0.05, high, 0.28, wood)
    pen.ball(0, 0.5, low, 0.36, wood)
    pen.ellipse(0, 0.25, 0.13 * traits.between("hole", 0.6, 1.3), 0.13 * traits.between("hole", 0.6, 1.3), (30, 22, 18))
    pen.box(-0.2, 0.6, 0.2, 0.67, shade(second, 0.6))
    for x in (-0.04, 0.0, 0.04):
        pen.line([(x, -0.9), (x, 0.62)], 0.012, (225, 220, 205))


def horn(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a wind instrument: a tube, keys and a bell."""
    metal = traits.colour("metal", "brass", "metal", "wood")
    bell = traits.between("bell", 0.1, 0.45)
    bent = traits.between("bent", 0.0, 0.6)
    thick = traits.between("thick", 0.06, 0.16)
    path = [(-0.9, -0.3), (-0.2, -0.05), (0.3, 0.15), (0.55, 0.1 - bent)]
    pen.taper(path, thick, thick * 1.5, metal)
    pen.taper([path[2], (0.55, 0.1 - bent), (0.72, -0.05 - 1.3 * bent)], thick * 1.4, 2 * bell, shade(metal, 0.9))
    pen.ellipse(0.74, -0.08 - 1.35 * bent, 0.12, bell * 0.8, shade(metal, 0.6))
    for i in range(traits.whole("keys", 2, 6)):
        pen.ellipse(-0.6 + 0.17 * i, -0.27 + 0.07 * i, 0.055, 0.055, shade(metal, 0.5))


def keyboard(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a piano, an organ, a typewriter or a xylophone: a case with a row of keys."""
    wood, keys = traits.colour("wood", "wood", "paint"), traits.colour("keys", "grey", "plastic")
    tall = traits.between("tall", 0.2, 0.8)
    count = traits.whole("count", 7, 12)
    pen.box(-0.9, 0.2 - tall, 0.9, 0.25, wood)
    pen.box(-0.82, 0.27 - tall, 0.82, 0.1, shade(wood, 0.75))
    for i in range(count):
        x = -0.9 + 1.8 * i / count
        pen.box(x + 0.01, 0.12, x + 1.75 / count, 0.42, keys if i % 2 else shade(keys, 0.9))
        if i % 3:
            pen.box(x - 0.04, 0.12, x + 0.04, 0.3, (25, 25, 28))
    for x in (-0.85, 0.75):
        pen.box(x, 0.42, x + 0.1, 0.9, shade(wood, 0.65))


def drum(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a drum: a barrel with a skin and cords."""
    body, skin = traits.colour("body", "paint", "wood"), traits.colour("skin", "stone", "grey")
    wide, tall = traits.between("wide", 0.4, 0.8), traits.between("tall", 0.25, 0.75)
    pen.box(-wide, -tall * 0.6, wide, tall, body)
    pen.ellipse(0, tall, wide, 0.18, shade(body, 0.7))
    for i in range(5):
        x = -wide + wide * 0.4 * i
        pen.line(
            [(x, -0.5 * tall), (x + 0.2 * wide, tall), (x + 0.4 * wide, -0.5 * tall)],
            0.035,
            traits.colour("cord", "stone", "paint"),
        )
    pen.ellipse(0, -tall * 0.6, wide, 0.22, shade(skin, 0.7))
    pen.ellipse(0, -tall * 0.6 - 0.03, wide * 0.94, 0.19, skin)
