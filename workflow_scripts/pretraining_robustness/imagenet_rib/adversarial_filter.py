"""ImageNet-A in miniature: drawn pictures that a trained network takes for something else."""

import csv
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.miniature.formats.variant_world import World, write_archive
from pretraining_robustness.miniature.object_world import to_jpeg
from pretraining_robustness.networks.architectures import build, load_all
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.store.decoding import decode
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

POOL = 10  # pictures drawn for each that is wanted [ours]


def draw_adversarial(
    *,
    file: str | Path,
    weights: str | Path,
    labels: str | Path,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    size: int,
    world: World,
    threads: int = 1,
) -> None:
    """Write the archive of the pictures of each class that a network gets wrong, the surest mistakes first.

    Hendrycks et al. (arXiv 1907.07174) keep what ResNet-50 gets wrong. A class of which the network gets nothing wrong
    has the one picture that it is least sure of.

    Args:
        file: tar to write.
        weights: safetensors of `pretrain`: the network that filters, which should not be one of those tested.
        labels: classes.csv of the distribution that it was pre-trained on (class_id, label).
        architecture, recipe: of its pre-training.
        size: side in pixels of what a store would keep of a picture.
        world: how many pictures a class has at most, and what is drawn; `POOL` times as many are drawn.
        threads: of the CPU.

    Raises:
        InputError: for weights that do not fit, or a class that the network does not know.
    """
    with open(labels, newline="", encoding="utf-8") as table:
        label = {row["class_id"]: int(row["label"]) for row in csv.DictReader(table)}
    unknown = [one.wnid for one in world.classes if one.wnid not in label]
    if unknown:
        raise InputError(f"{labels}: the network that filters ImageNet-A does not know {unknown[0]}; take another")
    device = training_device(threads)
    network = build(architecture, max(label.values()) + 1)
    load_all(network, read_weights(weights)[0])
    network.to(device).eval()
    preparation = Preparation(read_recipe(recipe), device)

    def kept() -> Iterator[tuple[str, bytes]]:
        for one in world.classes:
            pictures = [to_jpeg(world.picture(one, "a", number)) for number in range(POOL * world.per_class)]
            pixels = torch.from_numpy(np.stack([decode(data, size, "crop") for data in pictures])).to(device)
            with torch.inference_mode():
                sure = network(preparation.for_evaluation(pixels)).softmax(dim=1).cpu()
            truth = label[one.wnid]
            order = sure[:, truth].argsort(stable=True).tolist()
            wrong = [number for number in order if int(sure[number].argmax()) != truth]
            logger.info("%s: %d of %d wrong", one.wnid, len(wrong), len(pictures))
            for number in wrong[: world.per_class] or order[:1]:
                yield f"imagenet-a/{one.wnid}/{sure[number, truth]:.6f}_{number}.jpg", pictures[number]

    write_archive(file, kept())
