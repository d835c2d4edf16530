"""Image by image: which answers fine-tuning turned, and how certain RI and mRI are over the draw of the images."""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.predictions import Checkpoint, read_predictions
from pretraining_robustness.files import write_rows
from pretraining_robustness.imagenet_rib.indices import mean_variance_of_sums
from pretraining_robustness.tasks.splits import class_numbers
from pretraining_robustness.tasks.test_sets import TestSet, read_test_set

logger = logging.getLogger(__name__)

ALL = "all"  # in place of a variant that was fine-tuned on: mRI, the mean over all of them
COUNTINGS = ("all", "without_shared_images")
ORIGINAL = "original"

Changes = dict[str, dict[str, np.ndarray]]  # what fine-tuning on a variant adds to the percent right, by test set


def compare_with_start(
    *,
    predictions: Mapping[str, str | Path],
    tables: Mapping[str, str | Path],
    tasks: Mapping[str, str | Path],
    variants: Mapping[str, str],
    test_sets: Sequence[Mapping[str, Any]],
    sharing: Collection[str],
    method: str,
    distribution: str,
    turned: str | Path,
    errors: str | Path,
    mean_errors: str | Path,
) -> None:
    """Compare the predictions after fine-tuning on every variant with those before.

    Args:
        predictions: Parquet of `predict` for each task.
        tables: images.parquet of the store of each variant.
        tasks: images.parquet of each task; all number ImageNet's classes alike.
        variants: the variant that a task fine-tunes on.
        test_sets: {name, store, split, classes} of the variants that count (see `read_test_set`).
        sharing: variants that are renderings of the same images.
        method, distribution: whose predictions they are.
        turned: CSV to write, one row per cell: parts of the images, in percent, whose answer was wrong and became right
            (`gained`), was right and became wrong (`lost`), or changed at all (`changed`).
        errors: CSV to write: standard errors over images of RI and, fine_tuned_on `all`, of mRI in percentage points,
            by which cells are counted (`COUNTINGS`; see `indices.counted`). Images are paired before and after, and
            the renderings of one image are one cluster.
        mean_errors: CSV to write: the same of the means over seeds, which are tested on the same images and so share
            their errors; and, with the column tested_on, of the mean change of each cell.
    """
    numbers = class_numbers(next(iter(tasks.values())))
    sets = [read_test_set({**spec, "own": False}, tables[spec["store"]], numbers, [ORIGINAL]) for spec in test_sets]
    originals = numbered_originals(sets, sharing)
    changes: dict[Checkpoint, Changes] = {}
    cells = []
    for task, path in predictions.items():
        found = read_predictions(path, sets)
        for checkpoint, answers in sorted(found.items()):
            if checkpoint.epoch == 0:
                continue
            before = found[Checkpoint(checkpoint.architecture, checkpoint.seed, 0)]
            for one in sets:
                was, now = before[one.name], answers[one.name]
                change = (now == one.truth).astype(np.int8) - (was == one.truth).astype(np.int8)
                changes.setdefault(checkpoint, {}).setdefault(variants[task], {})[one.name] = change
                cells.append(
                    {
                        **_named(method, distribution, checkpoint),
                        **{"fine_tuned_on": variants[task], "tested_on": one.name},
                        **{"gained": 100 * float((change > 0).mean()), "lost": 100 * float((change < 0).mean())},
                        "changed": 100 * float((was != now).mean()),
                    }
                )
    rows = [
        {**_named(method, distribution, checkpoint), **row}
        for checkpoint, changed in sorted(changes.items())
        for row in _errors_of_indices(changed, originals, sharing)
    ]
    of_means = []
    for (architecture, epoch), changed in mean_over_seeds(changes):
        network = {"method": method, "distribution": distribution, "architecture": architecture, "epoch": epoch}
        found_errors = [*_errors_of_indices(changed, originals, sharing), *_errors_of_cells(changed, originals)]
        of_means += [{**network, "counting": "", "tested_on": "", **row} for row in found_errors]
    write_rows(turned, cells)
    write_rows(errors, rows)
    write_rows(mean_errors, of_means)
    logger.info("%d cells of %d checkpoints", len(cells), len(changes))


