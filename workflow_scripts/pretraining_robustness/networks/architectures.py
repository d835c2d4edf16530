"""Architectures as torchvision and open_clip build them, their classification heads."""

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torchvision.models as models
from torch import nn

from pretraining_robustness.errors import InputError

RESIDUAL_BLOCKS = {"BasicBlock": models.resnet.BasicBlock, "Bottleneck": models.resnet.Bottleneck}


def _resnet(block: str, **arguments: Any) -> nn.Module:
    if block not in RESIDUAL_BLOCKS:
        raise InputError(f"architecture: block '{block}' is not one of {', '.join(RESIDUAL_BLOCKS)}")
    return models.ResNet(RESIDUAL_BLOCKS[block], **arguments)


def _mobilenet_v3(configuration: str, batch_norm_momentum: float = 0.1, **arguments: Any) -> nn.Module:
    # torchvision's MobileNetV3 averages its batch statistics with momentum 0.01, as its long ImageNet training did.
    # After the few hundred steps of a small study those averages are still near their start and the network that
    # trains well predicts nothing; 0.1 is what torch and the other families use. eps as in torchvision.
    norm_layer = partial(nn.BatchNorm2d, eps=0.001, momentum=batch_norm_momentum)
    return models.get_model(configuration, weights=None, norm_layer=norm_layer, **arguments)


def _open_clip(num_classes: int, **arguments: Any) -> nn.Module:
    # Importing open_clip takes seconds, which only its own image encoders are to cost.
    from pretraining_robustness.networks.clip_models import ImageEncoder

    return ImageEncoder(arguments, num_classes)


# Builders with arguments: members of the paper's families that have no name in torchvision (the same classes, other
# sizes), and the image encoders of CLIP models.
FAMILIES: dict[str, Callable[..., nn.Module]] = {
    "ResNet": _resnet,
    "DenseNet": models.DenseNet,
    "MobileNetV3": _mobilenet_v3,
    "open_clip": _open_clip,
}


def build(spec: Mapping[str, Any], classes: int) -> nn.Module:
    """Build a randomly initialised network with `classes` outputs.

    `spec` is {builder, arguments}: the name of a torchvision classification model, or one of `FAMILIES` for a size that
    torchvision has no name for ({builder: ResNet, arguments: {block: BasicBlock, layers: [1, 1, 1, 1]}}) and for the
    image encoder of a CLIP model ({builder: open_clip, arguments: {model: ViT-B-16}}; see `clip_models.clip_config`).
    Initialisation draws from torch's global generator: seed it first.

    Raises InputError for an unknown builder (with the nearest name) and for arguments that it does not take.
    """
    builder, arguments = str(spec["builder"]), dict(spec.get("arguments") or {})
    named = models.list_models(module=models)
    if builder not in FAMILIES and builder not in named:
        nearest = difflib.get_close_matches(builder, [*named, *FAMILIES], n=1, cutoff=0)[0]
        raise InputError(f"architecture: builder '{builder}' is not known; did you mean '{nearest}'?")
    try:
        if builder in FAMILIES:
            return FAMILIES[builder](num_classes=classes, **arguments)
        return models.get_model(builder, weights=None, num_classes=classes, **arguments)
    except (TypeError, ValueError) as error:
        raise InputError(f"architecture: builder '{builder}' does not take {arguments}: {error}") from error


def head_name(model: nn.Module) -> str:
    """Return the dotted name of the final linear layer: fc (ResNet, ResNeXt, CLIP's encoders), classifier (DenseNet) or
    the last element of classifier (AlexNet, MobileNetV3). Raises InputError for a network of another form.
    """
    for name in ("fc", "classifier"):
        head = getattr(model, name, None)
        if isinstance(head, nn.Linear):
            return name
        if isinstance(head, nn.Sequential) and isinstance(head[-1], nn.Linear):
            return f"{name}.{len(head) - 1}"
    raise InputError(f"architecture: {type(model).__name__} has no linear head named fc or classifier to replace")


def head_of(model: nn.Module) -> nn.Linear:
    """Return the final linear layer (see `head_name`)."""
    head = model.get_submodule(head_name(model))
    assert isinstance(head, nn.Linear)
    return head


def replace_head(model: nn.Module, classes: int) -> None:
    """Put a freshly initialised linear layer with `classes` outputs in place of the head."""
    old = head_of(model)
    model.set_submodule(head_name(model), nn.Linear(old.in_features, classes, bias=old.bias is not None))


def require_image_size(model: nn.Module, size: int) -> None:
    """Raise InputError if `model` takes one size of images only, as CLIP's encoders do, and `size` is not that size."""
    expected = getattr(model, "image_size", size)
    if expected != size:
        raise InputError(
            f"recipe.image_size: {size} does not fit an architecture that takes {expected} x {expected} pixels; set it "
            "to that in the recipe of this architecture"
        )


def load_backbone(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Copy every weight but the head's into `model`; the head keeps its own initialisation.

    Raises InputError naming the first weights that are missing, not expected or of another shape.
    """
    head = head_name(model) + "."
    backbone = {name: tensor for name, tensor in weights.items() if not name.startswith(head)}
    expected = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(head)}
    missing, unexpected = sorted(expected.keys() - backbone.keys()), sorted(backbone.keys() - expected.keys())
    reshaped = sorted(
        name for name in expected.keys() & backbone.keys() if expected[name].shape != backbone[name].shape
    )
    for problem, names in (("missing", missing), ("not expected", unexpected), ("of another shape", reshaped)):
        if names:
            raise InputError(f"weights do not fit {type(model).__name__}: {len(names)} {problem}, first '{names[0]}'")
    result = model.load_state_dict(backbone, strict=False)
    assert not result.unexpected_keys
    assert all(name.startswith(head) for name in result.missing_keys)
