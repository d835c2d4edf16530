"""RI against the size of the set fine-tuned on, at equal epochs and at equal steps.

The paper (arXiv 2410.21582) fine-tunes on subsets of ImageNet; its sizes, choice of images, epochs and steps are not
known. Here they are subsets of a variant with equally many images of each class, each size at as many epochs as the
whole set, which means fewer steps, and at as many steps, for which the images are repeated [ours].
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.evaluate.scores import read_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.imagenet_rib.indices import METRIC, NETWORK, accuracy_changes, counted
from pretraining_robustness.imagenet_rib.tradeoff import tradeoff

COLUMNS = [
    *NETWORK,
    *("fine_tuned_on", "images", "images_per_class", "equal", "RI", "own_before", "own_after", "held_out"),
    *("reference_before", "reference_after"),
]


def compute_set_sizes(
    *,
    scores: Sequence[str | Path],
    tasks: Mapping[str, str | Path],
    subsets: Mapping[str, Mapping[str, Any] | None],
    variants: Mapping[str, str],
    tested_on: Sequence[str],
    reference: str,
    sizes: str | Path,
) -> None:
    """Write RI and accuracies after fine-tuning on sets of each size.

    Args:
        scores: score tables of the runs on these tasks.
        tasks: images.parquet of each task.
        subsets: {images_per_class, equal} of each task, none of those that fine-tune on a whole variant.
        variants: the variant that a task fine-tunes on.
        tested_on: the variants that count towards RI.
        reference: ImageNet's validation images.
        sizes: CSV to write (`COLUMNS`): images and images_per_class, how many different ones were fine-tuned on, the
            latter as a mean over classes; equal, `epochs` or `steps`, empty for a whole variant; accuracies in percent.
    """
    table = pd.concat([read_scores(path) for path in scores], ignore_index=True)
    parts = []
    for task, variant in variants.items():
        own = table[(table["task"] == task) & (table["metric"] == METRIC)]
        if own.empty:
            continue
        cells = accuracy_changes(own, {task: variant})
        found = tradeoff(cells.assign(counts=counted(cells, tested_on)))
        of_reference = cells[cells["tested_on"] == reference].set_index([*NETWORK, "fine_tuned_on"])
        places = pd.MultiIndex.from_frame(found[[*NETWORK, "fine_tuned_on"]])
        for when in ("before", "after"):
            found[f"reference_{when}"] = of_reference[when].reindex(places).to_numpy()
        images = pd.read_parquet(tasks[task], columns=["row", "y", "split"]).query("split == 'train'")
        images = images.drop_duplicates("row")
        found["images"], found["images_per_class"] = len(images), len(images) / images["y"].nunique()
        subset = subsets[task]
        parts.append(found.assign(equal=subset["equal"] if subset else ""))
    rows = pd.concat(parts, ignore_index=True)[COLUMNS].sort_values([*NETWORK, "fine_tuned_on", "equal", "images"])
    with atomic_path(sizes) as temporary:
        rows.to_csv(temporary, index=False)
