"""Do out-of-distribution scores rise or fall along ordered series, such as growing numbers of pre-training images?

Two questions, each with its test. Of the scores after the last epoch: Page's trend test (Page 1963, "Ordered hypotheses
for multiple treatments: a significance test for linear ranks") of the series as treatments, an architecture and seed
being a block, whose scores are ranked among themselves. At equal in-distribution score: the permutation test of one
line for all series (permutation.py) against lines that are parallel and whose height is linear in log10 images. Both
are two-sided.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.trends.blocks import BlockTrend, trend_of_blocks
from pretraining_robustness.trends.permutation import permuted_p_values
from pretraining_robustness.trends.points import AxisPoints, joined


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
    """At equal in-distribution score: `p` of no trend, and its `slope` in axis units for ten times as many images."""

    p: float
    slope: float


def equal_id_trend(
    points: Sequence[AxisPoints], images: Sequence[int], *, permutations: int, generator: np.random.Generator
) -> EqualIdTrend:
    """Test whether OOD scores follow the number of images beyond what ID scores predict.

    Args:
        points: the checkpoints of each series.
        images: the number of images of each.
        permutations: at most so many.
        generator: source of randomness.
    """
    x, y, series, runs, architectures = joined(points)
    size = np.log10(np.asarray(images, dtype=np.float64))[series][:, None]
    values, _ = permuted_p_values(
        x, y, series, runs, architectures, {"size": size}, permutations=permutations, generator=generator
    )
    kinds = (architectures[:, None] == np.unique(architectures)).astype(np.float64)
    slope = np.linalg.lstsq(np.hstack([kinds, x[:, None], size]), y, rcond=None)[0][-1]
    return EqualIdTrend(values["size"], float(slope))
