"""Architectures as torchvision, timm and open_clip build them, and their classification heads."""

import difflib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
import torchvision.models as models
from torch import nn

from pretraining_robustness.errors import InputError

RESIDUAL_BLOCKS = {"BasicBlock": models.resnet.BasicBlock, "Bottleneck": models.resnet.Bottleneck}


# Channels of the four stages of a ResNet, before the blocks' own expansion (He et al. 2016, Table 1).
RESNET_WIDTHS = (64, 128, 256, 512)


class _ResNet(models.ResNet):
    """torchvision's ResNet with other channels in its stages, and as many in its stem as in the first."""

    def __init__(self, block: Any, layers: list[int], widths: list[int], num_classes: int, **arguments: Any) -> None:
        self.widths = dict(zip(RESNET_WIDTHS, widths, strict=True))
        super().__init__(block, layers, num_classes=num_classes, **arguments)
        if widths[0] != RESNET_WIDTHS[0]:
            self.conv1 = nn.Conv2d(3, widths[0], kernel_size=7, stride=2, padding=3, bias=False)
            nn.init.kaiming_normal_(self.conv1.weight, mode="fan_out", nonlinearity="relu")  # as torchvision's
            self.bn1 = nn.BatchNorm2d(widths[0])
        self.fc = nn.Linear(widths[-1] * block.expansion, num_classes)

    def _make_layer(self, block: Any, planes: int, *arguments: Any, **others: Any) -> nn.Sequential:
        if planes == RESNET_WIDTHS[0]:
            self.inplanes = self.widths[planes]
        return super()._make_layer(block, self.widths[planes], *arguments, **others)


def _resnet(block: str, widths: list[int] | None = None, **arguments: Any) -> nn.Module:
    if block not in RESIDUAL_BLOCKS:
        raise InputError(f"architecture: block '{block}' is not one of {', '.join(RESIDUAL_BLOCKS)}")
    if widths is None:
        return models.ResNet(RESIDUAL_BLOCKS[block], **arguments)
    return _ResNet(RESIDUAL_BLOCKS[block], widths=widths, **arguments)


def _mobilenet_v3(configuration: str, batch_norm_momentum: float = 0.1, **arguments: Any) -> nn.Module:
    # torchvision's MobileNetV3 averages its batch statistics with momentum 0.01, as its long ImageNet training did.
    # After the few hundred steps of a small study those averages are still near their initial values, and a network
    # that trains well predicts at chance. torch and the other families use 0.1. eps as in torchvision.
    norm_layer = partial(nn.BatchNorm2d, eps=0.001, momentum=batch_norm_momentum)
    return models.get_model(configuration, weights=None, norm_layer=norm_layer, **arguments)


def _with_auxiliary_heads(builder: str, **arguments: Any) -> nn.Module:
    # GoogLeNet and Inception as torchvision gives them with published weights: without the heads that only training
    # uses, which would make the output a tuple, and with the input scaled as those weights expect it.
    published = {"aux_logits": False, "transform_input": True, "init_weights": True}
    return models.get_model(builder, weights=None, **(published | arguments))


def _timm(**arguments: Any) -> nn.Module:
    # timm and open_clip take seconds to import, so only their own networks import them.
    from pretraining_robustness.networks.timm_models import build_timm

    return build_timm(**arguments)


def _open_clip(num_classes: int, **arguments: Any) -> nn.Module:
    from pretraining_robustness.networks.clip_models import ImageEncoder

    return ImageEncoder(arguments, num_classes)


# Builders with arguments: members of the paper's families without a name in torchvision (the same classes, other
# sizes), the models of timm, and the image encoders of CLIP models.
FAMILIES: dict[str, Callable[..., nn.Module]] = {
    "ResNet": _resnet,
    "DenseNet": models.DenseNet,
    "MobileNetV3": _mobilenet_v3,
    "googlenet": partial(_with_auxiliary_heads, "googlenet"),
    "inception_v3": partial(_with_auxiliary_heads, "inception_v3"),
    "timm": _timm,
    "open_clip": _open_clip,
}


