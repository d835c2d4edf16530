"""Do series share one trend? A test that permutes between runs, and holds with few of them.

The model is y = (what is peculiar to the architecture) + slope x, for all series alike. If it holds, the residuals of a
run from it say nothing of the series that the run belongs to. A series may still move along the line (a weaker
pre-training lowers both scores), so residuals are permuted and in-distribution scores are not (Freedman & Lane 1983, "A
nonstochastic interpretation of reported significance levels"). What is exchanged are the residuals of a whole run,
because its checkpoints are correlated, and only between runs of one architecture with equally many checkpoints: every
series has the same architectures, and these differ more than series do. Without the architectures in the model the test
would be wrong, not only weak: their share in the error of the slope makes series that moved along the line look apart.

The statistic is the F of nested least-squares fits. Its distribution comes from the permutations alone, all of them
where they are few enough. With n runs that can exchange nothing less than 1 / n! can come out, which is reported: two
series with one run of each of three architectures allow 2 x 2 x 2 exchanges, so p is never below 1/8.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np

from pretraining_robustness.trends.axis_scales import Floats
from pretraining_robustness.trends.points import Whole

_NUMBERS_AT_ONCE = 4_000_000  # residuals that are permuted in one go, 32 MB
_TIE = 1 - 1e-9  # statistics that differ by rounding alone are equal


@dataclass(frozen=True)
class PermutationTest:
    """p values of two hypotheses, and what they rest on.

    `trend` is that of one line for all series against a line for each; `height` that of one line against parallel lines
    (it sees a shift and no turn). `smallest` is the smallest p value that the exchanges allow, `permutations` how many
    were made. p values are NaN where nothing can be exchanged or nothing varies.
    """

    trend: float
    height: float
    smallest: float
    permutations: int


def permutation_test(
    x: Floats,
    y: Floats,
    series: Whole,
    runs: Whole,
    architectures: Whole,
    *,
    permutations: int,
    generator: np.random.Generator,
) -> PermutationTest:
    """Test whether series share one line.

    Args:
        x: in-distribution scores of the n checkpoints in axis units, shape (n,), not all the same.
        y: out-of-distribution scores in axis units, shape (n,).
        series: the series of each checkpoint as 0 .. S-1.
        runs: the run of each checkpoint as 0 .. R-1; the checkpoints of a run are in the order of their epochs.
        architectures: the architecture of each checkpoint as a number.
        permutations: at most so many; fewer when there are no more.
        generator: source of randomness.
    """
    order = np.argsort(runs, kind="stable")
    x, y, series, runs = x[order] - x.mean(), y[order], series[order], runs[order]
    architectures = architectures[order]
    starts, lengths = _blocks(runs)
    groups = _exchangeable(architectures[starts], lengths, series[starts])
    possible = math.prod(math.factorial(len(group)) for group in groups)
    together = np.hstack([_members(architectures), x[:, None]])
    one_line = _basis(together)
    residuals = y - one_line @ (one_line.T @ y)
    total = float(residuals @ residuals)
    if possible == 1 or total <= 1e-20 * float(y @ y):
        return PermutationTest(math.nan, math.nan, 1 / possible, 0)
    own = _members(series)
    designs = {"trend": np.hstack([together, own, own * x[:, None]]), "height": np.hstack([together, own])}
    bases = {name: _basis(design) for name, design in designs.items()}
    observed = {name: _statistic(residuals[None], basis, one_line, total)[0] for name, basis in bases.items()}
    reached = dict.fromkeys(bases, 0)
    exact = possible <= permutations
    exchanges = _all_exchanges(groups) if exact else _random_exchanges(groups, permutations, generator)
    maps = np.tile(np.arange(len(starts)), (possible if exact else permutations, 1))
    for group, taken in zip(groups, exchanges, strict=True):
        maps[:, group] = taken
    within = np.arange(len(x)) - starts[runs]
    size = max(1, _NUMBERS_AT_ONCE // len(x))
    for start in range(0, len(maps), size):
        permuted = residuals[starts[maps[start : start + size]][:, runs] + within]
        for name, basis in bases.items():
            reached[name] += int((_statistic(permuted, basis, one_line, total) >= _TIE * observed[name]).sum())
    extra, made = (
        0 if exact else 1,
        len(maps),
    )  # the exchange that changes nothing is one of all, and added to drawn ones
    values = {name: (count + extra) / (made + extra) for name, count in reached.items()}
    return PermutationTest(values["trend"], values["height"], max(1 / possible, 1 / (made + extra)), made)


def _members(names: Whole) -> Floats:
    """Return a column for each name, 1 where it stands."""
    return (names[:, None] == np.unique(names)).astype(np.float64)


def _blocks(runs: Whole) -> tuple[Whole, Whole]:
    _, starts, lengths = np.unique(runs, return_index=True, return_counts=True)
    return starts, lengths


def _exchangeable(architectures: Whole, lengths: Whole, series: Whole) -> list[Whole]:
    """Return the groups of runs that may exchange residuals; a group of a single series is none."""
    _, groups = np.unique(np.stack([architectures, lengths]), axis=1, return_inverse=True)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return [runs for runs in members if len(np.unique(series[runs])) > 1]


def _basis(design: Floats) -> Floats:
    """Return an orthonormal basis of the columns' span, also where they depend on each other."""
    left, values, _ = np.linalg.svd(design, full_matrices=False)
    return left[:, values > 1e-10 * values[0]]


def _statistic(residuals: Floats, full: Floats, reduced: Floats, total: float) -> Floats:
    """Return what the full model explains beyond the reduced one, over what it leaves; one number a row."""
    by_full = ((residuals @ full) ** 2).sum(axis=1)
    by_reduced = ((residuals @ reduced) ** 2).sum(axis=1)
    return (by_full - by_reduced) / np.maximum(total - by_full, 1e-12 * total)


def _all_exchanges(groups: list[Whole]) -> list[Whole]:
    """Return every exchange: for each group a row for each of them, the runs that give their residuals."""
    orders = [np.array(list(itertools.permutations(group.tolist()))) for group in groups]
    choices = np.indices([len(order) for order in orders]).reshape(len(orders), -1)
    return [order[choice] for order, choice in zip(orders, choices, strict=True)]


def _random_exchanges(groups: list[Whole], count: int, generator: np.random.Generator) -> list[Whole]:
    return [generator.permuted(np.tile(group, (count, 1)), axis=1) for group in groups]
