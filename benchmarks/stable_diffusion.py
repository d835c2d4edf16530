"""How fast pictures come from a latent diffusion model.

On a graphics card: Stable Diffusion v1's networks (runwayml/stable-diffusion-v1-5's configuration, random weights,
which cost as much as trained ones) at 512 px, batch 16, bfloat16, 25 and 50 steps with guidance, against published
rates. Without one: that measurement is missing and the table says so; the miniature's own networks at 32 px, one
thread, against diffusers' own call for one prompt after another. Both run in turns in one process, so that a busy
machine slows both.

    make benchmark-stable_diffusion OPTIONS="--compile"

The anchor is an A100: 4.68 iterations/s at batch 16, compiled (diffusers' documentation, "Torch 2.0 support in
Diffusers"), hence 1.50 images/s with 50 steps and 3.00 with 25. For an H100 we estimate 1.9 times as much.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import diffusers
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from machine import machine

from pretraining_robustness.files import write_rows
from pretraining_robustness.stable_diffusion.captions import captions_of, make_tokenizer
from pretraining_robustness.stable_diffusion.pipeline import assemble
from pretraining_robustness.stable_diffusion.prompts import class_names
from pretraining_robustness.stable_diffusion.sampling import PromptEmbeddings, Sampler
from pretraining_robustness.stable_diffusion.settings import Settings
from pretraining_robustness.stable_diffusion.small_networks import (
    SmallModel,
    make_autoencoder,
    make_scheduler,
    make_text_encoder,
    make_unet,
)
from pretraining_robustness.training.devices import training_device

REPOSITORY = Path(__file__).parent.parent

ANCHOR_ITERATIONS = 4.68  # of batches of 16 a second: diffusers' documentation, A100, compiled
ROUNDS = 5
COLUMNS = [
    "machine", "device", "networks", "image_size", "steps", "guidance", "batch_size", "precision", "compiled",
    "images_per_second", "anchor", "anchor_images_per_second", "fraction_of_anchor", "peak_gpu_memory_mb", "note",
]  # fmt: skip


class RandomEmbeddings:
    """Stands for `PromptEmbeddings`: every prompt the same random numbers of Stable Diffusion v1's shape."""

    def __init__(self) -> None:
        self.values = torch.randn(1, 77, 768, generator=torch.Generator().manual_seed(0)).bfloat16()

    def of(self, prompts: Sequence[str]) -> torch.Tensor:
        """Return (prompts, 77, 768)."""
        return self.values.expand(len(prompts), -1, -1)


def pipeline_v1(device: torch.device) -> StableDiffusionPipeline:
    """Return Stable Diffusion v1's two networks with random weights: 860 and 84 million parameters."""
    with device:
        torch.set_default_dtype(torch.bfloat16)
        unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
        vae = AutoencoderKL(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
            sample_size=512,
        )
        torch.set_default_dtype(torch.float32)
    return assembled(unet, vae)


def assembled(unet: Any, vae: Any, text_encoder: Any = None, tokenizer: Any = None) -> StableDiffusionPipeline:
    """Return a quiet pipeline in the state in which `load_pipeline` leaves one."""
    scheduler = diffusers.DPMSolverMultistepScheduler.from_config(make_scheduler().config, algorithm_type="dpmsolver++")
    pipeline = assemble(vae=vae, text_encoder=text_encoder, tokenizer=tokenizer, unet=unet, scheduler=scheduler)
    pipeline.set_progress_bar_config(disable=True)
    for network in (unet, vae):
        network.requires_grad_(False).eval().to(memory_format=torch.channels_last)
    return pipeline


