"""Robustness improvement: how fine-tuning on one variant of ImageNet changes the accuracy on the others.

Hwang et al. (arXiv 2410.21582). With A_pre(j) the accuracy before fine-tuning on the variant j and A_i(j) that after
fine-tuning on the variant i, of n variants:

    RI(i) = mean over j != i of A_i(j) - A_pre(j)         mRI = mean over i of RI(i)

The mean is unweighted: a variant of few images counts as much as one of many. Its formula is inferred from the axis of
the paper's main figure; the published code holds none. Where the variants that are fine-tuned on are those that are
tested on,

    mRI + mean over j of A_pre(j) = mean over i, and over j != i, of A_i(j).
"""

import math
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
from scipy import special

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import CHECKPOINT

NETWORK = ["method", "distribution", "architecture", "seed", "epoch"]
"""The columns that name one network that is fine-tuned on every variant."""

CELL = [*NETWORK, "fine_tuned_on", "tested_on"]
METRIC = "accuracy"


def accuracy_changes(scores: pd.DataFrame, variants: Mapping[str, str]) -> pd.DataFrame:
    """Return the accuracy of every cell before and after fine-tuning.

    Args:
        scores: a score table (`scores.COLUMNS`); the network before fine-tuning is epoch 0 of each task.
        variants: the variant that a task fine-tunes on, by task; rows of other tasks are left out.

    Returns:
        `CELL`, before, after, change (all in percent or percentage points), images; epochs from 1 on.

    Raises:
        InputError: a checkpoint whose network was not tested before fine-tuning.
    """
    accuracy = scores[scores["task"].isin(list(variants)) & (scores["metric"] == METRIC)]
    accuracy = accuracy.assign(percent=100 * accuracy["score"])
    before = accuracy.loc[accuracy["epoch"] == 0, [*CHECKPOINT, "test_set", "percent"]].drop(columns="epoch")
    after = accuracy.loc[accuracy["epoch"] > 0, [*CHECKPOINT, "test_set", "percent", "images"]]
    cells = after.merge(
        before, how="left", on=[*(name for name in CHECKPOINT if name != "epoch"), "test_set"], suffixes=("", "_before")
    )
    untested = cells[cells["percent_before"].isna()]
    if len(untested):
        one = untested.iloc[0]
        raise InputError(
            f"{one['task']}: {one['architecture']} from {one['distribution']} has no accuracy on {one['test_set']} "
            "before fine-tuning (epoch 0); evaluate it again with a network whose head knows ImageNet's classes"
        )
    cells = cells.assign(
        fine_tuned_on=cells["task"].map(variants),
        tested_on=cells["test_set"],
        before=cells["percent_before"],
        after=cells["percent"],
        change=cells["percent"] - cells["percent_before"],
    )
    return cells[[*CELL, "before", "after", "change", "images"]].sort_values(CELL, ignore_index=True)


def counted(
    cells: pd.DataFrame, tested_on: Collection[str], sharing: Collection[str] = (), without_sharing: bool = False
) -> pd.Series:
    """Return which cells count towards RI, bool (cells,): those of another variant than the one fine-tuned on.

    Args:
        cells: rows of `accuracy_changes`.
        tested_on: the variants whose accuracy counts; ImageNet's own validation images are none of them.
        sharing: variants that are made of the same images.
        without_sharing: leave out the cells whose two variants share their images, so that none counts whose images
            were, in another rendering, fine-tuned on.
    """
    others = cells["tested_on"].isin(list(tested_on)) & (cells["tested_on"] != cells["fine_tuned_on"])
    if without_sharing:
        others &= ~(cells["tested_on"].isin(list(sharing)) & cells["fine_tuned_on"].isin(list(sharing)))
    return others


def robustness_improvement(cells: pd.DataFrame) -> pd.DataFrame:
    """Return RI of every network and variant that it was fine-tuned on, from the cells that count.

    Returns:
        `NETWORK`, fine_tuned_on, RI (percentage points), before and after (mean accuracies in percent), test_sets.
    """
    grouped = cells.groupby([*NETWORK, "fine_tuned_on"], as_index=False)
    return grouped.agg(
        RI=("change", "mean"), before=("before", "mean"), after=("after", "mean"), test_sets=("tested_on", "nunique")
    )


def mean_robustness_improvement(cells: pd.DataFrame, rows: Collection[str]) -> pd.DataFrame:
    """Return mRI of every network, from the cells that count.

    Args:
        cells: rows of `accuracy_changes`.
        rows: the variants that must have been fine-tuned on.

    Returns:
        `NETWORK`, mRI (percentage points), before and after (mean over the variants fine-tuned on of the mean over the
        others of the accuracy before and after it, so that after - before = mRI), fine_tuned_on (how many). Networks
        that lack a row are left out: their mean would be one of other variants.
    """
    improvement = robustness_improvement(cells)
    grouped = improvement.groupby(NETWORK)
    mean = pd.DataFrame(
        {
            "mRI": grouped["RI"].mean(),
            "before": grouped["before"].mean(),
            "after": grouped["after"].mean(),
            "fine_tuned_on": grouped["fine_tuned_on"].nunique(),
        }
    )
    return mean[mean["fine_tuned_on"] == len(set(rows))].reset_index()


def mean_variance_of_sums(parts: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> float:
    """Return the variance of a sum of means over images, where some images appear in several of the means.

    Args:
        parts: for each test set of N images (contributions, float (N,): what an image adds to the mean times N;
            originals, int64 (N,): the same number, 0 or more, for images that are renderings of one, in whatever test
            set).

    The linearised cluster-robust variance: the deviations of all renderings of an original are added up before they are
    squared, with the factor G / (G - 1) for G originals of the test set with the most.
    """
    sums = np.zeros(1 + max(int(originals.max()) for _, originals in parts.values()))
    groups = 0
    for values, originals in parts.values():
        sums += np.bincount(originals, (values - values.mean()) / len(values), minlength=len(sums))
        groups = max(groups, int(np.count_nonzero(np.bincount(originals))))
    return float((sums**2).sum() * groups / (groups - 1)) if groups > 1 else float("nan")


def interval_over_images_and_seeds(
    values: Collection[float], image_error: float, confidence: float
) -> tuple[float, float]:
    """Return the interval of a mean over seeds, both the images and the seeds being a sample.

    Args:
        values: what each seed gives, all of them on the same images.
        image_error: standard error, over images, of the mean of the values.
        confidence: of the interval, in (0, 1).

    The variance is that over images and that of the mean over seeds; what of an image's answer the seed decides is in
    both, so that the interval is, if anything, too wide. Student's t has Satterthwaite's degrees of freedom, those over
    images being many. With a single seed nothing is known of others and the interval is over images alone.
    """
    given = np.asarray(list(values), dtype=np.float64)
    of_seeds = float(given.var(ddof=1)) / len(given) if len(given) > 1 else 0.0
    variance = image_error**2 + of_seeds
    freedom = variance**2 / (of_seeds**2 / (len(given) - 1)) if of_seeds > 0 else math.inf
    level = (1 + confidence) / 2
    quantile = special.ndtri(level) if math.isinf(freedom) else special.stdtrit(freedom, level)
    reach = float(quantile) * math.sqrt(variance)
    return float(given.mean()) - reach, float(given.mean()) + reach
