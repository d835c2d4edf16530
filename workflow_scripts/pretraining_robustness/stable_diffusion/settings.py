"""How a diffusion model is asked for images, checked before anything heavy is loaded."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from pretraining_robustness.errors import InputError

# Samplers by their usual names: the scheduler class of diffusers and the options that make it that sampler.
SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ddim": ("DDIMScheduler", {}),
    "ddpm": ("DDPMScheduler", {}),
    "dpm++2m": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++", "solver_order": 2}),
    "dpm++2m_karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "solver_order": 2, "use_karras_sigmas": True},
    ),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler_ancestral": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
    "unipc": ("UniPCMultistepScheduler", {}),
}
CHOICES = {
    "scheduler": tuple(SCHEDULERS),
    "precision": ("float32", "bfloat16"),
    "encoding": ("uint8", "jpeg"),
}
SMALLEST_MULTIPLE = 8  # diffusers takes heights and widths that are multiples of this


@dataclass(frozen=True)
class Settings:
    """What, beside the model, the prompts and the seeds, decides the images.

    Attributes:
        image_size: side of the generated square images in pixels, a multiple of 8.
        size: side of the stored ones in pixels; resized where it differs.
        scheduler: the sampler, a key of `SCHEDULERS`.
        steps: denoising steps, at least 1.
        guidance: scale of classifier-free guidance (Ho and Salimans, arXiv 2207.12598, as diffusers counts it); 1 or
            less is none.
        guided_part: the part of the steps, from the first one, that is guided, in (0, 1]; the others cost half.
        batch_size: images generated at once; always as many, so that compiled code sees one shape.
        precision: "float32" or "bfloat16", of the networks.
        encoding: of the stored images: "uint8" pixels or "jpeg" files.
        compile: whether torch.compile prepares the networks.
    """

    image_size: int
    size: int
    scheduler: str = "dpm++2m"
    steps: int = 25
    guidance: float = 7.5
    guided_part: float = 1.0
    batch_size: int = 16
    precision: Literal["float32", "bfloat16"] = "float32"
    encoding: Literal["uint8", "jpeg"] = "uint8"
    compile: bool = False

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            value = getattr(self, key)
            if value not in choices:
                near = difflib.get_close_matches(str(value), choices, n=1)
                hint = f"did you mean {near[0]}?" if near else f"choose {', '.join(choices)}"
                raise InputError(f"diffusion: {key} {value!r} is unknown; {hint}")
        for key in ("steps", "batch_size", "size"):
            if getattr(self, key) < 1:
                raise InputError(f"diffusion: {key} {getattr(self, key)} must be at least 1")
        if self.image_size < SMALLEST_MULTIPLE or self.image_size % SMALLEST_MULTIPLE:
            raise InputError(
                f"diffusion: image_size {self.image_size} must be a multiple of {SMALLEST_MULTIPLE} pixels"
            )
        if not 0 < self.guided_part <= 1:
            raise InputError(f"diffusion: guided_part {self.guided_part} must lie above 0 and at most at 1")

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Return the settings in a dict.

        Raises InputError for a key that is missing or unknown (with the nearest one) and for unusable values.
        """
        known = [field.name for field in fields(cls)]
        for key in given:
            if key not in known:
                near = difflib.get_close_matches(key, known, n=1, cutoff=0)[0]
                raise InputError(f"diffusion: '{key}' is not one of its settings; did you mean '{near}'?")
        for key in ("image_size", "size"):
            if key not in given:
                raise InputError(f"diffusion: {key} is missing: give the side of the pictures in pixels")
        return cls(**given)
