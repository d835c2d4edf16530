"""Models by timm's names, with or without the tag of published weights (resnet50, resnet50.a1_in1k)."""

import difflib
from typing import Any

import timm
from torch import nn

from pretraining_robustness.errors import InputError


def require_name(model: str) -> None:
    """Raise InputError, with the nearest known name, unless timm has a model of this name and, if it has one, tag."""
    known = {*timm.list_models(), *timm.list_pretrained()}
    if model not in known:
        nearest = difflib.get_close_matches(model, sorted(known), n=1, cutoff=0)[0]
        raise InputError(f"architecture: timm has no model '{model}'; did you mean '{nearest}'?")


def build_timm(num_classes: int, model: str = "", **arguments: Any) -> nn.Module:
    """Return a randomly initialised network; its `image_size` (pixels) is set if it takes only one size.

    Args:
        num_classes: outputs of its head.
        model: name in timm.
        arguments: timm's own for this model (img_size, drop_path_rate, ...).

    Raises:
        InputError: see `require_name`; and any error of timm for arguments that it does not take.
    """
    require_name(model)
    network: Any = timm.create_model(model, pretrained=False, num_classes=num_classes, **arguments)
    config = timm.get_pretrained_cfg(model)
    if config is not None and config.fixed_input_size and not arguments.get("dynamic_img_size"):
        size = arguments.get("img_size") or config.input_size[-1]
        network.image_size = size[-1] if isinstance(size, tuple | list) else size
    assert isinstance(network, nn.Module)
    return network
