"""The training loop: one network, one recipe, one device, resumable at every epoch."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows
from pretraining_robustness.progress import Progress
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import Renderings, ResidentImages, StreamedImages, training_batch
from pretraining_robustness.training.devices import memory_named, seed_generator
from pretraining_robustness.training.objectives import Network, Objective
from pretraining_robustness.training.recipes import Recipe
from pretraining_robustness.training.state import SAVE_EVERY_SECONDS, TrainingState

logger = logging.getLogger(__name__)


def make_optimizer(
    trained: Iterable[nn.Parameter], recipe: Recipe, objective: nn.Module | None = None
) -> torch.optim.Optimizer:
    """Return the recipe's optimiser in torch's fused form, for these weights and those of the objective.

    Of the objective's own parameters, vectors and numbers (biases, gains, CLIP's logit scale) do not decay, as in
    open_clip (open_clip_train/main.py).
    """
    parameters: list[Any] = list(trained)
    beside = [] if objective is None else list(objective.parameters())
    if beside:
        vectors = {"params": [one for one in beside if one.ndim < 2], "weight_decay": 0.0}
        parameters = [{"params": parameters}, {"params": [one for one in beside if one.ndim >= 2]}, vectors]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(parameters, rate, momentum=recipe.momentum, weight_decay=decay, fused=True)
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, rate, weight_decay=decay, fused=True)


def train(
    model: nn.Module,
    images: ResidentImages | StreamedImages,
    objective: Objective,
    recipe: Recipe,
    seed: int,
    state: TrainingState,
    ends: list[int],
    after_epoch: Callable[[int], None] = lambda epoch: None,
    trained: Sequence[nn.Module | nn.Parameter] | None = None,
    measure: Callable[[], dict[str, Any]] = dict,
    renderings: Renderings | None = None,
) -> list[dict[str, Any]]:
    """Train `model` and the modules of `objective` in place on `images`, and return one record per epoch.

    `trained` are the modules (default: the whole model) that are trained and in training mode, and single parameters;
    everything else is in evaluation mode and does not change.

    With `renderings` an epoch shows one rendering of each original, else every image.

    Every random number is a function of (seed, step), so the state after an epoch is weights, optimiser and records. It
    is saved after `after_epoch(epoch)`, at most every `SAVE_EVERY_SECONDS` and at the end; a training that finds a
    saved state resumes from it and repeats the later epochs.

    A record holds epoch, images, loss, accuracy (both means over the augmented training images; the objective defines
    "correct"), learning_rate (of the last step), images_per_second, peak_gpu_memory_mb (0 without a GPU) and seconds,
    and what `measure()` returns after the epoch, which must leave the model in the mode in which it was.

    Raises InputError if the loss is not finite, or a batch does not fit into the GPU's memory.
    """
    model.to(objective.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    objective.to(objective.device).train()
    with _only(model, [model] if trained is None else trained) as parameters:
        optimizer = make_optimizer(parameters, recipe, objective)
        records: list[dict[str, Any]] = []
        saved = state.load(torch.device("cpu"))
        if saved is not None:
            model.load_state_dict(saved["model"])
            objective.load_state_dict(saved["objective"])
            optimizer.load_state_dict(saved["optimizer"])
            records = saved["records"]
            logger.info("resuming after epoch %d of %d", len(records), len(ends))
            del saved
        network = torch.compile(model) if recipe.compile else model
        preparation = Preparation(recipe, objective.device)
        saved_at = time.monotonic()
        for epoch in range(len(records) + 1, len(ends) + 1):
            first = ends[epoch - 2] if epoch > 1 else 0
            with memory_named(recipe.batch_size, recipe.image_size):
                measured = _run(
                    *(network, images, objective, preparation, recipe, seed, optimizer),
                    *(range(first, ends[epoch - 1]), ends[-1], renderings),
                )
            record = {"epoch": epoch, **measured, **measure()}
            logger.info(
                "%s %d of %d: loss %.4f, accuracy %.4f, %.0f images/s",
                "epoch" if recipe.steps is None else "part",  # of a training in steps, not a pass over the images
                epoch,
                len(ends),
                record["loss"],
                record["accuracy"],
                record["images_per_second"],
            )
            records.append(record)
            after_epoch(epoch)
            if epoch < len(ends) and time.monotonic() - saved_at < SAVE_EVERY_SECONDS:
                continue
            state.save(
                {
                    "model": model.state_dict(),
                    "objective": objective.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "records": records,
                }
            )
            saved_at = time.monotonic()
    return records


@contextmanager
def _only(model: nn.Module, trained: Sequence[nn.Module | nn.Parameter]) -> Iterator[list[nn.Parameter]]:
    """Set a model's modules to training or evaluation mode and return the trained parameters, in its order."""
    model.eval()
    modules = [part for part in trained if isinstance(part, nn.Module)]
    for module in modules:
        module.train()
    single = [part for part in trained if isinstance(part, nn.Parameter)]
    inside = set(map(id, [*single, *(parameter for module in modules for parameter in module.parameters())]))
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    frozen = [parameter for parameter in learning if id(parameter) not in inside]
    try:
        for parameter in frozen:
            parameter.requires_grad_(False)
        yield [parameter for parameter in learning if id(parameter) in inside]
    finally:
        for parameter in frozen:
            parameter.requires_grad_(True)


