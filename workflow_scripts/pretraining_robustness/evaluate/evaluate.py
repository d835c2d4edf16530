"""Evaluation: the checkpoints of one run become predictions, and predictions become scores."""

import csv
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import torch
from torch import Tensor, nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import accuracy, macro_f1
from pretraining_robustness.files import atomic_path
from pretraining_robustness.networks.architectures import build, head_of
from pretraining_robustness.networks.weights import read_description, read_weights
from pretraining_robustness.networks.zero_shot_head import ZERO_SHOT, ZeroShotHead, match_zero_shot
from pretraining_robustness.store.read import Store
from pretraining_robustness.tasks.splits import read_split, task_classes
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import ResidentImages, StreamedImages, consecutive_batches, load_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.recipes import Recipe, read_recipe

logger = logging.getLogger(__name__)

# Images per forward pass; it does not change predictions. The fastest for small nets on a processor.
BATCH_SIZE = 256
SCORES = ("id_macro_f1", "ood_macro_f1", "id_accuracy", "ood_accuracy")


def evaluate(
    *,
    images: str | Path,
    table: str | Path,
    checkpoints: Sequence[str | Path],
    predictions: str | Path,
    scores: str | Path,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    task: Mapping[str, str],
    run: Mapping[str, Any],
    threads: int = 1,
) -> None:
    """Predict the in-distribution and the out-of-distribution test split with every checkpoint, and score them.

    Args:
        images, table: the task's store.
        checkpoints: safetensors of `finetune`; each knows its epoch.
        predictions: Parquet to write, one row an image: split, row, y and the most likely class (int16) by
            epoch_1, epoch_2, ...
        scores: CSV to write, one row a checkpoint: task, distribution, architecture, seed, epoch and `SCORES`.
        architecture, recipe: those of the fine-tuning; image size, normalisation and precision are used.
        task: name, id_split and ood_split.
        run: distribution, architecture (its name) and seed.
        threads: of the processor.

    Raises:
        InputError: naming a checkpoint that is broken or of another architecture or task; for a split without images.
    """
    plan = read_recipe(recipe, read_description(checkpoints[0]))
    device = training_device(threads)
    splits = {split: read_split(table, split) for split in (task["id_split"], task["ood_split"])}
    rows = np.concatenate([rows for rows, _ in splits.values()])
    truth = np.concatenate([y for _, y in splits.values()])
    names = np.concatenate([np.full(len(y), split) for split, (_, y) in splits.items()])
    inside = names == task["id_split"]

    classes = task_classes(table)
    if classes > np.iinfo(np.int16).max:
        raise InputError(f"{table}: {classes} classes are more than predictions can hold ({np.iinfo(np.int16).max})")
    model = build(architecture, classes).to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
    network = torch.compile(model) if plan.compile else model
    stored = load_images(Store.open(images, table, threads), rows, device)
    guesses: dict[int, np.ndarray] = {}
    lines: list[dict[str, Any]] = []
    for path in checkpoints:
        epoch = _load_checkpoint(model, path)
        guess = guesses[epoch] = predict(network, stored, len(rows), plan, device)
        values = (
            macro_f1(truth[inside], guess[inside]),
            macro_f1(truth[~inside], guess[~inside]),
            accuracy(truth[inside], guess[inside]),
            accuracy(truth[~inside], guess[~inside]),
        )
        who = {"task": task["name"], **{key: run[key] for key in ("distribution", "architecture", "seed")}}
        lines.append({**who, "epoch": epoch, **dict(zip(SCORES, values, strict=True))})
        logger.info("epoch %d: macro F1 %.4f in distribution, %.4f out of distribution", epoch, *values[:2])

    columns = {"split": names, "row": rows, "y": truth}
    columns |= {f"epoch_{epoch}": guesses[epoch] for epoch in sorted(guesses)}
    with atomic_path(predictions) as temporary:
        pyarrow.parquet.write_table(pyarrow.table(columns), temporary)
    with atomic_path(scores) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(sorted(lines, key=lambda line: line["epoch"]))


def predict(
    network: Callable[[Tensor], Tensor],
    images: ResidentImages | StreamedImages,
    count: int,
    recipe: Recipe,
    device: torch.device,
) -> np.ndarray:
    """Return the most likely class of each of the `count` images: int16 (count,)."""
    preparation = Preparation(recipe, device)
    guesses: list[Tensor] = []
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16")
    with torch.inference_mode(), autocast:
        for _, pixels in images.stream(consecutive_batches(count, BATCH_SIZE)):
            guesses.append(network(preparation.for_evaluation(pixels)).argmax(dim=1).to(torch.int16))
    return torch.cat(guesses).cpu().numpy()


def _load_checkpoint(model: nn.Module, path: str | Path) -> int:
    """Load all weights and return the epoch after which they were saved."""
    weights, description = read_weights(path)
    try:
        if description.get("head") == ZERO_SHOT and not isinstance(head_of(model), ZeroShotHead):
            match_zero_shot(model, weights)
        model.load_state_dict(weights)
        return int(description["epoch"])
    except (RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(
            f"{path}: not a checkpoint of this architecture and task ({reason}); train it again"
        ) from error
