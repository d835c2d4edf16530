"""A Stable Diffusion pipeline of diffusers: loaded and made ready to run."""

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
        model: a folder as diffusers' `save_pretrained` writes it.
        settings: scheduler, precision and compile are used.
        device: where it is to run.

    No safety checker is loaded: it would replace images by black ones.

    Raises:
        InputError: names the folder, what it lacks and how to place it.
    """
    dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[settings.precision]
    be_quiet()
    pipeline = _load(Path(model), dtype)
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


def _load(folder: Path, dtype: torch.dtype) -> StableDiffusionPipeline:
    if not folder.is_dir():
        raise InputError(
            f"{folder}: this folder of a diffusion model does not exist; copy one here that holds {INDEX}, or name a "
            "model of the Hugging Face Hub and its revision"
        )
    if not (folder / INDEX).is_file():
        raise InputError(f"{folder}: holds no {INDEX}; give the folder of a model that diffusers has saved")
    try:
        return StableDiffusionPipeline.from_pretrained(
            folder, dtype=dtype, local_files_only=True, **WITHOUT_SAFETY_CHECKER
        )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(". ")
        raise InputError(f"{folder}: not a complete diffusion model ({reason}); copy or make it again") from error
