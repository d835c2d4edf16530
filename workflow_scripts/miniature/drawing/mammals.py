"""Figures of mammals, seen from the side, facing right."""

import math
from random import Random

from miniature.drawing.pen import Colour, Pen, markings, mix, shade
from miniature.drawing.traits import Traits

_HORN = (205, 195, 170)


def _leg(pen: Pen, x: float, top: float, foot: float, swing: float, width: float, colour: Colour) -> None:
    knee = (top + foot) / 2
    pen.taper([(x, top), (x + swing * 0.3, knee), (x + swing, foot)], width * 1.4, width * 0.8, colour)
    pen.ellipse(x + swing + width * 0.35, foot, width * 0.75, width * 0.35, shade(colour, 0.6))


def _head(pen: Pen, traits: Traits, x: float, y: float, coat: Colour, second: Colour, nod: float) -> None:
    """Draw a head round (x, y): skull, snout, ear, eye and whatever grows on it."""
    size = traits.between("head", 0.15, 0.28)
    snout = traits.between("snout", 0.3, 1.3) * size
    ear = traits.between("ear", 0.2, 1.1) * size
    kind = traits.choice("ear_kind", "pointed", "round", "hanging")
    horns = traits.choice("horns", "none")
    if traits.between("mane", 0, 0) > 0.5:
        pen.ellipse(x - 0.4 * size, y + 0.2 * size, size * 1.7, size * 1.8, shade(second, 0.8))
    if kind == "pointed":
        pen.polygon(
            [
                (x - 0.75 * size, y - 0.4 * size),
                (x - 0.45 * size, y - 0.8 * size - ear),
                (x + 0.1 * size, y - 0.7 * size),
            ],
            shade(coat, 0.75),
        )
    elif kind == "round":
        pen.ellipse(x - 0.5 * size, y - 0.8 * size, 0.55 * ear, 0.55 * ear, shade(coat, 0.7))
    if horns == "straight":
        pen.taper([(x, y - 0.7 * size), (x - 0.5 * size, y - 2.4 * size)], 0.3 * size, 0.06 * size, _HORN)
    elif horns == "curved":
        pen.taper(
            [
                (x, y - 0.7 * size),
                (x - 0.5 * size, y - 1.7 * size),
                (x - 1.4 * size, y - 1.6 * size),
                (x - 1.7 * size, y - 0.8 * size),
            ],
            0.4 * size,
            0.1 * size,
            _HORN,
        )
    elif horns == "antlers":
        pen.line([(x, y - 0.7 * size), (x - 0.6 * size, y - 2.5 * size)], 0.16 * size, _HORN)
        pen.line([(x - 0.25 * size, y - 1.4 * size), (x + 0.5 * size, y - 2.2 * size)], 0.14 * size, _HORN)
        pen.line([(x - 0.4 * size, y - 1.9 * size), (x - 1.4 * size, y - 2.4 * size)], 0.14 * size, _HORN)
    pen.ball(x, y, size * 1.05, size * 0.92, coat)
    tip = (x + 0.6 * size + snout, y + (0.35 + nod) * size)
    pen.taper(
        [(x + 0.35 * size, y + 0.15 * size), tip],
        size * 1.1,
        size * traits.between("muzzle", 0.35, 0.75),
        mix(coat, second, traits.between("mask", 0, 0.7)),
    )
    pen.ellipse(tip[0], tip[1] - 0.12 * size, 0.17 * size, 0.15 * size, (25, 20, 20))
    if horns == "tusks":
        pen.taper(
            [(x + 0.6 * size, y + 0.5 * size), (x + 1.5 * size, y + 0.9 * size), (x + 1.9 * size, y + 0.4 * size)],
            0.2 * size,
            0.06 * size,
            (235, 230, 215),
        )
    if horns == "trunk":
        pen.taper(
            [(x + 0.8 * size, y), (x + 1.5 * size, y + 1.2 * size), (x + 1.4 * size, y + 2.6 * size)],
            0.6 * size,
            0.3 * size,
            coat,
        )
    if kind == "hanging":
        pen.ellipse(
            x - 0.45 * size, y + 0.1 * size, 0.32 * size + 0.15 * ear, 0.35 * size + 0.5 * ear, shade(coat, 0.68)
        )
    pen.eye(x + 0.35 * size, y - 0.25 * size, max(0.022, 0.15 * size))


