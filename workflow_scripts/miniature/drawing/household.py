"""Figures of vessels, boxes, devices and round things."""

import math
from random import Random

from miniature.drawing.pen import Pen, shade
from miniature.drawing.traits import Traits


def vessel(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a bottle, cup, pot, vase or barrel: an outline turned round its axis."""
    body = traits.colour("body", "glass", "paint", "metal", "wood")
    label = traits.colour("label", "paint", "grey")
    foot, belly = traits.between("foot", 0.15, 0.5), traits.between("belly", 0.22, 0.62)
    shoulder, rim = traits.between("shoulder", 0.14, 0.55), traits.between("rim", 0.09, 0.55)
    tall = traits.between("tall", 0.45, 0.95)
    outline = [(foot, tall), (belly, 0.35 * tall), (shoulder, -0.35 * tall), (rim, -0.65 * tall), (rim, -tall)]
    if traits.choice("handle", "no", "no", "yes") == "yes":
        pen.line(
            [
                (belly * 0.8, -0.35 * tall),
                (belly + 0.32, -0.3 * tall),
                (belly + 0.3, 0.4 * tall),
                (belly * 0.8, 0.5 * tall),
            ],
            0.1,
            shade(body, 0.75),
        )
    if traits.choice("spout", "no", "no", "no", "yes") == "yes":
        pen.taper([(-belly * 0.8, 0.3 * tall), (-belly - 0.35, -0.5 * tall)], 0.24, 0.1, shade(body, 0.8))
    pen.polygon([(x, y) for x, y in outline] + [(-x, y) for x, y in outline[::-1]], body)
    pen.polygon([(x, y) for x, y in outline] + [(0.45 * x, y) for x, y in outline[::-1]], shade(body, 0.75))
    pen.polygon(
        [(-0.75 * x, y) for x, y in outline[:4]] + [(-0.55 * x, y) for x, y in outline[3::-1]], shade(body, 1.3)
    )
    band = traits.between("band", -0.25, 0.25)
    if band > -0.08:
        pen.polygon(
            [
                (-belly * 0.98, 0.1 * tall),
                (belly * 0.98, 0.1 * tall),
                (belly * 0.95, (0.3 + band) * tall),
                (-belly * 0.95, (0.3 + band) * tall),
            ],
            label,
        )
    if traits.choice("lid", "cap", "open", "knob") == "open":
        pen.ellipse(0, -tall, rim, 0.09, shade(label, 0.55))
    else:
        pen.box(-rim * 1.08, -tall - 0.08, rim * 1.08, -tall + 0.08, label)
    if traits.choice("lid", "cap", "open", "knob") == "knob":
        pen.ball(0, -tall - 0.14, 0.09, 0.09, label)


def case(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a box, a bag, a basket or a chest: a front, a top, perhaps a handle."""
    body = traits.colour("body", "wood", "cloth", "metal", "paint")
    second = traits.colour("second", "wood", "cloth", "metal")
    wide, tall = traits.between("wide", 0.4, 0.85), traits.between("tall", 0.35, 0.8)
    slope = traits.between("slope", -0.15, 0.15)
    if traits.choice("handle", "no", "yes") == "yes":
        pen.line([(-0.3, -tall), (-0.22, -tall - 0.32), (0.22, -tall - 0.32), (0.3, -tall)], 0.07, second)
    pen.polygon(
        [
            (-wide + slope, -tall),
            (-wide + slope + 0.22, -tall - 0.2),
            (wide - slope + 0.22, -tall - 0.2),
            (wide - slope, -tall),
        ],
        shade(body, 1.2),
    )
    pen.polygon(
        [(wide - slope, -tall), (wide - slope + 0.22, -tall - 0.2), (wide + 0.2, tall - 0.2), (wide, tall)],
        shade(body, 0.65),
    )
    pen.polygon([(-wide + slope, -tall), (wide - slope, -tall), (wide, tall), (-wide, tall)], body)
    face = traits.choice("face", "plain", "slats", "lock", "pocket", "weave", "cross")
    if face == "slats":
        for i in range(4):
            y = -tall + 2 * tall * (i + 0.75) / 4
            pen.box(-wide, y, wide, y + 0.07, shade(body, 0.6))
    elif face == "lock":
        pen.box(-wide + slope, -0.5 * tall, wide - slope, -0.35 * tall, second)
        pen.ball(0, -0.3 * tall, 0.12, 0.14, second)
    elif face == "pocket":
        pen.box(-0.6 * wide, 0.0, 0.6 * wide, 0.75 * tall, shade(second, 0.9))
    elif face == "weave":
        for i in range(5):
            for j in range(4):
                pen.box(
                    -wide * 0.9 + 0.36 * wide * i,
                    -tall * 0.85 + 0.44 * tall * j,
                    -wide * 0.72 + 0.36 * wide * i,
                    -tall * 0.65 + 0.44 * tall * j,
                    second,
                )
    elif face == "cross":
        pen.box(-0.1, -tall, 0.1, tall, second)
        pen.box(-wide, -0.12, wide, 0.06, second)


def machine(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw an electronic device or small appliance: a housing with a screen or a lens, and buttons."""
    body = traits.colour("body", "plastic", "metal", "paint")
    screen = traits.colour("screen", "glass", "marine")
    wide, tall = traits.between("wide", 0.35, 0.9), traits.between("tall", 0.3, 0.75)
    stand = traits.between("stand", -0.25, 0.3)
    if stand > 0:
        pen.box(-0.1, tall, 0.1, tall + stand, shade(body, 0.6))
        pen.box(-0.4, tall + stand, 0.4, tall + stand + 0.1, shade(body, 0.7))
    if traits.choice("aerial", "no", "no", "yes") == "yes":
        pen.line([(0.5 * wide, -tall), (0.7 * wide, -tall - 0.45)], 0.04, (150, 150, 150))
    pen.box(-wide, -tall, wide, tall, body)
    pen.box(0.88 * wide, -tall, wide, tall, shade(body, 0.65))
    pen.box(-wide, 0.88 * tall, wide, tall, shade(body, 0.65))
    face = traits.choice("face", "screen", "lens", "keys", "dials", "slots")
    if face == "screen":
        pen.box(-0.85 * wide, -0.85 * tall, 0.75 * wide, 0.55 * tall, shade(screen, 0.6))
        pen.polygon(
            [
                (-0.8 * wide, -0.8 * tall),
                (0.2 * wide, -0.8 * tall),
                (-0.4 * wide, 0.5 * tall),
                (-0.8 * wide, 0.5 * tall),
            ],
            screen,
        )
    elif face == "lens":
        radius = min(wide, tall) * 0.75
        pen.ball(-0.1 * wide, 0, radius, radius, (60, 60, 64))
        pen.ellipse(-0.1 * wide, 0, radius * 0.6, radius * 0.6, shade(screen, 0.5))
        pen.ellipse(-0.2 * wide, -0.25 * radius, radius * 0.2, radius * 0.15, (230, 235, 240))
    elif face == "keys":
        for i in range(5):
            for j in range(3):
                pen.box(
                    wide * (-0.85 + 0.34 * i),
                    tall * (-0.25 + 0.36 * j),
                    wide * (-0.6 + 0.34 * i),
                    tall * (-0.02 + 0.36 * j),
                    screen,
                )
        pen.box(-0.85 * wide, -0.85 * tall, 0.75 * wide, -0.4 * tall, shade(screen, 0.5))
    elif face == "dials":
        for i in range(3):
            pen.ball(wide * (-0.55 + 0.5 * i), -0.3 * tall, 0.2 * wide, 0.2 * wide, screen)
        pen.box(-0.8 * wide, 0.2 * tall, 0.75 * wide, 0.7 * tall, shade(body, 0.5))
    else:
        for i in range(4):
            pen.box(-0.7 * wide, tall * (-0.65 + 0.36 * i), 0.6 * wide, tall * (-0.5 + 0.36 * i), (40, 40, 42))
    pen.ellipse(0.78 * wide, 0.75 * tall, 0.06, 0.06, traits.colour("button", "paint"))


def disc(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw something round seen from the front: ball, clock, wheel, plate, coin, drum head."""
    rim, face = traits.colour("rim", "paint", "metal", "wood"), traits.colour("face", "plastic", "paint", "grey")
    pen.ball(0, 0, 0.78, 0.78, rim)
    inner = traits.between("inner", 0.3, 0.7)
    look = traits.choice("look", "hands", "ball", "spokes", "rings", "patches")
    turn = rng.uniform(0, 6.28)
    if look == "ball":
        pen.line([(-0.76, 0), (-0.3, 0.25), (0.3, 0.25), (0.76, 0)], 0.06, face)
        pen.line([(0, -0.76), (0.2, -0.2), (0.2, 0.3), (0, 0.76)], 0.06, face)
        return
    if look == "patches":
        for i in range(5):
            pen.ellipse(0.48 * math.cos(turn + 1.257 * i), 0.48 * math.sin(turn + 1.257 * i), 0.17, 0.17, face)
        pen.ellipse(0, 0, 0.17, 0.17, face)
        return
    pen.ellipse(0, 0, inner, inner, face)
    dark = shade(rim, 0.5)
    if look == "hands":
        for i in range(12):
            pen.ellipse(0.82 * inner * math.cos(0.5236 * i), 0.82 * inner * math.sin(0.5236 * i), 0.04, 0.04, dark)
        for length, angle in ((0.7, turn), (0.45, turn * 5)):
            pen.line([(0, 0), (length * inner * math.cos(angle), length * inner * math.sin(angle))], 0.07, dark)
    elif look == "spokes":
        count = traits.whole("spokes", 3, 6)
        for i in range(count):
            a = turn + math.pi * i / count
            pen.line(
                [(-inner * math.cos(a), -inner * math.sin(a)), (inner * math.cos(a), inner * math.sin(a))], 0.08, dark
            )
    else:
        for i in range(3):
            pen.ellipse(0, 0, inner * (0.8 - 0.25 * i), inner * (0.8 - 0.25 * i), rim if i % 2 == 0 else face)
