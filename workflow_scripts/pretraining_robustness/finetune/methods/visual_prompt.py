"""Visual prompting (Bahng et al. 2022, arXiv 2203.17274): a border that is added to images is trained, nothing else.

As ImageNet-RIB's code has it (FieteLab/ImageNet-RIB, lib/prompter.py): the border covers normalised images, whose
middle stays as it is, and begins as standard normal noise. Its width is 30 of 224 pixels there. A prompt of zeros
changes nothing.
"""

from dataclasses import dataclass

import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import FineTuning, Part, Phase, the_head
from pretraining_robustness.networks.visual_prompt import PROMPT, add_prompt
from pretraining_robustness.training.recipes import Recipe


@dataclass(frozen=True)
class Method(FineTuning):
    """Visual prompting. Setting: the border's width in pixels. A new head is trained, too."""

    border: int = 30

    def prepare(self, model: nn.Module, recipe: Recipe) -> None:
        """See `FineTuning.prepare`; raises InputError for a border that leaves nothing of an image."""
        size = recipe.image_size
        if not 0 < self.border < size / 2:
            raise InputError(
                f"methods.visual_prompt.border: {self.border} pixels do not fit images of {size} x {size}; take 1 to "
                f"{(size - 1) // 2}"
            )
        mask = torch.ones(1, 3, size, size)
        mask[:, :, self.border : -self.border, self.border : -self.border] = 0
        prompt = add_prompt(model, torch.randn(1, 3, size, size) * mask)
        prompt.register_hook(lambda gradient: gradient * mask.to(gradient.device))

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`."""

        def trained(model: nn.Module) -> list[Part]:
            return [model.get_parameter(PROMPT), *(the_head(model) if new_head else [])]

        return [Phase(PROMPT, recipe, trained)]
