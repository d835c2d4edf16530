"""Figure 1: what is pre-trained, on what, fine-tuned, evaluated and fitted, with the numbers of the study at hand.

The figure shows what Figure 1 of arXiv 2307.12532 does: "We pre-train a model on a variety of different data
distributions and evaluate its effective robustness after fine-tuning on a downstream task".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse, FancyArrow, FancyBboxPatch, Polygon, Rectangle

from pretraining_robustness.errors import missing_keys_named
from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.output import Drawing, Files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, make_page
from pretraining_robustness.figures.style import REFERENCES, SCRATCH, SERIES
from pretraining_robustness.figures.text import SMALL, wrap_words
from pretraining_robustness.figures.words import count, listed

READS: dict[str, str] = {}

# Inches.
_BETWEEN, _PAD, _GLYPH, _HEADING, _BELOW_GLYPH = 0.16, 0.07, 0.82, 0.24, 0.1
_WIDE = 1.3  # of the first stage, which says most, as a multiple of the others
_INDENT = 0.09
_LARGE = 9  # points
_LEADING = 1.28 / 72  # inches per point of font size
_INK, _GREY = "0.12", "0.4"
_ENTRY, _MORE = "• ", "  "  # begin the first and the further lines of an entry of a list


@dataclass(frozen=True)
class Stage:
    """A column: its heading, its colour, the small image at its top, a number in large letters, lines below it."""

    heading: str
    colour: str
    glyph: Callable[[Axes, float, float, float], None]
    number: str
    lines: Sequence[str]


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Draw the overview that `study.overview` gives."""
    with missing_keys_named(figure):
        shown, title, note = figure["overview"], figure["title"], figure.get("note") or ""
    stages = stages_of(shown)
    rows = [(stage.heading, line) for stage in stages for line in (stage.number, *stage.lines)]
    caption = render("pipeline.jinja", title=title, note=note, stages=stages, shown=shown)
    return Drawing(draw_stages(stages, title, note), pd.DataFrame(rows, columns=["stage", "shown"]), caption)


def stages_of(shown: Mapping[str, Any]) -> list[Stage]:
    """Return the columns of the figure, from an overview."""
    own, given, scratch = shown["pretrained"], shown["published"], shown["scratch"]
    tuned = sum(task["finetuned"] for task in shown["tasks"])
    checkpoints = tuned * shown["epochs"]
    return [
        Stage(
            "Pre-training data",
            SERIES[1].colour,
            _images,
            count(sum(shown["properties"].values()), "distribution"),
            [f"from {listed(shown['sources'])}, changed in"]
            + [f"{_ENTRY}{words.lower()}\N{NO-BREAK SPACE}({number})" for words, number in shown["properties"].items()],
        ),
        Stage(
            "Pre-training",
            SERIES[0].colour,
            _network,
            count(own, "network"),
            [
                f"pre-trained; {count(shown['architectures'], 'architecture')}: {listed(shown['families'])}",
                *([f"{_ENTRY}{count(given, 'published network')}"] if given else []),
                *([f"{_ENTRY}{count(scratch, 'network')} not pre-trained (from scratch)"] if scratch else []),
            ],
        ),
        Stage(
            "Fine-tuning",
            SERIES[2].colour,
            _task,
            count(tuned, "network"),
            [
                f"fine-tuned by {count(len(shown['methods']), 'method')}",
                *(f"{_ENTRY}{task['finetuned']:,} on {task['label']}" for task in shown["tasks"]),
            ],
        ),
        Stage(
            "Evaluation",
            SERIES[4].colour,
            _test_sets,
            count(checkpoints, "checkpoint"),
            [
                f"one after each of {count(shown['epochs'], 'epoch')}, scored on images in distribution (ID) and out "
                f"of distribution (OOD) by {listed(shown['metrics'])}"
            ],
        ),
        Stage(
            "Robustness",
            SCRATCH.colour,
            _trends,
            count(shown["trends"], "trend"),
            [
                f"of OOD over ID scores, one for each series, in {count(shown['figures'], 'figure')}. Effective "
                "robustness: the height above another trend at equal ID score"
            ],
        ),
    ]


