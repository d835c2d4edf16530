"""Prediction: the checkpoints of a series become the most likely class of every image of every test set."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.predictions import Checkpoint, read_predictions, same_images, write_predictions
from pretraining_robustness.finetune.merge_per_image import predict_merged
from pretraining_robustness.networks.architectures import build, require_image_size
from pretraining_robustness.networks.weights import read_description
from pretraining_robustness.tasks.splits import class_numbers, task_classes
from pretraining_robustness.tasks.test_sets import read_test_set
from pretraining_robustness.training.batches import frame_of, open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import load_checkpoints, predict_all
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)


def predict(
    *,
    stores: Mapping[str, tuple[str | Path, str | Path]],
    test_sets: Sequence[Mapping[str, Any]],
    networks: Sequence[Mapping[str, Any]],
    checkpoints: Sequence[str | Path],
    predictions: str | Path,
    before: str | Path | None = None,
    groups: int | None = None,
    threads: int = 1,
) -> None:
    """Predict every image of every test set with every checkpoint of a series.

    Args:
        stores: images.npy and images.parquet of each store that a test set is taken from, by the store's name; the
            first is the task's own, whose classes are the networks' outputs.
        test_sets: {name, store, split, classes} each (see `tasks.test_sets.read_test_set`).
        networks: {name, seed, architecture, recipe} each: the runs of the series. Image size and normalisation of the
            recipe are used, and the arithmetic of its evaluation.
        checkpoints: safetensors of `finetune`, equally many for each network, in the order of `networks`; each knows
            its epoch.
        predictions: Parquet to write (see `predictions.write_predictions`).
        before: Parquet of predictions of these networks at epoch 0, which are taken from it where it has them.
        groups: of images, by which the last two checkpoints of each network are merged while they predict (see
            `finetune.merge_per_image`); without it every checkpoint predicts by itself.
        threads: of the CPU.

    Raises:
        InputError: naming a checkpoint that is broken or of another architecture or task; for a test set without
            images or with a class mask that does not fit.
    """
    device = training_device(threads)
    task, (_, table) = next(iter(stores.items()))
    each = len(checkpoints) // len(networks)
    classes = task_classes(table)
    if classes > np.iinfo(np.int16).max:
        raise InputError(f"{table}: {classes} classes are more than predictions can hold ({np.iinfo(np.int16).max})")
    numbers = class_numbers(table)
    sets = {
        spec["name"]: read_test_set({**spec, "own": spec["store"] == task}, stores[spec["store"]][1], numbers)
        for spec in test_sets
    }
    predicted: dict[Checkpoint, dict[str, np.ndarray]] = {}
    if before is not None:
        whose = {(network["name"], network["seed"]) for network in networks}
        for checkpoint, known in read_predictions(before, same_images(before, sets.values())).items():
            if (checkpoint.architecture, checkpoint.seed) not in whose:
                continue
            predicted[checkpoint] = {name: answer.astype(np.int16) for name, answer in known.items()}
    for store, (images, rows_table) in stores.items():
        names = [spec["name"] for spec in test_sets if spec["store"] == store]
        if not names:
            continue
        rows = np.concatenate([sets[name].rows for name in names])
        allowed = _allowed([sets[name].answers for name in names], [len(sets[name].rows) for name in names], classes)
        frame = None
        ends = np.cumsum([len(sets[name].rows) for name in names])[:-1]
        for number, network in enumerate(networks):
            paths = checkpoints[number * each : (number + 1) * each]
            alone, merged = (paths, []) if groups is None else (paths[:-2], paths[-2:])
            if set(names) <= set(predicted.get(Checkpoint(network["name"], network["seed"], 0), {})):
                alone = [path for path in alone if read_description(path)["epoch"] > 0]
            if not [*alone, *merged]:
                continue
            model = build(network["architecture"], classes).to(device).eval()
            states = load_checkpoints(model, alone, device)
            plan = read_recipe(network["recipe"], read_description(paths[0]))
            require_image_size(model, plan.image_size)
            if frame_of(plan) != frame:
                frame = frame_of(plan)
                pixels = open_images(images, rows_table, rows, plan, device, threads)
            found = predict_all(model, list(states.values()), pixels, len(rows), plan, device, allowed)
            answers = dict(zip(states, found, strict=True))
            if groups is not None:
                (_, first), (epoch, second) = (load_checkpoints(model, [path], device).popitem() for path in merged)
                sizes = [len(sets[name].rows) for name in names]
                answers[epoch] = predict_merged(model, first, second, pixels, sizes, groups, plan, device, allowed)
            for epoch, answer in answers.items():
                checkpoint = Checkpoint(network["name"], network["seed"], epoch)
                for name, part in zip(names, np.split(answer, ends), strict=True):
                    counts_as = sets[name].counts_as
                    counted = part if counts_as is None else counts_as[part].astype(part.dtype)
                    predicted.setdefault(checkpoint, {}).setdefault(name, counted)
            logger.info("%s, seed %d: %d checkpoints", network["name"], network["seed"], len(answers))
    write_predictions(predictions, list(sets.values()), predicted)


def _allowed(answers: Sequence[np.ndarray | None], sizes: Sequence[int], classes: int) -> Tensor | None:
    """Return which classes each image of consecutive test sets may be, bool (images, classes); None if all are."""
    if all(one is None for one in answers):
        return None
    masks = np.zeros((len(answers), classes), dtype=bool)
    for mask, one in zip(masks, answers, strict=True):
        mask[slice(None) if one is None else one] = True
    return torch.from_numpy(np.repeat(masks, sizes, axis=0))
