"""Networks merged from the weights of others, without training: interpolations (WiSE-FT) and soups.

All networks that are merged have one architecture and one task, and descend from the same weights.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import read_weights, save_tensors
from pretraining_robustness.store.read import Store
from pretraining_robustness.tasks.splits import read_split, task_classes
from pretraining_robustness.training.batches import load_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import load_checkpoints, predict_all
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

State = dict[str, Tensor]


def interpolate(first: State, second: State, alpha: float) -> State:
    """Return (1 - alpha) first + alpha second, alpha in 0..1 (WiSE-FT; Wortsman et al. 2022, arXiv 2109.01903).

    Whole numbers, as batch normalisation's counters are, are the second network's.
    """
    return {
        name: torch.lerp(first[name].float(), tensor.float(), alpha).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in second.items()
    }


def average(states: Sequence[State]) -> State:
    """Return the mean of networks, a uniform soup (Wortsman et al. 2022, arXiv 2203.05482); counters of the last."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[-1].items()
    }


def greedy_soup(states: Sequence[State], accuracies: Callable[[list[State]], list[float]]) -> State:
    """Return the mean of the best network and of each further one that does not lower the mean's held-out accuracy.

    Recipe 1 of Wortsman et al. 2022 (arXiv 2203.05482); `accuracies` gives the held-out accuracy of each network.
    """
    alone = accuracies(list(states))
    order = sorted(range(len(states)), key=lambda number: -alone[number])
    chosen, best = order[:1], alone[order[0]]
    for number in order[1:]:
        (together,) = accuracies([average([states[one] for one in (*chosen, number)])])
        if together >= best:
            chosen, best = [*chosen, number], together
    logger.info("soup of the networks %s: held-out accuracy %.4f", ", ".join(map(str, chosen)), best)
    return average([states[one] for one in chosen])


def merge_weights(
    *,
    method: Mapping[str, Any],
    checkpoints: Sequence[str | Path],
    merged: str | Path,
    epoch: int,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    images: str | Path | None = None,
    table: str | Path | None = None,
    threads: int = 1,
) -> None:
    """Merge checkpoints into one.

    Args:
        method: {kind: interpolate, alpha}, {kind: uniform_soup} or {kind: greedy_soup, held_out: a split of the task}.
        checkpoints: safetensors of `finetune` or `save_start`, two of them for an interpolation.
        merged: safetensors to write, a checkpoint as `finetune` writes them.
        epoch: for its description.
        architecture, recipe: those of the fine-tuning, for a greedy soup.
        images, table: the task's store, for a greedy soup: its held-out images choose.
        threads: of the CPU.

    Raises:
        InputError: checkpoints that do not belong together.
    """
    read = [read_weights(path) for path in checkpoints]
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors, _ in read]
    for path, shape in zip(checkpoints, shapes, strict=True):
        if shape != shapes[0]:
            raise InputError(f"{path}: not of the same architecture, task and head as {checkpoints[0]}; merge others")
    states = [tensors for tensors, _ in read]
    if method["kind"] == "interpolate":
        first, second = states
        state = interpolate(first, second, method["alpha"])
    elif method["kind"] == "uniform_soup":
        state = average(states)
    else:
        assert images is not None
        assert table is not None
        store = Store.open(images, table, threads)
        rows, truth = read_split(table, method["held_out"])
        device = training_device(threads)
        model = build(architecture, task_classes(table)).to(device).eval()
        load_checkpoints(model, checkpoints[:1], device)
        plan, stored = read_recipe(recipe, read[0][1]), load_images(store, rows, device)

        def accuracies(candidates: list[State]) -> list[float]:
            placed = [{name: tensor.to(device) for name, tensor in candidate.items()} for candidate in candidates]
            answers = predict_all(model, placed, stored, len(rows), plan, device)
            return [float((answer == truth).mean()) for answer in answers]

        state = greedy_soup(states, accuracies)
    description = {**read[-1][1], "method": dict(method), "epoch": epoch}
    save_tensors(merged, state, description)
