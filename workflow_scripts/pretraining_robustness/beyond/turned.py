"""Which images pre-training wins: gains and losses at equal ID score, and images on which the line turns over."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pretraining_robustness.trends.axis_scales import Floats, axis_scale

PROBIT = axis_scale("probit")
FARTHEST = 0.02
"""ID accuracies of matched checkpoints differ by at most this [ours]."""


def matched(first: Floats, second: Floats, whose: Sequence[str], others: Sequence[str]) -> list[tuple[int, int]]:
    """Return pairs of checkpoints of two series, of one architecture each and of nearly equal ID accuracy.

    The nearest first, each checkpoint once, at most `FARTHEST` apart.

    Args:
        first, second: ID accuracies, (m,) and (k,).
        whose, others: the architectures of both.
    """
    apart = np.abs(first[:, None] - second[None, :])
    apart[np.array(whose)[:, None] != np.array(others)[None, :]] = math.inf
    pairs: dict[int, int] = {}
    for flat in np.argsort(apart, axis=None, kind="stable"):
        i, j = divmod(int(flat), apart.shape[1])
        if apart[i, j] > FARTHEST:
            break
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return list(pairs.items())


def gains(
    first: NDArray[np.bool_], second: NDArray[np.bool_], pairs: Sequence[tuple[int, int]], whose: Sequence[str]
) -> tuple[list[str], Floats]:
    """Return architectures and how much more often the first series is correct on each image, (G, n) in -1..1.

    Args:
        first, second: whether checkpoints are correct, (m, n) and (k, n).
        pairs: `matched` checkpoints.
        whose: the architectures of the first series' checkpoints.
    """
    names = sorted({whose[i] for i, _ in pairs})
    difference = {name: [first[i].astype(np.int8) - second[j] for i, j in pairs if whose[i] == name] for name in names}
    return names, np.stack([np.mean(difference[name], axis=0) for name in names])


@dataclass(frozen=True)
class Mean:
    """A mean with its error over architectures and test images (NaN with one architecture), and degrees of freedom."""

    value: float
    error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the central interval."""
        half = float(special.stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.value - half, self.value + half

    @property
    def p(self) -> float:
        """The two-sided p value of 0."""
        return float(2 * special.stdtr(self.freedom, -abs(self.value / self.error))) if self.error > 0 else math.nan


def crossed_mean(each: Floats, weights: Floats, clusters: NDArray[np.int64]) -> Mean:
    """Return the mean over architectures of a weighted sum over images, with the error of both.

    Args:
        each: (G, n), of architectures and images.
        weights: (n,); weights of a mean sum to 1, those of a slope to 0.
        clusters: of the images, 0 .. C-1: the sum over each is taken as one draw (the jackknife of a ratio's linear
            part), and those without weight are none.
    """
    by_network = each @ weights
    centre = each.mean(axis=0)
    own = centre - weights.sum() * (centre @ weights)  # of a slope, whose weights sum to 0, nothing is taken off
    by_cluster = np.bincount(clusters, weights * own)[np.bincount(clusters, weights != 0) > 0]
    parts = [(by_network.var(ddof=1) / len(by_network), len(by_network) - 1)] if len(by_network) > 1 else []
    if len(by_cluster) > 1:
        count = len(by_cluster)
        parts.append((count / (count - 1) * float(((by_cluster - by_cluster.mean()) ** 2).sum()), count - 1))
    variance = float(sum(one for one, _ in parts))
    if len(by_network) < 2 or variance == 0:
        return Mean(float(by_network.mean()), math.nan, math.nan)
    return Mean(float(by_network.mean()), variance**0.5, variance**2 / sum(one**2 / free for one, free in parts))


@dataclass(frozen=True)
class Turned:
    """Images on which the line turns over, chosen on some architectures and judged on the others.

    `chosen` (k,), the correlation of ID accuracy and accuracy on them where they were chosen and where they are
    `judged`, with its interval over architectures, that on all images, and those `by_chance` (draws,): of images that
    the same search finds when the ID accuracies of the choosing networks are permuted.
    """

    chosen: NDArray[np.int64]
    found: float
    judged: float
    low: float
    high: float
    everywhere: float
    by_chance: Floats

    @property
    def p(self) -> float:
        """The part of the searches by chance that find as low a correlation."""
        return float((1 + np.sum(self.by_chance <= self.judged)) / (1 + len(self.by_chance)))


def turn_over(
    accuracy_id: Floats,
    correct: NDArray[np.bool_],
    architectures: Sequence[str],
    size: int,
    *,
    draws: int,
    confidence: float,
    generator: np.random.Generator,
) -> Turned:
    """Choose the images whose accuracy falls most as ID accuracy rises; judge them on the other architectures.

    OODSelect (arXiv 2510.24884) asks for the subset of a size with the lowest correlation of ID accuracy and accuracy
    on it. For a size, the images of the lowest covariance with ID accuracy have the lowest covariance together, so that
    none need be searched. Every second architecture chooses, the others judge.

    Args:
        accuracy_id: of m checkpoints.
        correct: (m, n), out of distribution.
        architectures: of the checkpoints, at least four.
        size: of the subset.
        draws: searches by chance.
        confidence: of the interval of Fisher's z, a jackknife over the judging architectures.
        generator: source of randomness.
    """
    whose = np.array(architectures)
    names = np.unique(whose)
    choosing = np.isin(whose, names[::2])
    x, answers = PROBIT.forward(accuracy_id.clip(1e-4, 1 - 1e-4)), correct.astype(np.float32)
    mine = answers[choosing] - answers[choosing].mean(axis=0)

    def choose(places: Floats) -> NDArray[np.int64]:
        return np.sort(np.argsort((places - places.mean()) @ mine, kind="stable")[:size])

    def correlation(which: NDArray[np.bool_], images: NDArray[np.int64] | slice) -> float:
        y = answers[which][:, images].mean(axis=1)
        return float(np.corrcoef(x[which], y)[0, 1]) if y.std() > 0 else 0.0

    chosen = choose(x[choosing])
    judging = names[1::2]
    judged = correlation(~choosing, chosen)
    left = np.arctanh(
        [np.clip(correlation(~choosing & (whose != one), chosen), -1 + 1e-9, 1 - 1e-9) for one in judging]
    )
    error = float(np.sqrt((len(judging) - 1) * left.var()))
    half = float(special.stdtrit(len(judging) - 1, (1 + confidence) / 2)) * error
    middle = np.arctanh(np.clip(judged, -1 + 1e-9, 1 - 1e-9))
    chance = [correlation(~choosing, choose(generator.permutation(x[choosing]))) for _ in range(draws)]
    return Turned(
        chosen,
        *(correlation(choosing, chosen), judged, float(np.tanh(middle - half)), float(np.tanh(middle + half))),
        correlation(~choosing, slice(None)),
        np.array(chance),
    )
