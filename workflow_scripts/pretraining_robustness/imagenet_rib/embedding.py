"""Features of variants of ImageNet before the head of one network, and the distances between the variants by them."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows
from pretraining_robustness.imagenet_rib.transport import Sample, distances
from pretraining_robustness.networks.architectures import build, head_of
from pretraining_robustness.networks.weights import read_description
from pretraining_robustness.tasks.splits import class_numbers, task_classes
from pretraining_robustness.tasks.test_sets import read_test_set
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import ResidentImages, StreamedImages, consecutive_batches, open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import in_batches_that_fit, load_checkpoints
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

_BATCH = 250


def measure_distances(
    *,
    stores: Mapping[str, tuple[str | Path, str | Path]],
    test_sets: Sequence[Mapping[str, Any]],
    checkpoint: str | Path,
    network: Mapping[str, Any],
    count: int,
    distances_file: str | Path,
    threads: int = 1,
) -> None:
    """Write the distance between every two variants (`transport.otdd`).

    Args:
        stores: images.npy and images.parquet of each store that a variant is taken from, by the store's name; the first
            is that of a task, whose classes are the network's outputs.
        test_sets: {name, store, split, classes} of each variant (see `tasks.test_sets.read_test_set`).
        checkpoint: safetensors of the network.
        network: architecture and recipe; see `predict.predict`.
        count: images of each variant, evenly spaced in it; equally many of all.
        distances_file: CSV to write: first, second, otdd.

    Raises:
        InputError: a variant has fewer images than asked for.
    """
    device = training_device(threads)
    task = next(iter(stores.values()))[1]
    model = build(network["architecture"], task_classes(task)).to(device).eval()
    load_checkpoints(model, [checkpoint], device)
    recipe = read_recipe(network["recipe"], read_description(checkpoint))
    preparation = Preparation(recipe, device)
    samples = {}
    for spec in test_sets:
        images, table = stores[spec["store"]]
        variant = read_test_set({**spec, "own": table == task}, table, class_numbers(task))
        if len(variant.rows) < count:
            raise InputError(
                f"{table}: {len(variant.rows)} images of {spec['name']}, fewer than "
                f"imagenet_rib.transport.count, {count}; lower it"
            )
        kept = np.linspace(0, len(variant.rows) - 1, count).astype(np.int64)
        pixels, classes = open_images(images, table, variant.rows[kept], recipe, device, threads), variant.truth[kept]

        def features(batch_size: int, pixels: ResidentImages | StreamedImages = pixels) -> np.ndarray:
            batches = pixels.stream(consecutive_batches(count, batch_size))
            found = [embed(model, preparation.for_evaluation(batch)).double().cpu() for _, batch in batches]
            return torch.cat(found).numpy()

        found = in_batches_that_fit(features, _BATCH, "the network", recipe.image_size)
        samples[spec["name"]] = Sample(found, np.unique(classes, return_inverse=True)[1])
        logger.info("%s: %d images, %d classes", spec["name"], count, len(np.unique(classes)))
    write_rows(distances_file, distances(samples))


def embed(model: nn.Module, images: Tensor) -> Tensor:
    """Return what a network's head is given for prepared images (n, 3, size, size): (n, features)."""
    seen: list[Tensor] = []
    hook = head_of(model).register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.inference_mode():
            model(images)
    finally:
        hook.remove()
    return seen[-1].flatten(1)
