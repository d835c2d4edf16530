"""The optimal transport dataset distance (OTDD) between labelled images, and whether RI follows it.

Alvarez-Melis & Fusi 2020 (arXiv 2002.02923): images x with labels y are compared by

    d((x, y), (x', y'))^2 = |x - x'|^2 + W2(N(mu_y, S_y), N(mu_y', S_y'))^2

where a label is the Gaussian of its images' features, and data sets by the cheapest transport of one to the other. With
equally many images of equal weight in both, the cheapest plan is a one-to-one assignment, which is found exactly. The
covariances S are diagonal here (an option of microsoft/otdd), for which W2^2 = |mu - mu'|^2 + |s - s'|^2 with the
standard deviations s; with the few images of a class that a sample has, others could not be estimated. An early version
of the paper (arXiv 2410.21582) reports that OTDD predicts the loss of accuracy; its images, features and settings are
not known, so these are ours. The distance of a sample to another one of the same data set is not 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from scipy.stats import rankdata

from pretraining_robustness.imagenet_rib.indices import NETWORK, robustness_improvement
from pretraining_robustness.trends.axis_scales import Floats

_ALL_ORDERS = 5040  # 7!; more variants are permuted at random


@dataclass(frozen=True)
class Sample:
    """Features of n images, float (n, d), and their labels, int (n,)."""

    features: Floats
    labels: np.ndarray

    def label_features(self) -> Floats:
        """Return the means and standard deviations of each image's class, float (n, 2 d)."""
        _, codes = np.unique(self.labels, return_inverse=True)
        counts = np.bincount(codes)[:, None]
        sums = np.zeros((len(counts), self.features.shape[1]))
        squares = np.zeros_like(sums)
        np.add.at(sums, codes, self.features)
        means = sums / counts
        np.add.at(squares, codes, (self.features - means[codes]) ** 2)
        return np.hstack([means, np.sqrt(squares / counts)])[codes]


def otdd(first: Sample, second: Sample) -> float:
    """Return the distance of two samples of equally many images, in units of the features."""
    cost = cdist(first.features, second.features, "sqeuclidean")
    cost += cdist(first.label_features(), second.label_features(), "sqeuclidean")
    rows, columns = linear_sum_assignment(cost)
    return float(np.sqrt(cost[rows, columns].mean()))


def distances(samples: Mapping[str, Sample]) -> list[dict[str, str | float]]:
    """Return first, second and otdd of every two of the samples, each pair once."""
    names = list(samples)
    return [
        {"first": one, "second": other, "otdd": otdd(samples[one], samples[other])}
        for number, one in enumerate(names)
        for other in names[number + 1 :]
    ]


def with_distances(cells: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return the cells, of which variants were compared, with `otdd` from the variant fine-tuned on to that tested on.

    Args:
        cells: the table of `results.compute_indices`.
        measured: first, second, otdd.
    """
    turned = measured.rename(columns={"first": "second", "second": "first"})
    both = pd.concat([measured, turned]).rename(columns={"first": "fine_tuned_on", "second": "tested_on"})
    return cells.merge(both, on=["fine_tuned_on", "tested_on"])


def correlations(cells: pd.DataFrame, reference: str, permuted: int, seed: int) -> pd.DataFrame:
    """Return how what fine-tuning changes follows the distance, by network, averaged over seeds.

    Args:
        cells: those of `with_distances`.
        reference: ImageNet's validation images.
        permuted: at most so many permutations of the variants.
        seed: of the permutations.

    Returns:
        method, distribution, architecture, and Spearman's rank correlation with its two-sided permutation p value: of
        the changes of accuracy with the distance between the variants fine-tuned on and tested on (`of_cells`,
        `p_of_cells`; the variants' names are permuted in the matrix of distances, Mantel 1967), of RI with the distance
        from ImageNet (`of_ri`, `p_of_ri`), and of the change on ImageNet with it (`of_reference`, `p_of_reference`).
    """
    key = [name for name in NETWORK if name not in ("seed", "epoch")]
    rows = []
    for names, some in cells.groupby(key, sort=False):
        mean = some.groupby(["fine_tuned_on", "tested_on"])[["change", "otdd"]].mean().reset_index()
        changes, apart = (
            mean.pivot(index="fine_tuned_on", columns="tested_on", values=value) for value in ("change", "otdd")
        )
        used = some[some["counts"]]
        improvement = robustness_improvement(used).groupby("fine_tuned_on")["RI"].mean()
        row = dict(zip(key, names, strict=True))
        counted = used.groupby(["fine_tuned_on", "tested_on"]).size().unstack().notna()
        row["of_cells"], row["p_of_cells"] = _mantel(changes, apart, counted, permuted, seed)
        if reference in apart:
            away = apart[reference].reindex(improvement.index)
            row["of_ri"], row["p_of_ri"] = _paired(improvement.to_numpy(), away.to_numpy(), permuted, seed)
            on_it = changes[reference].reindex(improvement.index).to_numpy()
            row["of_reference"], row["p_of_reference"] = _paired(on_it, away.to_numpy(), permuted, seed)
        rows.append(row)
    return pd.DataFrame(rows)


def spearman(first: Floats, second: Floats) -> float:
    """Return Spearman's rank correlation, NaN where nothing varies."""
    ranks = [rankdata(one) for one in (first, second)]
    if min(np.ptp(one) for one in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def _paired(first: Floats, second: Floats, permuted: int, seed: int) -> tuple[float, float]:
    found = spearman(first, second)
    ranks = [rankdata(one) - (len(one) + 1) / 2 for one in (first, second)]
    products = np.array([ranks[0] @ ranks[1][order] for order in _orders(len(first), permuted, seed)])
    return found, float(np.mean(np.abs(products) >= abs(ranks[0] @ ranks[1]) - 1e-9))


def _mantel(
    changes: pd.DataFrame, apart: pd.DataFrame, counted: pd.DataFrame, permuted: int, seed: int
) -> tuple[float, float]:
    """Correlate the counted cells of two matrices; under permutation a variant keeps its row and column together."""
    tuned = list(changes.index)
    names = [*tuned, *(name for name in changes.columns if name not in tuned)]
    square = changes.reindex(index=tuned, columns=names).to_numpy()
    distance = apart.reindex(index=tuned, columns=names).to_numpy()
    used = counted.reindex(index=tuned, columns=names, fill_value=False).to_numpy(dtype=bool)
    found = spearman(square[used], distance[used])
    reached = []
    for order in _orders(len(tuned), permuted, seed):
        columns = np.concatenate([order, np.arange(len(tuned), len(names))])
        moved = distance[np.ix_(order, columns)]
        reached.append(abs(spearman(square[used], moved[used])) >= abs(found) - 1e-12)
    return found, float(np.mean(reached))


def _orders(count: int, most: int, seed: int) -> Sequence[np.ndarray]:
    """Return all orders of so many things, or random ones, the first of which changes nothing."""
    if count <= 7 and most >= _ALL_ORDERS:
        return [np.array(order) for order in permutations(range(count))]
    random = np.random.default_rng(seed)
    return [np.arange(count), *(random.permutation(count) for _ in range(most - 1))]
