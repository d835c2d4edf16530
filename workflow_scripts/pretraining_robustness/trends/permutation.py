"""Do series share one trend? A test that permutes between runs, and holds with few of them.

The model is y = (what is peculiar to the architecture) + slope x, for all series alike. If it holds, the residuals of a
run from it say nothing of the series that the run belongs to. A series may still move along the line (a weaker
pre-training lowers both scores), so residuals are permuted and in-distribution scores are not (Freedman & Lane 1983, "A
nonstochastic interpretation of reported significance levels"). What is exchanged are the residuals of a whole run,
because its checkpoints are correlated. Which runs may exchange theirs depends on the design alone, never on the scores:

- Most runs are of an architecture that several series have (a study's own runs). Runs of one architecture with equally
  many checkpoints exchange residuals, and the model has a term for each architecture, for these differ more than series
  do. Without it the test would be wrong, not only weak: the architectures' share in the error of the slope makes series
  that moved along the line look apart. An architecture of a single series exchanges nothing; its term absorbs whatever
  sets it apart.
- Most runs are of an architecture that only one series has (published models, each its own). Such terms would absorb
  every difference between series, so the model has one intercept, and architectures are taken for a random sample with
  one scatter around the line: the architectures of a single series exchange residuals across series, each as a whole
  with all its runs, for these are correlated. Runs of the few architectures that series share exchange within them.
- Exchanges do not connect all series (two with the same architectures and a third with its own, or published numbers
  beside runs of several epochs). Each pair of series is tested alone, by the rules above, and the smallest p value is
  multiplied by the number of pairs that can be tested (Bonferroni). `untested` are the series of no such pair.

The statistic is the F of nested least-squares fits. Its distribution comes from the permutations alone, all of them
where they are few enough. With n runs that can exchange nothing less than 1 / n! can come out, which is reported: two
series with one run of each of three architectures allow 2 x 2 x 2 exchanges, so p is never below 1/8.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csgraph

from pretraining_robustness.trends.axis_scales import Floats
from pretraining_robustness.trends.points import Whole

_NUMBERS_AT_ONCE = 4_000_000  # residuals that are permuted in one go, 32 MB
_TIE = 1 - 1e-9  # statistics that differ by rounding alone are equal


@dataclass(frozen=True)
class PermutationTest:
    """p values of two hypotheses, and what they rest on.

    `trend` is that of one line for all series against a line for each; `height` that of one line against parallel lines
    (it sees a shift and no turn). `smallest` is the smallest p value that the exchanges allow, `permutations` how many
    were made. p values are NaN where nothing can be exchanged or nothing varies. `untested` are the series, as numbers,
    about which no exchange says anything.
    """

    trend: float
    height: float
    smallest: float
    permutations: int
    untested: tuple[int, ...] = ()


@dataclass(frozen=True)
class Exchange:
    """Which runs may exchange residuals. A group has shape (blocks, runs a block); its blocks are interchangeable.

    `by_architecture` says whether the model has a term for each architecture, or one intercept.
    """

    groups: list[Whole]
    by_architecture: bool

    @property
    def possible(self) -> int:
        """How many exchanges there are, that which changes nothing among them."""
        return math.prod(math.factorial(len(group)) for group in self.groups)

    def connects(self, series: Whole) -> bool:
        """Whether one can pass from any series to any other by exchanges; `series` has one entry a run."""
        names, codes = np.unique(series, return_inverse=True)
        together = np.zeros((len(names), len(names)), dtype=bool)
        for group in self.groups:
            together[np.ix_(np.unique(codes[group]), np.unique(codes[group]))] = True
        return int(csgraph.connected_components(together, directed=False)[0]) == 1


def exchange(architectures: Whole, lengths: Whole, series: Whole) -> Exchange:
    """Return which runs may exchange residuals; the arguments have one entry a run, `lengths` counts its checkpoints.

    A group of a single series is none.
    """
    _, groups = np.unique(np.stack([architectures, lengths]), axis=1, return_inverse=True)
    candidates = [np.flatnonzero(groups == group)[:, None] for group in np.unique(groups)]
    members = [np.flatnonzero(architectures == name) for name in np.unique(architectures)]
    of_one_series = [runs for runs in members if len(np.unique(series[runs])) == 1]
    by_architecture = 2 * sum(map(len, of_one_series)) < len(series)
    if not by_architecture:
        shapes: dict[tuple[int, ...], list[Whole]] = {}
        for runs in of_one_series:
            ordered = runs[np.argsort(lengths[runs], kind="stable")]
            shapes.setdefault(tuple(lengths[ordered].tolist()), []).append(ordered)
        candidates += [np.stack(blocks) for blocks in shapes.values()]
    return Exchange([group for group in candidates if len(np.unique(series[group])) > 1], by_architecture)


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
        series: the series of each checkpoint as a number.
        runs: the run of each checkpoint as a number; the checkpoints of a run are in the order of their epochs.
        architectures: the architecture of each checkpoint as a number.
        permutations: at most so many; fewer when there are no more.
        generator: source of randomness.
    """
    names = np.unique(series)
    plan = exchange_of(series, runs, architectures)
    if len(names) > 2 and not plan.connects(series[_firsts(runs)]):
        pairs = list(itertools.combinations(names.tolist(), 2))
        tests = []
        for pair in pairs:
            of_pair = np.isin(series, pair)
            test = permutation_test(
                x[of_pair],
                y[of_pair],
                series[of_pair],
                runs[of_pair],
                architectures[of_pair],
                permutations=permutations,
                generator=generator,
            )
            tests.append(test)
        return _smallest_of_pairs(pairs, tests)
    own = _members(series)
    designs = {"trend": np.hstack([own, own * (x - x.mean())[:, None]]), "height": own}
    values, made = permuted_p_values(
        x, y, series, runs, architectures, designs, permutations=permutations, generator=generator
    )
    smallest = 1 / plan.possible if made in (0, plan.possible) else max(1 / plan.possible, 1 / (made + 1))
    untested = tuple(names.tolist()) if plan.possible == 1 else ()
    return PermutationTest(values["trend"], values["height"], smallest, made, untested)


