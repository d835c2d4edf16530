"""Check a made distribution against what its declaration promises; a broken promise stops the run."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from pretraining_robustness.errors import InputError


@dataclass(frozen=True)
class Promise:
    """One promise of a declaration, what was expected and what was found."""

    promise: str
    expected: str
    found: str
    kept: bool


def check_promises(manifest: pd.DataFrame, declared: dict[str, Any], enclosing: pd.DataFrame | None) -> list[Promise]:
    """Return every promise of `declared` with what the manifest shows.

    Args:
        manifest: columns image, class_id, label, one row an image.
        declared: as for `make_distribution`.
        enclosing: manifest of the distribution that this one is declared to be nested in, or None.
    """
    labels = manifest["label"].unique()
    per_class = manifest.groupby("class_id").size()
    found = [
        _promise("each image once", len(manifest), manifest["image"].nunique()),
        _promise("labels from 0 without a gap", len(labels) - 1, int(manifest["label"].max())),
        _promise("one label for each class", 1, int(manifest.groupby("class_id")["label"].nunique().max())),
    ]
    if declared["images"] is not None:
        found.append(_promise("images", declared["images"], len(manifest)))
    if declared["most_frequent"] is not None:
        found.append(
            _promise("classes", min(declared["most_frequent"], declared["images"] or len(manifest)), len(per_class))
        )
    if declared["balanced"]:
        spread = int(per_class.max() - per_class.min())
        found.append(Promise("classes equal in size, but for one image", "0 or 1", str(spread), spread <= 1))
    if enclosing is not None:
        inside = int(manifest["image"].isin(enclosing["image"]).sum())
        found.append(_promise("images inside the distribution it is nested in", len(manifest), inside))
    return found


def demand_kept(promises: list[Promise], distribution: str) -> None:
    """Raise InputError for the first broken promise."""
    for promise in promises:
        if not promise.kept:
            raise InputError(
                f"distributions.{distribution}: broken promise '{promise.promise}': expected {promise.expected}, "
                f"found {promise.found}; the manifest lists its images."
            )


def _promise(promise: str, expected: int, found: int) -> Promise:
    return Promise(promise, str(expected), str(found), expected == found)
