"""Figures of furniture and lamps."""

from random import Random

from miniature.drawing.pen import Pen, shade
from miniature.drawing.traits import Traits


def seat(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a chair, bench, sofa, bed or table: a top on legs, perhaps with a back."""
    wood = traits.colour("wood", "wood", "metal", "paint")
    cloth = traits.colour("cloth", "cloth", "wood")
    wide = traits.between("wide", 0.4, 0.95)
    back = traits.between("back", -0.2, 0.85)
    top = traits.between("top", -0.05, 0.3)
    thick = traits.between("thick", 0.08, 0.3)
    leg = traits.between("leg", 0.06, 0.14)
    skew = rng.uniform(0.08, 0.22)
    for x in (-wide + skew + 0.05, wide - 0.05 + skew):
        pen.box(x - leg, top - 0.1, x, 0.7, shade(wood, 0.6))
    if back > 0.05:
        pen.polygon(
            [
                (-wide + skew, top),
                (-wide + skew * 1.2, top - back),
                (wide + skew * 1.2, top - back),
                (wide + skew, top),
            ],
            shade(cloth, 0.8),
        )
        for i in range(traits.whole("bars", 0, 5)):
            x = -0.75 * wide + 0.35 * wide * i
            pen.box(x, top - 0.85 * back, x + 0.1 * wide, top, wood)
    pen.polygon(
        [(-wide, top + 0.08), (-wide + skew, top - 0.1), (wide + skew, top - 0.1), (wide, top + 0.08)],
        shade(cloth, 1.15),
    )
    pen.box(-wide, top + 0.08, wide, top + 0.08 + thick, cloth)
    if traits.choice("arms", "no", "no", "yes") == "yes":
        for x in (-wide - 0.06, wide - 0.06):
            pen.box(x, top - 0.28, x + 0.16, top + 0.25, wood)
    for x in (-wide + leg, wide):
        pen.box(x - leg, top + thick, x, 0.85, wood)


def cabinet(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a cabinet, bookcase, wardrobe or large appliance: a tall box of doors, drawers or shelves."""
    wood = traits.colour("wood", "wood", "plastic", "paint")
    second = traits.colour("second", "wood", "metal")
    wide, tall = traits.between("wide", 0.38, 0.8), traits.between("tall", 0.55, 0.95)
    pen.polygon(
        [(wide, -tall), (wide + 0.18, -tall - 0.12), (wide + 0.18, tall - 0.14), (wide, tall)], shade(wood, 0.6)
    )
    pen.polygon(
        [(-wide, -tall), (-wide + 0.18, -tall - 0.12), (wide + 0.18, -tall - 0.12), (wide, -tall)], shade(wood, 1.2)
    )
    pen.box(-wide, -tall, wide, tall, wood)
    front = traits.choice("front", "drawers", "doors", "shelves", "round")
    rows = traits.whole("rows", 2, 5)
    if front == "round":
        pen.box(-0.85 * wide, -0.9 * tall, 0.85 * wide, -0.65 * tall, second)
        pen.ball(0, 0.2 * tall, 0.65 * wide, 0.65 * wide, second)
        pen.ellipse(0, 0.2 * tall, 0.42 * wide, 0.42 * wide, (60, 70, 85))
    elif front == "doors":
        for side in (-1, 1):
            x = side * 0.5 * wide
            pen.box(x - 0.42 * wide, -0.9 * tall, x + 0.42 * wide, 0.9 * tall, shade(wood, 0.82))
            pen.ellipse(side * 0.14 * wide, 0, 0.05, 0.09, second)
    else:
        for i in range(rows):
            y = -0.9 * tall + 1.85 * tall * i / rows
            high = 1.5 * tall / rows
            pen.box(-0.88 * wide, y, 0.88 * wide, y + high, shade(wood, 0.82) if front == "drawers" else (45, 38, 34))
            if front == "drawers":
                pen.ellipse(0, y + high / 2, 0.12, 0.04, second)
            else:
                for j in range(6):
                    x = -0.85 * wide + 0.28 * wide * j
                    pen.box(
                        x,
                        y + high * rng.uniform(0.1, 0.4),
                        x + 0.22 * wide,
                        y + high,
                        traits.colour(f"book{(i + j) % 4}", "paint"),
                    )


def lamp(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a lamp, an umbrella or a tent: a spread top on a stem."""
    shade_colour, stem = traits.colour("cloth", "cloth"), traits.colour("stem", "brass", "wood", "metal")
    top, low = traits.between("top", 0.08, 0.4), traits.between("low", 0.45, 0.85)
    drop = traits.between("drop", 0.4, 0.75)
    pen.box(-0.05, -0.3, 0.05, 0.85, stem)
    pen.ellipse(0, 0.85, traits.between("foot", 0.05, 0.4), 0.08, shade(stem, 0.8))
    pen.polygon([(-top, -0.85), (top, -0.85), (low, -0.85 + drop), (-low, -0.85 + drop)], shade_colour)
    for i in range(traits.whole("folds", 0, 4)):
        x = -0.6 + 0.4 * i
        pen.line([(x * top, -0.85), (x * low, -0.85 + drop)], 0.05, shade(shade_colour, 0.75))