def permuted_p_values(
    x: Floats,
    y: Floats,
    series: Whole,
    runs: Whole,
    architectures: Whole,
    designs: Mapping[str, Floats],
    *,
    permutations: int,
    generator: np.random.Generator,
) -> tuple[dict[str, float], int]:
    """Test whether what `designs` add to one line for all series explains more than chance.

    Args:
        designs: the columns that each alternative adds, shape (n, its number of columns); the others are those of
            `permutation_test`.

    Returns:
        The p value of each design, and how many permutations were made. p values are NaN, and no permutation is made,
        where nothing can be exchanged or nothing varies.
    """
    order = np.argsort(runs, kind="stable")
    x, y, series, architectures = x[order] - x.mean(), y[order], series[order], architectures[order]
    runs = np.unique(runs[order], return_inverse=True)[1]
    plan, starts = exchange_of(series, runs, architectures), _firsts(runs)
    kinds = _members(architectures) if plan.by_architecture else np.ones((len(x), 1))
    together = np.hstack([kinds, x[:, None]])
    one_line = _basis(together)
    residuals = y - one_line @ (one_line.T @ y)
    total = float(residuals @ residuals)
    if plan.possible == 1 or total <= 1e-20 * float(y @ y):
        return dict.fromkeys(designs, math.nan), 0
    bases = {name: _basis(np.hstack([together, design[order]])) for name, design in designs.items()}
    observed = {name: _statistic(residuals[None], basis, one_line, total)[0] for name, basis in bases.items()}
    reached = dict.fromkeys(bases, 0)
    exact = plan.possible <= permutations
    orders = _all_orders(plan.groups) if exact else _random_orders(plan.groups, permutations, generator)
    maps = np.tile(np.arange(len(starts)), (plan.possible if exact else permutations, 1))
    for group, taken in zip(plan.groups, orders, strict=True):
        maps[:, group] = group[taken]
    within = np.arange(len(x)) - starts[runs]
    size = max(1, _NUMBERS_AT_ONCE // len(x))
    for start in range(0, len(maps), size):
        permuted = residuals[starts[maps[start : start + size]][:, runs] + within]
        for name, basis in bases.items():
            reached[name] += int((_statistic(permuted, basis, one_line, total) >= _TIE * observed[name]).sum())
    extra = 0 if exact else 1  # the exchange that changes nothing is one of all, and added to drawn ones
    return {name: (count + extra) / (len(maps) + extra) for name, count in reached.items()}, len(maps)


def _smallest_of_pairs(pairs: list[tuple[int, int]], tests: list[PermutationTest]) -> PermutationTest:
    """Return the test that all pairs share one line from tests of each, with Bonferroni's correction."""
    made = [test for test in tests if test.permutations]
    tested = {one for pair, test in zip(pairs, tests, strict=True) if not test.untested for one in pair}
    untested = tuple(sorted({one for pair in pairs for one in pair} - tested))
    if not made:
        return PermutationTest(math.nan, math.nan, min(test.smallest for test in tests), 0, untested)
    trend, height, smallest = (
        min(1.0, len(made) * min(getattr(test, name) for test in made)) for name in ("trend", "height", "smallest")
    )
    return PermutationTest(trend, height, smallest, sum(test.permutations for test in made), untested)


def exchange_of(series: Whole, runs: Whole, architectures: Whole) -> Exchange:
    """Return which runs may exchange residuals, from their checkpoints; runs are in the order of their numbers."""
    firsts = _firsts(runs)
    return exchange(architectures[firsts], np.unique(runs, return_counts=True)[1], series[firsts])


def _firsts(runs: Whole) -> Whole:
    """Return the place of the first checkpoint of each run."""
    return np.unique(runs, return_index=True)[1]


def _members(names: Whole) -> Floats:
    """Return a column for each name, 1 where it stands."""
    return (names[:, None] == np.unique(names)).astype(np.float64)


def _basis(design: Floats) -> Floats:
    """Return an orthonormal basis of the columns' span, also where they depend on each other."""
    left, values, _ = np.linalg.svd(design, full_matrices=False)
    return left[:, values > 1e-10 * values[0]]


def _statistic(residuals: Floats, full: Floats, reduced: Floats, total: float) -> Floats:
    """Return what the full model explains beyond the reduced one, over what it leaves; one number per row."""
    by_full = ((residuals @ full) ** 2).sum(axis=1)
    by_reduced = ((residuals @ reduced) ** 2).sum(axis=1)
    return (by_full - by_reduced) / np.maximum(total - by_full, 1e-12 * total)


def _all_orders(groups: list[Whole]) -> list[Whole]:
    """Return every exchange: for each group a row for each of them, the blocks that give their residuals."""
    orders = [np.array(list(itertools.permutations(range(len(group))))) for group in groups]
    choices = np.indices([len(order) for order in orders]).reshape(len(orders), -1)
    return [order[choice] for order, choice in zip(orders, choices, strict=True)]


def _random_orders(groups: list[Whole], count: int, generator: np.random.Generator) -> list[Whole]:
    return [generator.permuted(np.tile(np.arange(len(group)), (count, 1)), axis=1) for group in groups]
