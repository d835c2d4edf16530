"""Predictions of a network: the most likely class of each image, for several states of its weights in one pass."""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

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
from pretraining_robustness.training.kept_answers import KeptAnswers
from pretraining_robustness.training.recipes import Recipe

logger = logging.getLogger(__name__)

# Images per forward pass; it does not change predictions. The fastest for small networks on a CPU.
BATCH_SIZE = 256

State = dict[str, Tensor]
Answer = TypeVar("Answer")


def most_likely(scores: Tensor) -> Tensor:
    """Return the class of the highest score of each image, int16 (n,), from (n, classes)."""
    return scores.argmax(dim=1).to(torch.int16)


def most_likely_and(scores: Tensor, beside: Sequence[str]) -> Tensor:
    """Return the class of the highest score of each image and what is kept beside it, int16 (n, 1 + k).

    The bits of the k further columns are those of float16 numbers: `confidence`, the probability of that class (0..1);
    `margin`, how far its logit is above the next one.
    """
    scores = scores.float()
    best = scores.topk(min(2, scores.shape[1]), dim=1).values
    numbers = {"confidence": torch.exp(best[:, 0] - scores.logsumexp(dim=1)), "margin": best[:, 0] - best[:, -1]}
    return torch.stack([most_likely(scores), *(numbers[name].half().view(torch.int16) for name in beside)], dim=1)


@dataclass(frozen=True)
class Allowed:
    """Which classes images may be: `masks`, bool (k, classes), and whose is each image's, `which`, int64 (images,)."""

    masks: Tensor
    which: Tensor

    def to(self, device: torch.device) -> "Allowed":
        """Return it on a device."""
        return Allowed(self.masks.to(device), self.which.to(device))

    def restrict(self, scores: Tensor, positions: Tensor) -> Tensor:
        """Return scores (n, classes) of the images at positions, minus infinity where a class is not allowed."""
        mask = self.masks.index_select(0, self.which.index_select(0, positions))
        return scores.masked_fill(~mask, -torch.inf)


@dataclass(frozen=True)
class Network:
    """A network with the states of its weights that predict, on the device, and the classes that images may be."""

    model: nn.Module
    states: Sequence[State]
    recipe: Recipe
    allowed: Allowed | None = None

    def forward(self, device: torch.device) -> Callable[[State, Tensor], Tensor]:
        """Return its function of a state and a batch, compiled where the recipe says so."""
        arithmetic = self.recipe.evaluation.arithmetic
        reduced = arithmetic == "bfloat16" or (arithmetic == "auto" and device.type == "cuda")

        def forward(state: State, batch: Tensor) -> Tensor:
            with torch.autocast(device.type, torch.bfloat16, enabled=reduced):
                return functional_call(self.model, state, (batch,))

        return torch.compile(forward, dynamic=False) if self.recipe.compile else forward


def predict_all(
    model: nn.Module,
    states: Sequence[State],
    images: ResidentImages | StreamedImages,
    count: int,
    recipe: Recipe,
    device: torch.device,
    allowed: Allowed | None = None,
    answer: Callable[[Tensor], Tensor] = most_likely,
    chosen: np.ndarray | None = None,
    kept: KeptAnswers | None = None,
) -> list[np.ndarray]:
    """Return the most likely class of each of the `count` images by each of a model's states: int16 (count,) each.

    See `predict_together`. `chosen`, int64 (n,), restricts the prediction to the images at these positions; the results
    are (n,) in its order.
    """
    where = np.arange(count) if chosen is None else chosen
    (found,) = predict_together([Network(model, states, recipe, allowed)], images, where, device, answer, kept)
    return found


