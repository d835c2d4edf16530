"""Fine-tuning: pre-trained (or random) weights and a downstream task become one checkpoint an epoch."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.stores.store_reading import Store
from pretraining_robustness.training.architectures import build, load_backbone, read_weights, save_weights
from pretraining_robustness.training.batches import load_images
from pretraining_robustness.training.devices import derived_seed, seed_generator, training_device
from pretraining_robustness.training.loop import train, write_metrics
from pretraining_robustness.training.recipes import read_recipe
from pretraining_robustness.training.task_splits import read_split, task_classes
from pretraining_robustness.training.training_state import TrainingState, stamp

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
) -> None:
    """Train all weights on the task's split `train`, from `pretrained` with a new head or from random weights.

    Args:
        images, table: the task's store; the table has columns row, y and split.
        pretrained: safetensors of `pretrain`, or None to start from scratch.
        checkpoints: safetensors to write, after epoch 1, 2, ...; the description of each holds architecture, classes,
            distribution, recipe digest and epoch. A recipe in steps is cut into as many equal parts.
        metrics, distribution, architecture, recipe, seed, state, code, threads: as in `pretrain.pretrain`.

    Raises:
        InputError: as `pretrain.pretrain`; also for weights that do not fit the architecture, and when the recipe's
            epochs are not as many as `checkpoints`.
    """
    plan = read_recipe(recipe)
    if plan.epochs is not None and plan.epochs != len(checkpoints):
        raise InputError(f"recipe.epochs: {plan.epochs} epochs cannot fill {len(checkpoints)} checkpoints")
    device = training_device(threads)
    rows, labels = read_split(table, "train")
    classes = task_classes(table)
    logger.info("%d images of %d classes on %s", len(rows), classes, device)

    seed_generator(torch.device("cpu"), derived_seed(seed, "weights"))
    model = build(architecture, classes)
    if pretrained is not None:
        try:
            load_backbone(model, read_weights(pretrained)[0])
        except InputError as error:
            raise InputError(f"{pretrained}: {error}") from error
    description = {
        "architecture": dict(architecture),
        "classes": classes,
        "distribution": distribution,
        "recipe": plan.digest(),
        "seed": seed,
    }
    inputs = [images, table, *([] if pretrained is None else [pretrained])]
    progress = TrainingState(
        state, stamp(inputs, stage="finetune", architecture=architecture, recipe=asdict(plan), seed=seed, code=code)
    )
    records = train(
        model,
        load_images(Store.open(images, table, threads), rows, device),
        torch.tensor(labels, dtype=torch.int64, device=device),
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
