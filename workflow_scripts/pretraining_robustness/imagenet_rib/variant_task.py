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

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import hashed_uniform
from pretraining_robustness.tasks.splits import CLASS_IDS

logger = logging.getLogger(__name__)

HELD_OUT = "id_val"  # the split of the images that are not fine-tuned on


def make_variant_task(
    table: str | Path,
    task: str | Path,
    class_ids: Sequence[str],
    held_out: float = 0.0,
    index: str | Path | None = None,
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
        subset: {images_per_class, equal}: so many images of each class are fine-tuned on, fewer where it has fewer,
            and a smaller set is part of a larger one. With `equal: steps` they are repeated, so that an epoch has as
            many images as one of the whole variant, with `equal: epochs` they are not.

    Raises:
        InputError: an image of another class; so few images a class that none is held out.
    """
    images = pd.read_parquet(table)
    if index is not None:
        images = images.iloc[pd.read_parquet(index)["row"].sort_values()].assign(original=images["image"])
    numbers = {class_id: number for number, class_id in enumerate(class_ids)}
    strange = sorted(set(images["class_id"]) - set(numbers))
    if strange:
        raise InputError(f"{table}: class {strange[0]} is none of the {len(numbers)} that the networks know")
    place = (images["class_id"] + "/" + images["original"]).map(hashed_uniform)
    kept = (place >= held_out) | (place == place.groupby(images["class_id"]).transform("max"))
    if held_out and kept.all():
        raise InputError(f"{table}: too few images a class to hold {held_out:g} of them out; set held_out to 0")
    images = images.assign(y=images["class_id"].map(numbers).astype("int64"), split=kept.map(_SPLIT))
    if subset is not None:
        images = take_subset(images, **subset)
    columns = pyarrow.Table.from_pandas(images, preserve_index=False)
    columns = columns.replace_schema_metadata({**columns.schema.metadata, CLASS_IDS: json.dumps(list(class_ids))})
    with atomic_path(task) as temporary:
        pyarrow.parquet.write_table(columns, temporary)
    logger.info("%d images to train on, %d held out, %d classes", kept.sum(), (~kept).sum(), images["y"].nunique())


def take_subset(images: pd.DataFrame, images_per_class: int, equal: str) -> pd.DataFrame:
    """Return the images of a task with so many to fine-tune on of each class (see `make_variant_task`)."""
    train = images[images["split"] == "train"]
    order = ("subset/" + train["class_id"] + "/" + train["image"]).map(hashed_uniform)
    taken = train[order.groupby(train["class_id"]).rank(method="first") <= images_per_class]
    if equal == "steps":
        taken = taken.iloc[np.resize(np.arange(len(taken)), len(train))]
    return pd.concat([taken, images[images["split"] != "train"]], ignore_index=True)


_SPLIT = {True: "train", False: HELD_OUT}
