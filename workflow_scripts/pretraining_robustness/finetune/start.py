"""The network with which fine-tuning starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build, load_backbone, require_image_size
from pretraining_robustness.networks.weights import read_weights, save_weights
from pretraining_robustness.networks.zero_shot_head import ZERO_SHOT, read_zero_shot_head, start_from_zero_shot
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.tasks.splits import task_classes
from pretraining_robustness.training.devices import seed_generator


def starting_network(
    architecture: Mapping[str, Any],
    classes: int,
    seed: int,
    pretrained: str | Path | None,
    head: str | Path | None,
    image_size: int,
) -> nn.Module:
    """Build a network for a task: pre-trained weights with a new head, or random weights.

    Args:
        architecture: see `architectures.build`.
        classes: of the task.
        seed: of the weights that are random.
        pretrained: safetensors of `pretrain`, or None to start from scratch.
        head: safetensors of `make_zero_shot_head`, to start from in place of a random head.
        image_size: of the recipe.

    Raises:
        InputError: for weights or a head that do not fit the architecture or each other.
    """
    seed_generator(torch.device("cpu"), derived_seed(seed, "weights"))
    model = build(architecture, classes)
    require_image_size(model, image_size)
    if head is not None and pretrained is None:
        raise InputError(f"{head}: a zero-shot head needs the pre-trained image tower that belongs to it")
    if pretrained is not None:
        tensors = read_weights(pretrained)[0]
        try:
            load_backbone(model, tensors)
        except InputError as error:
            raise InputError(f"{pretrained}: {error}") from error
        if head is not None:
            start_from_zero_shot(model, tensors, read_zero_shot_head(head))
    return model


def describe(
    architecture: Mapping[str, Any], classes: int, distribution: str, method: str, seed: int, head: str | Path | None
) -> dict[str, Any]:
    """Return the description of a run's checkpoints; full fine-tuning is what one without a method was made by."""
    return {
        "architecture": dict(architecture),
        "classes": classes,
        "distribution": distribution,
        "seed": seed,
        **({} if method == "full" else {"method": method}),
        **({} if head is None else {"head": ZERO_SHOT}),
    }


def save_start(
    *,
    table: str | Path,
    pretrained: str | Path | None,
    checkpoint: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    image_size: int,
    seed: int,
    head: str | Path | None = None,
) -> None:
    """Write the network before fine-tuning as a checkpoint of epoch 0, which every method starts from.

    Args:
        table: the task's store.
        checkpoint: safetensors to write.
        distribution: name, for the description.
        pretrained, architecture, image_size, seed, head: see `starting_network`.

    Raises:
        InputError: see `starting_network`.
    """
    classes = task_classes(table)
    model = starting_network(architecture, classes, seed, pretrained, head, image_size)
    description = describe(architecture, classes, distribution, "start", seed, head)
    save_weights(checkpoint, model, {**description, "epoch": 0})
