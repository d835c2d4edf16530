"""From prompts and seeds to images, in batches of one size that shrink when the memory does not hold them."""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pretraining_robustness.errors import InputError
from pretraining_robustness.stable_diffusion.settings import Settings

logger = logging.getLogger(__name__)

PROMPTS_AT_ONCE = 64


class PromptEmbeddings:
    """What the text encoder makes of prompts: each distinct one once, kept in the CPU's memory.

    The encoder leaves the device afterwards. Stable Diffusion v1's prompt takes 77 x 768 numbers, 118 kB in bfloat16.
    """

    def __init__(self, pipeline: StableDiffusionPipeline, prompts: Sequence[str], device: torch.device) -> None:
        distinct = list(dict.fromkeys(["", *prompts]))
        self._place = {prompt: place for place, prompt in enumerate(distinct)}
        parts = []
        with torch.inference_mode():
            for start in range(0, len(distinct), PROMPTS_AT_ONCE):
                some = distinct[start : start + PROMPTS_AT_ONCE]
                parts.append(pipeline.encode_prompt(some, device, 1, do_classifier_free_guidance=False)[0].cpu())
        self._values = torch.cat(parts)
        pipeline.text_encoder = None
        logger.info("%d distinct prompts encoded", len(distinct) - 1)

    def of(self, prompts: Sequence[str]) -> Tensor:
        """Return the embeddings (prompts, tokens, width) of prompts that were given to the constructor, or ""."""
        return self._values[[self._place[prompt] for prompt in prompts]]


class Sampler:
    """Generates images with one pipeline; remembers the batch size that fits into the memory.

    An image depends on its prompt and seed, not on the images beside it: every one has its own random stream. The
    sum of a convolution may be taken in another order in a batch of another size, though. So batches of one size give
    the same bytes wherever they are cut, and another size (as after the memory ran out) changes values of 0 to 255 by
    at most 1 in float32 on a CPU; `tests/unit/stable_diffusion/test_generation.py` measures it.
    """

    def __init__(
        self,
        pipeline: StableDiffusionPipeline,
        embeddings: PromptEmbeddings,
        settings: Settings,
        device: torch.device,
    ) -> None:
        self.pipeline = pipeline
        self.embeddings = embeddings
        self.settings = settings
        self.device = device
        self.batch_size = settings.batch_size

    def generate(self, prompts: Sequence[str], seeds: Sequence[int]) -> NDArray[np.uint8]:
        """Return an image for each prompt: uint8 (prompts, size, size, 3), RGB.

        At most `settings.batch_size` prompts; fewer are filled up with the last one. When the device's memory does not
        hold a batch, it is halved, for this call and all later ones.

        Raises InputError when the memory does not hold a single image.
        """
        done: list[NDArray[np.uint8]] = []
        start = 0
        while start < len(prompts):
            stop = start + self.batch_size
            try:
                done.append(self._batch(prompts[start:stop], seeds[start:stop]))
            except torch.cuda.OutOfMemoryError:
                pass  # what the batch took is freed once this clause is left
            else:
                start = stop
                continue
            self._halve()
        return np.concatenate(done)

    def _halve(self) -> None:
        if self.batch_size == 1:
            raise InputError(
                "diffusion: the graphics card's memory does not hold a single picture; lower image_size, choose "
                "bfloat16 or a larger card"
            )
        self.batch_size = (self.batch_size + 1) // 2
        logger.warning("the memory does not hold the batch: going on with %d images at once", self.batch_size)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _batch(self, prompts: Sequence[str], seeds: Sequence[int]) -> NDArray[np.uint8]:
        missing = self.batch_size - len(prompts)
        prompts, seeds = [*prompts, *[prompts[-1]] * missing], [*seeds, *[seeds[-1]] * missing]
        with torch.inference_mode():
            pixels = self._run(self.embeddings.of(prompts).to(self.device), seeds)
        if not torch.isfinite(pixels).all():
            raise InputError(
                f"the model gives NaN or infinity for the prompt {prompts[0]!r} or one beside it: its weights do not "
                "suit this precision; set 'precision: float32', or train or fetch the model again"
            )
        values = (pixels.float() * 255).round().clamp(0, 255).to(torch.uint8)
        pictures = values.permute(0, 2, 3, 1).cpu().numpy()[: len(prompts) - missing]
        return resized(pictures, self.settings.size)

    def _run(self, embeddings: Tensor, seeds: Sequence[int]) -> Tensor:
        """Run the pipeline and decode: float (seeds, 3, height, width), 0 to 1 and somewhat beyond.

        diffusers would cut what is beyond off, and so make white images of infinity.
        """
        settings = self.settings
        # Random numbers come from the CPU, so that a seed means the same noise on every device.
        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        options: dict[str, Any] = {}
        if settings.guidance > 1:
            options["negative_prompt_embeds"] = self.embeddings.of([""]).to(self.device).expand_as(embeddings)
        if settings.guidance > 1 and settings.guided_part < 1:
            options["callback_on_step_end"] = self._end_guidance
            options["callback_on_step_end_tensor_inputs"] = ["prompt_embeds"]
        latents: Tensor = self.pipeline(
            prompt_embeds=embeddings,
            num_inference_steps=settings.steps,
            guidance_scale=settings.guidance,
            generator=generators,
            height=settings.image_size,
            width=settings.image_size,
            output_type="latent",
            **options,
        ).images
        autoencoder = self.pipeline.vae
        decoded: Tensor = autoencoder.decode(latents / autoencoder.config.scaling_factor, return_dict=False)[0]
        return decoded.float() * 0.5 + 0.5  # bfloat16 has half as many steps above 0.5 as below

    def _end_guidance(
        self, pipeline: StableDiffusionPipeline, step: int, timestep: int, tensors: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Switch guidance off after its part of the steps, as diffusers' guide to callbacks describes."""
        if step + 1 != max(1, round(self.settings.guided_part * pipeline.num_timesteps)):
            return {}
        pipeline._guidance_scale = 0.0
        return {"prompt_embeds": tensors["prompt_embeds"].chunk(2)[1]}


def resized(pictures: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return images (n, side, side, 3) with sides of `size`, as the store resizes: Pillow, bilinear, antialiased."""
    if pictures.shape[1] == size:
        return np.ascontiguousarray(pictures)
    scaled = [Image.fromarray(one).resize((size, size), Image.Resampling.BILINEAR) for one in pictures]
    return np.stack([np.asarray(one) for one in scaled])
