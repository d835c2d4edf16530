"""Figures of insects, spiders, crustaceans, molluscs and the simpler animals of the sea."""

import math
from random import Random

from miniature.drawing.pen import Pen, markings, shade
from miniature.drawing.traits import Traits


def insect(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw an insect from above: head, thorax, abdomen, six legs, wings or wing cases."""
    shell = traits.colour("shell", "chitin")
    second = traits.colour("second", "chitin", "grey")
    abdomen = traits.between("abdomen", 0.3, 0.58)
    wide = traits.between("wide", 0.14, 0.38)
    reach = traits.between("reach", 0.35, 0.65)
    for i, slant in enumerate((-0.35, 0.0, 0.4)):
        for side in (-1, 1):
            x, y = side * (wide + reach), -0.1 + 0.16 * i + slant + rng.uniform(-0.05, 0.05)
            pen.line(
                [(0, -0.15 + 0.14 * i), (side * (wide + 0.3 * reach), -0.25 + 0.16 * i + 0.5 * slant), (x, y)],
                0.045,
                shade(shell, 0.5),
            )
    wings = traits.choice("wings", "none", "cases", "clear", "long")
    if wings == "clear":
        for side in (-1, 1):
            pen.ellipse(side * 0.38, 0.15, 0.42, 0.15, (205, 215, 220), side * 0.5)
    elif wings == "long":
        for side in (-1, 1):
            for y in (-0.2, 0.05):
                pen.ellipse(side * 0.5, y, 0.48, 0.1, (195, 210, 215), side * 0.15)
    pen.ball(0, 0.25, wide, abdomen, shell)
    markings(
        pen, traits.choice("pattern", "plain", "rings", "spots", "speckles"), second, 0, 0.25, wide, abdomen, 4, rng
    )
    if traits.choice("rings", "yes", "no") == "yes":
        for i in range(3):
            y = 0.05 + 0.22 * i
            pen.line([(-0.8 * wide, y), (0.8 * wide, y)], 0.07, second)
    if wings == "cases":
        pen.line([(0, -0.1), (0, 0.25 + abdomen)], 0.035, shade(shell, 0.4))
    pen.ball(0, -0.22, wide * 0.7, 0.17, shade(shell, 0.85))
    pen.ball(0, -0.45, wide * traits.between("head", 0.45, 0.8), 0.13, shade(second, 0.9))
    feeler = traits.between("feeler", 0.15, 0.6)
    for side in (-1, 1):
        pen.line([(side * 0.05, -0.5), (side * (0.1 + 0.5 * feeler), -0.55 - 0.6 * feeler)], 0.03, shade(shell, 0.5))


def butterfly(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a butterfly or a moth with its wings spread."""
    wing = traits.colour("wing", "petals", "marine", "chitin")
    second = traits.colour("second", "petals", "grey", "chitin")
    edge = traits.colour("edge", "grey", "chitin")
    open_ = rng.uniform(0.65, 1.0)
    top, low = traits.between("top", 0.5, 0.8), traits.between("low", 0.35, 0.6)
    for side in (-1, 1):
        x = side * open_
        for colour, grow in ((edge, 1.0), (wing, traits.between("rim", 0.7, 0.9))):
            pen.polygon(
                [
                    (0, -0.1),
                    (x * 0.55 * grow, -top * grow),
                    (x * 0.95 * grow, -top * 0.75 * grow),
                    (x * 0.75 * grow, 0.0),
                    (0, 0.1),
                ],
                colour,
            )
            pen.polygon(
                [
                    (0, 0.0),
                    (x * 0.75 * grow, 0.05),
                    (x * 0.7 * grow, low * grow),
                    (x * 0.3 * grow, (low + 0.15) * grow),
                ],
                shade(colour, 0.88),
            )
        for px, py in ((0.6, -0.4 * top / 0.65), (0.45, 0.3 * low / 0.5)):
            pen.ellipse(
                x * px, py, 0.12 * traits.between("spot", 0.3, 1.4), 0.12 * traits.between("spot", 0.3, 1.4), second
            )
    pen.taper([(0, -0.3), (0, 0.45)], 0.12, 0.05, shade(edge, 0.5))


def spider(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a spider from above: two parts, eight legs."""
    body = traits.colour("body", "fur", "chitin", "grey")
    second = traits.colour("second", "chitin", "grey", "petals")
    size = traits.between("size", 0.2, 0.42)
    reach = traits.between("reach", 0.5, 0.9)
    thick = traits.between("thick", 0.03, 0.1)
    for i, angle in enumerate((-0.95, -0.35, 0.3, 0.9)):
        for side in (-1, 1):
            bend = angle + rng.uniform(-0.12, 0.12)
            knee = (side * 0.6 * reach * math.cos(bend), -0.25 + 0.75 * reach * math.sin(bend) - 0.1)
            pen.line(
                [
                    (0, -0.25 + 0.06 * i),
                    knee,
                    (side * reach * math.cos(bend * 0.9), -0.2 + 1.1 * reach * math.sin(bend)),
                ],
                thick,
                shade(body, 0.7),
            )
    pen.ball(0, 0.2, size, size * 1.2, body)
    markings(pen, traits.choice("pattern", "plain", "bands", "spots", "saddle"), second, 0, 0.2, size, size, 3, rng)
    pen.ball(0, -0.25, size * 0.65, size * 0.6, shade(body, 0.85))


def crab(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a crab from above: wide shell, claws, legs."""
    shell = traits.colour("shell", "fruit", "chitin", "fur")
    wide = traits.between("wide", 0.38, 0.58)
    claw = traits.between("claw", 0.14, 0.3)
    for i in range(3):
        for side in (-1, 1):
            y = 0.05 + 0.15 * i
            pen.line(
                [
                    (side * 0.3, y),
                    (side * (wide + 0.28), y - 0.05),
                    (side * (wide + 0.38), y + 0.25 + rng.uniform(-0.05, 0.05)),
                ],
                0.07,
                shade(shell, 0.7),
            )
    for side in (-1, 1):
        x, y = side * (0.55 + rng.uniform(-0.05, 0.1)), -0.5 + rng.uniform(-0.1, 0.1)
        pen.line([(side * 0.3, -0.1), (side * 0.65, -0.2), (x, y)], 0.1, shade(shell, 0.8))
        pen.ball(x, y, claw * 0.75, claw, shell)
        pen.polygon(
            [(x, y), (x - side * 0.25 * claw, y - 1.4 * claw), (x + side * 0.25 * claw, y - 1.4 * claw)], (40, 35, 35)
        )
    pen.ball(0, 0.08, wide, traits.between("tall", 0.25, 0.42), shell)
    markings(
        pen,
        traits.choice("pattern", "plain", "speckles", "spots"),
        traits.colour("second", "fur", "chitin"),
        0,
        0.08,
        wide,
        0.28,
        5,
        rng,
    )
    for side in (-1, 1):
        pen.eye(side * 0.12, -0.26, 0.05)


def lobster(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a lobster, crayfish, scorpion or centipede: a jointed body seen from above, claws in front."""
    shell = traits.colour("shell", "fruit", "chitin", "fur")
    joints = traits.whole("joints", 5, 8)
    claw = traits.between("claw", 0.0, 0.26)
    curl = rng.uniform(-0.35, 0.35)
    for i in range(joints):
        y = -0.25 + 0.95 * i / joints
        x = curl * (i / joints) ** 2
        for side in (-1, 1):
            pen.line([(x, y), (x + side * 0.32, y + 0.02), (x + side * 0.42, y + 0.14)], 0.035, shade(shell, 0.6))
    for i in range(joints, 0, -1):
        wide = traits.between("wide", 0.13, 0.24) * (1.15 - 0.5 * i / joints)
        pen.ball(curl * (i / joints) ** 2, -0.3 + i / joints, wide, 0.75 / joints, shade(shell, 1.0 if i % 2 else 0.8))
    pen.ball(0, -0.35, 0.2, 0.28, shell)
    for side in (-1, 1):
        pen.line([(side * 0.05, -0.6), (side * 0.4, -1.0)], 0.025, shade(shell, 0.7))
        if claw > 0.06:
            pen.line([(side * 0.15, -0.35), (side * 0.42, -0.45), (side * 0.42, -0.6)], 0.08, shade(shell, 0.8))
            pen.ball(side * 0.43, -0.72, claw * 0.65, claw, shell)


def snail(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a snail, slug or shell: a soft foot and a spiral."""
    foot = traits.colour("foot", "skin", "fur", "grey")
    shell = traits.colour("shell", "fur", "food", "marine")
    size = traits.between("shell_size", 0.0, 0.6)
    stretch = rng.uniform(-0.08, 0.12)
    pen.taper([(-0.75, 0.42), (0.1, 0.36), (0.6 + stretch, 0.28), (0.72 + stretch, 0.0)], 0.1, 0.2, foot)
    for lean in (0.02, 0.16):
        pen.line([(0.7 + stretch, 0.0), (0.72 + stretch + lean, -0.3)], 0.04, foot)
    if size > 0.15:
        pen.ball(-0.1, 0.0, size, size * traits.between("tall", 0.7, 1.1), shell)
        turns = [
            (-0.1 + size * (0.9 - 0.1 * i) * math.cos(0.8 * i), size * (0.8 - 0.1 * i) * math.sin(0.8 * i))
            for i in range(9)
        ]
        pen.line(turns, 0.09 * size + 0.02, traits.colour("second", "fur", "grey"))
    else:
        pen.ball(-0.1, 0.28, 0.5, 0.17, foot)
        markings(
            pen,
            traits.choice("pattern", "spots", "bands", "speckles"),
            traits.colour("second", "fur", "marine"),
            -0.1,
            0.28,
            0.5,
            0.16,
            6,
            rng,
        )


def jellyfish(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a jellyfish, an anemone or an octopus: a bell and what hangs from it."""
    bell = traits.colour("bell", "petals", "marine")
    arms = traits.whole("arms", 4, 9)
    long = traits.between("long", 0.4, 1.0)
    for i in range(arms):
        x = -0.45 + 0.9 * i / (arms - 1)
        sway = rng.uniform(-0.15, 0.15)
        pen.taper(
            [(x, -0.1), (x * 1.1 + sway, 0.4 * long), (x * 1.1 - sway, 0.9 * long)],
            traits.between("arm", 0.05, 0.16),
            0.03,
            shade(bell, 0.8),
        )
    tall = traits.between("tall", 0.35, 0.6)
    pen.polygon([(0.6 * math.cos(a), -0.05 - tall * math.sin(a)) for a in (0, 0.5, 1.0, 1.57, 2.1, 2.6, 3.14)], bell)
    pen.ellipse(0, -0.05, 0.6, 0.1, shade(bell, 0.7))
    pen.ellipse(-0.15, -0.05 - 0.6 * tall, 0.2, 0.1, shade(bell, 1.25))


def star(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a starfish, an urchin or a coral: arms or spines round a middle."""
    body = traits.colour("body", "petals", "fruit", "marine")
    arms = traits.whole("arms", 5, 14)
    wide = traits.between("wide", 0.25, 0.55)
    turn = rng.uniform(0, 6.28)
    points = []
    for i in range(2 * arms):
        radius = 0.85 if i % 2 == 0 else wide
        points.append((radius * math.cos(turn + math.pi * i / arms), radius * math.sin(turn + math.pi * i / arms)))
    pen.polygon(points, body)
    pen.ball(0, 0, wide * 0.9, wide * 0.9, body)
    markings(pen, "speckles", traits.colour("second", "marine", "grey"), 0, 0, wide, wide, 4, rng)


def worm(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a worm, a sea cucumber or a caterpillar: a bent tube with rings."""
    body = traits.colour("body", "skin", "marine", "leaf")
    thick = traits.between("thick", 0.14, 0.36)
    phase = rng.uniform(0, 6.28)
    points = [(-0.75 + 1.5 * i / 12, 0.25 * math.sin(phase + 0.45 * i)) for i in range(13)]
    pen.taper(points, thick * 0.8, thick, body)
    for x, y in points[1:-1:2]:
        pen.ellipse(x, y, 0.03, thick * 0.45, traits.colour("second", "skin", "marine", "grey"))
    pen.ball(points[-1][0], points[-1][1], thick * 0.55, thick * 0.55, shade(body, 0.9))
