"""Fine-tuning: pre-trained (or random) weights and a downstream task become checkpoints."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import Start, plain_state, read_method
from pretraining_robustness.finetune.start import describe, starting_network
from pretraining_robustness.networks.weights import class_names, read_description, save_tensors
from pretraining_robustness.parts import stamp
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.tasks.splits import present_classes, read_originals, read_split, task_classes
from pretraining_robustness.training.batches import Renderings, open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.loop import train, write_metrics
from pretraining_robustness.training.objectives import Supervised
from pretraining_robustness.training.recipes import read_recipe
from pretraining_robustness.training.state import TrainingState

logger = logging.getLogger(__name__)

FULL = {"kind": "full"}


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
    keep_head: bool = False,
    class_table: str | Path | None = None,
    method: Mapping[str, Any] = FULL,
    epochs: Sequence[int] | None = None,
    renderings: str = "all",
) -> None:
    """Fine-tune on the task's split `train`, from `pretrained` with a new head or from random weights.

    Args:
        images, table: the task's store; the table has columns row, y and split.
        renderings: one: an epoch shows one of the images with the same class_id and `original` (further columns of the
            table), drawn anew in every epoch; all: every image.
        pretrained: safetensors of `pretrain`, or None to start from scratch.
        checkpoints: safetensors to write, after each of `epochs`; the description of each holds architecture, classes
            and their names, distribution, method, recipe with its digest, and epoch.
        epochs: of the method's last phase, from 1, in rising order; the last of them is the recipe's last. A recipe in
            steps is divided into that many equal parts. By default 1, 2, ..., one for each checkpoint.
        metrics: CSV to write, one row per epoch of the last phase (see `loop.train`).
        distribution, architecture, recipe, seed, state, code, threads: as in `pretrain.pretrain_with`.
        head: safetensors of `make_zero_shot_head`, an initial head instead of a random one; the checkpoints'
            descriptions then hold head: zero_shot. Needs the `pretrained` weights of its image tower.
        class_table: CSV of the names of the task's classes, for the descriptions; see `weights.class_names`.
        keep_head: start with the head of the `pretrained` weights, which knows the task's classes.
        method: kind and settings (see `method.read_method`).

    Raises:
        InputError: as `pretrain.pretrain_with`; also weights or a head that do not fit the architecture, an unknown
            method, or a recipe whose last epoch is not the last of `epochs`.
    """
    kept = list(range(1, len(checkpoints) + 1)) if epochs is None else list(epochs)
    source = {} if pretrained is None else read_description(pretrained)
    plan = read_recipe(recipe, source)
    if plan.epochs is not None and plan.epochs != kept[-1]:
        raise InputError(f"recipe.epochs: {plan.epochs} epochs cannot end with a checkpoint of epoch {kept[-1]}")
    finetuning = read_method(method)
    device = training_device(threads)
    rows, labels = read_split(table, "train")
    classes = task_classes(table)
    logger.info("%d images of %d classes on %s", len(rows), classes, device)

    model = starting_network(architecture, classes, seed, pretrained, head, plan.image_size, keep_head)
    finetuning.prepare(model, plan)
    description = describe(architecture, classes, distribution, method["kind"], seed, head, source)
    description |= class_names(class_table)
    inputs = [path for path in (images, table, pretrained, head) if path is not None]
    stored = open_images(images, table, rows, plan, device, threads)
    present = present_classes(table)
    answers = None if present is None else torch.tensor(present, device=device)
    supervised = Supervised(torch.tensor(labels, dtype=torch.int64, device=device), plan.label_smoothing, answers)
    drawn = Renderings(read_originals(table, "train")) if renderings == "one" else None
    seen = len(rows if drawn is None else drawn)
    phases = finetuning.phases(plan, new_head=head is None and not keep_head)
    for phase in phases:
        last = phase is phases[-1]
        phase_seed = seed if last else derived_seed(seed, phase.name)
        objective = finetuning.objective(supervised, Start(phase, model, stored, phase_seed))
        progress = TrainingState(
            Path(state) if last else Path(state, phase.name),
            stamp(
                inputs,
                **{"stage": "finetune", "method": dict(method), "phase": phase.name, "recipe": asdict(phase.recipe)},
                **{"architecture": architecture, "seed": seed, "code": code, "epochs": kept, "renderings": renderings},
            ),
        )
        described = {**description, "recipe": phase.recipe.digest(), "trained": asdict(phase.recipe)}

        def keep(epoch: int, progress: TrainingState = progress, described: Mapping[str, Any] = described) -> None:
            if epoch in kept:
                save_tensors(progress.checkpoint(epoch), plain_state(model), {**described, "epoch": epoch})

        records = train(
            model,
            stored,
            objective,
            phase.recipe,
            phase_seed,
            progress,
            phase.recipe.epoch_ends(seen, parts=kept[-1]),
            after_epoch=keep if last else lambda epoch: None,
            trained=phase.trained(model),
            renderings=drawn,
        )
    write_metrics(metrics, records)
    for epoch, path in zip(kept, checkpoints, strict=True):
        progress.publish(epoch, path)
    progress.clear()