def mean_over_seeds(changes: Mapping[Checkpoint, Changes]) -> Iterator[tuple[tuple[str, int], Changes]]:
    """Yield what fine-tuning adds to an image's chance of being correct, over the seeds of an architecture and epoch.

    One network at a time: of four million images and eight variants it takes 0.3 GB, with several seeds 2 GB.
    """
    members: dict[tuple[str, int], list[Changes]] = {}
    for checkpoint, changed in sorted(changes.items()):
        members.setdefault((checkpoint.architecture, checkpoint.epoch), []).append(changed)
    for network, seeds in members.items():
        if len(seeds) == 1:
            yield network, seeds[0]
            continue
        yield (
            network,
            {
                tuned: {name: np.mean([one[tuned][name] for one in seeds], axis=0) for name in tested}
                for tuned, tested in seeds[0].items()
            },
        )


def _errors_of_indices(
    changed: Changes, originals: Mapping[str, np.ndarray], sharing: Collection[str]
) -> list[dict[str, Any]]:
    return [
        {"counting": counting, "fine_tuned_on": tuned, "standard_error": error}
        for counting in COUNTINGS
        for tuned, error in standard_errors(
            changed, originals, sharing if counting == "without_shared_images" else ()
        ).items()
    ]


def _errors_of_cells(changed: Changes, originals: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    return [
        {
            **{"fine_tuned_on": tuned, "tested_on": name},
            "standard_error": float(np.sqrt(mean_variance_of_sums({name: (100 * change, originals[name])}))),
        }
        for tuned, tested in changed.items()
        for name, change in tested.items()
    ]


def standard_errors(
    changes: Changes, originals: Mapping[str, np.ndarray], apart: Collection[str] = ()
) -> dict[str, float]:
    """Return the standard error of RI by the variant fine-tuned on, and of mRI (`ALL`), in percentage points.

    Args:
        changes: -1, 0 or 1 for every image, by the variant fine-tuned on and the one tested on.
        originals: the number of what an image of a test set is a rendering of.
        apart: variants that do not count for each other.
    """
    counted = {
        tuned: [name for name in tested if name != tuned and not (name in apart and tuned in apart)]
        for tuned, tested in changes.items()
    }
    sums: dict[str, np.ndarray] = {}
    errors = {}
    for tuned, names in counted.items():
        parts = {name: 100 * changes[tuned][name] / len(names) for name in names}
        errors[tuned] = float(np.sqrt(mean_variance_of_sums({name: (parts[name], originals[name]) for name in names})))
        for name, part in parts.items():
            sums[name] = sums.get(name, 0) + part / len(changes)
    errors[ALL] = float(np.sqrt(mean_variance_of_sums({name: (sums[name], originals[name]) for name in sums})))
    return errors


def numbered_originals(sets: Sequence[TestSet], sharing: Collection[str]) -> dict[str, np.ndarray]:
    """Return the number of the original of each image of a test set, int64 (n,); sets that share have equal numbers."""
    places = ["" if one.name in sharing else f"{one.name}/" for one in sets]
    names = [place + pd.Series(one.columns[ORIGINAL]).astype(str) for place, one in zip(places, sets, strict=True)]
    codes, _ = pd.factorize(pd.concat(names, ignore_index=True))
    ends = np.cumsum([len(part) for part in names])[:-1]
    return dict(zip((one.name for one in sets), np.split(codes, ends), strict=True))


def _named(method: str, distribution: str, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        **{"method": method, "distribution": distribution, "architecture": checkpoint.architecture},
        **{"seed": checkpoint.seed, "epoch": checkpoint.epoch},
    }
