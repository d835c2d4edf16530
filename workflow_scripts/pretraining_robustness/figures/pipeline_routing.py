"""The lines between the boxes of the pipeline's drawing: at right angles, beside all text, with few crossings.

A line leaves a box to the right, runs in the gutter between two columns, and in a lane below its row of columns when it
goes further than to the next column. Rules of one stage that feed the same rules share one line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise

from pretraining_robustness.figures.pipeline_layout import Box, Layout

Point = tuple[float, float]
Path = list[Point]
Segment = tuple[float, float, float, float]  # x and y of its upper left and its lower right end

LANE = 0.075  # inches between lanes
_STRIP = 0.13  # between columns and the nearest lane
_PORT = 0.085  # between lines that enter one box
_BRACKET = 0.04  # between the edges of a box and a line that leaves it for another box of its column
_OVERLAP = 20  # crossings that are better than two lines on top of each other


@dataclass(frozen=True)
class Net:
    """One line with its branches: from boxes of one stage to boxes of other stages."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass
class Order:
    """In which order lines lie beside each other: in gutters (tier, column), in lanes (tier) and at boxes (rule)."""

    gutters: dict[tuple[int, int], list[Net]] = field(default_factory=dict)
    lanes: dict[int, list[Net]] = field(default_factory=dict)
    ports: dict[str, list[Net]] = field(default_factory=dict)

    def lists(self) -> list[list[Net]]:
        """Return every list whose order is free."""
        return [*self.gutters.values(), *self.lanes.values(), *self.ports.values()]


def nets_of(edges: Iterable[tuple[str, str]], boxes: dict[str, Box]) -> list[Net]:
    """Return the lines between different columns."""
    targets: dict[str, list[str]] = {}
    for source, target in edges:
        if _place(boxes[source]) != _place(boxes[target]):
            targets.setdefault(source, []).append(target)
    nets: dict[tuple[tuple[int, int], tuple[str, ...]], list[str]] = {}
    for source, fed in targets.items():
        nets.setdefault((_place(boxes[source]), tuple(sorted(fed))), []).append(source)
    return [Net(tuple(sources), fed) for (_, fed), sources in nets.items()]


def room_for_lanes(nets: Iterable[Net], boxes: dict[str, Box]) -> float:
    """Return the height of the strip between the first tier and the second."""
    lanes = 0
    for net in nets:
        source = boxes[net.sources[0]]
        lanes += source.tier == 0 and any(not _is_next(source, boxes[target]) for target in net.targets)
    return 2 * _STRIP + max(lanes - 1, 0) * LANE


def route(layout: Layout, nets: Sequence[Net]) -> dict[Net, list[Path]]:
    """Return the paths of every line, one from each source to each target, with few crossings.

    Starting from the order given, neighbours change places as long as that makes the drawing better.
    """
    order = _first_order(layout, nets)
    best = _cost(_paths(layout, nets, order))
    improved = True
    while improved:
        improved = False
        for one in order.lists():
            for place in range(len(one) - 1):
                one[place], one[place + 1] = one[place + 1], one[place]
                cost = _cost(_paths(layout, nets, order))
                if cost < best:
                    best, improved = cost, True
                else:
                    one[place], one[place + 1] = one[place + 1], one[place]
    return _paths(layout, nets, order)


def inner_path(source: Box, target: Box, between: Sequence[Box]) -> Path:
    """Return the path between two boxes of one column: straight down, or to the left of the boxes `between`."""
    if not between:
        middle = source.left + source.width / 2
        return [(middle, source.bottom), (middle, target.top)]
    beside, out = source.left - _BRACKET, source.bottom - 1.5 * _BRACKET
    return [(source.left, out), (beside, out), (beside, target.middle), (target.left, target.middle)]


def crossings(paths: dict[Net, list[Path]]) -> int:
    """Return how often lines cross."""
    return sum(
        _cross(first, second)
        for one, other in combinations(paths, 2)
        for first in _segments(paths[one])
        for second in _segments(paths[other])
    )


def _place(box: Box) -> tuple[int, int]:
    return box.tier, box.column


def _is_next(source: Box, target: Box) -> bool:
    return _place(target) == (source.tier, source.column + 1)


