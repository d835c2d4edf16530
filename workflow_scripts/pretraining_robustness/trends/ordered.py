"""Do out-of-distribution scores rise or fall along ordered series, such as growing numbers of pre-training images?

Two questions, each with its test. Of the scores after the last epoch: Page's trend test (Page 1963, "Ordered hypotheses
for multiple treatments: a significance test for linear ranks") of the series as treatments, an architecture and seed
being a block, whose scores are ranked among themselves. At equal in-distribution score: the permutation test of one
line for all series (permutation.py) against lines that are parallel and whose height is linear in log10 images. Both
are two-sided.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.trends.axis_scales import Floats
from pretraining_robustness.trends.permutation import permuted_p_values
from pretraining_robustness.trends.points import AxisPoints, joined

FEWEST_SERIES = 3  # of Page's test
_FEWEST_BLOCKS = 2


@dataclass(frozen=True)
class LastEpochTrend:
    """Scores after the last epoch: `p` of Page's test over `blocks`; `slope`, `low` and `high` in score units.

    The slope is a score's change for ten times as many images: least squares within each block, averaged within and
    then over architectures (over seeds where there is one architecture), with the t interval of these means. NaN where
    there are too few blocks.
    """

    p: float
    blocks: int
    slope: float
    low: float
    high: float


def last_epoch_trend(scores: pd.DataFrame, images: dict[str, int], metric: Metric, confidence: float) -> LastEpochTrend:
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


def trend_of_blocks(values: pd.DataFrame, images: dict[str, int], confidence: float) -> LastEpochTrend:
    """Test whether values are ordered as the numbers of images are; those of the result are in the values' unit.

    Args:
        values: a row a block, its index (architecture, seed), and a column a series; blocks that lack a series are
            left out.
        images: the number of images (> 0, all different) of each series, at least `FEWEST_SERIES`.
        confidence: of the interval, in (0, 1).
    """
    order = sorted(images, key=images.__getitem__)
    table = values.reindex(columns=order).dropna()
    ordered = table.to_numpy(dtype=np.float64)
    slopes = pd.Series(_slopes(np.log10([images[name] for name in order]), ordered), index=table.index, dtype="float64")
    means = slopes.groupby(level="architecture").mean()
    means = means if len(means) > 1 else slopes
    low, high = (math.nan, math.nan)
    if len(means) > 1:
        low, high = stats.ttest_1samp(means, 0).confidence_interval(confidence)
    slope = float(means.mean()) if len(means) else math.nan
    return LastEpochTrend(page_p(ordered), len(ordered), slope, float(low), float(high))


def page_p(ordered: Floats) -> float:
    """Return the two-sided p value of Page's test of values of shape (blocks, treatments in their expected order).

    NaN with fewer than two blocks or three treatments.
    """
    blocks, treatments = ordered.shape
    if blocks < _FEWEST_BLOCKS or treatments < FEWEST_SERIES:
        return math.nan
    rises, falls = (float(stats.page_trend_test(values).pvalue) for values in (ordered, ordered[:, ::-1]))
    return min(1.0, 2 * min(rises, falls))


def _slopes(x: Floats, values: Floats) -> Floats:
    """Return the least-squares slope of each row of `values` on x."""
    apart = x - x.mean()
    return values @ apart / (apart @ apart)


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
