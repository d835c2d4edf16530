"""Published CLIP models, trained by others on hundreds of millions of image-text pairs, as pre-trained weights."""

import logging
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import open_clip  # type: ignore[import-untyped]
from open_clip.factory import load_checkpoint  # type: ignore[import-untyped]
from open_clip.pretrained import download_pretrained  # type: ignore[import-untyped]
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.clip_models import build_clip, clip_config
from pretraining_robustness.networks.weights import save_tensors, save_weights
from pretraining_robustness.pretrain.image_text import TextEncoder

logger = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")


def take_published_weights(
    *,
    weights: str | Path,
    text: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    pretrained: str,
    place: str | Path,
    seed: int = 0,
) -> None:
    """Bring the two towers of a published CLIP model into this pipeline's form.

    Args:
        weights: safetensors to write, the image encoder as `architectures.load_backbone` takes it; its description
            holds architecture, distribution, pretrained and seed.
        text: safetensors to write, the text tower as `image_text.read_text_encoder` takes it.
        distribution: name, for the description.
        architecture: spec with builder open_clip (see `clip_models.clip_config`).
        pretrained: one of open_clip's tags for the model (openai, yfcc15m, ...), or the path of a file.
        place: folder in which the file of a tag is looked for, and to which it is downloaded (see `find_weights`).
        seed: for the description; published weights come with one seed.

    Raises:
        InputError: for an architecture that is not open_clip's, an unknown tag, weights that are not to be had or do
            not fit.
    """
    if architecture["builder"] != "open_clip":
        raise InputError(f"architecture: published weights need the builder open_clip, not '{architecture['builder']}'")
    arguments = architecture.get("arguments") or {}
    config = clip_config(arguments)
    name = str(arguments.get("model", ""))
    path = find_weights(name, pretrained, Path(place))
    config["quick_gelu"] = _activation(name, pretrained, config)
    encoder = TextEncoder(config["embed_dim"], config["text_cfg"], config["quick_gelu"])
    model = build_clip(config)
    _load(model, path)
    logger.info("read %s", path)

    _copy_text_tower(model, encoder)
    description = {
        "architecture": dict(architecture),
        "distribution": distribution,
        "pretrained": pretrained,
        "seed": seed,
    }
    save_tensors(
        weights, {f"visual.{key}": tensor for key, tensor in model.get_submodule("visual").state_dict().items()},
        description,
    )  # fmt: skip
    save_weights(text, encoder, {**description, "encoder": encoder.config})


def find_weights(model: str, pretrained: str, place: Path) -> Path:
    """Return the file of published weights.

    `pretrained` may be the path of a file. Else the file is `place`/<model>-<pretrained> with one of `SUFFIXES` or,
    for open_clip's tags, `place`/ the name under which it is published (RN50.pt); or else open_clip downloads it.

    Raises InputError for a missing file, a tag that is neither placed nor known (with the known ones) and a download
    that fails (with what to put where).
    """
    if Path(pretrained).suffix in SUFFIXES:
        if not Path(pretrained).is_file():
            raise InputError(f"{pretrained}: no such file of published weights")
        return Path(pretrained)
    source = open_clip.get_pretrained_cfg(model, pretrained)
    published = [Path(source["url"]).name] if source.get("url") else []
    names = [*(f"{model}-{pretrained}{suffix}" for suffix in SUFFIXES), *published]
    for path in (place / name for name in names):
        if path.is_file():
            return path
    if not source:
        known = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise InputError(
            f"pretrained: open_clip has no weights '{pretrained}' of {model or 'this model'} (it has: {known}), and "
            f"there is no file {names[0]} (or {', '.join(SUFFIXES[1:])}) in {place}; put one there, or give its path"
        )
    try:
        logger.info("downloading %s of %s to %s", pretrained, model, place)
        place.mkdir(parents=True, exist_ok=True)
        return Path(download_pretrained(source, cache_dir=str(place)))
    except Exception as error:  # whatever the network and two download libraries raise
        hub = f"https://huggingface.co/{source['hf_hub'].rstrip('/')}" if source.get("hf_hub") else ""
        homes = " or ".join(home for home in (source.get("url"), hub) if home)
        raise InputError(
            f"{model} with the weights {pretrained}: no file {' or '.join(names)} in {place}, and the download failed "
            f"({type(error).__name__}); fetch it from {homes} and put it there under the first of these names that has "
            "its suffix"
        ) from error


def _activation(model: str, pretrained: str, config: Mapping[str, Any]) -> bool:
    """Return whether the weights were trained with QuickGELU. Raises InputError where the image encoder has the other.

    Residual networks have no GELU: there only the text tower is concerned. A file is taken to fit its architecture.
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
    # OpenAI publishes TorchScript archives, which torch does not read in its safe mode; they hold no pickled code.
    script = zipfile.is_zipfile(path) and any(
        name.endswith("/constants.pkl") for name in zipfile.ZipFile(path).namelist()
    )
    try:
        load_checkpoint(model, str(path), weights_only=not script)
    except Exception as error:  # unpickling, the shapes of the weights, safetensors' own
        reason = str(error).strip().splitlines()[-1].strip() if str(error).strip() else type(error).__name__
        raise InputError(f"{path}: not weights of this architecture ({reason})") from error


def _copy_text_tower(model: nn.Module, encoder: TextEncoder) -> None:
    """Copy from a CLIP model, which holds the parts of its text tower among its own."""
    state = model.state_dict()
    encoder.tower.load_state_dict({name: state[name] for name in encoder.tower.state_dict()})
    encoder.logit_scale.data.copy_(state["logit_scale"])
