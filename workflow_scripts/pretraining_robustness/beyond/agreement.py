"""Agreement-on-the-line: how often two networks agree out of distribution tells their accuracy there without labels.

Baek et al. 2022 ("Agreement-on-the-line", arXiv 2206.13089): on probit axes the agreement of pairs of networks out of
distribution is a line in their agreement in distribution, with the slope and bias of the line of accuracies. Two
estimates of OOD accuracy follow (their section 4): ALine-S puts ID accuracy on the line of agreements; ALine-D solves
for all networks at once how far each pair's mean accuracy is from its agreement.

Of a series with m checkpoints, P pairs are those of different runs. Agreement is of answers, correct or not.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.trends.axis_scales import Floats, axis_scale
from pretraining_robustness.trends.contrasts import Contrast

Whole = NDArray[np.int64]
PROBIT = axis_scale("probit")
_AT_ONCE = 8192  # images compared in one go: their answers stay in the processor's cache


def pairs_of(runs: Sequence[object]) -> Whole:
    """Return the pairs of checkpoints of different runs, (P, 2) with first < second, given the run of each."""
    found = [(i, j) for i, j in itertools.combinations(range(len(runs)), 2) if runs[i] != runs[j]]
    return np.array(found, dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Answered:
    """A test set as m checkpoints answered it, by the C clusters of its images.

    `correct` (m, C) and `agreeing` (P, C) count images, `images` (C,) how many there are.
    """

    correct: Whole
    agreeing: Whole
    images: Whole

    @classmethod
    def count(cls, answers: NDArray[np.int16], truth: Whole, clusters: Whole, pairs: Whole) -> "Answered":
        """Count the images on which checkpoints are correct and pairs agree.

        Args:
            answers: (m, n).
            truth, clusters: of the n images; clusters 0 .. C-1.
            pairs: `pairs_of` the checkpoints.
        """
        images = np.bincount(clusters)
        order = np.argsort(clusters, kind="stable")
        ends = np.cumsum(images)
        correct = np.zeros((len(answers), len(images)), dtype=np.int64)
        agreeing = np.zeros((len(pairs), len(images)), dtype=np.int64)
        firsts, starts = np.unique(pairs[:, 0], return_index=True)
        stops = [*starts[1:], len(pairs)]
        for cluster, end in enumerate(ends):
            for start in range(end - images[cluster], end, _AT_ONCE):
                chosen = order[start : min(start + _AT_ONCE, end)]
                block = answers[:, chosen]
                correct[:, cluster] += _count_true(block == truth[chosen])
                for first, low, high in zip(firsts, starts, stops, strict=True):
                    agreeing[low:high, cluster] += _count_true(block[pairs[low:high, 1]] == block[first])
        return cls(correct, agreeing, images)

    def accuracy(self) -> Floats:
        """Return the accuracy of each checkpoint, (m,)."""
        return self.correct.sum(axis=1) / self.images.sum()

    def agreement(self) -> Floats:
        """Return the agreement of each pair, (P,)."""
        return self.agreeing.sum(axis=1) / self.images.sum()

    def without(self) -> tuple[Floats, Floats]:
        """Return accuracies (m, C) and agreements (P, C) without each cluster."""
        left = self.images.sum() - self.images
        one, two = (counts.sum(axis=1, keepdims=True) - counts for counts in (self.correct, self.agreeing))
        return one / left, two / left


def _count_true(values: NDArray[np.bool_]) -> Whole:
    """Count along the last axis, by bits: ten times as fast as numpy's own counting."""
    return np.bitwise_count(np.packbits(values, axis=1)).sum(axis=1, dtype=np.int64)


