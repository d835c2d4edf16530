"""Do out-of-distribution scores rise or fall along ordered series, such as growing numbers of pre-training images?

Two questions, each with its test; both are two-sided. Of raw scores after the last epoch: Page's trend test and the
slope within blocks (blocks.py). They rise with whatever improves a network, its robustness or not. Whether networks
become more robust is told at equal in-distribution score: by how much the common line moves with log10 images.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.trends.axis_scales import AxisScale, Floats
from pretraining_robustness.trends.blocks import BlockTrend, trend_of_blocks
from pretraining_robustness.trends.cluster_robust import ClusterRobustLeastSquares
from pretraining_robustness.trends.permutation import exchange_of, permuted_p_values
from pretraining_robustness.trends.points import AxisPoints, joined, moved_together


def last_epoch_trend(scores: pd.DataFrame, images: dict[str, int], metric: Metric, confidence: float) -> BlockTrend:
    """Test whether OOD scores after the last epoch are ordered as the numbers of images are.

    Args:
        scores: paired scores of one downstream task.
        images: the number of images (> 0, all different) of each series, at least `FEWEST_SERIES`.
        metric: which scores.
        confidence: of the interval, in (0, 1).
    """
    kept = scores[scores["series"].isin(list(images))].sort_values("epoch", kind="stable")
    last = kept.drop_duplicates(["series", "architecture", "seed"], keep="last")
    return trend_of_blocks(
        last.pivot(index=["architecture", "seed"], columns="series", values=metric.ood_column), images, confidence
    )


@dataclass(frozen=True)
class EqualIdTrend:
    """The change of the OOD score at equal in-distribution score, for ten times as many images.

    `slope`, `low` and `high` are in score units, around the mean OOD score; `p` is that of no change by the same t
    distribution, `permutation_p` that of the permutation test.
    """

    slope: float
    low: float
    high: float
    p: float
    permutation_p: float


def equal_id_trend(
    points: Sequence[AxisPoints],
    images: Sequence[int],
    scale: AxisScale,
    confidence: float,
    *,
    permutations: int,
    generator: np.random.Generator,
) -> EqualIdTrend:
    """Test whether OOD scores follow the number of images beyond what ID scores predict.

    The model is y = (what is peculiar to the architecture) + slope x + change log10 images; with networks as clusters
    and, where it is known, the draw of the test images.

    Args:
        points: the checkpoints of each series.
        images: the number of images of each.
        scale: of the points' axes.
        confidence: of the interval, in (0, 1).
        permutations: at most so many.
        generator: source of randomness.
    """
    x, y, series, runs, architectures = joined(points)
    size = np.log10(np.asarray(images, dtype=np.float64))[series][:, None]
    values, _ = permuted_p_values(
        x, y, series, runs, architectures, {"size": size}, permutations=permutations, generator=generator
    )
    several = len(np.unique(architectures)) > 1
    kinds = (
        _indicators(architectures) if exchange_of(series, runs, architectures).by_architecture else np.ones((len(y), 1))
    )
    design = np.hstack([kinds, x[:, None] - x.mean(), size - size.mean()])
    fit = ClusterRobustLeastSquares(design, y, architectures if several else runs)
    moved = moved_together([one.heights_moved(float(fit.coefficients[-2])) for one in points])
    estimate = fit.estimate(np.eye(design.shape[1])[-1:], moved)
    changes = np.array([estimate.value[0], *(end[0] for end in estimate.interval(confidence))])
    slope, low, high = (scale.inverse(y.mean() + changes / 2) - scale.inverse(y.mean() - changes / 2)).tolist()
    return EqualIdTrend(slope, low, high, float(estimate.p_value()[0]), values["size"])


def _indicators(names: NDArray[np.int64]) -> Floats:
    return (names[:, None] == np.unique(names)).astype(np.float64)