def large(compiled: bool, device: torch.device) -> list[dict[str, Any]]:
    """Measure Stable Diffusion v1's networks on a graphics card."""
    pipeline = pipeline_v1(device)
    if compiled:
        pipeline.unet.compile(dynamic=False)
        pipeline.vae.decoder.compile(dynamic=False)
    rows = []
    for steps in (25, 50):
        settings = Settings(512, 256, steps=steps, batch_size=16, precision="bfloat16", compile=compiled)
        sampler = Sampler(pipeline, RandomEmbeddings(), settings, device)  # type: ignore[arg-type]
        torch.cuda.reset_peak_memory_stats(device)
        rate = median(rates([partial(sampler.generate, ["a"] * 16, range(16))], [16], rounds=3)[0])
        anchor = 16 * ANCHOR_ITERATIONS / steps
        rows.append(
            row("Stable Diffusion v1", settings, rate, f"A100, {steps} steps: diffusers' documentation", anchor)
            | {
                "device": torch.cuda.get_device_name(device),
                "peak_gpu_memory_mb": round(torch.cuda.max_memory_allocated(device) / 2**20),
                "note": f"{sampler.batch_size} images at once",
            }
        )
    return rows


def small(device: torch.device) -> list[dict[str, Any]]:
    """Measure the miniature's networks against one call of the pipeline a prompt."""
    captions = captions_of(list(class_names())[::20])
    model = SmallModel()
    tokenizer = make_tokenizer(captions, model.caption_length)
    vae = make_autoencoder(model, 32)
    settings = Settings(32, 32, steps=8, guidance=3.0, batch_size=100)
    pipeline = assembled(make_unet(model, 8), vae, make_text_encoder(model, tokenizer).eval(), tokenizer)
    prompts = [some[number % 80] for number, some in enumerate(captions * 4)]
    sampler = Sampler(pipeline, PromptEmbeddings(pipeline, prompts, device), settings, device)
    # PromptEmbeddings gives the text encoder up; the naive way needs one.
    naive = assembled(pipeline.unet, vae, make_text_encoder(model, tokenizer).eval(), tokenizer)
    few = 10

    def one_after_another() -> None:
        for number, prompt in enumerate(prompts[:few]):
            naive(
                prompt, num_inference_steps=settings.steps, guidance_scale=settings.guidance, height=32, width=32,
                generator=torch.Generator().manual_seed(number),
            )  # fmt: skip

    ours, theirs = rates(
        [lambda: sampler.generate(prompts, range(len(prompts))), one_after_another], [len(prompts), few], ROUNDS
    )
    return [
        row("miniature's", settings, median(ours), "diffusers' pipeline(prompt) for each image", median(theirs))
        | {"device": "processor, 1 thread", "peak_gpu_memory_mb": 0}
    ]


def rates(works: Sequence[Callable[[], object]], images: Sequence[int], rounds: int) -> list[list[float]]:
    """Run the works in turns and return the images per second of each one's rounds, without a first that warms up."""
    measured: list[list[float]] = [[] for _ in works]
    for one in range(rounds + 1):
        for place, work in enumerate(works):
            started = time.perf_counter()
            work()  # it ends with pictures in the processor's memory
            if one:
                measured[place].append(images[place] / (time.perf_counter() - started))
    return measured


def row(networks: str, settings: Settings, rate: float, anchor: str, anchor_rate: float) -> dict[str, Any]:
    """Return a line of the table."""
    return {
        "machine": machine(),
        "networks": networks,
        "image_size": settings.image_size,
        "steps": settings.steps,
        "guidance": settings.guidance,
        "batch_size": settings.batch_size,
        "precision": settings.precision,
        "compiled": settings.compile,
        "images_per_second": round(rate, 2),
        "anchor": anchor,
        "anchor_images_per_second": round(anchor_rate, 2),
        "fraction_of_anchor": round(rate / anchor_rate, 2),
        "note": "",
    }


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--compile", action="store_true", help="prepare the networks with torch.compile")
    arguments.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "stable_diffusion.csv")
    options = arguments.parse_args()
    diffusers.utils.logging.set_verbosity_error()
    device = training_device(1)
    torch.manual_seed(0)
    if device.type == "cuda":
        rows = large(options.compile, device)
    else:
        missing = {
            "machine": machine(), "device": "none", "networks": "Stable Diffusion v1", "image_size": 512,
            "steps": "25 and 50", "batch_size": 16, "precision": "bfloat16",
            "note": "not measured: no graphics card was at hand",
        }  # fmt: skip
        rows = [missing, *small(device)]
    for one in rows:
        print(", ".join(f"{key} {value}" for key, value in one.items() if key != "machine"))
    write_rows(options.output, rows, COLUMNS)


if __name__ == "__main__":
    main()
