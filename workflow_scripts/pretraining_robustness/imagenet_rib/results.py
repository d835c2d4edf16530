"""The results of ImageNet-RIB as two tables: every cell, and every RI and mRI with its interval."""

from collections.abc import Mapping, Sequence
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
    mean_robustness_improvement,
    robustness_improvement,
)


def compute_indices(
    *,
    scores: str | Path,
    turned: Sequence[str | Path],
    errors: Sequence[str | Path],
    benchmark: Mapping[str, Any],
    cells: str | Path,
    indices: str | Path,
) -> None:
    """Write the cells and the indices of all networks.

    Args:
        scores: the score table of all runs of ImageNet-RIB.
        turned, errors: what `compare_with_start` wrote for each series.
        benchmark: variants (the variant that a task fine-tunes on, by task), tested_on (the variants that count),
            sharing (which of them are renderings of the same images), confidence (of the intervals, in (0, 1)).
        cells: CSV to write: `CELL`, before, after, change, images, gained, lost, changed, counts (whether the cell
            counts towards RI), shares_images (whether its two variants are renderings of the same images).
        indices: CSV to write: `NETWORK`, counting, fine_tuned_on (`all`: mRI), index, low, high (percentage points),
            before, after (mean accuracies in percent), test_sets. Intervals are normal, over images.
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
    for path, frame in ((cells, found), (indices, table[kept].sort_values(key, ignore_index=True))):
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False)
