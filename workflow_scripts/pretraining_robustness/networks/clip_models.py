"""CLIP models by open_clip's names or by custom sizes, and their image encoders as networks with a linear head."""

import difflib
from collections.abc import Mapping
from typing import Any

import open_clip  # type: ignore[import-untyped]
from open_clip.model import _build_vision_tower  # type: ignore[import-untyped]
from torch import Tensor, nn

from pretraining_robustness.errors import InputError

SIZES = ("embed_dim", "vision_cfg", "text_cfg")
ARGUMENTS = ("model", "image_size", "quick_gelu", *SIZES)


def clip_config(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return open_clip's configuration of a model: embed_dim, vision_cfg, text_cfg and quick_gelu.

    Args:
        arguments: `model`, one of open_clip's names (RN50, ViT-B-16, ViT-L-14-quickgelu, ...), or instead sizes as
            `embed_dim`, `vision_cfg` and `text_cfg`. Optional: `image_size` (pixels), if it differs from the model's;
            `quick_gelu`, CLIP's own form of GELU.

    Raises:
        InputError: for an unknown name, with the nearest known one, and for unknown or missing arguments.
    """
    unknown = [key for key in arguments if key not in ARGUMENTS]
    if unknown:
        raise InputError(f"architecture: open_clip does not take '{unknown[0]}'; it takes {', '.join(ARGUMENTS)}")
    if "model" in arguments:
        name, known = str(arguments["model"]), open_clip.list_models()
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
            raise InputError(f"architecture: open_clip has no model '{name}'; did you mean '{nearest}'?")
        config = open_clip.get_model_config(name)
    else:
        missing = [key for key in SIZES if key not in arguments]
        if missing:
            raise InputError(f"architecture: open_clip needs a model, or its sizes: {', '.join(missing)} is missing")
        config = {key: arguments[key] for key in SIZES}
    vision = dict(config["vision_cfg"]) | {"timm_model_pretrained": False}
    if "image_size" in arguments:
        vision["image_size"] = arguments["image_size"]
    return {
        "embed_dim": config["embed_dim"],
        "vision_cfg": vision,
        "text_cfg": dict(config["text_cfg"]),
        "quick_gelu": bool(arguments.get("quick_gelu", config.get("quick_gelu", False))),
    }


def build_clip(config: Mapping[str, Any]) -> nn.Module:
    """Return a randomly initialised CLIP model with both towers, into which open_clip can load weights.

    Raises InputError for sizes that open_clip cannot build.
    """
    try:
        return open_clip.CLIP(**config)
    except (TypeError, ValueError, AssertionError, ZeroDivisionError, RuntimeError) as error:
        raise InputError(f"architecture: open_clip cannot build {dict(config)}: {error}") from error


class ImageEncoder(nn.Module):
    """The image encoder of a CLIP model, up to the embedding that it shares with texts, and a linear head `fc`.

    Attributes:
        image_size: the only image size that it takes, in pixels.
    """

    def __init__(self, arguments: Mapping[str, Any], classes: int) -> None:
        super().__init__()
        config = clip_config(arguments)
        try:
            self.visual = _build_vision_tower(config["embed_dim"], config["vision_cfg"], config["quick_gelu"])
        except (AssertionError, ZeroDivisionError, RuntimeError) as error:
            raise InputError(f"architecture: open_clip cannot build {dict(arguments)}: {error}") from error
        self.fc = nn.Linear(config["embed_dim"], classes)
        size = self.visual.image_size
        self.image_size = size[0] if isinstance(size, tuple | list) else size

    def forward(self, images: Tensor) -> Tensor:
        """Float32 (n, 3, image_size, image_size) to (n, classes)."""
        return self.fc(self.visual(images))
