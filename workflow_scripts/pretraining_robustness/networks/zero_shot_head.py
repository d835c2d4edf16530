"""Zero-shot classification heads: the embedded names of classes as the rows of a linear head.

After WiSE-FT (Wortsman et al. 2022; mlfoundations/wise-ft, src/models/zeroshot.py and modeling.py): scores are the
cosine between an image's embedding and each class's, times the logit scale. The scale is folded into the head's rows,
and the embedding of the image is normalised to length 1 before. The rows and a bias, initially 0, are trained.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import head_name, head_of
from pretraining_robustness.networks.weights import read_weights

# The value of "head" in the description of a checkpoint with such a head.
ZERO_SHOT = "zero_shot"


class ZeroShotHead(nn.Linear):
    """Map features to an embedding of length 1, and the embedding to class scores.

    Args:
        projection: the layer from the network's features to the embedding; `nn.Identity` where the features are the
            embedding, as in CLIP's own image encoders.
        weight: float32 (classes, embedding).
    """

    def __init__(self, projection: nn.Linear | nn.Identity, weight: Tensor) -> None:
        classes, embedding = weight.shape
        super().__init__(embedding, classes)
        self.projection = projection
        with torch.no_grad():
            self.weight.copy_(weight)
            self.bias.zero_()

    def forward(self, features: Tensor) -> Tensor:
        """Float32 (n, features) to (n, classes)."""
        return super().forward(functional.normalize(self.projection(features), dim=-1))


def read_zero_shot_head(path: str | Path) -> Tensor:
    """Return the weight, float32 (classes, embedding), of a head.safetensors; raises InputError for another file."""
    tensors = read_weights(path)[0]
    if "weight" not in tensors:
        raise InputError(f"{path}: not a zero-shot head; remove it and run the same command again")
    return tensors["weight"]


def start_from_zero_shot(model: nn.Module, weights: Mapping[str, Tensor], head: Tensor) -> None:
    """Replace the model's head by a zero-shot head.

    Args:
        model: a network whose head has as many outputs as the task has classes.
        weights: the pre-trained network's; its head, where it has one, is the projection to the embedding.
        head: float32 (classes, embedding).

    Raises:
        InputError: the number of classes or the width of the embedding does not fit.
    """
    name, old = head_name(model), head_of(model)
    if len(head) != old.out_features:
        raise InputError(
            f"zero-shot head: it has {len(head)} classes, the task {old.out_features}; "
            "remove it and run the same command again"
        )
    projection: nn.Linear | nn.Identity = nn.Identity()
    width = old.in_features
    if f"{name}.weight" in weights:
        projection = _linear(weights, name)
        width = projection.out_features
    if head.shape[1] != width:
        raise InputError(
            f"zero-shot head: its text tower's embedding has width {head.shape[1]}, the image encoder's {width}; take "
            "both from one image-text pre-training"
        )
    model.set_submodule(name, ZeroShotHead(projection, head))


def match_zero_shot(model: nn.Module, checkpoint: Mapping[str, Tensor]) -> None:
    """Give `model` a head that a checkpoint with a zero-shot head can be loaded into, on the model's device."""
    name, device = head_name(model), head_of(model).weight.device
    projection = _linear(checkpoint, f"{name}.projection") if f"{name}.projection.weight" in checkpoint else None
    model.set_submodule(name, ZeroShotHead(projection or nn.Identity(), checkpoint[f"{name}.weight"]).to(device))


def _linear(tensors: Mapping[str, Tensor], name: str) -> nn.Linear:
    weight = tensors[f"{name}.weight"]
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=f"{name}.bias" in tensors)
    layer.load_state_dict({key: tensors[f"{name}.{key}"] for key in layer.state_dict()})
    return layer