def _first_order(layout: Layout, nets: Sequence[Net]) -> Order:
    order = Order()
    for net in nets:
        source = layout.boxes[net.sources[0]]
        gutters = {(source.tier, source.column + 1)}
        for target in net.targets:
            gutters.add(_place(layout.boxes[target]))
            order.ports.setdefault(target, []).append(net)
        for gutter in sorted(gutters):
            order.gutters.setdefault(gutter, []).append(net)
        if any(not _is_next(source, layout.boxes[target]) for target in net.targets):
            order.lanes.setdefault(source.tier, []).append(net)
    return order


def _paths(layout: Layout, nets: Sequence[Net], order: Order) -> dict[Net, list[Path]]:
    tracks = {}
    for (tier, column), present in order.gutters.items():
        left, right = layout.gutters[column]
        for place, net in enumerate(present, start=1):
            tracks[tier, column, net] = left + (right - left) * place / (len(present) + 1)
    lanes = {
        net: _below_passed(layout, net) + _STRIP + place * LANE
        for tier, present in order.lanes.items()
        for place, net in enumerate(present)
    }
    ports = {(rule, net): y for rule, present in order.ports.items() for net, y in _ports(layout, rule, present)}
    paths: dict[Net, list[Path]] = {net: [] for net in nets}
    for net in nets:
        for source in (layout.boxes[rule] for rule in net.sources):
            out = tracks[source.tier, source.column + 1, net]
            for target in (layout.boxes[rule] for rule in net.targets):
                port = ports[target.rule, net]
                path = [(source.right, source.middle), (out, source.middle)]
                if _is_next(source, target):
                    path.append((out, port))
                else:
                    into = tracks[target.tier, target.column, net]
                    path += [(out, lanes[net]), (into, lanes[net]), (into, port)]
                paths[net].append([*path, (target.left, port)])
    return paths


def _below_passed(layout: Layout, net: Net) -> float:
    """Return the lower edge of the columns that a line passes; of the whole tier if it goes on to the next one."""
    source = layout.boxes[net.sources[0]]
    targets = [layout.boxes[target] for target in net.targets]
    if any(target.tier != source.tier for target in targets):
        return layout.bottoms[source.tier]
    passed = range(source.column + 1, max(target.column for target in targets))
    return max(column.bottom for column in layout.columns if column.tier == source.tier and column.place in passed)


def _ports(layout: Layout, rule: str, nets: Sequence[Net]) -> list[tuple[Net, float]]:
    """Return where lines enter a box: around its middle, or, if they are few, so that one comes straight."""
    box = layout.boxes[rule]
    step = min(_PORT, box.height / (len(nets) + 1))
    first = -(len(nets) - 1) / 2 * step
    for place, net in enumerate(nets):
        sources = [layout.boxes[source] for source in net.sources]
        straight = any(_is_next(source, box) and source.middle == box.middle for source in sources)
        if straight and max(place, len(nets) - 1 - place) * step < box.height / 2:
            first = -place * step
    return [(net, box.middle + first + place * step) for place, net in enumerate(nets)]


def _cost(paths: dict[Net, list[Path]]) -> float:
    """Return how bad a drawing is: crossings, lines on top of each other, and a little for length."""
    cost = 0.0
    segments = {net: _segments(own) for net, own in paths.items()}
    for one, other in combinations(segments, 2):
        for first in segments[one]:
            for second in segments[other]:
                cost += _cross(first, second) + _OVERLAP * _overlap(first, second)
    return cost + sum(abs(x2 - x1) + abs(y2 - y1) for own in segments.values() for x1, y1, x2, y2 in own) / 1000


def _segments(paths: list[Path]) -> list[Segment]:
    ends = {tuple(sorted(pair)) for path in paths for pair in pairwise(path) if pair[0] != pair[1]}
    return [(*first, *second) for first, second in sorted(ends)]


def _cross(one: Segment, other: Segment) -> bool:
    """Whether a horizontal and a vertical segment cross."""
    if one[0] == one[2]:
        one, other = other, one
    if one[1] != one[3] or other[0] != other[2]:
        return False
    return one[0] < other[0] < one[2] and other[1] < one[1] < other[3]


def _overlap(one: Segment, other: Segment) -> bool:
    """Whether two segments lie on top of each other, or so close that they look so."""
    near = LANE / 3
    if one[1] == one[3] and other[1] == other[3]:
        return abs(one[1] - other[1]) < near and min(one[2], other[2]) > max(one[0], other[0])
    if one[0] == one[2] and other[0] == other[2]:
        return abs(one[0] - other[0]) < near and min(one[3], other[3]) > max(one[1], other[1])
    return False
