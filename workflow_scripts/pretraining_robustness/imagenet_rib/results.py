"""The results of ImageNet-RIB as two tables: every cell, and every RI and mRI with its interval."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.stats import norm

from pretraining_robustness.evaluate.scores import read_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.imagenet_rib.comparison import ALL, COUNTINGS
from pretraining_robustness.imagenet_rib.indices import (
    CELL,
    NETWORK,
    accuracy_changes,
    counted,
    interval_over_images_and_seeds,
    mean_robustness_improvement,
    robustness_improvement,
)

MEAN = [name for name in NETWORK if name != "seed"]
"""The columns that name a network but for its seed."""


def compute_indices(
    *,
    scores: str | Path,
    turned: Sequence[str | Path],
    errors: Sequence[str | Path],
    mean_errors: Sequence[str | Path],
    benchmark: Mapping[str, Any],
    cells: str | Path,
    indices: str | Path,
    means: str | Path,
    cell_means: str | Path,
) -> None:
    """Write the cells and the indices of all networks.

    Args:
        scores: the score table of all runs of ImageNet-RIB.
        turned, errors, mean_errors: what `compare_with_start` wrote for each series.
        benchmark: variants (the variant that a task fine-tunes on, by task), tested_on (the variants that count),
            sharing (which of them are renderings of the same images), confidence (of the intervals, in (0, 1)).
        cells: CSV to write: `CELL`, before, after, change, images, gained, lost, changed, counts (whether the cell
            counts towards RI), shares_images (whether its two variants are renderings of the same images).
        indices: CSV to write: `NETWORK`, counting, fine_tuned_on (`all`: mRI), index, low, high (percentage points),
            before, after (mean accuracies in percent), test_sets. Intervals are normal, over images.
        means: CSV to write: the indices averaged over seeds (`MEAN`, counting, fine_tuned_on, seeds, index, before,
            after), with low_images and high_images, the ends of the interval over images, and low and high, those of
            the interval over images and seeds (`indices.interval_over_images_and_seeds`).
        cell_means: CSV to write: the cells averaged over seeds, with the same ends; reference and held-out images have
            none.
    """
    variants, sharing = benchmark["variants"], benchmark["sharing"]
    found = accuracy_changes(read_scores(scores), variants)
    columns = counted(found, benchmark["tested_on"])
    apart = counted(found, benchmark["tested_on"], sharing, without_sharing=True)
    found = found.assign(counts=columns, shares_images=columns & ~apart)
    answers = pd.concat([pd.read_csv(path) for path in turned], ignore_index=True)
    found = found.merge(answers, how="left", on=CELL)
    parts = []
    for counting, used in zip(COUNTINGS, (columns, apart), strict=True):
        of_each = robustness_improvement(found[used]).rename(columns={"RI": "index"})
        mean = mean_robustness_improvement(found[used], list(variants.values()))
        mean = mean.rename(columns={"mRI": "index", "fine_tuned_on": "test_sets"}).assign(fine_tuned_on=ALL)
        parts.append(pd.concat([of_each, mean], ignore_index=True).assign(counting=counting))
    table = pd.concat(parts, ignore_index=True)
    uncertain = pd.concat([pd.read_csv(path) for path in errors], ignore_index=True)
    table = table.merge(uncertain, how="left", on=[*NETWORK, "counting", "fine_tuned_on"])
    reach = norm.ppf((1 + benchmark["confidence"]) / 2) * table["standard_error"]
    table = table.assign(low=table["index"] - reach, high=table["index"] + reach)
    key = [*NETWORK, "counting", "fine_tuned_on"]
    kept = [*key, "index", "low", "high", "before", "after", "test_sets"]
    over_seeds = pd.concat([pd.read_csv(path, keep_default_na=False) for path in mean_errors], ignore_index=True)
    averaged = _average(
        table, [*MEAN, "counting", "fine_tuned_on"], "index", ["before", "after"], over_seeds, benchmark["confidence"]
    )
    kept_of_cells = ["before", "after", "gained", "lost", "changed", "counts", "shares_images"]
    of_cells = _average(
        found, [*MEAN, "fine_tuned_on", "tested_on"], "change", kept_of_cells, over_seeds, benchmark["confidence"]
    )
    sorted_indices = table[kept].sort_values(key, ignore_index=True)
    for path, frame in ((cells, found), (indices, sorted_indices), (means, averaged), (cell_means, of_cells)):
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False)


def _average(
    table: pd.DataFrame, key: list[str], value: str, others: list[str], errors: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """Return the means over seeds of a value, with its intervals, and of other columns."""
    errors = errors[errors["tested_on" if "counting" in key else "counting"] == ""]
    grouped = table.groupby(key)
    rows = grouped[[value, *others]].mean()
    for name in table[others].select_dtypes("bool"):
        rows[name] = rows[name] > 0
    rows["seeds"] = grouped["seed"].nunique()
    error = errors.set_index(key)["standard_error"].astype(float).reindex(rows.index)
    rows["low_images"], rows["high_images"] = _ends([[one] for one in rows[value]], error, confidence)
    rows["low"], rows["high"] = _ends(grouped[value].agg(list), error, confidence)
    return rows.reset_index()


def _ends(values: Iterable[list[float]], errors: pd.Series, confidence: float) -> tuple[list[float], list[float]]:
    ends = [interval_over_images_and_seeds(one, error, confidence) for one, error in zip(values, errors, strict=True)]
    return [low for low, _ in ends], [high for _, high in ends]
