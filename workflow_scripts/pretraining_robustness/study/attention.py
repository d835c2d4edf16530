"""Which methods need attention, and which networks are known to have none, without building them."""

from collections.abc import Mapping
from typing import Any

# How the names of torchvision's and timm's convolutional networks begin. torchvision's others are transformers; of
# timm's others nothing is known before they are built, and fine-tuning itself refuses what it cannot do.
CONVOLUTIONAL = (
    *("resnet", "resnext", "wide_resnet", "densenet", "mobilenet", "googlenet", "inception", "alexnet", "vgg"),
    *("squeezenet", "shufflenet", "efficientnet", "tf_efficientnet", "mnasnet", "regnet", "convnext"),
)
TOKENS = ("cls_token", "pos_embed")  # weights that only transformers have, by timm's names


def needs_attention(method: Mapping[str, Any]) -> bool:
    """Whether a method of the config trains what only networks with attention have."""
    adapts = method["kind"] == "lora" and not method.get("layers")
    return adapts or any(name in TOKENS for name in method.get("also", ()))


def lacks_attention(architecture: Mapping[str, Any]) -> bool:
    """Whether an architecture of the config is known to have no attention."""
    name = architecture.get("arguments", {}).get("model", architecture["builder"])
    return architecture["builder"] != "open_clip" and str(name).lower().startswith(CONVOLUTIONAL)
