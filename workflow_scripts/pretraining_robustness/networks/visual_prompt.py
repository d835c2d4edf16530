"""Visual prompts (Bahng et al. 2022, arXiv 2203.17274): a trained image that is added to every input image.

The prompt is a weight of the network, `prompt`, so checkpoints contain it.
"""

from typing import Any

from torch import Tensor, nn

PROMPT = "prompt"


def add_prompt(model: nn.Module, prompt: Tensor) -> nn.Parameter:
    """Let `model` add `prompt`, float32 (1, 3, size, size) on the scale of normalised images, to its input.

    Returns the new weight.
    """
    weight = nn.Parameter(prompt)
    model.register_parameter(PROMPT, weight)
    model.register_forward_pre_hook(_add)
    return weight


def _add(model: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
    return (inputs[0] + getattr(model, PROMPT),)
