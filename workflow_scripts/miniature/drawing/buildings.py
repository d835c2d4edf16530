"""Figures of buildings and landforms."""

import math
from random import Random

from miniature.drawing.pen import Pen, shade
from miniature.drawing.traits import Traits


def house(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a building: walls, a roof, windows, a door."""
    wall = traits.colour("wall", "stone", "wood", "paint")
    roof = traits.colour("roof", "wood", "metal", "stone")
    wide = traits.between("wide", 0.5, 0.95)
    tall = traits.between("tall", 0.5, 1.1)
    kind = traits.choice("roof_kind", "gable", "flat", "dome", "hip", "towers")
    base = 0.75
    top = base - tall
    if kind == "gable":
        pen.polygon([(-wide - 0.1, top), (0, top - traits.between("pitch", 0.25, 0.6)), (wide + 0.1, top)], roof)
    elif kind == "hip":
        pen.polygon([(-wide - 0.08, top), (-0.6 * wide, top - 0.3), (0.6 * wide, top - 0.3), (wide + 0.08, top)], roof)
    elif kind == "dome":
        pen.ball(0, top, 0.65 * wide, 0.45, roof)
        pen.line([(0, top - 0.4), (0, top - 0.7)], 0.04, roof)
    elif kind == "towers":
        for side in (-1, 1):
            pen.box(side * wide * 0.8 - 0.15, top - 0.35, side * wide * 0.8 + 0.15, base, shade(wall, 0.85))
            pen.polygon(
                [
                    (side * wide * 0.8 - 0.2, top - 0.35),
                    (side * wide * 0.8, top - 0.75),
                    (side * wide * 0.8 + 0.2, top - 0.35),
                ],
                roof,
            )
    pen.box(-wide, top, wide, base, wall)
    pen.box(0.55 * wide, top, wide, base, shade(wall, 0.8))
    if kind == "flat":
        pen.box(-wide - 0.05, top - 0.1, wide + 0.05, top + 0.03, roof)
    columns, rows = traits.whole("columns", 2, 5), traits.whole("rows", 1, 3)
    pane = traits.colour("pane", "glass")
    for i in range(columns):
        for j in range(rows):
            x = -wide + 2 * wide * (i + 0.5) / columns
            y = top + (tall - 0.3) * (j + 0.5) / rows
            pen.box(
                x - 0.3 * wide / columns, y - 0.22 * tall / rows, x + 0.3 * wide / columns, y + 0.18 * tall / rows, pane
            )
    door = traits.between("door", 0.08, 0.3)
    pen.box(-door, base - 0.32, door, base, traits.colour("door_colour", "wood", "paint"))
    if traits.choice("sign", "no", "no") == "yes":
        pen.box(-0.9 * wide, base - 0.48, 0.9 * wide, base - 0.34, traits.colour("awning", "paint"))


def tower(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw something tall and thin: lighthouse, obelisk, pole, fountain, statue."""
    wall = traits.colour("wall", "stone", "paint", "metal")
    second = traits.colour("second", "stone", "paint")
    foot, top = traits.between("foot", 0.1, 0.4), traits.between("top", 0.05, 0.26)
    pen.box(-foot - 0.15, 0.78, foot + 0.15, 0.92, shade(wall, 0.7))
    pen.polygon([(-foot, 0.8), (-top, -0.6), (top, -0.6), (foot, 0.8)], wall)
    pen.polygon([(0.3 * foot, 0.8), (0.3 * top, -0.6), (top, -0.6), (foot, 0.8)], shade(wall, 0.75))
    rings = traits.whole("rings", 0, 4)
    for i in range(rings):
        y = -0.45 + 1.1 * i / rings
        half = top + (foot - top) * (y + 0.6) / 1.4
        pen.box(-half, y, half, y + 0.5 / rings, second)
    cap = traits.choice("cap", "point", "ball", "box", "wide")
    if cap == "point":
        pen.polygon([(-top, -0.6), (0, -1.0), (top, -0.6)], second)
    elif cap == "ball":
        pen.ball(0, -0.72, top + 0.1, top + 0.1, second)
    elif cap == "box":
        pen.box(-top - 0.08, -0.9, top + 0.08, -0.58, second)
    else:
        pen.polygon([(-0.55, -0.62), (0, -0.85), (0.55, -0.62)], second)


def bridge(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a bridge, a dock or a viaduct: a deck on piers, with cables or arches."""
    stone = traits.colour("wall", "stone", "metal", "paint")
    deck = traits.between("deck", -0.05, 0.3)
    piers = traits.whole("piers", 2, 5)
    cables = traits.choice("cables", "yes", "no", "arch")
    if cables == "arch":
        arch = [(math.cos(a), deck - 0.65 * math.sin(a)) for a in (0.0, 0.5, 1.0, 1.57, 2.1, 2.6, 3.14)]
        pen.line(arch, 0.09, stone)
        for x, y in arch[1:-1]:
            pen.line([(x, y), (x, deck)], 0.03, stone)
    for i in range(piers):
        x = -0.85 + 1.7 * i / (piers - 1)
        if cables == "yes":
            pen.box(x - 0.05, deck - 0.6, x + 0.05, deck, stone)
            pen.line(
                [(x, deck - 0.58), (x + 0.85 / (piers - 1), deck - 0.1), (x + 1.7 / (piers - 1), deck - 0.58)],
                0.03,
                shade(stone, 0.8),
            )
        pen.box(x - 0.09, deck, x + 0.09, 0.8, shade(stone, 0.75))
    pen.box(-1.1, deck - 0.05, 1.1, deck + 0.1, stone)


def fence(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a fence, a wall, a gate or a rack: uprights and rails."""
    wood = traits.colour("wood", "wood", "stone", "metal", "paint")
    posts = traits.whole("posts", 3, 9)
    rails = traits.whole("rails", 1, 4)
    tall = traits.between("tall", 0.4, 0.8)
    half = traits.between("thick", 0.2, 0.75) / posts
    for i in range(rails):
        y = 0.7 - tall * (i + 0.6) / rails
        pen.box(-1.0, y - 0.05, 1.0, y + 0.05, shade(wood, 0.8))
    for i in range(posts):
        x = -0.9 + 1.8 * i / (posts - 1)
        pen.box(x - half, 0.72 - tall, x + half, 0.75, wood)
        if traits.choice("tips", "yes", "no") == "yes":
            pen.polygon([(x - half, 0.72 - tall), (x, 0.6 - tall), (x + half, 0.72 - tall)], shade(wood, 1.1))


def land(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a landform that fills the view: mountain, volcano, cliff, reef, shore."""
    rock = traits.colour("rock", "stone", "leaf")
    second = traits.colour("second", "grey", "fruit", "leaf")
    peak = traits.between("peak", 0.1, 1.0)
    flat = traits.between("flat", 0.02, 0.35)
    steep = traits.between("steep", 0.2, 0.8)
    shift = rng.uniform(-0.3, 0.3)
    pen.polygon([(-1.6, 0.6), (-1.0, 0.3 - 0.4 * peak), (-0.4, 0.6)], shade(rock, 0.75))
    pen.polygon(
        [
            (-1.3, 0.6),
            (shift - flat - 0.4 * (1 - steep), 0.3 - peak),
            (shift + flat, 0.3 - peak),
            (1.3 - 0.5 * steep, 0.6),
        ],
        rock,
    )
    pen.polygon(
        [(shift, 0.6), (shift + flat * 0.5, 0.3 - peak), (shift + flat, 0.3 - peak), (1.3 - 0.5 * steep, 0.6)],
        shade(rock, 0.7),
    )
    pen.polygon(
        [
            (shift - flat - 0.1, 0.45 - 0.9 * peak),
            (shift - flat, 0.28 - peak),
            (shift + flat, 0.28 - peak),
            (shift + flat + 0.1, 0.5 - 0.9 * peak),
        ],
        second,
    )
    water = traits.colour("water", "marine", "leaf")
    pen.polygon([(-1.8, 0.58), (1.8, 0.58), (1.8, 1.3), (-1.8, 1.3)], water)
    for i in range(4):
        pen.line([(-0.9 + 0.5 * i, 0.75), (-0.6 + 0.5 * i, 0.75)], 0.04, shade(water, 1.25))
