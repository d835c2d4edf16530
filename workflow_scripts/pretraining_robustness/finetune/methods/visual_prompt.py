"""Visual prompting (Bahng et al. 2022, arXiv 2203.17274): only a border that is added to images is trained.

As in ImageNet-RIB's code (FieteLab/ImageNet-RIB, lib/prompter.py), the border is added to normalised images, leaves
their middle unchanged, and starts as standard normal noise. Its width is 30 of 224 pixels there. A prompt of zeros
changes nothing.
"""

from dataclasses import dataclass

import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import FineTuning, Part, Phase, the_head
from pretraining_robustness.networks.visual_prompt import PROMPT, add_prompt
from pretraining_robustness.training.recipes import Recipe

PIXELS = 224  # the image size to which the width refers


@dataclass(frozen=True)
class Method(FineTuning):
    """Visual prompting; a new head is also trained.

    border: its width in pixels for images of 224 x 224; it scales with other sizes.
    """

    border: int = 30

    def prepare(self, model: nn.Module, recipe: Recipe) -> None:
        """See `FineTuning.prepare`; raises InputError for a border that covers the whole image."""
        size = recipe.image_size
        width = round(self.border * size / PIXELS)
        if not 0 < width < size / 2:
            raise InputError(
                f"methods.visual_prompt.border: {self.border} of {PIXELS} pixels is {width} of the {size} that images "
                f"have; take less than half of {PIXELS}, and enough for one pixel"
            )
        mask = torch.ones(1, 3, size, size)
        mask[:, :, width:-width, width:-width] = 0
        prompt = add_prompt(model, torch.randn(1, 3, size, size) * mask)
        on_device: dict[torch.device, torch.Tensor] = {}  # copied once, not at every step

        def keep_border(gradient: torch.Tensor) -> torch.Tensor:
            if gradient.device not in on_device:
                on_device[gradient.device] = mask.to(gradient.device)
            return gradient * on_device[gradient.device]

        prompt.register_hook(keep_border)

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`."""

        def trained(model: nn.Module) -> list[Part]:
            return [model.get_parameter(PROMPT), *(the_head(model) if new_head else [])]

        return [Phase(PROMPT, recipe, trained)]
