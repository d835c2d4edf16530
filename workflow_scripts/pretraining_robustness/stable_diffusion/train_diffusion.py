"""Train a small latent diffusion model on a store and save it as an ordinary Stable Diffusion pipeline.

In the order of Rombach et al. (arXiv 2112.10752): first an autoencoder, then, in its code, a denoising network with a
text encoder. Captions are CLIP's prompts for the class of an image.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows
from pretraining_robustness.parts import stamp
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.stable_diffusion.captions import caption_tokens, captions_of, make_tokenizer
from pretraining_robustness.stable_diffusion.pipeline import assemble, be_quiet
from pretraining_robustness.stable_diffusion.prompts import read_classes
from pretraining_robustness.stable_diffusion.small_networks import (
    PrincipalCode,
    SmallModel,
    make_autoencoder,
    make_scheduler,
    make_text_encoder,
    make_unet,
)
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.devices import seed_generator, training_device
from pretraining_robustness.training.recipes import Recipe
from pretraining_robustness.training.state import TrainingState

logger = logging.getLogger(__name__)

STEPS_PER_RECORD = 100  # one line of the metrics and one resumable state
# Of the learning rate: a linear rise within a twentieth of the steps, then half a cosine.
SCHEDULE = Recipe(batch_size=1, learning_rate=1.0, image_size=1, schedule="cosine", warmup_fraction=0.05)
LARGEST_GRADIENT = 1.0
ENCODED_AT_ONCE = 256
IMAGES_OF_PRINCIPAL_CODE = 500


def train_diffusion(
    *,
    images: str | Path,
    table: str | Path,
    classes: str | Path,
    pipeline: str | Path,
    metrics: str | Path,
    model: Mapping[str, Any],
    state: str | Path,
    code: str,
    threads: int = 1,
) -> None:
    """Train on all images of a store with ImageNet's classes, and save the pipeline.

    Args:
        images, table, classes: the store; class_ids are wnids.
        pipeline: folder to write, as `StableDiffusionPipeline.save_pretrained` does; replaced if it exists.
        metrics: CSV to write: stage (autoencoder, diffusion), step, loss (mean since the row before), seconds.
        model: see `small_networks.SmallModel`.
        state: folder of the resumable state; removed on success.
        code: digest of the training code; a state of other code is not resumed.
        threads: of the CPU.

    Raises:
        InputError: for unusable settings, a store of other classes, a loss that is not finite.
    """
    spec = SmallModel.read(model)
    wnids = read_classes(classes)
    device = training_device(threads)
    pixels, labels = _read(images, table, wnids, threads)
    mark = stamp([images, table, classes], model=asdict(spec), code=code)
    records: list[dict[str, Any]] = []

    seed_generator(torch.device("cpu"), derived_seed(spec.seed, "autoencoder"))
    autoencoder = make_autoencoder(spec, pixels.shape[1])
    autoencoder.to(device, memory_format=torch.channels_last)  # type: ignore[arg-type]
    records += _train_autoencoder(autoencoder, pixels, spec, TrainingState(Path(state, "autoencoder"), mark))
    autoencoder.requires_grad_(False).eval()
    codes = _encode(autoencoder, pixels, device)

    captions = captions_of(wnids)
    tokenizer = make_tokenizer(captions, spec.caption_length)
    seed_generator(torch.device("cpu"), derived_seed(spec.seed, "diffusion"))
    networks = nn.ModuleDict(
        {"unet": make_unet(spec, codes.shape[-1]), "text_encoder": make_text_encoder(spec, tokenizer)}
    ).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    tokens = caption_tokens(captions, tokenizer).to(device)
    progress = TrainingState(Path(state, "diffusion"), mark)
    records += _train_denoising(networks, codes, labels.to(device), tokens, spec, progress)

    whole = assemble(
        vae=autoencoder,
        text_encoder=networks["text_encoder"].eval(),
        tokenizer=tokenizer,
        unet=networks["unet"].eval(),
        scheduler=make_scheduler(),
    )
    be_quiet()
    _save(whole.to("cpu"), Path(pipeline))
    write_rows(metrics, records, ["stage", "step", "loss", "seconds"])
    shutil.rmtree(state, ignore_errors=True)


def _read(images: str | Path, table: str | Path, wnids: list[str], threads: int) -> tuple[np.ndarray, Tensor]:
    """Return all images, uint8 (n, size, size, 3), and the position of each one's class in `wnids`, int64 (n,)."""
    class_ids = pyarrow.parquet.read_table(table, columns=["class_id"])["class_id"].to_pylist()
    places = {wnid: place for place, wnid in enumerate(wnids)}
    if strange := sorted(set(class_ids) - places.keys()):
        raise InputError(f"{table}: has the class {strange[0]}, which its classes.csv lacks; build the store again")
    store = Store.open(images, table, threads)
    return store.read(np.arange(len(store))), torch.tensor([places[one] for one in class_ids])


