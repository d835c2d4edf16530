"""The initial network of fine-tuning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build, load_all, load_backbone, require_image_size
from pretraining_robustness.networks.weights import read_description, read_weights, save_weights
from pretraining_robustness.networks.zero_shot_head import ZERO_SHOT, read_zero_shot_head, start_from_zero_shot
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.tasks.splits import task_classes
from pretraining_robustness.training.devices import seed_generator
from pretraining_robustness.training.recipes import read_recipe


def starting_network(
    architecture: Mapping[str, Any],
    classes: int,
    seed: int,
    pretrained: str | Path | None,
    head: str | Path | None,
    image_size: int,
    keep_head: bool = False,
) -> nn.Module:
    """Build a network for a task: pre-trained weights with a new head, or random weights.

    Args:
        architecture: see `architectures.build`.
        classes: number of classes of the task.
        seed: seed of random weights.
        pretrained: safetensors of `pretrain`, or None to start from scratch.
        head: safetensors of `make_zero_shot_head`, an initial head instead of a random one.
        image_size: image size of the recipe.
        keep_head: whether to keep the head of the pre-trained weights, which knows the task's classes.

    Raises:
        InputError: weights or a head that do not fit the architecture or each other.
    """
    seed_generator(torch.device("cpu"), derived_seed(seed, "weights"))
    model = build(architecture, classes)
    require_image_size(model, image_size)
    if head is not None and pretrained is None:
        raise InputError(f"{head}: a zero-shot head needs the pre-trained weights of its image tower")
    if pretrained is not None:
        tensors = read_weights(pretrained)[0]
        try:
            (load_all if keep_head else load_backbone)(model, tensors)
        except InputError as error:
            raise InputError(f"{pretrained}: {error}") from error
        if head is not None:
            start_from_zero_shot(model, tensors, read_zero_shot_head(head))
    return model


def describe(
    architecture: Mapping[str, Any],
    classes: int,
    distribution: str,
    method: str,
    seed: int,
    head: str | Path | None,
    source: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the description of a run's checkpoints; one without a method is fully fine-tuned.

    `source` is the description of the pre-trained weights, whose own input is copied.
    """
    return {
        "architecture": dict(architecture),
        "classes": classes,
        "distribution": distribution,
        "seed": seed,
        **({} if method == "full" else {"method": method}),
        **({} if head is None else {"head": ZERO_SHOT}),
        **({"input": source["input"]} if "input" in source else {}),
    }


def save_start(
    *,
    table: str | Path,
    pretrained: str | Path | None,
    checkpoint: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    seed: int,
    head: str | Path | None = None,
    keep_head: bool = False,
) -> None:
    """Write the network before fine-tuning as a checkpoint of epoch 0, the start of every method.

    Args:
        table: the task's store.
        checkpoint: safetensors to write.
        distribution: name, for the description.
        recipe: recipe of the fine-tuning.
        pretrained, architecture, seed, head, keep_head: see `starting_network`.

    Raises:
        InputError: see `starting_network`.
    """
    classes = task_classes(table)
    source = {} if pretrained is None else read_description(pretrained)
    plan = read_recipe(recipe, source)
    model = starting_network(architecture, classes, seed, pretrained, head, plan.image_size, keep_head)
    description = describe(architecture, classes, distribution, "start", seed, head, source)
    save_weights(checkpoint, model, {**description, "epoch": 0})
