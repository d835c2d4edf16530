"""Predictions of a network: the most likely class of each image, for several states of its weights in one pass."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import head_of, load_all
from pretraining_robustness.networks.visual_prompt import PROMPT, add_prompt
from pretraining_robustness.networks.weights import read_weights
from pretraining_robustness.networks.zero_shot_head import ZERO_SHOT, ZeroShotHead, match_zero_shot
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import ResidentImages, StreamedImages, consecutive_batches
from pretraining_robustness.training.recipes import Recipe

logger = logging.getLogger(__name__)

# Images per forward pass; it does not change predictions. The fastest for small networks on a CPU.
BATCH_SIZE = 256

State = dict[str, Tensor]
Answer = TypeVar("Answer")


def most_likely(scores: Tensor) -> Tensor:
    """Return the class of the highest score of each image, int16 (n,), from (n, classes)."""
    return scores.argmax(dim=1).to(torch.int16)


def predict_all(
    model: nn.Module,
    states: Sequence[State],
    images: ResidentImages | StreamedImages,
    count: int,
    recipe: Recipe,
    device: torch.device,
    allowed: Tensor | None = None,
    answer: Callable[[Tensor], Tensor] = most_likely,
    chosen: np.ndarray | None = None,
) -> list[np.ndarray]:
    """Return the most likely class of each of the `count` images by each of the model's states: int16 (count,) each.

    The images are read once for all states. `allowed`, bool (count, classes), restricts the classes. A batch that does
    not fit into a GPU's memory is halved, for all images. `answer` maps a batch's scores to predictions. `chosen`,
    int64 (n,), restricts the prediction to the images at these positions; the results are (n,) in its order.

    Raises InputError if the states and one image do not fit into the GPU's memory.
    """
    where = np.arange(count) if chosen is None else chosen

    arithmetic = recipe.evaluation.arithmetic
    reduced = arithmetic == "bfloat16" or (arithmetic == "auto" and device.type == "cuda")

    def forward(state: State, batch: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
            return functional_call(model, state, (batch,))

    network: Callable[[State, Tensor], Tensor] = torch.compile(forward, dynamic=False) if recipe.compile else forward
    preparation = Preparation(recipe, device)
    allowed = None if allowed is None else allowed.to(device)

    def predict(batch_size: int) -> list[np.ndarray]:
        answers: list[list[Tensor]] = [[] for _ in states]
        for positions, pixels in images.stream(where[part] for part in consecutive_batches(len(where), batch_size)):
            batch = preparation.for_evaluation(pixels)
            size = len(batch)
            if recipe.compile and size < batch_size:  # one shape, one compiled graph
                batch = torch.cat([batch, batch.new_zeros(batch_size - size, *batch.shape[1:])])
                batch = batch.contiguous(memory_format=torch.channels_last)
            for state, found in zip(states, answers, strict=True):
                scores = network(state, batch)[:size]
                if allowed is not None:
                    scores = scores.masked_fill(~allowed.index_select(0, positions), -torch.inf)
                found.append(answer(scores))
        return [torch.cat(found).cpu().numpy() for found in answers]

    holding = f"the {len(states)} checkpoints of a network"
    with torch.inference_mode(), _head_in_float32(model, device):
        return in_batches_that_fit(predict, BATCH_SIZE, holding, recipe.image_size)


@contextmanager
def _head_in_float32(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Compute a model's head in float32 whatever the precision of its body.

    Classes of nearly equal scores keep their order, which the 8 bits of bfloat16 would blur.
    """
    head = head_of(model)
    plain = head.forward

    def precise(input: Tensor) -> Tensor:
        with torch.autocast(device.type, enabled=False):
            return plain(input.float())

    head.forward = precise  # type: ignore[method-assign]
    try:
        yield
    finally:
        head.forward = plain  # type: ignore[method-assign]


def in_batches_that_fit(run: Callable[[int], Answer], batch_size: int, holding: str, image_size: int) -> Answer:
    """Return the result of `run` with `batch_size` images at once, halved until they fit into the GPU's memory.

    Raises InputError, which names what the GPU is `holding` and the image size in pixels, if not even one image fits.
    """
    while True:
        try:
            return run(batch_size)
        except torch.OutOfMemoryError as error:  # leaving this clause frees the batch's memory
            if batch_size == 1:
                raise InputError(
                    f"{holding} and one image of {image_size} pixels do not fit into the GPU's memory; take a larger "
                    "GPU, or set gpu: 0 under resources.evaluate"
                ) from error
        batch_size //= 2
        logger.warning("the batch does not fit into memory: continuing with %d images at once", batch_size)
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def load_checkpoints(model: nn.Module, paths: Iterable[str | Path], device: torch.device) -> dict[int, State]:
    """Return the states of a run's checkpoints by their epochs, on the device.

    `model`, of the checkpoints' architecture and classes, gets their form of head, and a visual prompt if one of them
    has one; it is 0 in the state of a checkpoint without.

    Raises InputError naming a checkpoint that is broken or of another architecture or task.
    """
    states = {}
    for path in paths:
        weights, description = read_weights(path)
        try:
            if description.get("head") == ZERO_SHOT and not isinstance(head_of(model), ZeroShotHead):
                match_zero_shot(model, weights)
            if PROMPT in weights and not hasattr(model, PROMPT):
                add_prompt(model, torch.zeros_like(weights[PROMPT], device=device))
            if hasattr(model, PROMPT):
                weights.setdefault(PROMPT, torch.zeros_like(getattr(model, PROMPT)))
            load_all(model, weights)
            epoch = int(description["epoch"])
        except (InputError, KeyError) as error:
            reason = str(error).splitlines()[-1].strip()
            raise InputError(
                f"{path}: not a checkpoint of this architecture and task ({reason}); "
                "remove it and run the same command again"
            ) from error
        states[epoch] = {name: _placed(tensor, device) for name, tensor in weights.items()}
    if hasattr(model, PROMPT):
        for state in states.values():
            state.setdefault(PROMPT, torch.zeros_like(getattr(model, PROMPT)))
    return states


def _placed(tensor: Tensor, device: torch.device) -> Tensor:
    layout = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
    return tensor.to(device, memory_format=layout)
