"""What a method of fine-tuning says: what is trained, in which mode modules are, the objective, and the phases.

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
PROBE = "head"  # name of the phase that trains the head alone

Part = nn.Module | nn.Parameter


def everything(model: nn.Module) -> list[Part]:
    """Train the whole network."""
    return [model]


def the_head(model: nn.Module) -> list[Part]:
    """Train the head alone."""
    return [head_of(model)]


@dataclass(frozen=True)
class Phase:
    """One training of a method.

    name: distinguishes it from the method's other phases.
    recipe: how it trains.
    trained: the modules whose parameters are trained and that are in training mode, so that batch statistics are
        computed and averaged, and single parameters beside them; all the rest is in evaluation mode and keeps every
        bit.
    """

    name: str
    recipe: Recipe
    trained: Callable[[nn.Module], list[Part]] = everything


@dataclass(frozen=True)
class Start:
    """What a phase starts with.

    phase: the phase.
    model: the network, as the phase before left it.
    images: those of the split `train`, as they are stored.
    seed: of the phase.
    """

    phase: Phase
    model: nn.Module
    images: ResidentImages | StreamedImages
    seed: int


@dataclass(frozen=True)
class FineTuning:
    """Fine-tuning of the whole network; methods change what they need to."""

    def prepare(self, model: nn.Module, recipe: Recipe) -> None:
        """Change the network before it is trained; checkpoints hold its `plain_state`."""

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """Return the trainings in their order; a checkpoint is kept after every epoch of the last one.

        `new_head`: whether the head is as random as it was made, so that its scores say nothing yet.
        """
        return [Phase("full", recipe)]

    def objective(self, supervised: Supervised, start: Start) -> Objective:
        """Return what a phase minimises, from cross-entropy with the task's labels and what the phase starts with."""
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
    """Return a network's state as its architecture has it: what parametrises a weight is merged into it."""
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

    Raises InputError, beginning with the config's `key`, for one that the network does not have, with the nearest.
    """
    parts: dict[str, Part] = dict(model.named_modules()) | dict(model.named_parameters())
    for name in names:
        if name not in parts or not name:
            nearest = difflib.get_close_matches(name, parts, n=1, cutoff=0)[0]
            raise InputError(f"{key}: {type(model).__name__} has no '{name}'; did you mean '{nearest}'?")
    return [parts[name] for name in names]


def probed_first(recipe: Recipe, epochs: int, learning_rate: float | None) -> list[Phase]:
    """Return full fine-tuning after so many epochs of linear probing."""
    return [Phase(PROBE, for_epochs(recipe, epochs, learning_rate), the_head), Phase("full", recipe)]


def with_known_head(recipe: Recipe, new_head: bool, epochs: int, learning_rate: float | None, key: str) -> list[Phase]:
    """Return full fine-tuning, of a new head after so many epochs of linear probing.

    Raises InputError, beginning with the config's `key`, for a new head without any.
    """
    if not new_head:
        return [Phase("full", recipe)]
    if epochs < 1:
        raise InputError(
            f"{key}.probe_epochs: {epochs} will not do for a new head, whose scores are chance; probe first, or start "
            "from a distribution whose head knows the task's classes"
        )
    return probed_first(recipe, epochs, learning_rate)


def for_epochs(recipe: Recipe, epochs: int, learning_rate: float | None = None) -> Recipe:
    """Return a recipe of another length, and of another learning rate where one is given."""
    return replace(recipe, epochs=epochs, steps=None, learning_rate=learning_rate or recipe.learning_rate)
