"""Figures of birds, reptiles, amphibians and fish, seen from the side, facing right."""

import math
from random import Random

from miniature.drawing.pen import Pen, markings, mix, shade
from miniature.drawing.traits import Traits


def bird(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a standing bird from the side, or now and then one in flight."""
    back = traits.colour("back", "plumage", "fur", "grey")
    breast = traits.colour("breast", "plumage", "fur", "grey")
    beak_colour = traits.colour("beak_colour", "fruit", "grey")
    plump = traits.between("plump", 0.22, 0.4)
    leg = traits.between("leg", 0.1, 0.55)
    neck = traits.between("neck", 0.0, 0.5)
    head = traits.between("head", 0.12, 0.22)
    tail = traits.between("tail", 0.2, 0.8)
    tilt = traits.between("tilt", 0.1, 0.5) + rng.uniform(-0.1, 0.1)
    flying = rng.random() < 0.15
    y = -0.05 - 0.3 * leg
    if not flying:
        for x in (-0.05, 0.1):
            foot = y + 0.6 * plump + leg
            pen.line([(x, y + 0.5 * plump), (x - 0.02, foot - 0.5 * leg), (x + 0.03, foot)], 0.04, beak_colour)
            pen.line([(x - 0.05, foot), (x + 0.13, foot)], 0.03, beak_colour)
    pen.taper(
        [(-0.3, y + 0.1), (-0.45 - 0.5 * tail, y + 0.15 + tilt * tail)],
        0.2,
        traits.between("fan", 0.06, 0.35),
        shade(back, 0.7),
    )
    chest = mix(breast, back, 0.15)
    pen.ball(0, y, 0.46, plump, chest, -tilt * 0.6)
    pen.ellipse(-0.08, y - 0.12 * plump, 0.42, plump * 0.75, back, tilt * -0.5)
    markings(pen, traits.choice("pattern", "plain", "plain", "speckles", "belly"), breast, 0, y, 0.4, plump, 5, rng)
    hx, hy = 0.36 + 0.15 * neck + rng.uniform(-0.04, 0.04), y - 0.7 * plump - neck
    pen.taper([(0.22, y - 0.2 * plump), (0.4, y - 0.5 * plump - 0.4 * neck), (hx, hy)], 0.3 - 0.2 * neck, 0.14, chest)
    crown = traits.colour("crown", "plumage", "grey", "fruit")
    crest = traits.between("crest", -0.3, 0.3)
    if crest > 0.08:
        pen.polygon(
            [
                (hx - 0.5 * head, hy - 0.5 * head),
                (hx - head - crest, hy - head - crest),
                (hx + 0.3 * head, hy - 0.8 * head),
            ],
            crown,
        )
    beak = traits.between("beak", 0.1, 0.5)
    hook = traits.between("hook", -0.05, 0.15)
    pen.polygon(
        [
            (hx + 0.5 * head, hy - 0.35 * head),
            (hx + head + beak, hy + hook + 0.1 * head),
            (hx + 0.5 * head, hy + 0.5 * head),
        ],
        beak_colour,
    )
    pen.ball(hx, hy, head, head * 0.95, mix(back, crown, traits.between("cap", 0, 1)))
    pen.eye(hx + 0.3 * head, hy - 0.15 * head, max(0.025, 0.2 * head))
    wing = shade(traits.colour("wing", "plumage", "fur", "grey"), 0.9)
    if flying:
        lift = rng.uniform(0.5, 0.9)
        pen.polygon([(0.2, y - 0.1), (-0.1, y - lift), (-0.5, y - lift * 0.9), (-0.3, y)], wing)
    else:
        pen.ellipse(-0.16, y, 0.36, plump * 0.6, wing, 0.25)
        bar = traits.colour("bar", "plumage", "grey")
        pen.line([(-0.3, y + 0.3 * plump), (0.0, y - 0.1 * plump)], 0.06 * traits.between("bars", 0, 1.5) + 0.02, bar)


def fish(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a fish from the side: lens-shaped body, tail fin, dorsal fin."""
    body = traits.colour("body", "marine", "grey")
    second = traits.colour("second", "marine", "grey")
    fins = traits.colour("fins", "marine", "grey")
    deep = traits.between("deep", 0.16, 0.48)
    long = traits.between("long", 0.5, 0.72)
    wag = rng.uniform(-0.15, 0.15)
    fork = traits.between("fork", 0.15, 0.4)
    pen.polygon([(-0.8 * long, 0), (-long - 0.3, -fork + wag), (-long - 0.15, wag), (-long - 0.3, fork + wag)], fins)
    dorsal = traits.between("dorsal", 0.1, 0.4)
    back = traits.between("dorsal_place", -0.4, 0.2)
    pen.polygon([(0.35 * long, -0.7 * deep), (back, -deep - dorsal), (-0.6 * long, -0.5 * deep)], shade(fins, 0.9))
    pen.polygon([(0.0, 0.7 * deep), (-0.3, deep + 0.6 * dorsal), (-0.4 * long, 0.5 * deep)], shade(fins, 0.8))
    pen.ball(0, 0, long, deep, body)
    markings(
        pen,
        traits.choice("pattern", "plain", "stripes", "bands", "spots", "belly", "halves"),
        second,
        0,
        0,
        long,
        deep,
        traits.whole("marks", 3, 6),
        rng,
    )
    pen.polygon([(0.15, 0.1), (-0.12, 0.3 * deep + 0.16), (-0.15, 0.0)], shade(fins, 0.75))
    pen.ellipse(0.66 * long, -0.2 * deep, 0.07, 0.07, (235, 235, 220))
    pen.eye(0.67 * long, -0.2 * deep, 0.045)


def ray(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a ray from above: a wide diamond with a whip of a tail."""
    body = traits.colour("body", "fur", "grey")
    wide = traits.between("wide", 0.55, 0.9)
    wave = rng.uniform(-0.15, 0.15)
    pen.taper([(0, 0.3), (0.1, 0.7), (-0.1 + wave, 1.1)], 0.12, 0.03, shade(body, 0.8))
    pen.polygon([(0, -0.55), (wide, wave), (0.2, 0.45), (-0.2, 0.45), (-wide, -wave)], body)
    markings(
        pen,
        traits.choice("pattern", "plain", "spots", "speckles"),
        traits.colour("second", "grey", "fur"),
        0,
        0,
        0.5,
        0.35,
        6,
        rng,
    )
    for side in (-1, 1):
        pen.eye(side * 0.1, -0.3, 0.04)


def snake(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a snake as a wave or a coil with bands along it."""
    body = traits.colour("body", "scales", "fur", "chitin")
    second = traits.colour("second", "scales", "grey", "chitin")
    thick = traits.between("thick", 0.1, 0.24)
    waves = traits.between("waves", 1.0, 2.4)
    tall = rng.uniform(0.18, 0.38)
    phase = rng.uniform(0, 6.28)
    coiled = rng.random() < 0.3
    points = []
    for i in range(22):
        along = i / 21
        if coiled:
            radius = 0.75 - 0.5 * along
            points.append((radius * math.cos(11 * along + phase), 0.55 * radius * math.sin(11 * along + phase)))
        else:
            points.append((-0.9 + 1.75 * along, tall * math.sin(phase + waves * 6.28 * along)))
    pen.taper(points, 0.04, thick * 1.15, shade(body, 0.65))
    pen.taper([(x, y - 0.03) for x, y in points], 0.03, thick, body)
    pattern = traits.choice("pattern", "plain", "bands", "diamonds", "line")
    if pattern == "line":
        pen.line([(x, y - 0.03) for x, y in points[4:]], 0.3 * thick, second)
    elif pattern != "plain":
        every = 3 if pattern == "bands" else 2
        for x, y in points[4:-1:every]:
            size = thick * (0.5 if pattern == "bands" else 0.34)
            pen.ellipse(x, y - 0.03, size * 0.8, size, second)
    x, y = points[-1]
    pen.ball(x + 0.04, y - 0.03, thick * 0.95, thick * 0.7, body)
    pen.eye(x + 0.09, y - 0.07, 0.035)


def lizard(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a lizard, salamander or crocodile: low and long, legs sprawled, heavy tail."""
    body = traits.colour("body", "scales", "fur")
    second = traits.colour("second", "scales", "grey")
    depth = traits.between("depth", 0.11, 0.24)
    leg = traits.between("leg", 0.12, 0.32)
    tail = traits.between("tail", 0.5, 0.95)
    curl = rng.uniform(-0.3, 0.3)
    step = rng.uniform(-0.15, 0.15)
    for x in (-0.25, 0.35):
        pen.taper([(x, 0), (x - 0.12 + step, 0.1), (x - 0.06 + step, depth + leg)], 0.1, 0.06, shade(body, 0.6))
    pen.taper(
        [(-0.3, 0), (-0.35 - 0.4 * tail, 0.06 + 0.3 * curl), (-0.35 - 0.75 * tail, 0.05 + curl)],
        depth * 1.5,
        0.02,
        shade(body, 0.85),
    )
    pen.ball(0.05, 0, 0.5, depth, body)
    frill = traits.between("frill", -0.2, 0.2)
    if frill > 0.04:
        for i in range(6):
            x = -0.3 + 0.14 * i
            pen.polygon([(x, -0.8 * depth), (x + 0.07, -depth - frill), (x + 0.14, -0.8 * depth)], second)
    markings(
        pen,
        traits.choice("pattern", "plain", "bands", "spots", "speckles", "belly"),
        second,
        0.05,
        0,
        0.48,
        depth,
        traits.whole("marks", 4, 8),
        rng,
    )
    for x in (-0.2, 0.4):
        pen.taper([(x, 0.02), (x + 0.14 - step, 0.1), (x + 0.1 - step, depth + leg)], 0.11, 0.06, shade(body, 0.8))
    snout = traits.between("snout", 0.15, 0.45)
    pen.taper([(0.4, -0.02), (0.6, -0.06), (0.68 + snout, -0.02)], depth * 1.5, depth * 0.5, body)
    pen.ball(0.6, -0.07, 0.15, depth * 0.75, body)
    pen.eye(0.65, -0.13, 0.035)


def turtle(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a turtle or a tortoise: a domed shell with plates."""
    shell = traits.colour("shell", "scales", "fur")
    plate = traits.colour("plate", "scales", "fur", "grey")
    skin = traits.colour("skin", "scales", "grey")
    dome = traits.between("dome", 0.3, 0.6)
    stretch = rng.uniform(0.1, 0.28)
    for x in (-0.4, 0.4):
        pen.taper([(x, 0.15), (x + rng.uniform(-0.15, 0.15), 0.48)], 0.24, 0.14, shade(skin, 0.8))
    pen.taper([(0.5, 0.1), (0.75 + stretch, -0.05)], 0.2, 0.16, skin)
    pen.ball(0.8 + stretch, -0.08, 0.15, 0.13, skin)
    pen.eye(0.85 + stretch, -0.12, 0.03)
    pen.polygon(
        [(0.68 * math.cos(a), 0.22 - dome * math.sin(a)) for a in (0, 0.4, 0.8, 1.2, 1.57, 1.95, 2.35, 2.75, 3.14)],
        shell,
    )
    pen.ellipse(0, 0.22, 0.7, 0.09, shade(shell, 0.65))
    for i in range(traits.whole("plates", 3, 5)):
        x = -0.42 + 0.84 * i / 4
        pen.ellipse(x, 0.18 - dome * 0.55 * math.sqrt(max(0.05, 1 - x * x * 2.4)), 0.09, dome * 0.24, plate)


def frog(pen: Pen, traits: Traits, rng: Random) -> None:
    """Draw a frog or a toad, sitting."""
    body = traits.colour("body", "leaf", "scales", "chitin")
    belly = traits.colour("belly", "fur", "leaf")
    wide = traits.between("wide", 0.42, 0.6)
    pen.ball(0, 0.1, wide, 0.4, body, -0.25)
    pen.ellipse(0.15, 0.25, wide * 0.6, 0.22, mix(body, belly, 0.7))
    markings(
        pen,
        traits.choice("pattern", "plain", "spots", "bands", "speckles"),
        traits.colour("second", "scales", "grey"),
        -0.05,
        0.0,
        wide * 0.8,
        0.3,
        5,
        rng,
    )
    pen.taper([(-0.35, 0.3), (-0.6, 0.0), (-0.25, 0.42), (-0.6, 0.52)], 0.26, 0.1, shade(body, 0.75))
    pen.taper([(0.25, 0.2), (0.38, 0.35), (0.45 + rng.uniform(-0.05, 0.05), 0.52)], 0.14, 0.08, shade(body, 0.8))
    pen.ball(0.35, -0.16, 0.3, 0.21, body)
    for x in (0.25, 0.45):
        pen.ball(x, -0.34, 0.1, 0.1, body)
        pen.eye(x + 0.02, -0.35, 0.06)
