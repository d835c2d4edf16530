"""A trained network, for use outside the pipeline."""

from pathlib import Path
from typing import Any

from torch import nn
from torchvision.transforms.v2 import Normalize

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.training.inference import fit_to


def load_network(path: str | Path) -> tuple[nn.Module, dict[str, Any]]:
    """Return the network of a weights file of `pretrain` or `finetune`, ready to predict, and what the file says of it.

    The network takes images, float32 (n, 3, side, side) from 0 to 1, and returns logits, (n, classes). The description
    has `trained` (the recipe: image_size, which is that side, mean, std, evaluation and the rest), `class_names` where
    they are known, architecture, distribution and seed.

    Raises:
        InputError: for a file that is no checkpoint, has no head of classes, or does not say how it was trained.
    """
    weights, description = read_weights(path)
    if not description.get("classes") or "trained" not in description:
        raise InputError(f"{path}: has no head of classes or no recipe; take a checkpoint of a fine-tuned network")
    model = build(description["architecture"], description["classes"])
    fit_to(model, weights, description)
    recipe = description["trained"]
    return nn.Sequential(Normalize(recipe["mean"], recipe["std"]), model).eval(), description
