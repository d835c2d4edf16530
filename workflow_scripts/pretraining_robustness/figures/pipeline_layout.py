"""Where the parts of the pipeline's drawing lie: stages in columns, boxes for rules, in at most two rows.

Lengths are inches; x goes right, y goes down from the top of the drawing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN
from pretraining_robustness.figures.text import LINE, SMALL, height, width, wrap_words

MOST_ABREAST = 5  # columns side by side before they are split into two rows
STAGE_SIZE = 8.5  # points
_GUTTER, _OUTER_GUTTER = 0.25, 0.18
_PAD = 0.07  # between a column's edge and its boxes
_BESIDE_NAME, _ABOVE_NAME, _BETWEEN_BOXES = 0.025, 0.045, 0.135
_ABOVE_BOXES = 0.08


@dataclass(frozen=True)
class Stage:
    """A stage: its name, its readable title, what goes in and out, and its rules with their numbers of jobs."""

    name: str
    title: str
    says: str
    jobs: Mapping[str, int]


@dataclass(frozen=True)
class Box:
    """The box of a rule; `tier` is its row of columns and `column` its place in that row, both from 0."""

    rule: str
    lines: list[str]
    jobs: int
    tier: int
    column: int
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def middle(self) -> float:
        """Half way down."""
        return self.top + self.height / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Column:
    """The frame of a stage with its heading; the boxes lie in it. `place` is its place in its row, which is `tier`."""

    stage: Stage
    says: list[str]
    tier: int
    place: int
    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Layout:
    """Columns, boxes by rule, and the lower edge of each tier.

    `gutters` are the x ranges before, between and behind columns; `free` is the left edge of the place that the first
    tier leaves free at its right end, if it has fewer columns than the second.
    """

    columns: list[Column]
    boxes: dict[str, Box]
    bottoms: list[float]
    gutters: list[tuple[float, float]]
    free: float | None


def lay_out(stages: Sequence[Stage], room_between: float) -> Layout:
    """Place the stages in their order; `room_between` is the room for lines between two tiers (see `tiers_of`)."""
    tiers = tiers_of(len(stages))
    abreast = max(map(len, tiers))
    column_width = (FULL_WIDTH - 2 * (MARGIN + _OUTER_GUTTER) - (abreast - 1) * _GUTTER) / abreast
    lefts = [MARGIN + _OUTER_GUTTER + place * (column_width + _GUTTER) for place in range(abreast)]
    columns: list[Column] = []
    boxes: dict[str, Box] = {}
    bottoms: list[float] = []
    top = 0.0
    for tier, places in enumerate(tiers):
        says = [wrap_words(stages[place].says, column_width - 2 * _PAD, SMALL) for place in places]
        first = top + _PAD + STAGE_SIZE * LINE + max(height(lines, SMALL) for lines in says) + _ABOVE_BOXES
        for column, place in enumerate(places):
            down = first
            for rule, jobs in stages[place].jobs.items():
                lines = _name_lines(rule, column_width - 2 * (_PAD + _BESIDE_NAME))
                size = height(lines, SMALL) + SMALL * LINE + 2 * _ABOVE_NAME
                left = lefts[column] + _PAD
                boxes[rule] = Box(rule, lines, jobs, tier, column, left, down, column_width - 2 * _PAD, size)
                down += size + _BETWEEN_BOXES
            bottom = down - _BETWEEN_BOXES + _PAD
            frame = (lefts[column], top, column_width, bottom - top)
            columns.append(Column(stages[place], says[column], tier, column, *frame))
        bottoms.append(max(frame.bottom for frame in columns))
        top = bottoms[-1] + room_between
    right = lefts[-1] + column_width
    gutters = [
        (MARGIN, lefts[0]),
        *((left - _GUTTER, left) for left in lefts[1:]),
        (right, right + _OUTER_GUTTER),
    ]
    return Layout(columns, boxes, bottoms, gutters, lefts[-1] if len(tiers[0]) < abreast else None)


def tiers_of(stages: int) -> list[range]:
    """Return which stages (by number) are side by side: all of a few, else two halves, the second the longer one."""
    if stages <= MOST_ABREAST:
        return [range(stages)]
    return [range(stages // 2), range(stages // 2, stages)]


def in_chains(rules: Sequence[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the rules of a stage so that each comes after those it needs, and right after one if it can.

    Args:
        rules: in the order of their definition, which decides where nothing else does.
        pairs: pairs of rules of which the first feeds the second; those with rules of other stages do not count.
    """
    needs = {rule: {source for source, target in pairs if target == rule and source in rules} for rule in rules}
    placed: list[str] = []
    while len(placed) < len(rules):
        waiting = [rule for rule in rules if rule not in placed]
        ready = [rule for rule in waiting if needs[rule] <= set(placed)]
        fed = [rule for rule in ready if placed and placed[-1] in needs[rule]]
        placed.append((fed or ready or waiting)[0])
    return placed


def _name_lines(rule: str, inches: float) -> list[str]:
    """Break a rule's name behind an underscore where it is too wide."""
    lines = [""]
    for part in rule.replace("_", "_ ").split():
        if lines[-1] and width(lines[-1] + part, SMALL) > inches:
            lines.append(part)
        else:
            lines[-1] += part
    return lines