def _train_autoencoder(
    autoencoder: AutoencoderKL, pixels: np.ndarray, spec: SmallModel, state: TrainingState
) -> list[dict[str, Any]]:
    device = autoencoder.device
    every = max(1, len(pixels) // IMAGES_OF_PRINCIPAL_CODE)
    side = 2 ** (len(spec.autoencoder_channels) - 1)
    principal = PrincipalCode.fit(_as_input(pixels[::every], device), side, spec.latent_channels)

    def loss(step: int) -> Tensor:
        rows = np.random.default_rng(derived_seed(spec.seed, "rows", step)).integers(
            0, len(pixels), spec.autoencoder_batch_size
        )
        x = _as_input(pixels[rows], device)
        code = autoencoder.encode(x).latent_dist
        error = functional.mse_loss(autoencoder.decode(code.sample()).sample, x)
        distance = functional.mse_loss(code.mean, principal.of(x))
        divergence: Tensor = 0.5 * (code.mean.square() + code.var - 1 - code.logvar).mean()
        return error + spec.principal_weight * distance + spec.kl_weight * divergence

    return _optimise(
        "autoencoder", autoencoder, loss, spec.autoencoder_steps, spec.autoencoder_learning_rate, 0.0, None, spec.seed,
        state,
    )  # fmt: skip


def _encode(autoencoder: AutoencoderKL, pixels: np.ndarray, device: torch.device) -> Tensor:
    """Return the codes of all images: float32 (n, channels, side, side)."""
    codes = []
    with torch.no_grad():
        for start in range(0, len(pixels), ENCODED_AT_ONCE):
            x = _as_input(pixels[start : start + ENCODED_AT_ONCE], device)
            codes.append(autoencoder.encode(x).latent_dist.mode())
    return torch.cat(codes)


def _as_input(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Return uint8 (n, side, side, 3) as float32 (n, 3, side, side) from -1 to 1, channels last in memory."""
    return torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def _train_denoising(
    networks: nn.ModuleDict, codes: Tensor, labels: Tensor, tokens: Tensor, spec: SmallModel, state: TrainingState
) -> list[dict[str, Any]]:
    scheduler = make_scheduler()
    levels = len(scheduler.alphas_cumprod)
    unet, text_encoder = networks["unet"], networks["text_encoder"]
    empty = len(tokens) - 1
    device = codes.device

    def loss(step: int) -> Tensor:
        count = spec.batch_size
        rows = torch.randint(len(codes), (count,), device=device)
        classes = torch.where(torch.rand(count, device=device) < spec.caption_dropout, empty, labels[rows])
        templates = torch.randint(tokens.shape[1], (count,), device=device)
        text = text_encoder(tokens[classes, templates])[0]
        # One time from each of `count` equal parts, so that all noise levels count alike at every step.
        parts = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        times: Any = (parts * levels).long().clamp(max=levels - 1)
        code = codes[rows].contiguous(memory_format=torch.channels_last)
        noise = torch.randn_like(code)
        noisy = scheduler.add_noise(code, noise, times)
        velocity = unet(noisy, times, encoder_hidden_states=text).sample
        return functional.mse_loss(velocity, scheduler.get_velocity(code, noise, times))

    return _optimise(
        "diffusion", networks, loss, spec.steps, spec.learning_rate, spec.weight_decay, spec.average, spec.seed, state
    )


def _optimise(
    stage: str,
    module: nn.Module,
    loss_at: Callable[[int], Tensor],
    steps: int,
    learning_rate: float,
    weight_decay: float,
    average: float | None,
    seed: int,
    state: TrainingState,
) -> list[dict[str, Any]]:
    """Minimise `loss_at(step)` over the module's weights by AdamW and return the records.

    Beside `training.loop` it clips gradients, averages weights and draws its batches with replacement, which training
    of classifiers does not. With `average`, the weights become their exponential moving average in the end. Every
    random number is a function of (seed, stage, step), so that the state after a step is weights, average, optimiser
    and records.
    """
    device = next(module.parameters()).device
    module.train()
    optimizer = torch.optim.AdamW(
        module.parameters(), learning_rate, (0.9, 0.99), weight_decay=weight_decay, fused=True
    )
    mean = torch.optim.swa_utils.AveragedModel(
        module, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(average or 0.0)
    )
    records: list[dict[str, Any]] = []
    saved = state.load(device)
    if saved is not None:
        module.load_state_dict(saved["module"])
        mean.load_state_dict(saved["mean"])
        optimizer.load_state_dict(saved["optimizer"])
        records = saved["records"]
        logger.info("%s: resuming after step %d of %d", stage, records[-1]["step"], steps)
    losses: list[Tensor] = []
    started = time.perf_counter()
    for step in range(records[-1]["step"] if records else 0, steps):
        seed_generator(device, derived_seed(seed, stage, step))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * SCHEDULE.learning_rate_at(step, steps)
        loss = loss_at(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), LARGEST_GRADIENT)
        optimizer.step()
        mean.update_parameters(module)
        losses.append(loss.detach())
        if (step + 1) % STEPS_PER_RECORD == 0 or step + 1 == steps:
            value, seconds = torch.stack(losses).mean().item(), time.perf_counter() - started
            if not np.isfinite(value):
                raise InputError(
                    f"diffusion model: the loss of the {stage} became {value} before step {step + 1} of {steps}; "
                    "lower its learning rate"
                )
            records.append({"stage": stage, "step": step + 1, "loss": value, "seconds": round(seconds, 3)})
            logger.info("%s: step %d of %d, loss %.4f, %.1f s", stage, step + 1, steps, value, seconds)
            losses, started = [], time.perf_counter()
            state.save(
                {
                    "module": module.state_dict(),
                    "mean": mean.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "records": records,
                }
            )
    if average is not None:
        module.load_state_dict(mean.module.state_dict())
    return records


def _save(pipeline: StableDiffusionPipeline, folder: Path) -> None:
    """Save the pipeline under another name first, so that a folder of this name is always whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        pipeline.save_pretrained(temporary)
        shutil.rmtree(folder, ignore_errors=True)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
