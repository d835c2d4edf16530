"""What a method of fine-tuning says: what is trained, in which mode modules are, the objective, and the phases.

A method is a file of `methods/` with a class `Method` that derives from `FineTuning`. Its settings are the keys of the
method in the config, as the fields of the dataclass.
"""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import head_of
from pretraining_robustness.training.objectives import Objective, Supervised
from pretraining_robustness.training.recipes import Recipe, filled

METHODS = Path(__file__).parent / "methods"


def everything(model: nn.Module) -> list[nn.Module]:
    """Train the whole network."""
    return [model]


def the_head(model: nn.Module) -> list[nn.Module]:
    """Train the head alone."""
    return [head_of(model)]


@dataclass(frozen=True)
class Phase:
    """One training of a method.

    name: distinguishes it from the method's other phases.
    recipe: how it trains.
    trained: the modules whose parameters are trained and that are in training mode, so that batch statistics are
        computed and averaged; all other modules are in evaluation mode and keep every bit.
    """

    name: str
    recipe: Recipe
    trained: Callable[[nn.Module], list[nn.Module]] = everything


@dataclass(frozen=True)
class FineTuning:
    """Fine-tuning of the whole network; methods change what they need to."""

    def prepare(self, model: nn.Module) -> None:
        """Change the network before it is trained."""

    def phases(self, recipe: Recipe) -> list[Phase]:
        """Return the trainings in their order; a checkpoint is kept after every epoch of the last one."""
        return [Phase("full", recipe)]

    def objective(self, supervised: Supervised, model: nn.Module) -> Objective:
        """Return what is minimised, from cross-entropy with the task's labels and the network as it starts."""
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


def for_epochs(recipe: Recipe, epochs: int, learning_rate: float | None = None) -> Recipe:
    """Return a recipe of another length, and of another learning rate where one is given."""
    return replace(recipe, epochs=epochs, steps=None, learning_rate=learning_rate or recipe.learning_rate)
