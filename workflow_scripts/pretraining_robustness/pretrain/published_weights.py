"""Published networks, converted into this pipeline's pre-trained weights."""

import logging
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import open_clip  # type: ignore[import-untyped]
import timm
import torch
from open_clip.factory import load_checkpoint  # type: ignore[import-untyped]
from torch import Tensor, nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build, head_names, load_all, load_backbone, replace_head
from pretraining_robustness.networks.clip_models import build_clip, clip_config
from pretraining_robustness.networks.weights import save_tensors, save_weights
from pretraining_robustness.pretrain.image_text import TextEncoder
from pretraining_robustness.pretrain.published_files import Published, find_weights, published

logger = logging.getLogger(__name__)

# torchvision's files of DenseNet name layers as its first versions did (see its densenet._load_state_dict), those of
# GoogLeNet and Inception hold heads that only training uses.
OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12])\.")
OTHERS = "correct the source's pretrained, or list another architecture"
# What OpenAI's TorchScript archives hold besides weights; open_clip leaves them out, too.
SCRIPT_NUMBERS = ("input_resolution", "context_length", "vocab_size")
TRAINING_HEADS = ("aux1.", "aux2.", "AuxLogits.")


def take_published_weights(
    *,
    weights: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    pretrained: str,
    place: str | Path,
    text: str | Path | None = None,
    seed: int = 0,
) -> None:
    """Convert a published network into this pipeline's form.

    Args:
        weights: safetensors to write, for `architectures.load_backbone` and, if the network is published with a head,
            `load_all`; its description holds architecture, distribution, pretrained, seed, the number of
            classes of the head (0 without one) and, as keys of a recipe, the `input` of the weights.
        distribution: name, for the description.
        architecture: spec; see `architectures.build`.
        pretrained: the library's name of the weights (torchvision: IMAGENET1K_V2; timm: augreg_in21k; open_clip:
            openai), `default` for its default or the tag of a timm name, or the path of a file.
        place: folder with named files, and for downloads (see `find_weights`).
        text: for a CLIP model: safetensors to write, the text tower as `image_text.read_text_encoder` takes it.
        seed: for the description; published weights come with one seed.

    Raises:
        InputError: weights that are unknown, unavailable or do not fit.
    """
    known = published(architecture, pretrained)
    description = {
        "architecture": dict(architecture),
        "distribution": distribution,
        "pretrained": pretrained,
        "seed": seed,
        **({"input": known.own_input} if known.own_input else {}),
    }
    path = find_weights(known, pretrained, Path(place))
    if architecture["builder"] == "open_clip":
        _take_clip(path, architecture, pretrained, description, weights, text)
        return
    try:
        read = _read_timm if architecture["builder"] == "timm" else _read_torchvision
        classes, tensors = read(path, architecture, known)
    except Exception as error:  # unpickling, the shapes of the weights, safetensors' own
        raise InputError(f"{path}: not weights of this architecture ({_reason(error)}); {OTHERS}") from error
    logger.info("read %s, with a head of %d classes", path, classes)
    save_tensors(weights, tensors, {**description, "classes": classes})


def _read_torchvision(path: Path, architecture: Mapping[str, Any], known: Published) -> tuple[int, dict[str, Tensor]]:
    """Return the number of classes of the file's head, 0 if it has none, and its tensors under the network's names."""
    tensors = {
        OLD_DENSENET.sub(r"\1\2.", name): tensor
        for name, tensor in timm.models.load_state_dict(str(path)).items()
        if not name.startswith(TRAINING_HEADS)
    }
    model = build(architecture, 1)
    (head,) = head_names(model)
    if f"{head}.weight" not in tensors:
        load_backbone(model, tensors)
        return 0, tensors
    classes = len(tensors[f"{head}.weight"])
    replace_head(model, classes)
    load_all(model, tensors)
    return classes, tensors


