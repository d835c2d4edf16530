"""Prediction: the checkpoints of series become the most likely class of every image of every test set.

A job of several series reads and decodes each test set once for all networks that see its images at the same size.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.predictions import Checkpoint, read_predictions, same_images, write_predictions
from pretraining_robustness.finetune.merge_per_image import predict_merged
from pretraining_robustness.networks.architectures import build, head_of, require_image_size
from pretraining_robustness.networks.weights import read_description
from pretraining_robustness.parts import Part, files_of, stamp
from pretraining_robustness.store.frame import Frame
from pretraining_robustness.tasks.splits import class_numbers, task_classes
from pretraining_robustness.tasks.test_sets import TestSet, read_test_set
from pretraining_robustness.training.batches import frame_of, free_memory, open_images
from pretraining_robustness.training.devices import training_device
from pretraining_robustness.training.inference import (
    Allowed,
    Network,
    State,
    load_checkpoints,
    most_likely_and,
    predict_together,
)
from pretraining_robustness.training.kept_answers import KeptAnswers
from pretraining_robustness.training.recipes import Recipe, read_recipe

logger = logging.getLogger(__name__)

# Share of the free memory that the checkpoints of one pass over the images may take.
CHECKPOINTS_FRACTION = 0.5


def predict_parts(parts: Sequence[Mapping[str, Any]], code: str, threads: int = 1) -> None:
    """Predict several series, `asdict(Part)` each with the arguments of `predict`, in one job.

    An interrupted job goes on at the image where it stopped, unless inputs, settings or `code` changed since then.
    """
    each = [Part(**part) for part in parts]
    inputs = [path for part in each for path in files_of(part.inputs)]
    names = stamp(inputs, parts=[dict(part.settings) for part in each], code=code)
    kept = KeptAnswers(Path(each[0].state, "answers"), names)
    _predict([part.arguments() for part in each], threads, kept)
    kept.clear()


def predict(*, threads: int = 1, **series: Any) -> None:
    """Predict every image of every test set with every checkpoint of a series.

    Args:
        stores: images.npy and images.parquet of each store that a test set is taken from, by the store's name; the
            first is the task's own, whose classes are the networks' outputs.
        test_sets: {name, store, split, classes} each (see `tasks.test_sets.read_test_set`).
        networks: {name, seed, architecture, recipe} each: the runs of the series. Image size and normalisation of the
            recipe are used, and the arithmetic of its evaluation.
        checkpoints: safetensors of `finetune`, equally many for each network, in the order of `networks`; each knows
            its epoch.
        predictions: Parquet to write (see `predictions.write_predictions`).
        before: Parquet of predictions of these networks at epoch 0, which are taken from it where it has them.
        groups: of images, by which the last two checkpoints of each network are merged while they predict (see
            `finetune.merge_per_image`); without it every checkpoint predicts by itself.
        kept: what is written beside the classes (`predictions.KEPT`).
        threads: of the CPU.

    Raises:
        InputError: naming a checkpoint that is broken or of another architecture or task; for a test set without
            images or with a class mask that does not fit.
    """
    _predict([series], threads, KeptAnswers(None))


@dataclass
class Series:
    """A series as `predict` takes it, with its test sets and what is predicted so far."""

    stores: Mapping[str, tuple[str | Path, str | Path]]
    test_sets: Sequence[Mapping[str, Any]]
    networks: Sequence[Mapping[str, Any]]
    checkpoints: Sequence[str | Path]
    predictions: str | Path
    before: str | Path | None = None
    groups: int | None = None
    kept: Sequence[str] = ()
    classes: int = 0
    sets: dict[str, TestSet] = field(default_factory=dict)
    predicted: dict[Checkpoint, dict[str, np.ndarray]] = field(default_factory=dict)

    def read(self, known: dict[str, TestSet]) -> None:
        """Read the test sets, those that another series has read from `known`, and the predictions before."""
        task, (_, table) = next(iter(self.stores.items()))
        self.classes = task_classes(table)
        if self.classes > np.iinfo(np.int16).max:
            raise InputError(
                f"{table}: {self.classes} classes are more than predictions can hold ({np.iinfo(np.int16).max})"
            )
        numbers = class_numbers(table)
        for spec in self.test_sets:
            told = {**spec, "own": spec["store"] == task}
            place = self.stores[spec["store"]][1]
            same = json.dumps([told, str(place), numbers])
            if same not in known:
                known[same] = read_test_set(told, place, numbers)
            self.sets[spec["name"]] = known[same]
        if self.before is not None:
            whose = {(network["name"], network["seed"]) for network in self.networks}
            same_sets = same_images(self.before, self.sets.values())
            before = [read_predictions(self.before, same_sets, name) for name in (None, *self.kept)]
            for checkpoint in before[0]:
                if (checkpoint.architecture, checkpoint.seed) in whose:
                    self.predicted[checkpoint] = {
                        one.name: np.stack([found[checkpoint][one.name].view(np.int16) for found in before], axis=1)
                        for one in same_sets
                    }

    def asked(self) -> "Iterator[Asked]":
        """Yield what is to be predicted: of each store by each network."""
        each = len(self.checkpoints) // len(self.networks)
        for store, (images, table) in self.stores.items():
            names = [spec["name"] for spec in self.test_sets if spec["store"] == store]
            if not names:
                continue
            for number, network in enumerate(self.networks):
                paths = list(self.checkpoints[number * each : (number + 1) * each])
                alone, merged = (paths, []) if self.groups is None else (paths[:-2], paths[-2:])
                if set(names) <= set(self.predicted.get(Checkpoint(network["name"], network["seed"], 0), {})):
                    alone = [path for path in alone if read_description(path)["epoch"] > 0]
                if alone or merged:
                    recipe = read_recipe(network["recipe"], read_description(paths[0]))
                    yield Asked(self, network, recipe, Path(images), table, names, alone, merged)

    def take(self, network: Mapping[str, Any], names: Sequence[str], epoch: int, answer: np.ndarray) -> None:
        """Take the answers of a checkpoint to consecutive test sets."""
        checkpoint = Checkpoint(network["name"], network["seed"], epoch)
        ends = np.cumsum([len(self.sets[name].rows) for name in names])[:-1]
        for name, part in zip(names, np.split(answer, ends), strict=True):
            if (counts_as := self.sets[name].counts_as) is not None:
                part[:, 0] = counts_as[part[:, 0]]
            self.predicted.setdefault(checkpoint, {}).setdefault(name, part)


@dataclass(frozen=True)
class Asked:
    """A network of a series and the test sets, of one store, that it is to predict.

    `alone` are checkpoints that predict by themselves; the two of `merged` are merged while they predict.
    """

    series: Series
    network: Mapping[str, Any]
    recipe: Recipe
    images: Path
    table: str | Path
    names: Sequence[str]
    alone: Sequence[str | Path]
    merged: Sequence[str | Path]

    def rows(self) -> np.ndarray:
        """Return the rows of the store that are predicted, int64 (n,)."""
        return np.concatenate([self.series.sets[name].rows for name in self.names])

    def passes(self) -> tuple[Path, Frame, str]:
        """Return what those share that are predicted in one pass: images, how they are read, and which of them."""
        return self.images, frame_of(self.recipe), hashlib.sha256(self.rows().tobytes()).hexdigest()

    def allowed(self) -> Allowed | None:
        """Return which classes each image may be; None if all are."""
        answers = [self.series.sets[name].answers for name in self.names]
        if all(one is None for one in answers):
            return None
        masks = np.zeros((len(answers), self.series.classes), dtype=bool)
        for mask, one in zip(masks, answers, strict=True):
            mask[slice(None) if one is None else one] = True
        sizes = [len(self.series.sets[name].rows) for name in self.names]
        return Allowed(torch.from_numpy(masks), torch.from_numpy(np.repeat(np.arange(len(masks)), sizes)))


def _predict(parts: Sequence[Mapping[str, Any]], threads: int, kept: KeptAnswers) -> None:
    """Predict the series, and write them when all are predicted."""
    device = training_device(threads)
    each = [Series(**part) for part in parts]
    known: dict[str, TestSet] = {}
    passes: dict[tuple[Path, Frame, str], list[Asked]] = {}
    for series in each:
        series.read(known)
        for asked in series.asked():
            passes.setdefault(asked.passes(), []).append(asked)
    for number, (of, together) in enumerate(passes.items(), start=1):
        first = together[0]
        pixels = open_images(first.images, first.table, first.rows(), first.recipe, device, threads)
        logger.info("pass %d of %d: %d networks on %s", number, len(passes), len(together), first.images)
        for group in _that_fit(together, free_memory(device) * CHECKPOINTS_FRACTION):
            _predict_group(group, pixels, device, kept.of(*map(str, of)))
    for series in each:
        write_predictions(series.predictions, list(series.sets.values()), series.predicted, series.kept)


def _that_fit(together: Sequence[Asked], most: float) -> Iterator[list[Asked]]:
    """Yield networks in groups whose checkpoints take at most `most` bytes, or one network."""
    group: list[Asked] = []
    held = 0
    for asked in together:
        size = sum(Path(path).stat().st_size for path in [*asked.alone, *asked.merged])
        if group and held + size > most:
            yield group
            group, held = [], 0
        group.append(asked)
        held += size
    yield group


def _predict_group(group: Sequence[Asked], pixels: Any, device: torch.device, kept: KeptAnswers) -> None:
    """Predict with networks that see the same images, all of them in one pass."""
    models: dict[str, nn.Module] = {}
    answering = partial(most_likely_and, beside=group[0].series.kept)  # one study keeps the same of all
    loaded: list[tuple[Asked, Network, dict[int, State]]] = []
    for asked in group:
        model = build(asked.network["architecture"], asked.series.classes).eval()
        states = load_checkpoints(model, asked.alone, device)
        merged = [load_checkpoints(model, [path], device).popitem() for path in asked.merged]
        require_image_size(model, asked.recipe.image_size)
        # Networks of one form share their modules, so that memory holds their weights once and the compiler meets one.
        form = [(name, list(tensor.shape)) for name, tensor in model.state_dict().items()]
        same = json.dumps([asked.network["architecture"], type(head_of(model)).__name__, form], sort_keys=True)
        model = models.setdefault(same, model.to(device) if same not in models else model)
        loaded.append((asked, Network(model, list(states.values()), asked.recipe, asked.allowed()), states))
        if asked.series.groups is not None:
            (_, first), (epoch, second) = merged
            sizes = [len(asked.series.sets[name].rows) for name in asked.names]
            whose = kept.of(str(asked.series.predictions), *map(str, asked.merged))
            answer = predict_merged(
                loaded[-1][1], first, second, pixels, sizes, asked.series.groups, device, whose, answering
            )
            asked.series.take(asked.network, asked.names, epoch, answer)
    alone = [one for one in loaded if one[2]]
    if alone:
        paths = [str(path) for asked, _, _ in alone for path in asked.alone]
        where = np.arange(len(group[0].rows()))
        found = predict_together(
            [network for _, network, _ in alone], pixels, where, device, answering, kept.of(*paths)
        )
        for (asked, _, states), answers in zip(alone, found, strict=True):
            for epoch, answer in zip(states, answers, strict=True):
                asked.series.take(asked.network, asked.names, epoch, answer)
    for asked in group:
        name, seed, count = asked.network["name"], asked.network["seed"], len([*asked.alone, *asked.merged])
        logger.info("%s, seed %d: %d checkpoints", name, seed, count)
