"""Turn a source into a pre-training distribution: which classes, which images, which labels.

A distribution never copies images: it is an index, rows of the source's store with a label each. Choices are made per
class from (seed, class), so that a smaller total takes a subset of what a larger one takes (paper, section 4.1).
"""

import hashlib
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError


def make_distribution(images: pd.DataFrame, classes: pd.DataFrame, declared: dict[str, Any]) -> pd.DataFrame:
    """Return the chosen images with their labels, in the order of the store.

    Args:
        images: the store's table, with columns row, image, class_id.
        classes: the store's classes, with columns class_id, name, images.
        declared: keys distribution (its name, for messages), source, most_frequent (number of classes or None for all),
            images (total or None for all), balanced (equal numbers for all classes), seed.

    Returns:
        Columns row (int64, into the store), image, class_id, class_name, label (int64, from 0 in order of class_id),
        label_name.

    Raises:
        InputError: the source has fewer classes or images than declared.
    """
    chosen = select_classes(classes, declared)
    counts = images_per_class(chosen, declared)
    selected = select_images(images, counts, declared["seed"])
    labels = {class_id: label for label, class_id in enumerate(sorted(counts.index))}
    names = chosen.set_index("class_id")["name"]
    return selected.assign(
        class_name=selected["class_id"].map(names),
        label=selected["class_id"].map(labels).astype("int64"),
        label_name=selected["class_id"].map(names),
    )[["row", "image", "class_id", "class_name", "label", "label_name"]]


def select_classes(classes: pd.DataFrame, declared: dict[str, Any]) -> pd.DataFrame:
    """Return the declared number of classes with the most images (ties: the smaller class_id), or all of them."""
    wanted = declared["most_frequent"]
    if wanted is None:
        return classes
    if wanted > len(classes):
        raise InputError(
            f"distributions.{declared['distribution']}: wants the {wanted:,} most frequent classes, "
            f"but {declared['source']} has {len(classes):,}; lower 'most_frequent'."
        )
    ranked = classes.sort_values(["images", "class_id"], ascending=[False, True], kind="stable")
    return ranked.head(wanted)


def images_per_class(classes: pd.DataFrame, declared: dict[str, Any]) -> pd.Series:
    """Return how many images each class gives, indexed by class_id.

    A balanced total that the number of classes does not divide gives one image more to the first classes of a seeded
    order. An unbalanced total is shared in proportion to the classes' sizes (largest remainder).
    """
    available = classes.set_index("class_id")["images"].sort_index()
    total = declared["images"]
    if total is None:
        return available
    name = declared["distribution"]
    if total > available.sum():
        raise InputError(
            f"distributions.{name}: wants {total:,} images, but its {len(available):,} classes of {declared['source']} "
            f"have {available.sum():,}; lower 'images'."
        )
    if declared["balanced"]:
        order = sorted(available.index, key=lambda class_id: _hash(declared["seed"], "remainder", class_id))
        base, extra = divmod(total, len(available))
        counts = pd.Series(base, index=available.index)
        counts[order[:extra]] += 1
    else:
        share = available * total / available.sum()
        counts = np.floor(share).astype(int)
        remainder = (share - counts).sort_values(ascending=False, kind="stable")
        counts[remainder.index[: total - counts.sum()]] += 1
    short = available[available < counts]
    if len(short):
        raise InputError(
            f"distributions.{name}: wants {counts[short.index[0]]:,} images of class {short.index[0]}, which has "
            f"{short.iloc[0]:,} ({len(short):,} of {len(counts):,} classes are too small); "
            "lower 'images' or take fewer classes."
        )
    return counts[counts > 0]


def select_images(images: pd.DataFrame, counts: pd.Series, seed: int) -> pd.DataFrame:
    """Return the first `counts[class_id]` images of each class in a seeded order, sorted by row.

    The order of a class depends on the seed and the class alone: with the same seed a smaller count is a subset.
    """
    rows = []
    for class_id, members in images[images["class_id"].isin(counts.index)].groupby("class_id", sort=True):
        order = np.random.default_rng(_hash(seed, "images", str(class_id))).permutation(len(members))
        rows.append(members.iloc[order[: counts[class_id]]])
    return pd.concat(rows).sort_values("row", kind="stable").reset_index(drop=True)


def class_table(selected: pd.DataFrame) -> pd.DataFrame:
    """Count the chosen images of each class: columns label, label_name, class_id, class_name, images."""
    keys = ["label", "label_name", "class_id", "class_name"]
    return selected.groupby(keys, sort=True).size().rename("images").reset_index()


def _hash(seed: int, purpose: str, name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{purpose}/{name}".encode()).digest()[:8], "little")