def _read_timm(path: Path, architecture: Mapping[str, Any], known: Published) -> tuple[int, dict[str, Tensor]]:
    """Like `_read_torchvision`; timm converts files of other layouts."""
    arguments = dict(architecture["arguments"])
    model = str(arguments.pop("model"))
    name = known.name if known.sources else model
    config = timm.get_pretrained_cfg(name, allow_unregistered=False)
    assert config is not None
    layers = [config.classifier] if isinstance(config.classifier, str) else list(config.classifier or ())
    tensors = timm.models.load_state_dict(str(path))
    heads = [len(tensors[f"{layer}.weight"]) for layer in layers if f"{layer}.weight" in tensors]
    failure: Exception | None = None
    for classes in heads[:1] or (config.num_classes, 0):  # a head of another layout has another name, or is missing
        overlay = {"file": str(path), "custom_load": False, "num_classes": classes}
        try:
            network = timm.create_model(
                name, pretrained=True, pretrained_cfg_overlay=overlay, num_classes=classes, **arguments
            )
            return classes, network.state_dict()
        except RuntimeError as error:
            failure = failure or error
    assert failure is not None
    raise failure


def _take_clip(
    path: Path,
    architecture: Mapping[str, Any],
    pretrained: str,
    description: Mapping[str, Any],
    weights: str | Path,
    text: str | Path | None,
) -> None:
    arguments = architecture.get("arguments") or {}
    config = clip_config(arguments)
    config["quick_gelu"] = _activation(str(arguments.get("model", "")), pretrained, config)
    encoder = TextEncoder(config["embed_dim"], config["text_cfg"], config["quick_gelu"])
    model = build_clip(config)
    _load(model, path)
    logger.info("read %s", path)
    _copy_text_tower(model, encoder)
    save_tensors(
        weights, {f"visual.{key}": tensor for key, tensor in model.get_submodule("visual").state_dict().items()},
        {**description, "classes": 0},
    )  # fmt: skip
    if text is not None:
        save_weights(text, encoder, {**description, "encoder": encoder.config})


def _activation(model: str, pretrained: str, config: Mapping[str, Any]) -> bool:
    """Return whether the weights were trained with QuickGELU. Raises InputError if the image encoder was not so built.

    Residual networks have no GELU, so this only concerns the text tower. A file is assumed to fit its architecture.
    """
    source = open_clip.get_pretrained_cfg(model, pretrained)
    quick = bool(source.get("quick_gelu", False)) if source else bool(config["quick_gelu"])
    vision = config["vision_cfg"]
    has_gelu = isinstance(vision.get("layers", 12), int) and not vision.get("timm_model_name")
    if has_gelu and quick != config["quick_gelu"]:
        raise InputError(
            f"architecture: the weights {pretrained} of {model} were trained with quick_gelu {str(quick).lower()}: set "
            "that among the architecture's arguments"
        )
    return quick


def _load(model: nn.Module, path: Path) -> None:
    """Load a CLIP model's weights from a file of tensors, or from a TorchScript archive, as OpenAI publishes them.

    Neither way runs code of the file: torch reads tensors alone (`weights_only`), and TorchScript has a loader of its
    own, which no pickle gets past.
    """
    try:
        if not _is_torchscript(path):
            load_checkpoint(model, str(path), weights_only=True)
            return
        state = torch.jit.load(str(path), map_location="cpu").state_dict()
        plain = {name: tensor for name, tensor in state.items() if name not in SCRIPT_NUMBERS}
        with TemporaryDirectory() as folder:
            torch.save(plain, f"{folder}/weights.pt")
            load_checkpoint(model, f"{folder}/weights.pt", weights_only=True)
    except Exception as error:  # unpickling, the shapes of the weights, safetensors' own
        raise InputError(f"{path}: not weights of this architecture ({_reason(error)}); {OTHERS}") from error


def _is_torchscript(path: Path) -> bool:
    """Whether a file has the record by which torch tells TorchScript archives, in the archive's own folder."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.count("/") == 1 and name.endswith("/constants.pkl") for name in archive.namelist())


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__


def _copy_text_tower(model: nn.Module, encoder: TextEncoder) -> None:
    """Copy from a CLIP model, whose text tower's parts are its own attributes."""
    state = model.state_dict()
    encoder.tower.load_state_dict({name: state[name] for name in encoder.tower.state_dict()})
    encoder.logit_scale.data.copy_(state["logit_scale"])