def line(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return slope and intercept on probit axes of scores x, y, (k,) or (k, C): a line for each column.

    Scores of 0 and 1 have no place there and are left out.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        across, up = np.broadcast_arrays(PROBIT.forward(x), PROBIT.forward(y))
        placed = np.isfinite(across) & np.isfinite(up)
        across, up, count = np.where(placed, across, 0), np.where(placed, up, 0), placed.sum(axis=0)
        middle, height = across.sum(axis=0) / count, up.sum(axis=0) / count
        apart = np.where(placed, across - middle, 0)
        slope = (apart * up).sum(axis=0) / (apart**2).sum(axis=0)
    return slope, height - slope * middle


def aline_s(accuracy_id: Floats, agreement_id: Floats, agreement_ood: Floats) -> Floats:
    """Return ALine-S's OOD accuracy of each checkpoint, (m,): its ID accuracy put on the line of agreements."""
    slope, bias = line(agreement_id, agreement_ood)
    with np.errstate(divide="ignore"):
        return PROBIT.inverse(slope * PROBIT.forward(accuracy_id) + bias)


def aline_d(accuracy_id: Floats, agreement_id: Floats, agreement_ood: Floats, pairs: Whole) -> Floats:
    """Return ALine-D's OOD accuracy of each checkpoint, (m,); NaN for one in no pair that has a place on the axes.

    Of each pair the mean OOD accuracy is its OOD agreement plus the slope times how far its mean ID accuracy is above
    its ID agreement, all on probit axes; least squares over all pairs.
    """
    slope, _ = line(agreement_id, agreement_ood)
    with np.errstate(divide="ignore"):
        own = PROBIT.forward(accuracy_id)
        right = PROBIT.forward(agreement_ood) + slope * (own[pairs].mean(axis=1) - PROBIT.forward(agreement_id))
    placed = np.isfinite(right)
    design = np.zeros((int(placed.sum()), len(own)))
    np.put_along_axis(design, pairs[placed], 0.5, axis=1)
    found = PROBIT.inverse(np.linalg.lstsq(design, right[placed], rcond=None)[0])
    return np.where(design.any(axis=0), found, np.nan)


@dataclass(frozen=True)
class Lines:
    """The line of accuracies and that of agreements of a series.

    `accuracy` and `agreement` are (slope, intercept) on probit axes, `steeper` the slope of agreements minus that of
    accuracies with its variance and degrees of freedom, `contrast` how much higher than the accuracies' line the
    agreements' is at the mean ID accuracy of the series.
    """

    accuracy: tuple[float, float]
    agreement: tuple[float, float]
    steeper: tuple[float, float, float]
    contrast: Contrast


def compare_lines(inside: Answered, outside: Answered, pairs: Whole, architectures: Sequence[str]) -> Lines:
    """Compare the two lines of a series, with errors over architectures and over the test images of both sets.

    Each is a delete-one jackknife; a pair is left out with either of its networks. Their variances are added, which is
    on the safe side: what is peculiar to a network on a cluster is in both.

    Args:
        inside, outside: how both test sets were answered.
        pairs: (P, 2).
        architectures: of each checkpoint. Fewer than three leave no error (NaN).
    """
    scores = inside.accuracy(), outside.accuracy(), inside.agreement(), outside.agreement()
    with np.errstate(divide="ignore"):
        place = PROBIT.forward(scores[0])
    centre = float(place[np.isfinite(place)].mean())
    value = _numbers(*scores, centre)
    whose = np.array(architectures)
    names = np.unique(whose)
    jackknives = []
    if len(names) > 2:
        kept = [whose != name for name in names]
        parts = [(one, one[pairs].all(axis=1)) for one in kept]
        each = [_numbers(scores[0][m], scores[1][m], scores[2][p], scores[3][p], centre) for m, p in parts]
        jackknives.append(np.stack(each, axis=1))
        accuracy, agreement = inside.without()
        jackknives.append(_numbers(accuracy, scores[1][:, None], agreement, scores[3][:, None], centre))
        accuracy, agreement = outside.without()
        jackknives.append(_numbers(scores[0][:, None], accuracy, scores[2][:, None], agreement, centre))
    variances = [((one.shape[1] - 1) * one.var(axis=1), one.shape[1] - 1) for one in jackknives]
    variance = sum((one for one, _ in variances), np.zeros(len(value))) if variances else np.full(len(value), np.nan)
    squares = sum((one**2 / free for one, free in variances), np.zeros(len(value)))
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(squares > 0, variance**2 / squares, np.nan)
    slopes, heights = value[:2], value[2:4]
    with np.errstate(divide="ignore"):
        apart = PROBIT.forward(scores[1]) - heights[0] - slopes[0] * (place - centre)
    contrast = Contrast(
        heights=(float(heights[1]), float(heights[0])),
        apart=float(value[5]),
        error=float(np.sqrt(variance[5])),
        freedom=float(freedom[5]),
        deviation=float(apart[np.isfinite(apart)].std()),
        scale=PROBIT,
    )
    return Lines(
        (float(slopes[0]), float(heights[0] - slopes[0] * centre)),
        (float(slopes[1]), float(heights[1] - slopes[1] * centre)),
        (float(value[4]), float(variance[4]), float(freedom[4])),
        contrast,
    )


def _numbers(acc_id: Floats, acc_ood: Floats, agr_id: Floats, agr_ood: Floats, centre: float) -> Floats:
    """Return both slopes, both heights at `centre` and the differences of slopes and of heights, (6,) or (6, C)."""
    (slope, bias), (other, other_bias) = line(acc_id, acc_ood), line(agr_id, agr_ood)
    height, other_height = bias + slope * centre, other_bias + other * centre
    return np.stack([slope, other, height, other_height, other - slope, other_height - height])