def draw_stages(stages: Sequence[Stage], title: str, note: str) -> Figure:
    """Draw the columns side by side, with an arrow from each to the next."""
    unit = (FULL_WIDTH - 2 * MARGIN - (len(stages) - 1) * _BETWEEN) / (len(stages) - 1 + _WIDE)
    widths = [_WIDE * unit, *[unit] * (len(stages) - 1)]
    texts = [_text(stage, width - 2 * _PAD) for stage, width in zip(stages, widths, strict=True)]
    below = max(len(number) * _LARGE * _LEADING + len(lines) * SMALL * _LEADING for number, lines in texts)
    tall = _PAD + _HEADING + _GLYPH + _BELOW_GLYPH + below + _PAD
    page = make_page(FULL_WIDTH, tall, title, (), note)
    canvas, left = page.add_canvas(), MARGIN
    for place, (stage, width, (number, lines)) in enumerate(zip(stages, widths, texts, strict=True)):
        top = page.top
        outline: dict[str, Any] = {"boxstyle": "round,pad=0,rounding_size=0.07", "facecolor": _tint(stage.colour, 0.09)}
        canvas.add_patch(FancyBboxPatch((left, top - tall), width, tall, edgecolor="none", **outline))
        middle = left + width / 2
        canvas.text(middle, top - _PAD, stage.heading, fontsize=8.5, weight="bold", color=_shade(stage.colour),
                    ha="center", va="top")  # fmt: skip
        top -= _PAD + _HEADING
        stage.glyph(canvas, middle, top - _GLYPH / 2, _GLYPH)
        if place + 1 < len(stages):
            _arrow(canvas, left + width, top - _GLYPH / 2)
        top -= _GLYPH + _BELOW_GLYPH
        written = [(line, _LARGE, "bold") for line in number] + [(line, SMALL, "normal") for line in lines]
        for text, size, weight in written:
            entry, words = text.startswith((_ENTRY, _MORE)), text.removeprefix(_ENTRY).removeprefix(_MORE)
            look: dict[str, Any] = {"fontsize": size, "weight": weight, "color": _INK, "va": "top"}
            canvas.text(left + _PAD + _INDENT * entry, top, words, **look)
            if text.startswith(_ENTRY):
                canvas.text(left + _PAD, top, "•", **look)
            top -= size * _LEADING
        left += width + _BETWEEN
    return page.figure


def _text(stage: Stage, inches: float) -> tuple[list[str], list[str]]:
    """Return the lines of a stage's number and of what stands below it; entries of a list hang."""
    lines = []
    for text in stage.lines:
        entry = text.startswith(_ENTRY)
        first, *more = wrap_words(text.removeprefix(_ENTRY), inches - _INDENT * entry, SMALL)
        lines += [f"{_ENTRY}{first}" if entry else first, *(f"{_MORE}{line}" if entry else line for line in more)]
    return wrap_words(stage.number, inches, 1.08 * _LARGE), lines


def _tint(colour: str, part: float) -> tuple[float, ...]:
    return tuple(1 - part * (1 - channel) for channel in to_rgb(colour))


def _shade(colour: str) -> tuple[float, ...]:
    return tuple(0.78 * channel for channel in to_rgb(colour))


def _arrow(canvas: Axes, left: float, y: float) -> None:
    canvas.add_patch(
        FancyArrow(left - 0.02, y, _BETWEEN + 0.04, 0, width=0.05, head_width=0.17, head_length=0.11,
                   length_includes_head=True, color="0.35", zorder=5)
    )  # fmt: skip


# The small images: `x`, `y` is the middle of the place of `size` inches; all units are inches.


def _images(canvas: Axes, x: float, y: float, size: float) -> None:
    """Three sets of images: all of them, fewer, and of fewer kinds."""
    colours = [style.colour for style in (*SERIES, *REFERENCES, SCRATCH)]
    sets = [(5, list(range(9))), (3, list(range(9))), (5, [1, 4])]
    step, between = 0.098, 0.1
    wide = sum(columns for columns, _ in sets) * step + 2 * between
    left = x - wide / 2
    random = np.random.default_rng(3)
    for columns, kinds in sets:
        for row in range(5):
            for column in range(columns):
                colour = colours[kinds[int(random.integers(len(kinds)))]]
                place = (left + column * step, y - 2.5 * step + row * step)
                canvas.add_patch(Rectangle(place, step * 0.82, step * 0.82, color=_tint(colour, 0.75), linewidth=0))
        left += columns * step + between


def _network(canvas: Axes, x: float, y: float, size: float) -> None:
    """Layers that shrink in width and grow in depth."""
    tall = [0.72, 0.58, 0.58, 0.4, 0.4, 0.24]
    left = x - 0.48
    for number, side in enumerate(tall):
        colour = _tint(SERIES[0].colour, 0.35 + 0.11 * number)
        corners = [(left, y - side / 2), (left + 0.1, y - side / 2 + 0.05), (left + 0.1, y + side / 2 + 0.05),
                   (left, y + side / 2)]  # fmt: skip
        canvas.add_patch(Polygon(corners, facecolor=colour, edgecolor="white", linewidth=0.7))
        left += 0.165


def _task(canvas: Axes, x: float, y: float, size: float) -> None:
    """A photo of a camera trap: an animal at dusk."""
    _photo(canvas, x, y, 0.98, 0.68, sky="#F6DDB4", ground="#8A7A4A", light="#F28F25")


