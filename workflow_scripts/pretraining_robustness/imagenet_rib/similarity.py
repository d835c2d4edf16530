"""Similarity of two networks' representations: linear CKA by the unbiased minibatch estimator, streamed.

Centred kernel alignment (Kornblith et al. 2019, arXiv 1905.00414) of representations X (n, p) and Y (n, q) of the same
n images is HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) with the Gram matrices K = X X^T and L = Y Y^T. Each HSIC is the
mean over batches of its unbiased estimate (Song et al. 2012; Nguyen et al. 2021, arXiv 2010.15327, equations 2 and 3),
so that memory is bounded by a batch. Which layers, images and batches the paper (arXiv 2410.21582) took is not known.
"""

import fnmatch
import itertools
import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from torch import Tensor, nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import read_description
from pretraining_robustness.tasks.splits import task_classes
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import consecutive_batches, open_images
from pretraining_robustness.training.devices import memory_named, training_device
from pretraining_robustness.training.inference import load_checkpoints
from pretraining_robustness.training.recipes import read_recipe

logger = logging.getLogger(__name__)

FEWEST = 4  # images of a batch, below which the unbiased estimate does not exist


def unbiased_hsic(first: Tensor, second: Tensor) -> Tensor:
    """Return the unbiased estimate of HSIC of two Gram matrices (n, n), a scalar; with n >= 4 and float64 best.

    With the diagonals of K and L set to 0:
    (tr(KL) + 1'K1 1'L1 / ((n - 1)(n - 2)) - 2 / (n - 2) 1'KL1) / (n (n - 3)).
    """
    n = first.shape[0]
    k, l = (matrix - torch.diag(matrix.diagonal()) for matrix in (first, second))  # noqa: E741, the paper's name
    of_products = (k * l).sum()  # tr(KL) of symmetric matrices
    of_sums = k.sum() * l.sum() / ((n - 1) * (n - 2))
    of_rows = 2 / (n - 2) * (k.sum(dim=0) @ l.sum(dim=0))
    return (of_products + of_sums - of_rows) / (n * (n - 3))


class StreamedCKA:
    """Linear CKA between two representations, batch by batch; it keeps three sums."""

    def __init__(self) -> None:
        self.sums = torch.zeros(3, dtype=torch.float64)
        self.batches = 0

    def add(self, first: Tensor, second: Tensor) -> None:
        """Take in a batch: what two networks make of the same n images, (n, ...) each, flattened to (n, features).

        Raises:
            InputError: for fewer than 4 images or different numbers of them.
        """
        if len(first) != len(second) or len(first) < FEWEST:
            raise InputError(
                f"similarity: batches of {len(first)} and {len(second)} images; give the same {FEWEST} or more to both"
            )
        k, l = (gram(one) for one in (first, second))  # noqa: E741
        self.sums += torch.stack(list(starmap(unbiased_hsic, ((k, l), (k, k), (l, l))))).cpu()
        self.batches += 1

    def value(self) -> float:
        """Return CKA, at most about 1; NaN before the first batch, or where a representation does not vary."""
        both, first, second = (self.sums / max(self.batches, 1)).tolist()
        return both / math.sqrt(first * second) if first > 0 and second > 0 else math.nan


def gram(representation: Tensor) -> Tensor:
    """Return the inner products of the images' features, float64 (n, n), from (n, ...)."""
    features = representation.flatten(1).double()
    return features @ features.T


