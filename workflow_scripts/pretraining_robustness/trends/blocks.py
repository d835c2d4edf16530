"""Means and trends over blocks: networks that every series has, each an architecture with a seed.

Values are averaged within architectures and then over them, so that an architecture with many seeds counts once; where
there is one architecture, over its seeds.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from pretraining_robustness.trends.axis_scales import Floats
from pretraining_robustness.trends.multiplicity import holm, simultaneous

FEWEST_SERIES = 3  # of Page's test
_FEWEST_BLOCKS = 2


@dataclass(frozen=True)
class Mean:
    """A mean over networks with its t interval low .. high and `p` that it is 0; NaN where nothing varies."""

    value: float
    low: float
    high: float
    p: float
    networks: int


def mean_over_networks(values: pd.Series, confidence: float) -> Mean:
    """Average values within architectures and then over them; over seeds where there is one architecture.

    Args:
        values: indexed by (architecture, seed); missing ones are left out.
        confidence: of the t interval of the means of architectures (or of seeds), in (0, 1).
    """
    kept = values.dropna()
    means = kept.groupby(level="architecture").mean()
    means = means if len(means) > 1 else kept
    value = float(means.mean()) if len(means) else math.nan
    if len(means) < 2 or np.ptp(means) == 0:
        return Mean(value, math.nan, math.nan, math.nan, len(kept))
    test = stats.ttest_1samp(means, 0)
    low, high = test.confidence_interval(confidence)
    return Mean(value, float(low), float(high), float(test.pvalue), len(kept))


def paired_contrasts(values: pd.DataFrame, confidence: float) -> list[dict[str, Any]]:
    """Return a row for each pair of series: first minus second, within blocks.

    Args:
        values: one row per block, indexed by (architecture, seed), one column per series.
        confidence: of the simultaneous intervals, in (0, 1), which agree with p_holm.
    """
    differences = {pair: values[pair[0]] - values[pair[1]] for pair in itertools.combinations(values.columns, 2)}
    means = [mean_over_networks(one, confidence) for one in differences.values()]
    corrected, level = holm([mean.p for mean in means]), 1 - confidence
    tested = max(int(np.isfinite(corrected).sum()), 1)
    rows: list[dict[str, Any]] = []
    for (pair, difference), mean, p_holm in zip(differences.items(), means, corrected, strict=True):
        wide = mean_over_networks(difference, 1 - level / tested)
        low, high = simultaneous(wide.low, wide.high, rejected=p_holm <= level)
        names = {"first": pair[0], "second": pair[1], "blocks": mean.networks}
        rows.append({**names, "difference": mean.value, "low": low, "high": high, "p": mean.p, "p_holm": p_holm})
    return rows


@dataclass(frozen=True)
class BlockTrend:
    """`p` of Page's test over `blocks`; `slope`, `low` and `high` in the values' unit, for ten times as many images.

    The slope is least squares within each block, averaged by `mean_over_networks`. NaN where there are too few blocks.
    """

    p: float
    blocks: int
    slope: float
    low: float
    high: float


def trend_of_blocks(values: pd.DataFrame, images: dict[str, int], confidence: float) -> BlockTrend:
    """Test whether values are ordered as the numbers of images are.

    Args:
        values: one row per block, its index (architecture, seed), and one column per series; blocks that lack a series
            are left out.
        images: the number of images (> 0, all different) of each series, at least `FEWEST_SERIES`.
        confidence: of the interval, in (0, 1).
    """
    order = sorted(images, key=images.__getitem__)
    table = values.reindex(columns=order).dropna()
    ordered = table.to_numpy(dtype=np.float64)
    slopes = pd.Series(_slopes(np.log10([images[name] for name in order]), ordered), index=table.index, dtype="float64")
    mean = mean_over_networks(slopes, confidence)
    return BlockTrend(page_p(ordered), len(ordered), mean.value, mean.low, mean.high)


def page_p(ordered: Floats) -> float:
    """Return the two-sided p value of Page's test of values of shape (blocks, treatments in their expected order).

    Page 1963, "Ordered hypotheses for multiple treatments: a significance test for linear ranks". NaN with fewer than
    two blocks or three treatments.
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