def _test_sets(canvas: Axes, x: float, y: float, size: float) -> None:
    """Two photos: one of a known place, one of another place at night."""
    _photo(canvas, x - 0.275, y + 0.1, 0.5, 0.4, sky="#F6DDB4", ground="#8A7A4A", light="#F28F25")
    _photo(canvas, x + 0.275, y + 0.1, 0.5, 0.4, sky="#39456B", ground="#20332F", light="#E8ECF5")
    for middle, text in ((x - 0.275, "ID"), (x + 0.275, "OOD")):
        canvas.text(middle, y - 0.22, text, fontsize=8, weight="bold", color=_INK, ha="center", va="center")


def _photo(canvas: Axes, x: float, y: float, wide: float, tall: float, sky: str, ground: str, light: str) -> None:
    left, bottom = x - wide / 2, y - tall / 2
    frame = Rectangle((left, bottom), wide, tall, facecolor=sky, edgecolor="none")
    canvas.add_patch(frame)
    hills = [(left, bottom), (left, y - 0.1 * tall), (x - 0.2 * wide, y + 0.12 * tall), (x, y - 0.08 * tall),
             (x + 0.28 * wide, y + 0.16 * tall), (left + wide, y - 0.12 * tall), (left + wide, bottom)]  # fmt: skip
    canvas.add_patch(Polygon(hills, facecolor=ground, edgecolor="none"))
    canvas.add_patch(Circle((x + 0.3 * wide, y + 0.3 * tall), 0.1 * tall, facecolor=light, edgecolor="none"))
    dark: dict[str, Any] = {"facecolor": "0.1", "edgecolor": "none"}
    body, feet = (x - 0.08 * wide, y - 0.12 * tall), y - 0.4 * tall
    canvas.add_patch(Ellipse(body, 0.4 * wide, 0.26 * tall, **dark))
    canvas.add_patch(Ellipse((x + 0.15 * wide, y + 0.03 * tall), 0.15 * wide, 0.16 * tall, **dark))
    neck = ((0.02, -0.1), (0.1, 0.05), (0.17, -0.02), (0.1, -0.18))
    canvas.add_patch(Polygon([(x + right * wide, y + up * tall) for right, up in neck], **dark))
    for leg in (-0.22, -0.14, 0.02, 0.09):
        canvas.add_patch(Rectangle((x + leg * wide, feet), 0.032 * wide, body[1] - feet, **dark))
    for ear in (0.11, 0.16):
        corners = ((ear, 0.08), (ear + 0.02, 0.2), (ear + 0.05, 0.07))
        canvas.add_patch(Polygon([(x + right * wide, y + up * tall) for right, up in corners], **dark))
    canvas.add_patch(Rectangle((left, bottom), wide, tall, facecolor="none", edgecolor="white", linewidth=1.5))


def _trends(canvas: Axes, x: float, y: float, size: float) -> None:
    """Two clouds with their lines below y = x, and the height of one above the other."""
    side = 0.78
    left, bottom = x - side / 2 + 0.05, y - side / 2 + 0.04
    frame = Rectangle((left, bottom), side, side, facecolor="white", edgecolor="0.3", linewidth=0.7)
    canvas.add_patch(frame)
    canvas.plot([left, left + side], [bottom, bottom + side], ":", color="0.45", linewidth=0.9)
    random, ends = np.random.default_rng(1), np.array([0.12, 0.88])
    lines = ((SCRATCH, 0.6, 0.02, (0.14, 0.6)), (REFERENCES[0], 0.68, 0.16, (0.38, 0.86)))
    for style, slope, rise, span in lines:
        across = random.uniform(*span, size=16)
        up = slope * across + rise + random.normal(0, 0.025, size=16)
        canvas.plot(left + side * ends, bottom + side * (slope * ends + rise), color=style.colour, linewidth=1.2)
        canvas.plot(left + side * across, bottom + side * up, style.marker, color=style.colour, markersize=2.4)
    foot, head = (bottom + side * (slope * 0.5 + rise) for _, slope, rise, _ in lines)
    arrow = {"arrowstyle": "<->", "shrinkA": 0, "shrinkB": 0, "linewidth": 0.9, "mutation_scale": 6}
    canvas.annotate("", (left + side * 0.5, head), (left + side * 0.5, foot), arrowprops=arrow)
    canvas.text(left + side / 2, bottom - 0.03, "ID", fontsize=6.5, ha="center", va="top", color=_GREY)
    canvas.text(left - 0.03, bottom + side / 2, "OOD", fontsize=6.5, ha="right", va="center", rotation=90, color=_GREY)
