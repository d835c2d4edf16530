"""Corrections for the number of comparisons that are made at once."""

from collections.abc import Sequence

import numpy as np
from statsmodels.stats.multitest import multipletests


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p values corrected by Holm's method (Holm 1979); missing ones stay missing and do not count."""
    corrected = np.asarray(p_values, dtype=np.float64)
    tested = np.isfinite(corrected)
    if tested.any():
        corrected[tested] = multipletests(corrected[tested], method="holm")[1]
    return corrected.tolist()