def write_metrics(path: str | Path, records: list[dict[str, Any]]) -> None:
    """Write the records of `train` as CSV, one row per epoch."""
    write_rows(path, records)


def _run(
    network: Network,
    images: ResidentImages | StreamedImages,
    objective: Objective,
    preparation: Preparation,
    recipe: Recipe,
    seed: int,
    optimizer: torch.optim.Optimizer,
    steps: range,
    total_steps: int,
    renderings: Renderings | None,
) -> dict[str, Any]:
    """Train for `steps` and return the record. Sums stay on the device until the end: no step waits for the host."""
    device = objective.device
    on_card = device.type == "cuda"
    loss_sum = torch.zeros((), device=device)
    correct = torch.zeros((), dtype=torch.int64, device=device)
    seen = 0
    if on_card:
        torch.cuda.reset_peak_memory_stats(device)
    progress = Progress("steps", total_steps, steps.start)
    started = time.perf_counter()
    chosen = partial(training_batch, objective.images) if renderings is None else renderings.batch
    batches = (chosen(recipe.batch_size, seed, step) for step in steps)

    def gradients(step: int, positions: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
        seed_generator(device, derived_seed(seed, "step", step))
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bfloat16"):
            loss, right = objective(network, preparation, pixels, positions)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        return loss, right

    for step, (positions, pixels) in zip(steps, images.stream(batches), strict=True):
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(step, total_steps)
        computed = None
        try:
            computed = gradients(step, positions, pixels)
        except torch.OutOfMemoryError:  # later than in the first batch, which was measured: memory in pieces
            if not images.let_go():
                raise
        # The error held the batch's memory. Running statistics may see the batch twice.
        loss, right = gradients(step, positions, pixels) if computed is None else computed
        optimizer.step()
        loss_sum += loss.detach() * len(positions)
        correct += right
        seen += len(positions)
        if progress.due():
            so_far = loss_sum.item() / seen  # waits for the device, therefore before the clock is read
            rate = seen / (time.perf_counter() - started)
            progress.report(step + 1, f"loss {so_far:.4f} in this epoch so far, {rate:,.0f} images/s")
    mean_loss = loss_sum.item() / seen
    seconds = time.perf_counter() - started
    if not torch.isfinite(loss_sum):
        raise InputError(
            f"recipe: the loss became {mean_loss} before step {steps.stop} of {total_steps}; lower learning_rate "
            "or lengthen warmup_fraction"
        )
    return {
        "images": seen,
        "loss": mean_loss,
        "accuracy": correct.item() / seen,
        "learning_rate": recipe.learning_rate_at(steps[-1], total_steps),
        "images_per_second": seen / seconds,
        "peak_gpu_memory_mb": torch.cuda.max_memory_allocated(device) / 2**20 if on_card else 0.0,
        "seconds": seconds,
    }
