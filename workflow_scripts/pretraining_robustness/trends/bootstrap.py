"""Bootstrap of a straight-line fit in closed form, resampling whole clusters of points.

Least squares needs five sums of the points: n, sum x, sum y, sum x^2, sum x y. A resample is a count of how often each
cluster was drawn, so all resamples together are one matrix product of counts and per-cluster sums.

With every point its own cluster this is the i.i.d. (pairs) bootstrap of arXiv 2307.12532 ("95 % bootstrap confidence
intervals for the linear fit", section 3). With one cluster a run it respects that the checkpoints of a run are
correlated. Both give percentile intervals; with few clusters (below some ten) these are known to be too narrow
(Cameron, Gelbach & Miller 2008, "Bootstrap-based improvements for inference with clustered errors"), which is why they
only stand beside those of cluster_robust.py.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# A resample whose spread in x is this small a part of the sample's is rounding noise around a single x.
_NO_SPREAD = 1e-12


@dataclass(frozen=True)
class ResampledLines:
    """Lines y = intercept + slope x fitted to resamples.

    `slopes` and `intercepts` have one entry a usable resample; `usable` has one entry a resample and is false for those
    in which all x were the same, which have no slope and are left out.
    """

    slopes: Floats
    intercepts: Floats
    usable: NDArray[np.bool_]

    @property
    def degenerate(self) -> int:
        """How many resamples were left out."""
        return int((~self.usable).sum())


def resample_lines(
    x: Floats, y: Floats, clusters: NDArray[np.int64], resamples: int, generator: np.random.Generator
) -> ResampledLines:
    """Fit lines to `resamples` bootstrap samples of the points (x, y).

    Args:
        x: shape (n,), finite.
        y: shape (n,), finite.
        clusters: shape (n,), the cluster of each point as 0 .. k-1, each used. k clusters are drawn with replacement.
        resamples: how many samples to draw.
        generator: source of randomness.
    """
    return lines_of_counts(x, y, clusters, draw_counts(int(clusters.max()) + 1, resamples, generator))


def draw_counts(clusters: int, resamples: int, generator: np.random.Generator) -> Floats:
    """Draw `clusters` clusters with replacement, `resamples` times; return the counts, one row per resample."""
    draws = generator.integers(0, clusters, size=(resamples, clusters))
    draws += clusters * np.arange(resamples)[:, None]
    counts = np.bincount(draws.ravel(), minlength=resamples * clusters).reshape(resamples, clusters)
    return counts.astype(np.float64)


def lines_of_counts(x: Floats, y: Floats, clusters: NDArray[np.int64], counts: Floats) -> ResampledLines:
    """Fit lines to the bootstrap samples in which each cluster of the points comes as often as `counts` says.

    `counts` has shape (resamples, k), a column for each cluster 0 .. k-1, some of which may have no points here.
    """
    x_centre, y_centre = x.mean(), y.mean()
    x, y = x - x_centre, y - y_centre  # without this, sum x^2 - (sum x)^2 / n loses digits
    points = np.stack([np.ones_like(x), x, y, x * x, x * y], axis=1)
    sums = np.zeros((counts.shape[1], 5))
    np.add.at(sums, clusters, points)
    n, sx, sy, sxx, sxy = (counts @ sums).T

    spread = sxx / np.maximum(n, 1) - (sx / np.maximum(n, 1)) ** 2
    usable = spread > _NO_SPREAD * x.var()
    n, sx, sy, sxy, spread = n[usable], sx[usable], sy[usable], sxy[usable], spread[usable]
    slopes = (sxy / n - sx * sy / n**2) / spread
    intercepts = (sy / n + y_centre) - slopes * (sx / n + x_centre)
    return ResampledLines(slopes, intercepts, usable)


def percentile_interval(values: Floats, confidence: float) -> tuple[float, float]:
    """Return the central `confidence` (in (0, 1)) interval of bootstrap values; NaN, NaN when there are none."""
    if len(values) == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def percentile_band(lines: ResampledLines, grid: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the pointwise central `confidence` interval of the lines at each x of `grid`, two arrays of its shape."""
    if len(lines.slopes) == 0:
        return np.full(grid.shape, np.nan), np.full(grid.shape, np.nan)
    heights = lines.intercepts + grid[:, None] * lines.slopes
    low, high = np.quantile(heights, [(1 - confidence) / 2, (1 + confidence) / 2], axis=1, overwrite_input=True)
    return low, high
