"""Pre-training: a distribution and an architecture become weights."""

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow.parquet
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.stores.store_reading import Store
from pretraining_robustness.training.architectures import build, save_weights
from pretraining_robustness.training.batches import load_images
from pretraining_robustness.training.devices import derived_seed, seed_generator, training_device
from pretraining_robustness.training.loop import train, write_metrics
from pretraining_robustness.training.recipes import read_recipe
from pretraining_robustness.training.training_state import TrainingState, stamp

logger = logging.getLogger(__name__)


def pretrain(
    *,
    images: str | Path,
    table: str | Path,
    index: str | Path,
    weights: str | Path,
    metrics: str | Path,
    distribution: str,
    architecture: Mapping[str, Any],
    recipe: Mapping[str, Any],
    seed: int,
    state: str | Path,
    code: str,
    threads: int = 1,
) -> None:
    """Train an architecture from random weights on the rows that `index` names, and write weights and metrics.

    Args:
        images, table: the source's store.
        index: Parquet with columns row (into the store) and label (contiguous from 0).
        weights: safetensors to write; its description holds architecture, classes, distribution and recipe digest.
        metrics: CSV to write, one row an epoch (see `loop.train`).
        distribution: name, for the description.
        architecture: see `architectures.build`.
        recipe: see `recipes.read_recipe`.
        seed: of the initialisation, the order of the data and the augmentation.
        state: folder of the resumable state; removed on success.
        code: digest of the training code; a state of other code is not resumed.
        threads: of the processor.

    Raises:
        InputError: for an unusable recipe, architecture or index, and for a loss that is not finite.
    """
    plan = read_recipe(recipe)
    device = training_device(threads)
    columns = pyarrow.parquet.read_table(index, columns=["row", "label"])
    rows, labels = (columns[name].to_numpy() for name in ("row", "label"))
    store = Store.open(images, table, threads)
    if len(rows) == 0 or rows.max() >= len(store):
        raise InputError(f"{index}: names no row or rows beyond the {len(store)} of {images}; make it again")
    classes = int(labels.max()) + 1
    logger.info("%d images of %d classes on %s", len(rows), classes, device)

    seed_generator(torch.device("cpu"), derived_seed(seed, "weights"))
    model = build(architecture, classes)
    progress = TrainingState(
        state,
        stamp(
            [images, table, index],
            stage="pretrain",
            architecture=architecture,
            recipe=asdict(plan),
            seed=seed,
            code=code,
        ),
    )
    records = train(
        model,
        load_images(store, rows, device),
        torch.tensor(labels, dtype=torch.int64, device=device),
        plan,
        seed,
        progress,
        plan.epoch_ends(len(rows)),
    )
    description = {
        "architecture": dict(architecture),
        "classes": classes,
        "distribution": distribution,
        "recipe": plan.digest(),
        "seed": seed,
    }
    write_metrics(metrics, records)
    save_weights(weights, model, description)
    progress.clear()
