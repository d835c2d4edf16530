"""Effective robustness of published networks by what they were pre-trained on.

Effective robustness is the OOD score minus what the line of a reference group predicts from the ID score, fitted on the
figure's axes (Taori et al. 2020, arXiv 2007.00644, section 3.1). The tables need the columns pretrained_on and images.
"""

import numpy as np
import pandas as pd
from scipy import stats

from pretraining_robustness.errors import InputError
from pretraining_robustness.trends.axis_scales import AxisScale
from pretraining_robustness.trends.lines import Line


def reference_line(table: pd.DataFrame, reference: str, scale: AxisScale) -> Line:
    """Return the least-squares line of a group's networks, in axis units.

    Raises:
        InputError: the group has fewer than three networks with a place on these axes.
    """
    scores = table.loc[table["group"] == reference, ["id", "ood"]].to_numpy()
    placed = scores[scale.representable(scores).all(axis=1)]
    if len(placed) < 3:
        raise InputError(f"reference {reference!r}: has {len(placed)} networks of published scores; a line needs three")
    return Line.fit(scale.forward(placed[:, 0]), scale.forward(placed[:, 1]), scale)


def by_data_set(table: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Return the mean of the column robustness per data set (columns group, pretrained_on), with a t interval.

    Networks count as independent, so an interval is too narrow where a data set's networks are of one family. Columns:
    group, pretrained_on, images, networks, mean, low, high; low and high are NaN for fewer than three networks.
    """
    rows = []
    for (group, data_set), part in table.groupby(["group", "pretrained_on"]):
        values = part["robustness"].to_numpy(dtype=np.float64)
        half = np.nan
        if len(values) > 2:
            half = stats.t.ppf((1 + confidence) / 2, len(values) - 1) * stats.sem(values)
        mean = values.mean()
        images = part["images"].iloc[0]
        rows.append((group, data_set, images, len(values), mean, mean - half, mean + half))
    return pd.DataFrame(rows, columns=["group", "pretrained_on", "images", "networks", "mean", "low", "high"])


def rank_correlation(sets: pd.DataFrame) -> tuple[float, float, int]:
    """Return Spearman's correlation of images and mean robustness over data sets of known size, its p-value and their
    number.
    """
    known = sets.dropna(subset=["images", "mean"])
    found = stats.spearmanr(known["images"], known["mean"])
    return float(found.statistic), float(found.pvalue), len(known)
