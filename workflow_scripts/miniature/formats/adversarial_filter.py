"""ImageNet-A in miniature: drawn images that a trained network misclassifies."""

import csv
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from miniature.formats.variant_world import World, write_archive
from miniature.object_world import to_jpeg
from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build, load_all
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.store.decoding import decode
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

POOL = 10  # images drawn per image that is wanted [ours]


def draw(
    files: Sequence[str | Path],
    classes: int,
    per_class: int,
    image_size: int,
    seed: int,
    table: str | Path,
    weights: str | Path,
    labels: str | Path,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    size: int,
    threads: int = 1,
) -> None:
    """Write the tar of the images of each class that a network misclassifies, the most confident mistakes first.

    Hendrycks et al. (arXiv 1907.07174) keep the images that ResNet-50 misclassifies. A class without a misclassified
    image keeps the one with the lowest probability of its true class.

    Args:
        files: the tar to write.
        classes, image_size, seed, table: see `World`.
        per_class: images kept per class, at most; `POOL` times as many are drawn.
        weights: safetensors of `pretrain`: the filtering network, which should not be one of those tested.
        labels: classes.csv of its pre-training distribution (class_id, label).
        architecture, recipe: of its pre-training.
        size: side in pixels at which a store would keep an image.
        threads: of the CPU.

    Raises:
        InputError: for weights that do not fit, or a class that the network does not know.
    """
    world = World(classes, per_class, image_size, seed, table)
    with open(labels, newline="", encoding="utf-8") as file:
        label = {row["class_id"]: int(row["label"]) for row in csv.DictReader(file)}
    unknown = [one.wnid for one in world.classes if one.wnid not in label]
    if unknown:
        raise InputError(
            f"{labels}: the network that filters ImageNet-A does not know {unknown[0]}; choose another one"
        )
    device = training_device(threads)
    network = build(architecture, max(label.values()) + 1)
    load_all(network, read_weights(weights)[0])
    network.to(device).eval()
    preparation = Preparation(read_recipe(recipe), device)

    def kept() -> Iterator[tuple[str, bytes]]:
        for one in world.classes:
            images = [to_jpeg(world.picture(one, "a", number)) for number in range(POOL * world.per_class)]
            pixels = torch.from_numpy(np.stack([decode(data, size, "crop") for data in images])).to(device)
            with torch.inference_mode():
                sure = network(preparation.for_evaluation(pixels)).softmax(dim=1).cpu()
            truth = label[one.wnid]
            order = sure[:, truth].argsort(stable=True).tolist()
            wrong = [number for number in order if int(sure[number].argmax()) != truth]
            logger.info("%s: %d of %d wrong", one.wnid, len(wrong), len(images))
            for number in wrong[: world.per_class] or order[:1]:
                yield f"imagenet-a/{one.wnid}/{sure[number, truth]:.6f}_{number}.jpg", images[number]

    write_archive(files[0], kept())
