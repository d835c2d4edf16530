"""Limit the training images of a task, so that pre-training can matter."""

import logging
from pathlib import Path

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import hashed_rank

logger = logging.getLogger(__name__)

TRAIN, REST = "train", "id_val"


def choose_training_images(table: str | Path, task: str | Path, count: int, seed: int) -> None:
    """Write the table of a task with only some of its training images.

    Args:
        table: images.parquet of the task's store, with the columns image, class_id and split.
        task: images.parquet to write: the same rows and columns; training images that are not chosen become id_val.
        count: number of training images, equal per class up to one.
        seed: seed of the choice; a smaller count is a subset of a larger one.

    Raises:
        InputError: a class with fewer training images than its share.
    """
    images = pd.read_parquet(table)
    chosen = chosen_images(images[images["split"] == TRAIN], count, seed, str(table))
    rest = (images["split"] == TRAIN) & ~images.index.isin(chosen)
    with atomic_path(task) as temporary:
        images.assign(split=images["split"].mask(rest, REST)).to_parquet(temporary, index=False)
    logger.info("%s: %d images to train on, %d held out", task, len(chosen), rest.sum())


def chosen_images(images: pd.DataFrame, count: int, seed: int, table: str) -> pd.Index:
    """Return the index of `count` images, equally many of each class; see `choose_training_images`."""
    order = images.assign(rank=[hashed_rank(seed, "training images", name) for name in images["image"]])
    place = order.sort_values("rank").groupby("class_id").cumcount()
    classes = images["class_id"].nunique()
    most = -(-count // classes)
    sizes = images["class_id"].value_counts()
    if not count or sizes.min() < most:
        raise InputError(
            f"{table}: {count:,} images to train on are {most:,} of each of {classes} classes, but {sizes.idxmin()} "
            f"has {sizes.min():,}; lower train_images"
        )
    # The remainder goes to the classes whose next image comes first.
    ranked = order.assign(place=place).sort_values(["place", "rank"])
    return ranked.index[:count]
