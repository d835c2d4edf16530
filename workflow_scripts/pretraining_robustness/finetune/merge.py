"""Merging of weights without training: checkpoints of several networks become one.

All merged networks have the same architecture and task, and descend from the same weights.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.merger import Networks, State, read_merger
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import read_weights, save_tensors
from pretraining_robustness.tasks.splits import present_classes, read_split
from pretraining_robustness.training.batches import open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import Allowed, load_checkpoints, predict_all
from pretraining_robustness.training.recipes import read_recipe


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
        method: {kind, of} and the settings of the kind, a file of `mergers/`.
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
    device = training_device(threads) if "held_out" in method else torch.device("cpu")

    def network() -> nn.Module:
        model = build(architecture, source["classes"]).to(device).eval()
        load_checkpoints(model, checkpoints[:1], device)
        return model

    @cache
    def held_out() -> Callable[[Sequence[State]], list[float]]:
        assert images is not None
        assert table is not None
        rows, truth = read_split(table, method["held_out"])
        model, tuned_by = network(), read_recipe(recipe, source)
        stored = open_images(images, table, rows, tuned_by, device, threads)
        present, allowed = present_classes(table), None
        if present is not None:
            mask = torch.zeros(1, source["classes"], dtype=torch.bool)
            mask[:, torch.from_numpy(present)] = True
            allowed = Allowed(mask, torch.zeros(len(rows), dtype=torch.int64))

        def accuracies(candidates: Sequence[State]) -> list[float]:
            placed = [{name: tensor.to(device) for name, tensor in candidate.items()} for candidate in candidates]
            predicted = predict_all(model, placed, stored, len(rows), tuned_by, device, allowed)
            return [float((one == truth).mean()) for one in predicted]

        return accuracies

    networks = Networks(
        states,
        layers=lambda: list(network().state_dict()),
        accuracies=lambda candidates: held_out()(candidates),
    )
    state, chosen = read_merger(method).merge(networks)
    description = {**read[-1][1], "method": {**method, **chosen}, "epoch": epoch}
    save_tensors(merged, state, description)
