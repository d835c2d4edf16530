"""Held-out accuracy of pre-training: on a share of its own images, or on its source's validation images."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from torch import nn

from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.seeds import hashed_uniform
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.batches import ResidentImages, StreamedImages, frame_of, load_images
from pretraining_robustness.training.inference import predict_all
from pretraining_robustness.training.recipes import Recipe


def choose_held_out(rows: np.ndarray, labels: np.ndarray, share: float) -> np.ndarray:
    """Return which images are held out, bool (n,): the same images of a store in every distribution.

    At least one image of each label stays.
    """
    if not share:
        return np.zeros(len(rows), dtype=bool)
    places = np.array([hashed_uniform(f"held out/{row}") for row in rows])
    order = np.lexsort((places, labels))
    last = order[np.flatnonzero(np.diff(labels[order], append=-1))]
    held = places < share
    held[last] = False
    return held


@dataclass(frozen=True)
class HeldOut:
    """Images for measuring accuracy, not trained on, with their `labels` (n,)."""

    images: ResidentImages | StreamedImages
    labels: np.ndarray

    def measure(self, model: nn.Module, recipe: Recipe, device: torch.device) -> dict[str, Any]:
        """Return held_out_images and held_out_accuracy (0..1), without augmentation; leaves training mode on."""
        plain, count = replace(recipe, compile=False), len(self.labels)
        (answers,) = predict_all(model.eval(), [model.state_dict()], self.images, count, plain, device)
        model.train()
        return {"held_out_images": count, "held_out_accuracy": float((answers == self.labels).mean())}


def open_validation(files: Mapping[str, str | Path], threads: int, recipe: Recipe, device: torch.device) -> HeldOut:
    """Return a source's validation images of a distribution's classes, with the distribution's labels.

    Args:
        files: images and table, those of the validation images' store; classes, the distribution's classes.csv.
        threads: number of threads that read a batch.
        recipe, device: of the pre-training.

    Raises:
        InputError: none of the images is of a class of the distribution.
    """
    columns = read_csv_table(files["classes"], ["class_id", "label"], what="table of classes").columns
    labels = dict(zip(columns["class_id"], map(int, columns["label"]), strict=True))
    class_ids = pyarrow.parquet.read_table(files["table"], columns=["class_id"])["class_id"].to_pylist()
    rows = np.array([row for row, class_id in enumerate(class_ids) if class_id in labels], dtype=np.int64)
    if len(rows) == 0:
        raise InputError(
            f"{files['table']}: none of its images is of a class of {files['classes']}; name another source under "
            "'validation'"
        )
    store = Store.open(files["images"], files["table"], threads, frame_of(recipe))
    return HeldOut(load_images(store, rows, device), np.array([labels[class_ids[row]] for row in rows]))
