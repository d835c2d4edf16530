"""Figures of food, plants and fungi."""

import math
from random import Random

from miniature.drawing.pen import Pen, markings, shade
from miniature.drawing.traits import Traits


def fruit(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a fruit or a vegetable: a rounded body, a stem, leaves."""
    skin, second = traits.colour("skin", "fruit"), traits.colour("second", "fruit", "leaf")
    wide, tall = traits.between("wide", 0.3, 0.62), traits.between("tall", 0.35, 0.72)
    top = traits.between("top", 0.3, 1.0)
    count = 1 + (traits.uniform("bunch") > 0.6) * 2
    for i in range(count):
        x = 0.0 if count == 1 else -0.45 + 0.45 * i
        size = 1.0 if count == 1 else 0.75
        y = 0.15 + (0.18 if count > 1 and i == 1 else 0.0)
        pen.ball(x, y, wide * size, tall * size, skin)
        pen.ball(x, y - 0.45 * tall * size, wide * top * size * 0.8, tall * 0.55 * size, skin)
        markings(
            pen,
            traits.choice("pattern", "plain", "speckles", "stripes", "halves"),
            second,
            x,
            y,
            wide * size,
            tall * size,
            5,
            rng,
        )
        pen.line([(x, y - tall * size * 0.85), (x + 0.06, y - tall * size - 0.2)], 0.06, (90, 70, 40))
    leaves = traits.whole("leaves", 0, 4)
    for i in range(leaves):
        a = -1.57 + 0.6 * (i - (leaves - 1) / 2)
        pen.taper(
            [
                (0, -tall + 0.25),
                (0.22 * math.cos(a), -tall + 0.25 + 0.25 * math.sin(a)),
                (0.5 * math.cos(a), -tall + 0.25 + 0.5 * math.sin(a)),
            ],
            0.16,
            0.03,
            traits.colour("leaf", "leaf"),
        )


def dish(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a dish: a plate or bowl, a layer or heap of food, toppings."""
    plate = traits.colour("plate", "grey", "plastic")
    food, second = traits.colour("food", "food"), traits.colour("second", "fruit", "food")
    flat = traits.between("flat", 0.35, 0.75)
    heap = traits.between("heap", 0.0, 0.45)
    pen.ellipse(0, 0.2, 0.95, flat, shade(plate, 0.7))
    pen.ellipse(0, 0.15, 0.92, flat * 0.95, shade(plate, 1.2))
    pen.ball(0, 0.12 - 0.5 * heap, 0.68, flat * 0.6 + 0.5 * heap, food)
    if traits.choice("shape", "heap", "roll", "layers") == "layers":
        for i in range(3):
            pen.ellipse(0, 0.2 - 0.2 * i, 0.6, 0.18, second if i % 2 else food)
    elif traits.choice("shape", "heap", "roll", "layers") == "roll":
        pen.taper([(-0.75, 0.15), (0.75, -0.05)], 0.42, 0.4, food)
        pen.taper([(-0.6, 0.06), (0.6, -0.12)], 0.1, 0.1, second)
    for i in range(traits.whole("toppings", 0, 8)):
        a = 2.4 * i + rng.uniform(0, 0.5)
        radius = 0.1 + 0.05 * i
        pen.ellipse(radius * 1.3 * math.cos(a), 0.05 - 0.6 * heap + radius * 0.8 * math.sin(a), 0.09, 0.08, second)


def mushroom(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a fungus: a cap on a stem, gills or dots."""
    cap, stem = traits.colour("cap", "fruit", "food", "fur"), traits.colour("stem", "stone", "skin")
    wide, tall = traits.between("wide", 0.4, 0.85), traits.between("tall", 0.2, 0.75)
    thick = traits.between("thick", 0.12, 0.4)
    for x, size in ((0.0, 1.0), (0.62, 0.5 * rng.uniform(0.7, 1.2))):
        top = 0.8 - 0.9 * size
        pen.taper([(x, 0.82), (x, top)], thick * size * 1.2, thick * size, stem)
        pen.ellipse(x, top + 0.04, wide * size, 0.12 * size, shade(stem, 0.75))
        pen.polygon(
            [
                (x + size * wide * math.cos(a), top - size * tall * math.sin(a))
                for a in (0, 0.4, 0.9, 1.57, 2.2, 2.7, 3.14)
            ],
            cap,
        )
        if traits.choice("dots", "yes", "no") == "yes":
            for dx, dy in ((-0.45, 0.35), (0.05, 0.65), (0.45, 0.3), (-0.1, 0.25)):
                pen.ellipse(
                    x + dx * wide * size,
                    top - dy * tall * size,
                    0.08 * size,
                    0.07 * size,
                    traits.colour("second", "stone", "fruit"),
                )


def flower(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a plant in flower: stem, leaves, petals round a heart."""
    petal, heart = traits.colour("petal", "petals"), traits.colour("heart", "fruit", "fur")
    leaf = traits.colour("leaf", "leaf")
    petals = traits.whole("petals", 4, 11)
    long, wide = traits.between("long", 0.28, 0.55), traits.between("wide", 0.1, 0.26)
    bend = rng.uniform(-0.15, 0.15)
    heads = traits.whole("heads", 1, 3)
    pen.line([(bend, 1.0), (0, 0.4), (0, -0.2)], 0.06, leaf)
    for side in (-1, 1):
        pen.taper(
            [(0, 0.6), (side * 0.35, 0.45), (side * traits.between("leaf_long", 0.4, 0.75), 0.35)],
            0.2,
            0.02,
            shade(leaf, 0.85),
        )
    for head in range(heads):
        x, y, size = ((0.0, -0.3, 1.0), (0.55, 0.0, 0.55), (-0.5, 0.1, 0.5))[head]
        if head:
            pen.line([(0, 0.5), (x, y)], 0.04, leaf)
        turn = rng.uniform(0, 1)
        for i in range(petals):
            a = turn + 6.283 * i / petals
            reach = 0.6 * long * size
            pen.ellipse(
                x + reach * math.cos(a),
                y + 0.85 * reach * math.sin(a),
                long * 0.6 * size,
                wide * size,
                shade(petal, 0.85 + 0.15 * (i % 2)),
                a,
            )
        pen.ball(
            x,
            y,
            0.17 * size * traits.between("heart_size", 0.6, 1.5),
            0.16 * size * traits.between("heart_size", 0.6, 1.5),
            heart,
        )


def shrub(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a plant by its leaves: fern, grass, shrub, tree, seaweed."""
    leaf, second = traits.colour("leaf", "leaf"), traits.colour("second", "fruit", "leaf", "petals")
    kind = traits.choice("kind", "fern", "blades", "tree", "round")
    count = traits.whole("count", 5, 9)
    if kind == "tree":
        pen.taper([(0, 0.9), (0, -0.1)], 0.2, 0.1, (95, 72, 50))
        for x, y, size in ((-0.35, -0.1, 0.38), (0.35, -0.15, 0.38), (0.0, -0.45, 0.45)):
            pen.ball(x, y, size, size * traits.between("tall", 0.7, 1.2), leaf)
    else:
        for i in range(count):
            a = -1.57 + 1.2 * (i - (count - 1) / 2) / (count / 2) + rng.uniform(-0.08, 0.08)
            tip = (0.95 * math.cos(a), 0.8 + 1.5 * math.sin(a))
            mid = (0.4 * math.cos(a), 0.8 + 0.9 * math.sin(a))
            colour = shade(leaf, 0.8 + 0.25 * (i % 2))
            if kind == "round":
                pen.line([(0, 0.85), mid], 0.03, shade(leaf, 0.6))
                pen.ellipse(tip[0] * 0.8, tip[1] * 0.7, 0.2, 0.16 * traits.between("tall", 0.7, 1.4), colour, a)
            else:
                pen.taper([(0, 0.85), mid, tip], 0.16, 0.02, colour)
                if kind == "fern":
                    for share in (0.35, 0.6, 0.85):
                        x, y = tip[0] * share, 0.85 + (tip[1] - 0.85) * share
                        pen.ellipse(x, y, 0.2 * (1.1 - share), 0.05, colour, a + 1.0)
                        pen.ellipse(x, y, 0.2 * (1.1 - share), 0.05, colour, a - 1.0)
    for i in range(traits.whole("berries", 0, 7)):
        pen.ellipse(0.5 * math.cos(2.4 * i), -0.15 + 0.45 * math.sin(2.4 * i), 0.07, 0.07, second)