def build(spec: Mapping[str, Any], classes: int) -> nn.Module:
    """Build a randomly initialised network with `classes` outputs.

    `spec` is {builder, arguments}: the name of a torchvision classification model, or one of `FAMILIES` for a size
    without a name in torchvision ({builder: ResNet, arguments: {block: BasicBlock, layers: [1, 1, 1, 1]}}), for a model
    of timm ({builder: timm, arguments: {model: convnext_tiny}}; see `timm_models.build_timm`) and for the image encoder
    of a CLIP model ({builder: open_clip, arguments: {model: ViT-B-16}}; see `clip_models.clip_config`).
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
    except InputError:
        raise
    except Exception as error:  # any error of the three libraries
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"architecture: builder '{builder}' does not take {arguments} ({reason}); correct its arguments"
        ) from error


def head_names(model: nn.Module) -> list[str]:
    """Return the dotted names of the modules that output the class scores.

    timm says which they are (`get_classifier`; some networks have two, one for distillation). In torchvision's networks
    and CLIP's encoders it is the last linear layer or, where there is none (SqueezeNet), the last convolution.

    Raises InputError for a network without either.
    """
    modules = dict(model.named_modules())
    accessor = getattr(model, "get_classifier", None)
    if accessor is not None:
        classifier = accessor()
        heads = {id(head) for head in (classifier if isinstance(classifier, tuple | list) else [classifier])}
        return [name for name, module in modules.items() if id(module) in heads]
    for kind in (nn.Linear, nn.Conv2d):
        layers = [name for name, module in modules.items() if isinstance(module, kind)]
        # A zero-shot head is a linear layer that holds another one.
        outer = [name for name in layers if name.rpartition(".")[0] not in layers]
        if outer:
            return outer[-1:]
    raise InputError(f"architecture: {type(model).__name__} has no linear layer that could be its head")


def head_name(model: nn.Module) -> str:
    """Return the dotted name of the head if it is one linear layer; otherwise raises InputError."""
    names = head_names(model)
    if len(names) != 1 or not isinstance(model.get_submodule(names[0]), nn.Linear):
        raise InputError(
            f"architecture: the head of {type(model).__name__} ({', '.join(names)}) is not one linear layer, "
            "which this objective needs; choose another architecture"
        )
    return names[0]


def head_of(model: nn.Module) -> nn.Linear:
    """Return the final linear layer (see `head_name`)."""
    head = model.get_submodule(head_name(model))
    assert isinstance(head, nn.Linear)
    return head


def replace_head(model: nn.Module, classes: int) -> None:
    """Replace the head by a freshly initialised one with `classes` outputs."""
    reset = getattr(model, "reset_classifier", None)
    if reset is not None:
        reset(classes)
        return
    (name,) = head_names(model)
    old = model.get_submodule(name)
    if isinstance(old, nn.Linear):
        model.set_submodule(name, nn.Linear(old.in_features, classes, bias=old.bias is not None))
    elif isinstance(old, nn.Conv2d):
        model.set_submodule(name, nn.Conv2d(old.in_channels, classes, kernel_size=1))


def require_image_size(model: nn.Module, size: int) -> None:
    """Raise InputError if `model` takes only one image size, as CLIP's encoders do, and `size` is another."""
    expected = getattr(model, "image_size", size)
    if expected != size:
        raise InputError(
            f"recipe.image_size: {size} does not fit an architecture that takes {expected} x {expected} pixels; set it "
            "to that in the recipe of this architecture"
        )


def load_backbone(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Copy every weight but the head's into `model`; the head keeps its initialisation.

    Raises InputError naming the first weights that are missing, not expected or of another shape.
    """
    heads = tuple(f"{name}." for name in head_names(model))
    backbone = {name: tensor for name, tensor in weights.items() if not name.startswith(heads)}
    _load(model, backbone, {name for name in model.state_dict() if not name.startswith(heads)})


def load_all(model: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Copy every weight into `model`, including the head's.

    Raises InputError as `load_backbone`, and where the weights' head has another number of classes, or they have none.
    """
    for head in head_names(model):
        for name, expected in model.get_submodule(head).state_dict(prefix=f"{head}.").items():
            if name not in weights:
                raise InputError("these weights have no head; start from a new one")
            if expected.shape[:1] != weights[name].shape[:1]:
                found, wanted = len(weights[name]), len(expected)
                raise InputError(f"the head of these weights has {found} classes, not {wanted}; start from a new one")
    _load(model, weights, set(model.state_dict()))


def _load(model: nn.Module, weights: Mapping[str, torch.Tensor], names: set[str]) -> None:
    """Copy `weights` into the model's weights called `names`."""
    state = model.state_dict()  # a copy keeps the metadata without which torchvision's MNASNet loads nothing
    missing, unexpected = sorted(names - weights.keys()), sorted(weights.keys() - names)
    reshaped = sorted(name for name in names & weights.keys() if state[name].shape != weights[name].shape)
    for problem, found in (("missing", missing), ("not expected", unexpected), ("of another shape", reshaped)):
        if found:
            raise InputError(f"weights do not fit {type(model).__name__}: {len(found)} {problem}, first '{found[0]}'")
    state.update(weights)
    model.load_state_dict(state)
