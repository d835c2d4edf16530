"""Pre-training: a distribution and an architecture become weights."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import build, require_image_size
from pretraining_robustness.networks.weights import class_names, save_weights
from pretraining_robustness.parts import stamp
from pretraining_robustness.pretrain.held_out import HeldOut, choose_held_out, open_validation
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.batches import frame_of, load_images
from pretraining_robustness.training.devices import seed_generator, training_device
from pretraining_robustness.training.loop import train, write_metrics
from pretraining_robustness.training.objectives import Objective, Supervised
from pretraining_robustness.training.recipes import Recipe, filled, read_recipe
from pretraining_robustness.training.state import TrainingState

logger = logging.getLogger(__name__)

SUPERVISED = {"name": "supervised"}


@dataclass(frozen=True)
class TrainingSet:
    """The inputs of an objective: `rows` of the store and their `labels` (int64 (n,)), the recipe, the device."""

    rows: np.ndarray
    labels: np.ndarray
    recipe: Recipe
    device: torch.device

    @property
    def classes(self) -> int:
        """One more than the highest label."""
        return int(self.labels.max()) + 1


# Builds the network and its objective; torch's generator is seeded just before.
Maker = Callable[[TrainingSet], tuple[nn.Module, Objective]]


def pretrain(*, architecture: Mapping[str, Any], objective: Mapping[str, Any] = SUPERVISED, **arguments: Any) -> None:
    """Train an architecture from random weights on the rows that `index` names, and write weights and metrics.

    Args:
        architecture: see `architectures.build`.
        objective: {name: supervised}, or {name: self_supervised} with the keys of `self_supervised.Settings`.
        arguments: those of `pretrain_with`.

    Raises:
        InputError: an unusable recipe, architecture, objective or index, or a loss that is not finite.
    """
    if objective["name"] not in ("supervised", "self_supervised"):
        raise InputError(f"objective: '{objective['name']}' is not one of supervised, self_supervised")
    settings = {key: value for key, value in objective.items() if key != "name"}

    def supervised(data: TrainingSet) -> tuple[nn.Module, Objective]:
        labels = torch.tensor(data.labels, dtype=torch.int64, device=data.device)
        return build(architecture, data.classes), Supervised(labels, data.recipe.label_smoothing)

    def self_supervised(data: TrainingSet) -> tuple[nn.Module, Objective]:
        from pretraining_robustness.pretrain.self_supervised import SelfSupervised, Settings

        model = build(architecture, 1)
        return model, SelfSupervised(model, len(data.rows), data.device, filled(Settings, settings, "objective"))

    if objective["name"] == "supervised" and settings:
        raise InputError(f"objective: supervised takes no '{next(iter(settings))}'")
    make = supervised if objective["name"] == "supervised" else self_supervised
    pretrain_with(make, architecture=architecture, objective=objective, **arguments)


def pretrain_with(
    make: Maker,
    *,
    images: str | Path,
    table: str | Path,
    index: str | Path,
    weights: str | Path,
    metrics: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    objective: Mapping[str, Any],
    seed: int,
    state: str | Path,
    code: str,
    threads: int = 1,
    inputs: Iterable[str | Path] = (),
    class_table: str | Path | None = None,
    held_out: float = 0.0,
    validation: Mapping[str, str | Path] | None = None,
    finish: Callable[[Objective, dict[str, Any]], None] = lambda objective, description: None,
) -> None:
    """Train what `make` builds on the rows that `index` names, and write weights and metrics.

    Args:
        make: builds the network and its objective.
        images, table: the source's store.
        index: Parquet with columns row (into the store) and label (contiguous from 0).
        weights: safetensors to write; its description holds architecture, distribution, seed, recipe with its digest,
            classes and their names or, for an objective without labels, the objective.
        metrics: CSV to write, one row per epoch (see `loop.train`); with `held_out` or `validation` also
            held_out_images and held_out_accuracy, of the network after the epoch, without augmentation.
        distribution: name, for the description.
        architecture: for the description; see `architectures.build`.
        recipe: see `recipes.read_recipe`.
        objective: for the description.
        seed: of the initialisation, the order of the data and the augmentation.
        state: folder of the resumable state; removed on success.
        code: digest of the training code; a state of other code is not resumed.
        threads: number of CPU threads.
        inputs: further files that the objective depends on.
        class_table: CSV of the names of the labels, for the description; see `weights.class_names`.
        held_out: share of the images that is not trained on and measures accuracy, 0 to 1, exclusive; for objectives
            with labels.
        validation: files of the images that measure accuracy instead, see `held_out.open_validation`.
        finish: writes the objective's own modules; it receives the description of the weights.

    Raises:
        InputError: an unusable recipe or index, or a loss that is not finite; and errors of `make`.
    """
    plan = read_recipe(recipe)
    device = training_device(threads)
    columns = pyarrow.parquet.read_table(index, columns=["row", "label"])
    rows, labels = (columns[name].to_numpy() for name in ("row", "label"))
    store = Store.open(images, table, threads, frame_of(plan))
    if len(rows) == 0 or rows.max() >= len(store):
        raise InputError(
            f"{index}: has no rows, or rows beyond the {len(store)} of {images}; "
            "remove it and run the same command again"
        )
    held = choose_held_out(rows, labels, held_out)
    if held_out and not held.any():
        raise InputError(
            f"{index}: a share of {held_out:g} of {len(rows)} images is none; raise runs.held_out, or leave it "
            "out where classes have one image each"
        )
    measured = HeldOut(load_images(store, rows[held], device), labels[held]) if held_out else None
    if validation is not None:
        measured = open_validation(validation, threads, plan, device)
    rows, labels = rows[~held], labels[~held]
    data = TrainingSet(rows, labels, plan, device)
    logger.info("%d images of %d classes on %s, %s", len(rows), data.classes, device, objective["name"])

    seed_generator(torch.device("cpu"), derived_seed(seed, "weights"))
    model, goal = make(data)
    require_image_size(model, plan.image_size)
    progress = TrainingState(
        state,
        stamp(
            [images, table, index, *inputs, *(validation or {}).values()],
            stage="pretrain",
            architecture=architecture,
            objective=objective,
            recipe=asdict(plan),
            seed=seed,
            code=code,
            **({"held_out": held_out} if held_out else {}),
        ),
    )
    ends = plan.epoch_ends(len(rows))

    def measure() -> dict[str, Any]:
        return {} if measured is None else measured.measure(model, plan, device)

    records = train(model, load_images(store, rows, device), goal, plan, seed, progress, ends, measure=measure)
    description = {
        "architecture": dict(architecture),
        "distribution": distribution,
        "recipe": plan.digest(),
        "trained": asdict(plan),
        "seed": seed,
        **({"classes": data.classes} if isinstance(goal, Supervised) else {"objective": dict(objective)}),
        **class_names(class_table),
    }
    write_metrics(metrics, records)
    save_weights(weights, model, description)
    finish(goal, description)
    progress.clear()
