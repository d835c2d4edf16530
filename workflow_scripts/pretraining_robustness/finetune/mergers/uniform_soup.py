"""Uniform soup: the mean of networks (Wortsman et al. 2022, arXiv 2203.05482)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from pretraining_robustness.finetune.merger import Networks, State, WeightMerger


def average(states: Sequence[State]) -> State:
    """Return the mean of networks, a uniform soup (Wortsman et al. 2022, arXiv 2203.05482); counters of the last."""
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in states[-1].items()
    }


@dataclass(frozen=True)
class Merger(WeightMerger):
    """Uniform soup, without settings."""

    def merge(self, networks: Networks) -> tuple[State, dict[str, Any]]:
        """See `WeightMerger.merge`."""
        return average(networks.states), {}