def layer_similarity(
    before: nn.Module, after: nn.Module, layers: Sequence[str], batches: Iterable[Tensor]
) -> dict[str, float]:
    """Return linear CKA of each layer between a network before and after fine-tuning.

    Args:
        before, after: of one architecture, in evaluation mode.
        layers: names of modules, as `named_modules` has them.
        batches: prepared images, float32 (n, 3, size, size) each; batches of fewer than 4, such as a last one that is
            not full, are passed over.

    Raises:
        InputError: for a layer that the networks lack.
    """
    lacking = [name for name in layers if name not in dict(before.named_modules())]
    if lacking:
        raise InputError(f"similarity: the network has no layer {lacking[0]}")
    estimates = {name: StreamedCKA() for name in layers}
    seen: tuple[dict[str, Tensor], dict[str, Tensor]] = ({}, {})
    hooks = [_keep(network, name, kept) for network, kept in zip((before, after), seen, strict=True) for name in layers]
    try:
        with torch.inference_mode():
            for images in batches:
                if len(images) < FEWEST:
                    continue
                before(images)
                after(images)
                for name, estimate in estimates.items():
                    estimate.add(seen[0][name], seen[1][name])
    finally:
        for hook in hooks:
            hook.remove()
    return {name: estimate.value() for name, estimate in estimates.items()}


def _keep(network: nn.Module, name: str, kept: dict[str, Tensor]) -> torch.utils.hooks.RemovableHandle:
    def hook(module: nn.Module, inputs: object, output: Tensor) -> None:
        kept[name] = output

    return network.get_submodule(name).register_forward_hook(hook)


def compare_networks(
    *,
    images: str | Path,
    table: str | Path,
    task: str | Path,
    networks: Sequence[Mapping[str, Any]],
    fine_tuned_on: Sequence[str],
    checkpoints: Sequence[str | Path],
    layers: Sequence[str],
    count: int,
    batch_size: int,
    named: Mapping[str, str],
    similarity: str | Path,
    threads: int = 1,
) -> None:
    """Compare every network of a series, after each epoch on each variant, with the one before, layer by layer.

    Args:
        images, table: the store whose images the networks are shown.
        task: images.parquet of one of the tasks, which knows the classes of the heads.
        networks: {name, seed, architecture, recipe} each; see `predict.predict`.
        fine_tuned_on: variants.
        checkpoints: safetensors, equally many for each network on each variant, in the order of both, the start first.
        layers: patterns of the names of modules, as fnmatch has them; `*` also passes dots.
        count: how many images, evenly spaced in the store.
        batch_size: images of a batch of the estimator.
        named: columns that say whose networks they are: method, distribution.
        similarity: CSV to write: those, fine_tuned_on, architecture, seed, epoch, layer, depth (0 for the first layer
            that matches), cka.

    Raises:
        InputError: a network of which no layer matches, broken checkpoints.
    """
    device = training_device(threads)
    rows = np.unique(np.linspace(0, pyarrow.parquet.read_metadata(table).num_rows - 1, count).astype(np.int64))
    each = len(checkpoints) // (len(fine_tuned_on) * len(networks))
    found = []
    for number, (variant, network) in enumerate(itertools.product(fine_tuned_on, networks)):
        paths = checkpoints[number * each : (number + 1) * each]
        start, tuned = (build(network["architecture"], task_classes(task)).to(device).eval() for _ in range(2))
        load_checkpoints(start, paths[:1], device)
        names = [name for name, _ in start.named_modules() if any(fnmatch.fnmatchcase(name, one) for one in layers)]
        if not names:
            raise InputError(f"similarity: no layer of {network['name']} is called {' or '.join(layers)}")
        plan = read_recipe(network["recipe"], read_description(paths[0]))
        preparation = Preparation(plan, device)
        pixels = open_images(images, table, rows, plan, device, threads)
        for epoch, state in load_checkpoints(tuned, paths[1:], device).items():
            tuned.load_state_dict(state)
            batches = pixels.stream(consecutive_batches(len(rows), batch_size))
            prepared = (preparation.for_evaluation(batch) for _, batch in batches)
            with memory_named(batch_size, plan.image_size, "imagenet_rib.similarity.batch_size"):
                similar = layer_similarity(start, tuned, names, prepared)
            for depth, (name, cka) in enumerate(similar.items()):
                whose = {**named, "fine_tuned_on": variant, "architecture": network["name"], "seed": network["seed"]}
                found.append({**whose, "epoch": epoch, "layer": name, "depth": depth, "cka": cka})
        logger.info("%s, %s, seed %d: %d layers", variant, network["name"], network["seed"], len(names))
    write_rows(similarity, found)
