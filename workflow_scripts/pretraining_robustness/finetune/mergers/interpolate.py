"""Interpolation of the weights of two networks (WiSE-FT; Wortsman et al. 2022, arXiv 2109.01903)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from pretraining_robustness.finetune.merger import Networks, State, WeightMerger

logger = logging.getLogger(__name__)


def interpolate(first: State, second: State, alpha: float | Mapping[str, float]) -> State:
    """Return (1 - alpha) first + alpha second, alpha in 0..1 (WiSE-FT; Wortsman et al. 2022, arXiv 2109.01903).

    `alpha` may differ per weight, by its name. Integers, such as batch normalisation's counters, are the second
    network's.
    """
    return {
        name: torch.lerp(first[name].float(), tensor.float(), alpha[name] if isinstance(alpha, Mapping) else alpha).to(
            tensor.dtype
        )
        if tensor.is_floating_point()
        else tensor
        for name, tensor in second.items()
    }


@dataclass(frozen=True)
class Merger(WeightMerger):
    """Interpolation with the first of `alphas` that is best on the images of the task's split `held_out`.

    Without `held_out` there is one alpha: the study makes a method for each that the config lists.
    """

    NETWORKS: ClassVar[int | None] = 2
    alphas: Sequence[float]
    held_out: str | None = None

    def merge(self, networks: Networks) -> tuple[State, dict[str, Any]]:
        """See `WeightMerger.merge`."""
        first, second = networks.states
        if self.held_out is None:
            (alpha,) = self.alphas
            return interpolate(first, second, alpha), {}
        found = networks.accuracies([interpolate(first, second, alpha) for alpha in self.alphas])
        alpha = self.alphas[found.index(max(found))]
        logger.info("alpha %g: held-out accuracy %.4f", alpha, max(found))
        return interpolate(first, second, alpha), {"alpha": alpha}
