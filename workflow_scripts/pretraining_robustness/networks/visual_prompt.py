"""Visual prompts (Bahng et al. 2022, arXiv 2203.17274): a picture that is added to every image before the network.

The prompt is a weight of the network, `prompt`, among the others in its state, and checkpoints hold it.
"""

from typing import Any

from torch import Tensor, nn

PROMPT = "prompt"


def add_prompt(model: nn.Module, prompt: Tensor) -> nn.Parameter:
    """Let `model` add `prompt`, float32 (1, 3, size, size) on the scale of normalised images, to all that it is given.

    Returns the weight that it then has.
    """
    weight = nn.Parameter(prompt)
    model.register_parameter(PROMPT, weight)
    model.register_forward_pre_hook(_add)
    return weight


def _add(model: nn.Module, inputs: tuple[Any, ...]) -> tuple[Tensor]:
    return (inputs[0] + getattr(model, PROMPT),)
