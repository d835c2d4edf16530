"""Corrections for the number of comparisons that are made at once."""

from collections.abc import Callable, Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected by Holm's method (Holm 1979); missing ones stay missing and do not count."""
    corrected = np.asarray(p_values, dtype=np.float64)
    tested = np.isfinite(corrected)
    if tested.any():
        corrected[tested] = multipletests(corrected[tested], method="holm")[1]
    return corrected.tolist()


def simultaneous(low: float, high: float, rejected: bool) -> tuple[float, float]:
    """Return an interval that agrees with Holm's test, of Bonferroni's interval and whether Holm's test rejects 0.

    Bonferroni's intervals hold simultaneously, and Holm's test is sharper: where it alone finds a difference, the
    interval ends at 0, on the side where the estimate is (after Guilbaud 2008, "Simultaneous confidence regions
    corresponding to Holm's step-down procedure"). Where it finds none, Bonferroni's interval contains 0.
    """
    if not rejected or low > 0 or high < 0:
        return low, high
    return (0.0, high) if high > -low else (low, 0.0)


def smallest_limits(needed: Sequence[Callable[[int], float]]) -> list[float]:
    """Return for each of m comparisons the smallest common limit at which Holm's method would pass it.

    Args:
        needed: of each comparison the limit that passes it when corrected for so many comparisons, growing with them.
    """
    limits, left, limit = [float("nan")] * len(needed), set(range(len(needed))), 0.0
    while left:
        best = min(left, key=lambda one: needed[one](len(left)))
        limit = max(limit, needed[best](len(left)))
        limits[best] = limit
        left.remove(best)
    return limits
