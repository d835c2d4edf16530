"""Differences between two trends at one in-distribution score: estimate, interval, effect size, and what could be seen.

Two lines are compared where both have checkpoints. The difference of their heights is estimated on the axes, with
standard errors and degrees of freedom for few clusters (cluster_robust.py). A cluster is an architecture, with its runs
in both series: what is peculiar to an architecture falls out of the difference, as in a paired test. The draw of the
test images is crossed with that of networks where the scores without each cluster are known. It is told in
score units: a difference d on the axes around the middle m of the two heights is inverse(m + d/2) - inverse(m - d/2),
which keeps the sign and the order of an interval's ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg, optimize, special

from pretraining_robustness.trends.axis_scales import AxisScale, Floats
from pretraining_robustness.trends.cluster_robust import ClusterRobustLeastSquares, ClusterRobustLine
from pretraining_robustness.trends.multiplicity import holm, simultaneous, smallest_limits
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
    """first - second at one ID score.

    `heights` are those of both lines and `apart` their difference, `error` its standard error and `deviation` the
    standard deviation of single checkpoints around their lines, all in axis units; `freedom` are the degrees of freedom
    of the error. Without an error (NaN) there is neither interval nor p value.
    """

    heights: tuple[float, float]
    apart: float
    error: float
    freedom: float
    deviation: float
    scale: AxisScale

    @property
    def difference(self) -> float:
        """The difference in score units."""
        return self.in_scores(self.apart)

    @property
    def p(self) -> float:
        """The two-sided p value of no difference."""
        return float(2 * special.stdtr(self.freedom, -abs(self.apart / self.error)))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the ends of the central interval in score units, with `confidence` in (0, 1)."""
        half = float(special.stdtrit(self.freedom, (1 + confidence) / 2)) * self.error
        return self.in_scores(self.apart - half), self.in_scores(self.apart + half)

    def p_equivalent(self, margin: float) -> float:
        """Return the p value of a difference of at least `margin` (score units), by two one-sided tests.

        Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power approach for assessing the
        equivalence of average bioavailability": it is below a level where the interval of confidence 1 - 2 level lies
        within the margin.
        """
        limit = self._on_axis(margin)
        return float(special.stdtr(self.freedom, (abs(self.apart) - limit) / self.error))

    def margin_needed(self, level: float) -> float:
        """Return the smallest margin in score units at which `p_equivalent` is `level`."""
        return max(map(abs, self.interval(1 - 2 * level)))

    def detectable(self, confidence: float) -> float:
        """Return the difference in score units that a test would find in `POWER` of studies like this one."""
        return self.in_scores(detectable_shift(self.freedom, 1 - confidence, POWER) * self.error)

    def in_scores(self, apart: float) -> float:
        """Return a difference on the axes, around the middle of both heights, in score units."""
        middle = sum(self.heights) / 2
        upper, lower = self.scale.inverse(np.array([middle + apart / 2, middle - apart / 2]))
        return float(upper - lower)

    def _on_axis(self, difference: float) -> float:
        """Return the difference on the axes, around the middle of both heights, that is so large in score units."""
        most = 1.0
        while self.in_scores(most) < difference:
            if most > _FARTHEST:
                return float("inf")
            most *= 2
        return float(optimize.brentq(lambda apart: self.in_scores(apart) - difference, 0.0, most))


_FARTHEST = 100.0  # on the axes; no two scores are so far apart
POWER = 0.8


def shared_middle(series: list[FittedSeries]) -> float:
    """Return the middle of the range of x that all series cover, in axis units; NaN when they share none."""
    low = max(float(one.points.x.min()) for one in series)
    high = min(float(one.points.x.max()) for one in series)
    return (low + high) / 2 if low <= high else float("nan")


