"""Check generated images against their prompts with a classifier trained on real images."""

import csv
import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from torch import Tensor

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows
from pretraining_robustness.networks.architectures import build, load_all
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.training.batches import open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import predict_all
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)


def recognise_generated(
    *,
    images: str | Path,
    table: str | Path,
    weights: str | Path,
    classes: str | Path,
    recognition: str | Path,
    per_class: str | Path,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    threads: int = 1,
) -> None:
    """Predict every generated image with a network trained on real ones, and count how often it predicts its class.

    Args:
        images, table: the generated store; images of classes that the network does not know are left out.
        weights: safetensors of `pretrain`, trained with the classes themselves as labels.
        classes: classes.csv of its distribution: which class_id has which label.
        recognition: CSV to write, one row: images, classes (of the network), chance (1 / classes), top1, top5
            (fractions of the images whose class is the most likely one, or among the five most likely), times_chance
            (top1 / chance).
        per_class: CSV to write, one row per class: class_id, class_name, images, top1, top5.
        architecture, recipe: of the pre-training; image size and normalisation are used, in float32.
        threads: of the CPU.

    Raises:
        InputError: for weights of another architecture, labels that are not single classes, no image of a known class.
    """
    plan = read_recipe(recipe)
    device = training_device(threads)
    labels, names = _read_labels(classes)
    class_ids = pyarrow.parquet.read_table(table, columns=["class_id"])["class_id"].to_pylist()
    rows = np.array([row for row, class_id in enumerate(class_ids) if class_id in labels], dtype=np.int64)
    if len(rows) == 0:
        raise InputError(f"{classes}: none of its classes is among those of {table}; choose another distribution")
    truth = np.array([labels[class_ids[row]] for row in rows])

    parameters, _ = read_weights(weights)
    network = build(architecture, len(labels))
    try:
        load_all(network, parameters)
    except InputError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(
            f"{weights}: not of this architecture and these classes ({reason}); "
            "remove it and run the same command again"
        ) from error
    network = network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    state = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    stored = open_images(images, table, rows, plan, device, threads)
    most_likely = partial(_best, count=min(5, len(labels)))
    (predictions,) = predict_all(network, [state], stored, len(rows), plan, device, answer=most_likely)
    hits = predictions == truth[:, None]
    first, five = hits[:, 0], hits.any(axis=1)

    chance, top1 = 1 / len(labels), float(first.mean())
    line = {
        "images": len(rows),
        "classes": len(labels),
        "chance": chance,
        "top1": top1,
        "top5": float(five.mean()),
        "times_chance": top1 / chance,
    }
    logger.info("%d images: %.3f recognised, %.1f times chance", len(rows), top1, top1 / chance)
    write_rows(recognition, [line])
    of_class = {class_id: np.flatnonzero(truth == label) for class_id, label in labels.items()}
    write_rows(
        per_class,
        [
            {
                "class_id": class_id,
                "class_name": names[class_id],
                "images": len(mine),
                "top1": float(first[mine].mean()) if len(mine) else "",
                "top5": float(five[mine].mean()) if len(mine) else "",
            }
            for class_id, mine in of_class.items()
        ],
    )


def _best(scores: Tensor, count: int) -> Tensor:
    """Return the `count` most likely classes of each image, int64 (n, count), the most likely one first."""
    return scores.topk(count).indices


def _read_labels(path: str | Path) -> tuple[dict[str, int], dict[str, str]]:
    """Return the label and the name of each class_id."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    labels = {row["class_id"]: int(row["label"]) for row in rows}
    if sorted(labels.values()) != list(range(len(rows))):
        raise InputError(f"{path}: its labels are not single classes; choose a distribution without superclasses")
    return labels, {row["class_id"]: row["class_name"] for row in rows}