def quadruped(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a four-legged mammal: dogs, cats, bears, ungulates, rodents and the like."""
    coat = traits.colour("coat", "fur", "fur", "grey")
    second = traits.colour("second", "fur", "grey")
    length = traits.between("length", 0.45, 0.66)
    depth = traits.between("depth", 0.18, 0.34)
    leg = traits.between("leg", 0.2, 0.55)
    width = traits.between("leg_width", 0.07, 0.15)
    neck = traits.between("neck", 0.02, 0.35)
    tail = traits.between("tail", 0.1, 0.6)
    step = rng.uniform(-0.16, 0.16)
    nod = rng.uniform(-0.1, 0.45)
    base = -0.12
    foot = base + depth + leg
    legs = mix(coat, second, traits.between("stockings", 0, 0.8))
    for x, swing in ((-0.72, step), (0.62, -step)):
        _leg(pen, x * length, base + 0.3 * depth, foot - 0.03, swing, width, shade(legs, 0.6))
    droop = traits.between("tail_droop", -0.4, 0.5) + rng.uniform(-0.15, 0.15)
    root = (-0.92 * length, base - 0.3 * depth)
    thick = traits.between("tail_width", 0.03, 0.16)
    pen.taper(
        [
            root,
            (root[0] - 0.5 * tail, root[1] + 0.4 * droop * tail),
            (root[0] - 0.8 * tail, root[1] + droop * tail * 1.6),
        ],
        thick,
        thick * traits.between("tail_tip", 0.4, 1.4),
        shade(coat, 0.8),
    )
    pen.ball(0, base, length, depth, coat)
    hump = traits.between("hump", 0, 0.15)
    pen.ellipse(0.3 * length, base - 0.3 * depth - hump, 0.45 * length, 0.7 * depth, coat)
    markings(
        pen,
        traits.choice("pattern", "plain", "plain", "saddle", "belly", "patches"),
        second,
        0,
        base,
        length,
        depth,
        traits.whole("marks", 4, 8),
        rng,
    )
    for x, swing in ((-0.6, -step), (0.72, step)):
        _leg(pen, x * length, base + 0.3 * depth, foot, swing, width, legs)
    head = (0.9 * length + 0.35 * neck + 0.06, base - 0.45 * depth - neck * (1 - 0.8 * nod))
    pen.taper([(0.6 * length, base - 0.1 * depth), head], depth * 1.3, traits.between("throat", 0.16, 0.28), coat)
    _head(pen, traits, head[0], head[1], coat, second, nod)


def primate(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a monkey or an ape, sitting: upright trunk, long arms, a bare face."""
    coat = traits.colour("coat", "fur", "grey")
    face = traits.colour("face", "skin", "grey")
    bulk = traits.between("bulk", 0.2, 0.4)
    arm = traits.between("arm", 0.5, 0.95)
    tail = traits.between("tail", 0.0, 1.0)
    head = traits.between("head", 0.2, 0.3)
    sway = rng.uniform(-0.25, 0.25)
    if tail > 0.3:
        pen.taper(
            [(-0.2, 0.55), (-0.6, 0.6), (-0.75, 0.6 - 0.8 * tail), (-0.55, 0.5 - tail)], 0.09, 0.05, shade(coat, 0.75)
        )
    pen.taper([(-0.1, -0.15), (-0.35, 0.2), (-0.3 + sway, -0.15 + arm)], 0.17, 0.11, shade(coat, 0.65))
    pen.ball(0, 0.2, bulk, 0.5, coat)
    pen.ellipse(0.1, 0.25, bulk * 0.5, 0.3, mix(coat, face, traits.between("chest", 0.1, 0.9)))
    pen.taper([(-0.1, 0.5), (0.35, 0.35), (0.3, 0.75)], 0.24, 0.13, shade(coat, 0.85))
    pen.ellipse(0.36, 0.76, 0.13, 0.05, face)
    pen.taper([(0.08, -0.15), (0.38, 0.12), (0.35 - sway, -0.2 + arm)], 0.17, 0.11, shade(coat, 0.9))
    x, y = 0.08 + rng.uniform(-0.06, 0.1), -0.45
    for side in (-1, 1):
        pen.ellipse(x + side * head * 0.95, y, 0.09, 0.1, face)
    pen.ball(x, y, head, head * 1.05, coat)
    pen.ellipse(x + 0.04, y + 0.06, head * 0.68, head * traits.between("mask", 0.5, 0.8), face)
    pen.ellipse(x + 0.06, y + head * 0.5, head * 0.4, head * 0.28, shade(face, 0.8))
    for side in (-1, 1):
        pen.ellipse(x + 0.05 + side * head * 0.3, y - 0.02, 0.035, 0.04, (15, 10, 8))


def sea_mammal(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a whale or a seal: one smooth body, flippers, a fluke."""
    back = traits.colour("coat", "grey")
    belly = traits.colour("second", "grey")
    depth = traits.between("depth", 0.2, 0.36)
    bend = rng.uniform(-0.2, 0.2)
    spine = [(0.75, 0.05), (0.4, 0), (-0.1, 0.02), (-0.55, 0.08 + bend * 0.5), (-0.85, 0.05 + bend)]
    pen.taper(spine[2:], depth * 1.6, 0.08, back)
    x, y = spine[-1]
    pen.polygon([(x + 0.08, y), (x - 0.2, y - 0.2), (x - 0.12, y), (x - 0.22, y + 0.18)], shade(back, 0.8))
    pen.ball(0.2, 0.02, 0.62, depth, back)
    pen.ellipse(0.25, 0.02 + 0.45 * depth, 0.48, depth * 0.45, mix(back, belly, 0.8))
    fin = traits.between("fin", 0.0, 0.35)
    pen.polygon([(0.05, -0.8 * depth), (-0.15, -depth - fin), (-0.22, -0.7 * depth)], shade(back, 0.85))
    pen.polygon(
        [(0.35, 0.5 * depth), (0.15, depth + 0.22), (0.05, depth + 0.15), (0.15, 0.5 * depth)], shade(back, 0.65)
    )
    pen.eye(0.62, -0.02, 0.035)


def upright(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a person standing: the few classes of people in ImageNet."""
    suit = traits.colour("coat", "cloth")
    skin = traits.colour("face", "skin")
    stride = rng.uniform(0.05, 0.25)
    for side in (-1, 1):
        pen.taper([(side * 0.1, 0.2), (side * stride, 0.95)], 0.2, 0.13, shade(traits.colour("second", "cloth"), 0.8))
        reach = rng.uniform(-0.2, 0.6)
        pen.taper(
            [(side * 0.2, -0.35), (side * 0.45, 0.0), (side * (0.4 + 0.2 * abs(math.sin(reach))), 0.35 - reach)],
            0.15,
            0.1,
            shade(suit, 0.85),
        )
    pen.polygon([(-0.26, -0.4), (0.26, -0.4), (0.2, 0.3), (-0.2, 0.3)], suit)
    pen.ball(0, -0.62, 0.17, 0.2, skin)
    pen.ellipse(0, -0.75, 0.18, 0.1, traits.colour("hat", "cloth", "fur"))