def contrast(first: FittedSeries, second: FittedSeries, x: float, scale: AxisScale) -> Contrast:
    """Compare two lines at `x` (axis units)."""
    centre = float(first.points.x.mean())  # keeps digits; what is compared does not depend on it
    blocks = [np.stack([np.ones_like(one.points.x), one.points.x - centre], axis=1) for one in (first, second)]
    design = linalg.block_diag(*blocks)
    clusters = np.concatenate(shared_clusters(first.points, second.points))
    fit = ClusterRobustLeastSquares(design, np.concatenate([first.points.y, second.points.y]), clusters)
    height = np.array([1.0, x - centre])
    slopes = fit.coefficients[[1, 3]]
    moved = moved_together([one.points.heights_moved(by) for one, by in zip((first, second), slopes, strict=True)])
    estimate = fit.estimate(np.concatenate([height, -height])[None], moved)
    residuals = np.concatenate([first.residuals, second.residuals])
    return Contrast(
        heights=(float(height @ fit.coefficients[:2]), float(height @ fit.coefficients[2:])),
        apart=float(estimate.value[0]),
        error=float(np.sqrt(estimate.variance[0])),
        freedom=float(estimate.freedom[0]),
        deviation=float(np.sqrt(residuals @ residuals / max(len(residuals) - 4, 1))),
        scale=scale,
    )


DIFFERS, EQUIVALENT, UNDECIDED, APART = "differs", "equivalent", "undecided", "cannot be compared"
"""What a contrast shows: a difference, none as large as the margin, neither; or that no ID score is shared."""


def judged(contrasts: Sequence[Contrast], confidence: float, margin: float) -> list[dict[str, Any]]:
    """Return the numbers and the verdict of each contrast of one comparison, corrected for their number.

    Args:
        contrasts: all of the comparison.
        confidence: of the intervals, in (0, 1); 1 - confidence is the level of the tests.
        margin: the difference in score units below which two series count as equivalent.

    Returns:
        Of each: first_ood, second_ood, difference, detectable_difference (score units; detectable by a single test),
        low, high (the simultaneous interval), low_single, high_single (that of the pair alone), p, p_holm,
        p_equivalent (Holm's), margin, smallest_margin (at which it would be equivalent), effect_size, effect_low,
        effect_high (simultaneous, in standard deviations of checkpoints), error, freedom, verdict. What differs may be
        equivalent too, by a difference smaller than the margin.
    """
    level, known = 1 - confidence, [one for one in contrasts if np.isfinite(one.error)]
    corrected = holm([one.p for one in contrasts])
    equivalent = holm([one.p_equivalent(margin) for one in contrasts])
    needed = [lambda count, one=one: one.margin_needed(level / count) for one in known]
    limits = dict(zip(map(id, known), smallest_limits(needed), strict=True))
    rows = []
    for one, p, p_equivalent in zip(contrasts, corrected, equivalent, strict=True):
        low, high = simultaneous(*one.interval(1 - level / max(len(known), 1)), rejected=p <= level)
        single, ood = one.interval(confidence), one.scale.inverse(np.array(one.heights))
        half = float(special.stdtrit(one.freedom, 1 - level / max(len(known), 1) / 2)) * one.error
        size, reach = (value / one.deviation if one.deviation > 0 else np.nan for value in (one.apart, half))
        effect_low, effect_high = simultaneous(size - reach, size + reach, rejected=p <= level)
        rows.append(
            {
                **{"first_ood": float(ood[0]), "second_ood": float(ood[1]), "difference": one.difference},
                **{"low": low, "high": high, "low_single": single[0], "high_single": single[1]},
                **{"p": one.p, "p_holm": p, "p_equivalent": p_equivalent, "margin": margin},
                **{"smallest_margin": limits.get(id(one), np.nan), "detectable_difference": one.detectable(confidence)},
                **{"effect_size": size, "effect_low": effect_low, "effect_high": effect_high},
                **{"error": one.error, "freedom": one.freedom},
                "verdict": DIFFERS if p <= level else EQUIVALENT if p_equivalent <= level else UNDECIDED,
            }
        )
    return rows


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