def predict_together(
    networks: Sequence[Network],
    images: ResidentImages | StreamedImages,
    where: np.ndarray,
    device: torch.device,
    answer: Callable[[Tensor], Tensor] = most_likely,
    kept: KeptAnswers | None = None,
) -> list[list[np.ndarray]]:
    """Return the most likely class of the images at positions `where`, int64 (n,), by each state of each network.

    Images are read and decoded once for all networks, whose recipes must frame them alike. A batch that does not fit
    into a GPU's memory is halved, for all images. `answer` maps a batch's scores to predictions. What an interrupted
    job left in `kept` is not predicted again.

    Raises InputError if the states and one image do not fit into the GPU's memory.
    """
    states = [(place, state) for place, network in enumerate(networks) for state in network.states]
    forward = [network.forward(device) for network in networks]
    preparations = [Preparation(network.recipe, device) for network in networks]
    allowed = [network.allowed and network.allowed.to(device) for network in networks]
    kept = kept or KeptAnswers(None)

    def predict(batch_size: int) -> np.ndarray:
        chunks = kept.load(len(where))  # (states, m, ...) each
        first = start = sum(chunk.shape[1] for chunk in chunks)
        answers: list[list[Tensor]] = [[] for _ in states]

        def gathered() -> np.ndarray:
            return torch.stack([torch.cat(found) for found in answers]).cpu().numpy()

        batches = consecutive_batches(len(where) - start, batch_size)
        for positions, pixels in images.stream(where[start + part] for part in batches if len(part)):
            prepared: dict[int, Tensor] = {}
            size = len(pixels)
            for (place, state), found in zip(states, answers, strict=True):
                if place not in prepared:
                    padded = batch_size if networks[place].recipe.compile else size
                    prepared = {place: _padded(preparations[place].for_evaluation(pixels), padded)}
                scores = forward[place](state, prepared[place])[:size]
                mask = allowed[place]
                found.append(answer(scores if mask is None else mask.restrict(scores, positions)))
            done = first + sum(map(len, answers[0]))
            if kept.due() and done % BATCH_SIZE == 0:
                chunks.append(kept.add(first, gathered()))
                first, answers = done, [[] for _ in states]
        if answers[0]:
            chunks.append(kept.add(first, gathered()))
        return np.concatenate(chunks, axis=1)

    holding = f"{len(states)} checkpoints"
    with torch.inference_mode(), ExitStack() as precise:
        for model in dict.fromkeys(network.model for network in networks):
            precise.enter_context(_head_in_float32(model, device))
        found = iter(in_batches_that_fit(predict, BATCH_SIZE, holding, networks[0].recipe.image_size))
        return [[next(found) for _ in network.states] for network in networks]


def _padded(batch: Tensor, size: int) -> Tensor:
    """Return a batch with images of 0 up to `size`: one shape, one compiled graph."""
    if len(batch) == size:
        return batch
    padded = torch.cat([batch, batch.new_zeros(size - len(batch), *batch.shape[1:])])
    return padded.contiguous(memory_format=torch.channels_last)


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
            fit_to(model, weights, description)
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
            state.setdefault(PROMPT, torch.zeros_like(getattr(model, PROMPT), device=device))
    return states


def fit_to(model: nn.Module, weights: State, description: Mapping[str, Any]) -> None:
    """Load a checkpoint into a network of its architecture and classes, which gets its form of head and its prompt.

    Raises InputError if the weights do not fit.
    """
    if description.get("head") == ZERO_SHOT and not isinstance(head_of(model), ZeroShotHead):
        match_zero_shot(model, weights)
    if PROMPT in weights and not hasattr(model, PROMPT):
        add_prompt(model, torch.zeros_like(weights[PROMPT], device=next(model.parameters()).device))
    if hasattr(model, PROMPT):
        weights.setdefault(PROMPT, torch.zeros_like(getattr(model, PROMPT), device="cpu"))
    load_all(model, weights)


def _placed(tensor: Tensor, device: torch.device) -> Tensor:
    layout = torch.channels_last if tensor.ndim == 4 else torch.preserve_format
    return tensor.to(device, memory_format=layout)
