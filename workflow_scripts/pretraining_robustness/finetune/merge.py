"""Weight averaging without training: interpolations (WiSE-FT, LiNeS) and soups.

All averaged networks have the same architecture and task, and descend from the same weights.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import read_weights, save_tensors
from pretraining_robustness.tasks.splits import present_classes, read_split
from pretraining_robustness.training.batches import open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import load_checkpoints, predict_all
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

State = dict[str, Tensor]


def interpolate(first: State, second: State, alpha: float | Mapping[str, float]) -> State:
    """Return (1 - alpha) first + alpha second, alpha in 0..1 (WiSE-FT; Wortsman et al. 2022, arXiv 2109.01903).

    `alpha` may differ per weight, by its name. Integers, such as batch normalisation's counters, are the second
    network's.
    """
    return {
        name: torch.lerp(first[name].float(), tensor.float(), alpha[name] if isinstance(alpha, Mapping) else alpha).to(
            tensor.dtype
        )
        if tensor.is_floating_point()
        else tensor
        for name, tensor in second.items()
    }


def by_depth(names: Iterable[str], scales: Sequence[float]) -> dict[str, float]:
    """Return one number per weight, linear in the depth of its layer, from scales[0] to scales[1].

    With it, `interpolate` is LiNeS (Wang et al. 2024, arXiv 2410.17146): shallow layers stay nearer to the first
    network. Depth counts layers with weights in the order of `names`, in which the network defines them, so that every
    architecture has one; the authors' code (wang-kee/LiNeS, src/eval/eval.py) counts a transformer's blocks, and gives
    everything outside them, except the head, the shallowest scale.
    """
    layers = {name: name.rpartition(".")[0] for name in names}
    depth = {layer: number for number, layer in enumerate(dict.fromkeys(layers.values()))}
    shallowest, deepest = scales
    step = (deepest - shallowest) / max(1, len(depth) - 1)
    return {name: shallowest + step * depth[layer] for name, layer in layers.items()}


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
    """Average checkpoints into one.

    Args:
        method: {kind: interpolate, alpha}, {kind: interpolate, alphas, held_out: a split of the task}, of which the
            first best alpha is taken, {kind: lines, scales: of the first and the last layer}, {kind: uniform_soup} or
            {kind: greedy_soup, held_out}.
        checkpoints: safetensors of `finetune` or `save_start`, two of them for an interpolation and LiNeS.
        merged: safetensors to write, a checkpoint as `finetune` writes them; its description holds the alpha.
        epoch: epoch in its description.
        architecture: architecture of the networks.
        recipe: recipe of the fine-tuning, for choices by held-out images.
        images, table: the task's store, for choices by held-out images.
        threads: number of CPU threads.

    Raises:
        InputError: checkpoints of different architectures, tasks or heads.
    """
    read = [read_weights(path) for path in checkpoints]
    shapes = [{name: tensor.shape for name, tensor in tensors.items()} for tensors, _ in read]
    for path, shape in zip(checkpoints, shapes, strict=True):
        if shape != shapes[0]:
            raise InputError(f"{path}: not of the same architecture, task and head as {checkpoints[0]}; merge others")
    states, source = [tensors for tensors, _ in read], read[0][1]
    method = dict(method)
    device = training_device(threads) if "held_out" in method else torch.device("cpu")

    def network() -> nn.Module:
        model = build(architecture, source["classes"]).to(device).eval()
        load_checkpoints(model, checkpoints[:1], device)
        return model

    def held_out() -> Callable[[list[State]], list[float]]:
        assert images is not None
        assert table is not None
        rows, truth = read_split(table, method["held_out"])
        model, plan = network(), read_recipe(recipe, source)
        stored = open_images(images, table, rows, plan, device, threads)
        present, allowed = present_classes(table), None
        if present is not None:
            allowed = torch.zeros(len(rows), source["classes"], dtype=torch.bool)
            allowed[:, torch.from_numpy(present)] = True

        def accuracies(candidates: list[State]) -> list[float]:
            placed = [{name: tensor.to(device) for name, tensor in candidate.items()} for candidate in candidates]
            answers = predict_all(model, placed, stored, len(rows), plan, device, allowed)
            return [float((answer == truth).mean()) for answer in answers]

        return accuracies

    if method["kind"] == "interpolate":
        first, second = states
        if "alphas" in method:
            found = held_out()([interpolate(first, second, alpha) for alpha in method["alphas"]])
            method["alpha"] = method["alphas"][found.index(max(found))]
            logger.info("alpha %g: held-out accuracy %.4f", method["alpha"], max(found))
        state = interpolate(first, second, method["alpha"])
    elif method["kind"] == "lines":
        first, second = states
        state = interpolate(first, second, by_depth(network().state_dict(), method["scales"]))
    elif method["kind"] == "uniform_soup":
        state = average(states)
    else:
        state = greedy_soup(states, held_out())
    description = {**read[-1][1], "method": method, "epoch": epoch}
    save_tensors(merged, state, description)
