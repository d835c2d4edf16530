"""A Stable Diffusion pipeline of diffusers: found, loaded and made ready to run."""

import logging
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline

from pretraining_robustness.errors import InputError
from pretraining_robustness.stable_diffusion.settings import SCHEDULERS, Settings

logger = logging.getLogger(__name__)

INDEX = "model_index.json"
WITHOUT_SAFETY_CHECKER: dict[str, Any] = {
    "safety_checker": None,
    "feature_extractor": None,
    "requires_safety_checker": False,
}


def load_pipeline(model: str | Path, settings: Settings, device: torch.device) -> StableDiffusionPipeline:
    """Load a model and make it ready: scheduler, precision, memory format, compilation.

    Args:
        model: a folder written by `save_pretrained`, or a name on the Hugging Face Hub
            ("stable-diffusion-v1-5/stable-diffusion-v1-5"), looked for among the downloaded ones first.
        settings: scheduler, precision and compile are used.
        device: where it is to run.

    No safety checker is loaded: it would replace pictures by black ones.

    Raises:
        InputError: names the model, where it was looked for and how to place it.
    """
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[settings.precision]
    be_quiet()
    pipeline = _find(str(model), dtype)
    name, options = SCHEDULERS[settings.scheduler]
    pipeline.scheduler = getattr(diffusers, name).from_config(pipeline.scheduler.config, **options)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.to(device)
    for network in (pipeline.unet, pipeline.vae):
        network.requires_grad_(False).eval().to(memory_format=torch.channels_last)
    if settings.compile:
        pipeline.unet.compile(dynamic=False)
        pipeline.vae.decoder.compile(dynamic=False)
    logger.info("%s: %s, %s on %s", model, name, settings.precision, device)
    return pipeline


def be_quiet() -> None:
    """Keep progress bars and advice of both libraries out of the rules' output."""
    for library in (diffusers, transformers):
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()


def assemble(**networks: Any) -> StableDiffusionPipeline:
    """Return a pipeline of vae, text_encoder, tokenizer, unet and scheduler, without a safety checker."""
    return StableDiffusionPipeline(**networks, **WITHOUT_SAFETY_CHECKER)


def _find(model: str, dtype: torch.dtype) -> StableDiffusionPipeline:
    """Load a local folder, else a downloaded model, else one from the Hub."""
    if Path(model).is_dir():
        return _load_folder(Path(model), dtype)
    if _is_path(model):
        raise InputError(
            f"{model}: this folder of a diffusion model does not exist; copy one here that holds {INDEX}, or give the "
            "model's name on the Hugging Face Hub"
        )
    for local_only in (True, False):
        try:
            return _load(model, dtype, local_only)
        except (OSError, ValueError, RuntimeError) as error:  # what diffusers and the Hub raise for a missing model
            logger.warning("%s: %s", model, error)
    from huggingface_hub.constants import HF_HUB_CACHE

    raise InputError(
        f"{model}: this diffusion model is neither among the downloaded ones in {HF_HUB_CACHE} nor to be had from the "
        f"Hugging Face Hub (the log has its answer); run `hf download {model}` on a machine with network and copy that "
        "folder here, or give the path of a folder that holds the model"
    )


def _load_folder(folder: Path, dtype: torch.dtype) -> StableDiffusionPipeline:
    if not (folder / INDEX).is_file():
        raise InputError(f"{folder}: holds no {INDEX}; give the folder of a model that diffusers has saved")
    try:
        return _load(str(folder), dtype, local_only=True)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(". ")
        raise InputError(f"{folder}: not a complete diffusion model ({reason}); copy or make it again") from error


def _load(model: str, dtype: torch.dtype, local_only: bool) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(
        model,
        dtype=dtype,
        local_files_only=local_only,
        **WITHOUT_SAFETY_CHECKER,
    )


def _is_path(model: str) -> bool:
    """Whether a model that is no folder was meant as one: names on the Hub are "owner/name"."""
    return Path(model).is_absolute() or model.startswith((".", "~")) or model.count("/") != 1
