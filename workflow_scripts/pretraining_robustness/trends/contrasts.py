"""Differences between two trends at one in-distribution score: estimate, interval, effect size, and what could be seen.

Two lines are compared where both have checkpoints. The difference of their heights is estimated on the axes, with
standard errors and degrees of freedom for few clusters (cluster_robust.py). A cluster is an architecture, with its runs
in both series: what is peculiar to an architecture falls out of the difference, as in a paired test. It is told in
score units: a difference d on the axes around the middle m of the two heights is inverse(m + d/2) - inverse(m - d/2),
which keeps the sign and the order of an interval's ends.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, special

from pretraining_robustness.trends.axis_scales import AxisScale, Floats
from pretraining_robustness.trends.cluster_robust import ClusterRobustLeastSquares, ClusterRobustLine
from pretraining_robustness.trends.points import AxisPoints, moved_together, shared_clusters


@dataclass(frozen=True)
class FittedSeries:
    """A series with its points on the axes and its line."""

    name: str
    points: AxisPoints
    line: ClusterRobustLine

    @classmethod
    def fit(cls, name: str, points: AxisPoints) -> "FittedSeries":
        """Fit the line of a series that has one (points.why_no_trend)."""
        return cls(name, points, ClusterRobustLine(points.x, points.y, points.clusters))

    @property
    def residuals(self) -> Floats:
        """Distances of the points from the line, in axis units."""
        return self.points.y - self.line.heights(self.points.x).value


@dataclass(frozen=True)
class Contrast:
    """first - second: heights in scores, `difference`, `low` and `high` in score units, `p` of no difference.

    `effect_size` and its ends are the difference on the axes in standard deviations of single checkpoints around their
    lines; `detectable` is the difference in score units that a test at this confidence would find in 80 % of studies
    like this one; `error` (axis units) and `freedom` are those of the difference.
    """

    first_ood: float
    second_ood: float
    difference: float
    low: float
    high: float
    p: float
    effect_size: float
    effect_low: float
    effect_high: float
    detectable: float
    error: float
    freedom: float


POWER = 0.8


def shared_middle(series: list[FittedSeries]) -> float:
    """Return the middle of the range of x that all series cover, in axis units; NaN when they share none."""
    low = max(float(one.points.x.min()) for one in series)
    high = min(float(one.points.x.max()) for one in series)
    return (low + high) / 2 if low <= high else float("nan")


def contrast(first: FittedSeries, second: FittedSeries, x: float, scale: AxisScale, confidence: float) -> Contrast:
    """Compare two lines at `x` (axis units), with `confidence` in (0, 1)."""
    centre = float(first.points.x.mean())  # keeps digits; what is compared does not depend on it
    blocks = [np.stack([np.ones_like(one.points.x), one.points.x - centre], axis=1) for one in (first, second)]
    design = linalg.block_diag(*blocks)
    clusters = np.concatenate(shared_clusters(first.points, second.points))
    fit = ClusterRobustLeastSquares(design, np.concatenate([first.points.y, second.points.y]), clusters)
    height = np.array([1.0, x - centre])
    slopes = fit.coefficients[[1, 3]]
    moved = moved_together([one.points.heights_moved(by) for one, by in zip((first, second), slopes, strict=True)])
    estimate = fit.estimate(np.concatenate([height, -height])[None], moved)
    apart, error, freedom = (
        float(values[0]) for values in (estimate.value, np.sqrt(estimate.variance), estimate.freedom)
    )
    low, high = (float(end[0]) for end in estimate.interval(confidence))
    heights = np.array([height @ fit.coefficients[:2], height @ fit.coefficients[2:]])
    middle, scores = float(heights.mean()), scale.inverse(heights)
    residuals = np.concatenate([first.residuals, second.residuals])
    deviation = float(np.sqrt(residuals @ residuals / max(len(residuals) - 4, 1)))
    sizes = [value / deviation if deviation > 0 else float("nan") for value in (apart, low, high)]
    return Contrast(
        first_ood=float(scores[0]),
        second_ood=float(scores[1]),
        difference=_in_scores(scale, middle, apart),
        low=_in_scores(scale, middle, low),
        high=_in_scores(scale, middle, high),
        p=float(estimate.p_value()[0]),
        effect_size=sizes[0],
        effect_low=sizes[1],
        effect_high=sizes[2],
        detectable=_in_scores(scale, middle, detectable_shift(freedom, 1 - confidence, POWER) * error),
        error=error,
        freedom=freedom,
    )


def _in_scores(scale: AxisScale, middle: float, apart: float) -> float:
    upper, lower = scale.inverse(np.array([middle + apart / 2, middle - apart / 2]))
    return float(upper - lower)


def detectable_shift(freedom: float, level: float, power: float) -> float:
    """Return the true difference, in standard errors, that a two-sided t test at `level` finds with this power.

    By the noncentral t distribution; 2.80 for many degrees of freedom, level 0.05 and power 0.8. That a difference is
    found with the wrong sign has a probability below 1e-4 here and is left out. NaN without degrees of freedom.
    """
    critical = float(special.stdtrit(freedom, 1 - level / 2))
    if np.isnan(critical):
        return critical
    return float(
        optimize.brentq(lambda shift: 1 - special.nctdtr(freedom, shift, critical) - power, 0.0, 1.5 * critical + 2)
    )
