"""A variant of ImageNet as a downstream task: its images, labelled as ImageNet's classes are numbered."""

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet

from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import hashed_uniform
from pretraining_robustness.tasks.domain_pairs import OTHER
from pretraining_robustness.tasks.splits import CLASS_IDS
from pretraining_robustness.tasks.test_sets import ALL
from pretraining_robustness.tasks.training_images import TRAIN, chosen_images

logger = logging.getLogger(__name__)

HELD_OUT = "id_val"  # the split of the images that are not fine-tuned on


def read_class_ids(table: str | Path) -> list[str]:
    """Return the classes of a CSV table in its order: its column wnid or, in the classes of a store, class_id."""
    classes = read_frame(table)
    return list(classes["wnid" if "wnid" in classes else "class_id"])


def make_variant_task(
    table: str | Path,
    task: str | Path,
    class_ids: Sequence[str],
    held_out: float = 0.0,
    index: str | Path | None = None,
    split: str = ALL,
    train_images: int | None = None,
    seed: int = 0,
    subset: Mapping[str, Any] | None = None,
) -> None:
    """Write the table of a variant as fine-tuning and evaluation read it.

    Args:
        table: images.parquet of the variant's store, with the columns row, class_id and original.
        task: images.parquet to write: the same rows and columns, and y, the number of the class among `class_ids`, and
            split: train, or id_val of the images that are held out. Its metadata names all classes, of which the
            variant may have only some.
        class_ids: ImageNet's classes in the order of the networks' outputs.
        held_out: part of the images, in [0, 1); the renderings of one validation image are held out of all variants.
            A class keeps at least one image to train on.
        index: index.parquet of a distribution, whose rows of the store are all that the task has; then the store need
            not tell originals.
        split: of the store, to which the task is limited; `ALL` for every image. Images of others are `OTHER`.
        train_images: how many of those that are not held out are trained on, equally many of each class; the others
            are `OTHER`. None: all.
        seed: of that choice.
        subset: {images_per_class, equal}: so many images of each class are fine-tuned on, fewer where it has fewer,
            and a smaller set is part of a larger one. With `equal: steps` they are repeated, so that an epoch has as
            many images as one of the whole variant, with `equal: epochs` they are not.

    Raises:
        InputError: an image of another class; so few images per class that none is held out.
    """
    stored = pd.read_parquet(table)
    if index is not None:
        stored = stored.iloc[pd.read_parquet(index)["row"].sort_values()].assign(original=stored["image"])
    images = stored if split == ALL else stored[stored["split"] == split]
    if images.empty:
        raise InputError(f"{table}: no image has the split {split}; there are {', '.join(stored['split'].unique())}")
    numbers = {class_id: number for number, class_id in enumerate(class_ids)}
    strange = sorted(set(images["class_id"]) - set(numbers))
    if strange:
        raise InputError(f"{table}: class {strange[0]} is none of the {len(numbers)} that the networks know")
    place = (images["class_id"] + "/" + images["original"]).map(hashed_uniform)
    kept = (place >= held_out) | (place == place.groupby(images["class_id"]).transform("max"))
    if held_out and kept.all():
        raise InputError(f"{table}: too few images per class to hold {held_out:g} of them out; set held_out to 0")
    trained = images[kept].index
    if train_images is not None:
        trained = chosen_images(images[kept], train_images, seed, str(table))
    splits = pd.Series(OTHER, index=stored.index)
    splits[images[~kept].index] = HELD_OUT
    splits[trained] = TRAIN
    images = stored.assign(y=stored["class_id"].map(numbers).astype("int64"), split=splits)
    if subset is not None:
        images = take_subset(images, **subset)
    columns = pyarrow.Table.from_pandas(images, preserve_index=False)
    columns = columns.replace_schema_metadata({**columns.schema.metadata, CLASS_IDS: json.dumps(list(class_ids))})
    with atomic_path(task) as temporary:
        pyarrow.parquet.write_table(columns, temporary)
    count = (images["split"] == TRAIN).sum()
    logger.info("%d images to train on, %d held out, %d classes", count, (~kept).sum(), images["y"].nunique())


def take_subset(images: pd.DataFrame, images_per_class: int, equal: str) -> pd.DataFrame:
    """Return the images of a task with so many to fine-tune on of each class (see `make_variant_task`)."""
    train = images[images["split"] == TRAIN]
    order = ("subset/" + train["class_id"] + "/" + train["image"]).map(hashed_uniform)
    taken = train[order.groupby(train["class_id"]).rank(method="first") <= images_per_class]
    if equal == "steps":
        taken = taken.iloc[np.resize(np.arange(len(taken)), len(train))]
    return pd.concat([taken, images[images["split"] != TRAIN]], ignore_index=True)
