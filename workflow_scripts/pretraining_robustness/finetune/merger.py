"""The interface of a merger, which makes one network of the weights of several without training.

A merger is a file of `mergers/` with a class `Merger` that derives from `WeightMerger`. Its settings are the keys of
the method in the config, as the fields of the dataclass; `NETWORKS` is how many networks it merges, if that is fixed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from torch import Tensor

from pretraining_robustness.training.recipes import filled

State = dict[str, Tensor]


@dataclass(frozen=True)
class Networks:
    """What a merger is given.

    states: weights by name, of the networks in the order in which the method lists them.
    layers: returns the names of the weights in the order in which the network defines them.
    accuracies: returns the accuracy (0..1) of each network on the held-out images of the task.
    """

    states: Sequence[State]
    layers: Callable[[], list[str]]
    accuracies: Callable[[Sequence[State]], list[float]]


@dataclass(frozen=True)
class WeightMerger:
    """Merges weights."""

    NETWORKS: ClassVar[int | None] = None

    def merge(self, networks: Networks) -> tuple[State, dict[str, Any]]:
        """Return the merged weights, and settings that held-out images have chosen, for their description."""
        raise NotImplementedError


def read_merger(method: Mapping[str, Any]) -> WeightMerger:
    """Return the merger of a method: `kind`, the name of a file of `mergers/`, `of`, and its settings.

    Raises InputError for an unknown setting, with the nearest known one.
    """
    settings = {key: value for key, value in method.items() if key not in ("kind", "of", "alpha")}
    if "alpha" in method:  # one of the alphas that the config lists
        settings["alphas"] = [method["alpha"]]
    kind = method["kind"]
    module = import_module(f"pretraining_robustness.finetune.mergers.{kind}")
    return filled(module.Merger, settings, f"methods.{kind}")
