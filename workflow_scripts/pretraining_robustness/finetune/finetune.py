"""Fine-tuning: pre-trained (or random) weights and a downstream task become one checkpoint an epoch."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build, load_backbone, require_image_size
from pretraining_robustness.networks.weights import read_description, read_weights, save_weights
from pretraining_robustness.networks.zero_shot_head import ZERO_SHOT, read_zero_shot_head, start_from_zero_shot
from pretraining_robustness.store.read import Store
from pretraining_robustness.tasks.splits import read_split, task_classes
from pretraining_robustness.training.batches import load_images
from pretraining_robustness.training.devices import derived_seed, seed_generator, training_device
from pretraining_robustness.training.loop import train, write_metrics
from pretraining_robustness.training.objectives import Supervised
from pretraining_robustness.training.recipes import read_recipe
from pretraining_robustness.training.state import TrainingState, stamp

logger = logging.getLogger(__name__)


def finetune(
    *,
    images: str | Path,
    table: str | Path,
    pretrained: str | Path | None,
    checkpoints: Sequence[str | Path],
    metrics: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    seed: int,
    state: str | Path,
    code: str,
    threads: int = 1,
    head: str | Path | None = None,
) -> None:
    """Train all weights on the task's split `train`, from `pretrained` with a new head or from random weights.

    Args:
        images, table: the task's store; the table has columns row, y and split.
        pretrained: safetensors of `pretrain`, or None to start from scratch.
        checkpoints: safetensors to write, after epoch 1, 2, ...; the description of each holds architecture, classes,
            distribution, recipe digest and epoch. A recipe in steps is cut into as many equal parts.
        metrics, distribution, architecture, recipe, seed, state, code, threads: as in `pretrain.pretrain_with`.
        head: safetensors of `make_zero_shot_head`, to start from in place of a random head; the descriptions of the
            checkpoints then hold head: zero_shot. Needs `pretrained` weights with the image tower that belongs to it.

    Raises:
        InputError: as `pretrain.pretrain_with`; also for weights or a head that do not fit the architecture, and
            when the recipe's epochs are not as many as `checkpoints`.
    """
    source = {} if pretrained is None else read_description(pretrained)
    plan = read_recipe(recipe, source)
    if plan.epochs is not None and plan.epochs != len(checkpoints):
        raise InputError(f"recipe.epochs: {plan.epochs} epochs cannot fill {len(checkpoints)} checkpoints")
    device = training_device(threads)
    rows, labels = read_split(table, "train")
    classes = task_classes(table)
    logger.info("%d images of %d classes on %s", len(rows), classes, device)

    seed_generator(torch.device("cpu"), derived_seed(seed, "weights"))
    model = build(architecture, classes)
    require_image_size(model, plan.image_size)
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
    description = {
        "architecture": dict(architecture),
        "classes": classes,
        "distribution": distribution,
        "recipe": plan.digest(),
        "seed": seed,
        **({} if head is None else {"head": ZERO_SHOT}),
        **({"input": source["input"]} if "input" in source else {}),
    }
    inputs = [path for path in (images, table, pretrained, head) if path is not None]
    progress = TrainingState(
        state, stamp(inputs, stage="finetune", architecture=architecture, recipe=asdict(plan), seed=seed, code=code)
    )
    records = train(
        model,
        load_images(Store.open(images, table, threads), rows, device),
        Supervised(torch.tensor(labels, dtype=torch.int64, device=device), plan.label_smoothing),
        plan,
        seed,
        progress,
        plan.epoch_ends(len(rows), parts=len(checkpoints)),
        after_epoch=lambda epoch: save_weights(progress.checkpoint(epoch), model, {**description, "epoch": epoch}),
    )
    write_metrics(metrics, records)
    for epoch, path in enumerate(checkpoints, start=1):
        progress.publish(epoch, path)
    progress.clear()
