"""Figures of clothes and other things of cloth or paper."""

import math
from random import Random

from miniature.drawing.pen import Pen, markings, shade
from miniature.drawing.traits import Traits


def garment(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a garment laid out: trunk, sleeves, a skirt or legs."""
    cloth, second = traits.colour("cloth", "cloth"), traits.colour("second", "cloth")
    shoulder, waist = traits.between("shoulder", 0.3, 0.5), traits.between("waist", 0.22, 0.45)
    sleeve, hem = traits.between("sleeve", 0.0, 0.8), traits.between("hem", 0.3, 0.85)
    length = traits.between("length", 0.1, 0.9)
    swing = rng.uniform(-0.1, 0.1)
    for side in (-1, 1):
        if sleeve > 0.12:
            pen.taper(
                [
                    (side * shoulder * 0.85, -0.62),
                    (side * (shoulder + 0.45 * sleeve), -0.45 + 0.9 * sleeve + side * swing),
                ],
                0.3,
                0.2,
                shade(cloth, 0.75),
            )
    pen.polygon([(-shoulder, -0.75), (shoulder, -0.75), (waist, 0.0), (-waist, 0.0)], cloth)
    if traits.choice("below", "skirt", "legs") == "skirt":
        pen.polygon([(-waist, -0.02), (waist, -0.02), (hem, length), (-hem, length)], shade(cloth, 0.9))
    else:
        for side in (-1, 1):
            pen.polygon(
                [(0, 0), (side * waist, 0), (side * (waist + 0.05), length), (side * 0.08, length)], shade(cloth, 0.9)
            )
    decoration = traits.choice("decoration", "plain", "stripes", "buttons", "belt", "dots", "collar")
    if decoration == "stripes":
        for i in range(4):
            pen.box(-waist, -0.65 + 0.2 * i, waist, -0.57 + 0.2 * i, second)
    elif decoration == "buttons":
        pen.box(-0.03, -0.75, 0.03, 0.1, shade(cloth, 0.6))
        for i in range(4):
            pen.ellipse(0.08, -0.6 + 0.2 * i, 0.04, 0.04, second)
    elif decoration == "belt":
        pen.box(-waist, -0.06, waist, 0.06, second)
    elif decoration == "dots":
        markings(pen, "spots", second, 0, -0.2, waist, 0.5, 6, rng)
    pen.polygon(
        [(-0.16, -0.77), (0.16, -0.77), (0, -0.77 + 0.35 * traits.between("neck", 0.3, 1.0))],
        second if decoration == "collar" else shade(cloth, 0.5),
    )


def hat(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw headgear: a crown, a brim, a band; or a mask."""
    cloth, second = traits.colour("cloth", "cloth", "wood"), traits.colour("second", "cloth", "metal")
    brim, tall = traits.between("brim", 0.35, 1.0), traits.between("tall", 0.35, 0.8)
    wide = traits.between("wide", 0.3, 0.5)
    pen.ellipse(0, 0.35, brim, 0.16, shade(cloth, 0.7))
    pen.polygon(
        [
            (wide * math.cos(a), 0.35 - tall * math.sin(a) ** 0.7)
            for a in (0, 0.3, 0.7, 1.1, 1.57, 2.04, 2.44, 2.84, 3.14)
        ],
        cloth,
    )
    pen.box(-wide, 0.18, wide, 0.35, second)
    if traits.choice("top", "no", "yes") == "yes":
        pen.ball(0, 0.3 - tall, 0.13, 0.13, second)
    pen.ellipse(-0.3 * wide, 0.1 - 0.4 * tall, 0.12, 0.2, shade(cloth, 1.2))


def shoe(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a shoe, a boot or a sock from the side."""
    leather, sole = traits.colour("leather", "cloth", "wood"), traits.colour("sole", "wood", "grey")
    shaft, heel = traits.between("shaft", 0.15, 0.95), traits.between("heel", 0.02, 0.25)
    toe = traits.between("toe", 0.55, 0.9)
    base = 0.45
    pen.polygon(
        [
            (-0.5, base - shaft - 0.25),
            (0.0, base - shaft - 0.25),
            (0.08, base - 0.38),
            (toe, base - 0.15),
            (toe + 0.05, base),
            (-0.55, base),
        ],
        leather,
    )
    pen.ellipse(toe - 0.2, base - 0.12, 0.26, 0.16, leather)
    pen.box(-0.55, base, toe + 0.05, base + 0.08, sole)
    pen.box(-0.55, base, -0.3, base + 0.08 + heel, sole)
    pen.ellipse(-0.25, base - shaft - 0.25, 0.25, 0.07, shade(leather, 0.5))
    for i in range(traits.whole("laces", 0, 4)):
        pen.line(
            [(-0.05 + 0.1 * i, base - 0.42 + 0.05 * i), (0.12 + 0.1 * i, base - 0.34 + 0.05 * i)],
            0.05,
            traits.colour("second", "cloth"),
        )


def sheet(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw something flat: curtain, quilt, towel, flag, book, screen, envelope."""
    cloth, second = traits.colour("cloth", "cloth"), traits.colour("second", "cloth")
    wide, tall = traits.between("wide", 0.5, 0.9), traits.between("tall", 0.45, 0.9)
    skew = rng.uniform(-0.12, 0.12)
    pen.polygon([(-wide, -tall + skew), (wide, -tall - skew), (wide, tall), (-wide, tall)], cloth)
    look = traits.choice("look", "folds", "squares", "border", "lines", "cross", "net")
    if look == "folds":
        for i in range(6):
            x = -wide + 2 * wide * (i + 0.5) / 6
            pen.polygon(
                [(x, -tall), (x + 0.12 * wide, -tall), (x + 0.16 * wide, tall), (x + 0.04 * wide, tall)],
                shade(cloth, 0.72),
            )
        pen.box(-wide - 0.1, -tall - 0.08, wide + 0.1, -tall + 0.04, second)
    elif look == "squares":
        for i in range(4):
            for j in range(4):
                if (i + j) % 2:
                    pen.box(
                        wide * (-1 + 0.5 * i),
                        tall * (-1 + 0.5 * j),
                        wide * (-0.5 + 0.5 * i),
                        tall * (-0.5 + 0.5 * j),
                        second,
                    )
    elif look == "border":
        pen.box(-0.8 * wide, -0.8 * tall, 0.8 * wide, 0.8 * tall, second)
        pen.box(-0.6 * wide, -0.6 * tall, 0.6 * wide, 0.6 * tall, cloth)
        pen.ellipse(0, 0, 0.3 * wide, 0.3 * tall, second)
    elif look == "lines":
        pen.box(-0.7 * wide, -0.75 * tall, 0.4 * wide, -0.5 * tall, shade(second, 0.8))
        for i in range(5):
            pen.box(-0.75 * wide, tall * (-0.3 + 0.24 * i), 0.75 * wide, tall * (-0.2 + 0.24 * i), second)
    elif look == "cross":
        pen.polygon([(-wide, -tall), (0, 0.1), (wide, -tall)], shade(cloth, 0.8))
        pen.line([(-wide, -tall), (0, 0.1), (wide, -tall)], 0.06, second)
    else:
        for i in range(7):
            x, y = wide * (-1 + 2 * (i + 0.5) / 7), tall * (-1 + 2 * (i + 0.5) / 7)
            pen.line([(x, -tall), (x, tall)], 0.04, second)
            pen.line([(-wide, y), (wide, y)], 0.04, second)
