"""A diffusion model of the Hugging Face Hub, as it was at one commit."""

import logging
import shutil
from pathlib import Path

from huggingface_hub import snapshot_download

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import NO_SPACE

logger = logging.getLogger(__name__)

# What a pipeline of Stable Diffusion loads: settings, vocabularies and full-precision weights that are no pickles.
WANTED = ("model_index.json", "*/*.json", "*/*.txt", "*/*.safetensors")
UNWANTED = ("safety_checker/*", "feature_extractor/*", "*.fp16.*", "*.non_ema.*")


def acquire_diffusion_model(name: str, revision: str, folder: str | Path, state: str | Path) -> None:
    """Fetch a model's files, and note in `REVISION` beside them which model at which commit they are.

    Args:
        name: "owner/name" on the Hub.
        revision: the commit, 40 hexadecimal digits.
        folder: the folder to make.
        state: where an interrupted download keeps what has come; becomes `folder` at the end.

    Raises:
        InputError: for a model or commit that the Hub does not have or does not give, a connection that fails, a full
            disk. It says how to go on without a network.
    """
    state = Path(state)
    try:
        snapshot_download(
            name, revision=revision, local_dir=state, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED)
        )
    except (OSError, ValueError) as error:  # the Hub's own errors are among them
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(". ")
        raise InputError(
            f"{name} at {revision}: this diffusion model could not be fetched from the Hugging Face Hub ({reason}); "
            "what came is kept, so run the same command again; or fetch it elsewhere and give its folder as the "
            "source's model, without revision"
        ) from error
    if not (state / "model_index.json").is_file():
        raise InputError(f"{name} at {revision}: is no pipeline of diffusers: it has no model_index.json; name one")
    shutil.rmtree(state / ".cache", ignore_errors=True)  # the Hub's notes for a further download
    (state / "REVISION").write_text(f"{name} {revision}\n", encoding="utf-8")
    state.rename(folder)
    logger.info("%s at %s: %s", name, revision, folder)
