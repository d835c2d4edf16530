"""The interface of a fine-tuning method: trained modules, their modes, the objective, and the phases.

A method is a file of `methods/` with a class `Method` that derives from `FineTuning`. Its settings are the keys of the
method in the config, as the fields of the dataclass.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import head_of
from pretraining_robustness.training.batches import ResidentImages, StreamedImages
from pretraining_robustness.training.objectives import Objective, Supervised
from pretraining_robustness.training.recipes import Recipe, filled

METHODS = Path(__file__).parent / "methods"
PROBE = "head"  # name of the phase that trains only the head

Part = nn.Module | nn.Parameter


def everything(model: nn.Module) -> list[Part]:
    """Train the whole network."""
    return [model]


def the_head(model: nn.Module) -> list[Part]:
    """Train only the head."""
    return [head_of(model)]


@dataclass(frozen=True)
class Phase:
    """One training of a method.

    name: unique among the method's phases.
    recipe: its hyper-parameters.
    trained: the modules that are trained and in training mode, so that batch statistics are computed and averaged, and
        single parameters; everything else is in evaluation mode and does not change by a bit.
    """

    name: str
    recipe: Recipe
    trained: Callable[[nn.Module], list[Part]] = everything


@dataclass(frozen=True)
class Start:
    """The inputs of a phase.

    phase: the phase.
    model: the network after the previous phase.
    images: the stored images of the split `train`.
    seed: seed of the phase.
    """

    phase: Phase
    model: nn.Module
    images: ResidentImages | StreamedImages
    seed: int


@dataclass(frozen=True)
class FineTuning:
    """Fine-tuning of the whole network; methods override what differs."""

    def prepare(self, model: nn.Module, recipe: Recipe) -> None:
        """Change the network before it is trained; checkpoints hold its `plain_state`."""

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """Return the phases in their order; a checkpoint is kept after every epoch of the last one.

        `new_head`: whether the head is randomly initialised.
        """
        return [Phase("full", recipe)]

    def objective(self, supervised: Supervised, start: Start) -> Objective:
        """Return the loss of a phase, from cross-entropy with the task's labels and the inputs of the phase."""
        return supervised


def read_method(values: Mapping[str, Any]) -> FineTuning:
    """Return the method of a config entry: `kind`, the name of a file of `methods/`, and its settings.

    Raises InputError for an unknown kind or setting, with the nearest known one.
    """
    settings = {key: value for key, value in values.items() if key != "kind"}
    kind = str(values["kind"])
    known = known_methods()
    if kind not in known:
        nearest = difflib.get_close_matches(kind, known, n=1, cutoff=0)[0]
        raise InputError(f"methods: '{kind}' is not a kind of fine-tuning; did you mean '{nearest}'?")
    module = import_module(f"pretraining_robustness.finetune.methods.{kind}")
    return filled(module.Method, settings, f"methods.{kind}")


def known_methods() -> list[str]:
    """Return the kinds of fine-tuning."""
    return sorted(path.stem for path in METHODS.glob("[a-z]*.py"))


def plain_state(model: nn.Module) -> dict[str, Tensor]:
    """Return a network's state in its architecture's form: parametrisations are merged into their weights."""
    state = dict(model.state_dict())
    for path, module in model.named_modules():
        for name in module.parametrizations if parametrize.is_parametrized(module) else ():
            owner = f"{path}." if path else ""
            for key in [key for key in state if key.startswith(f"{owner}parametrizations.{name}.")]:
                del state[key]
            state[f"{owner}{name}"] = getattr(module, name).detach()
    return state


def named_parts(model: nn.Module, names: Iterable[str], key: str) -> list[Part]:
    """Return the modules and parameters of these dotted names.

    Raises InputError, beginning with the config's `key`, for one that the network does not have, with the nearest name.
    """
    parts: dict[str, Part] = dict(model.named_modules()) | dict(model.named_parameters())
    for name in names:
        if name not in parts or not name:
            nearest = difflib.get_close_matches(name, parts, n=1, cutoff=0)[0]
            raise InputError(f"{key}: {type(model).__name__} has no '{name}'; did you mean '{nearest}'?")
    return [parts[name] for name in names]


def probed_first(recipe: Recipe, epochs: int, learning_rate: float | None) -> list[Phase]:
    """Return full fine-tuning after `epochs` of linear probing."""
    return [Phase(PROBE, for_epochs(recipe, epochs, learning_rate), the_head), Phase("full", recipe)]


def with_known_head(recipe: Recipe, new_head: bool, epochs: int, learning_rate: float | None, key: str) -> list[Phase]:
    """Return full fine-tuning, for a new head after `epochs` of linear probing.

    Raises InputError, beginning with the config's `key`, for a new head without probing.
    """
    if not new_head:
        return [Phase("full", recipe)]
    if epochs < 1:
        raise InputError(
            f"{key}.probe_epochs: {epochs} does not fit a new head, which starts at chance; set it to 1 or more, or "
            "start from a distribution whose head knows the task's classes"
        )
    return probed_first(recipe, epochs, learning_rate)


def for_epochs(recipe: Recipe, epochs: int, learning_rate: float | None = None) -> Recipe:
    """Return a recipe with another length, and another learning rate if given."""
    return replace(recipe, epochs=epochs, passes=1, steps=None, learning_rate=learning_rate or recipe.learning_rate)
