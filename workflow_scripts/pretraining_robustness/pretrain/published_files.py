"""Find the weights of published networks: by the names of torchvision, timm and open_clip, or as a file."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import open_clip  # type: ignore[import-untyped]
import timm
import torch.hub
import torchvision.models as models
from open_clip.pretrained import download_pretrained  # type: ignore[import-untyped]

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.clip_models import clip_config
from pretraining_robustness.networks.timm_models import require_name

logger = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
DEFAULT = "default"  # the library's default weights


@dataclass(frozen=True)
class Published:
    """What a library knows about one network's weights.

    `name` is the stem of the file in which they may be placed, `known` are the names of all weights of this network,
    `sources` are their download addresses (open_clip's form: url, or hf_hub as model/file), the better one first, and
    `own_input` is the input that they were trained for, as keys of a recipe.
    """

    library: str
    model: str
    name: str
    known: list[str]
    sources: list[dict[str, Any]] = field(default_factory=list)
    own_input: dict[str, Any] = field(default_factory=dict)


def published(architecture: Mapping[str, Any], pretrained: str) -> Published:
    """Return what an architecture's library knows about the weights `pretrained`; see `find_weights`."""
    builder, arguments = str(architecture["builder"]), dict(architecture.get("arguments") or {})
    if builder == "timm":
        return _of_timm(arguments, pretrained)
    if builder == "open_clip":
        return _of_open_clip(arguments, pretrained)
    return _of_torchvision(builder, pretrained)


def find_weights(weights: Published, pretrained: str, place: Path) -> Path:
    """Return the file of published weights.

    `pretrained` may be the path of a file. Else the file is `place`/ the name of the weights with one of `SUFFIXES`
    (resnet50-IMAGENET1K_V2.pth, resnet50.a1_in1k.safetensors, RN50-openai.pt) or, for weights that the library knows,
    `place`/ the name under which they are published (resnet50-11ad3fa6.pth); or else it is downloaded to `place`.

    Raises InputError for a missing file, a name that is neither placed nor known (with the known ones), or a failed
    download (with what to put where).
    """
    if Path(pretrained).suffix in SUFFIXES:
        if not Path(pretrained).is_file():
            raise InputError(f"{pretrained}: no such file of published weights; correct the path, or put it there")
        return Path(pretrained)
    urls = [source["url"] for source in weights.sources if source.get("url")]
    names = [*(weights.name + suffix for suffix in SUFFIXES), *(Path(url).name for url in urls)]
    for path in (place / name for name in names):
        if path.is_file():
            return path
    if not weights.sources:
        raise InputError(
            f"pretrained: {weights.library} has no weights '{pretrained}' of {weights.model or 'this model'} (it has: "
            f"{', '.join(weights.known) or 'none'}), and there is no file {names[0]} (or {', '.join(SUFFIXES[1:])}) in "
            f"{place}; put one there, or give its path"
        )
    logger.info("downloading %s to %s", weights.name, place)
    place.mkdir(parents=True, exist_ok=True)
    for source in weights.sources:
        try:
            return _download(source, place)
        except Exception as error:  # any error of the network or three download libraries
            failure = error
    hubs = [
        f"https://huggingface.co/{source['hf_hub'].rpartition('/')[0]}"
        for source in weights.sources
        if "hf_hub" in source
    ]
    homes = " or ".join(dict.fromkeys(home for home in (*urls, *hubs) if not home.endswith("/")))
    raise InputError(
        f"{weights.model} with the weights {pretrained}: no file {' or '.join(names)} in {place}, and the download "
        f"failed ({type(failure).__name__}); fetch it from {homes} and put it there under the first of these names "
        "that has its suffix"
    ) from failure


def _download(source: Mapping[str, Any], place: Path) -> Path:
    url = str(source.get("url", ""))
    # torch's way of naming published files: the checksum's first digits are part of the name.
    checksum = torch.hub.HASH_REGEX.search(Path(url).name)
    if source.get("hf_hub") or checksum is None:
        return Path(download_pretrained(dict(source), cache_dir=str(place)))
    torch.hub.download_url_to_file(url, str(place / Path(url).name), checksum[1], progress=False)
    return place / Path(url).name


def _of_torchvision(builder: str, pretrained: str) -> Published:
    try:
        family = models.get_model_weights(builder)
    except ValueError:  # one of our builders, which has no published weights
        return Published("torchvision", builder, f"{builder}-{pretrained}", known=[])
    known = [weights.name for weights in family]
    name = family["DEFAULT"].name if pretrained == DEFAULT else pretrained
    if name not in known:
        return Published("torchvision", builder, f"{builder}-{name}", known)
    weights = family[name]
    transform = weights.transforms()
    return Published(
        "torchvision",
        builder,
        f"{builder}-{name}",
        known,
        sources=[{"url": weights.url}],
        own_input=_own_input(
            transform.crop_size[0], transform.resize_size[0], transform, transform.interpolation.value
        ),
    )


def _of_timm(arguments: Mapping[str, Any], pretrained: str) -> Published:
    model = str(arguments.get("model", ""))
    require_name(model)
    architecture, _, tag = model.partition(".")
    if Path(pretrained).suffix not in SUFFIXES and pretrained != DEFAULT:
        tag = pretrained.removeprefix(f"{architecture}.")
    known = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
    config = timm.get_pretrained_cfg(f"{architecture}.{tag}" if tag in known else architecture)
    if config is None or not known or (tag and tag not in known):
        return Published("timm", architecture, f"{architecture}.{tag or pretrained}", known)
    files = [config.hf_hub_filename] if config.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
    sources = [{"hf_hub": f"{config.hf_hub_id}/{file}"} for file in files if config.hf_hub_id]
    if isinstance(config.url, str) and not config.custom_load:  # else it is a JAX array, which the hub has as tensors
        sources.append({"url": config.url})
    data = timm.data.resolve_data_config({"img_size": arguments.get("img_size")}, pretrained_cfg=config.to_dict())
    _, height, width = data["input_size"]
    resize = math.floor(height / data["crop_pct"])  # as in timm.data.transforms_factory
    own_input = _own_input(height, resize, data, data["interpolation"]) if height == width else {}
    return Published("timm", architecture, f"{architecture}.{config.tag}", known, sources, own_input)


def _of_open_clip(arguments: Mapping[str, Any], pretrained: str) -> Published:
    model = str(arguments.get("model", ""))
    source = open_clip.get_pretrained_cfg(model, pretrained)
    size = clip_config(arguments)["vision_cfg"].get("image_size", 224)
    size = size if isinstance(size, int) else size[0]
    normalisation = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD} | source
    known = open_clip.list_pretrained_tags_by_model(model)
    own_input = _own_input(size, size, normalisation, source.get("interpolation", "bicubic"))
    return Published("open_clip", model, f"{model}-{pretrained}", known, [source] if source else [], own_input)


def _own_input(size: int, resize: int, normalisation: Any, interpolation: str) -> dict[str, Any]:
    values = normalisation if isinstance(normalisation, Mapping) else vars(normalisation)
    return {
        "image_size": size,
        "mean": list(values["mean"]),
        "std": list(values["std"]),
        "evaluation": {"resize": resize, "interpolation": interpolation},
    }
