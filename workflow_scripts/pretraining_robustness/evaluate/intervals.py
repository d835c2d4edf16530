"""Intervals of scores, by resampling what is independent: cameras of camera traps, else images.

The bootstrap of images draws n images with replacement; images that agree in all that a metric sees are drawn together,
by one multinomial draw, which is the same. The bootstrap of clusters draws as many clusters as there are, with all
their images (Field and Welsh 2007, "Bootstrapping clustered data", the cluster bootstrap).
"""

import numpy as np
from scipy import sparse

from pretraining_robustness.evaluate.metrics import Floats, Metric, Whole

_NUMBERS_AT_ONCE = 8_000_000  # weights held in one go, 64 MB


def resampled_scores(
    metric: Metric,
    truth: Whole,
    predicted: Whole,
    groups: Whole,
    clusters: Whole | None,
    *,
    resamples: int,
    generator: np.random.Generator,
) -> Floats:
    """Return the metric's score of each resample, shape (resamples,).

    Args:
        metric: a metric.
        truth, predicted, groups: of the n images, each int64 (n,) from 0.
        clusters: the cluster of each image, or None where images are independent.
        resamples: how many.
        generator: source of randomness.
    """
    columns, counters = metric.tally(truth, predicted, groups)
    if clusters is None:
        units, sizes = np.unique(columns, axis=0, return_counts=True)
        probabilities, draws = sizes / len(truth), len(truth)
        rows = np.arange(len(units))
    else:
        names, rows = np.unique(clusters, return_inverse=True)
        units, probabilities, draws = columns, np.full(len(names), 1 / len(names)), len(names)
    counts = counts_by_unit(rows, units, (len(probabilities), counters))
    scores = np.empty(resamples)
    step = max(1, _NUMBERS_AT_ONCE // len(probabilities))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        weights = generator.multinomial(draws, probabilities, size=size).astype(np.float64)
        scores[start : start + size] = metric.of_counts((counts.T @ weights.T).T)
    return scores


def counts_by_unit(rows: Whole, columns: Whole, shape: tuple[int, int]) -> sparse.csr_matrix:
    """Return how often each unit (row) adds to each counter.

    Args:
        rows: the unit of each of n images, int64 (n,).
        columns: the counters that each image adds to (`Metric.tally`).
        shape: numbers of units and of counters.
    """
    place = np.repeat(rows, columns.shape[1]), columns.reshape(-1)
    used = place[1] >= 0
    ones = np.ones(int(used.sum()))
    return sparse.csr_matrix((ones, (place[0][used], place[1][used])), shape=shape)
