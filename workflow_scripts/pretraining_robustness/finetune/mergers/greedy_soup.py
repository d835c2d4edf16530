"""Greedy soup: the mean of the networks that do not lower it (Wortsman et al. 2022, arXiv 2203.05482)."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pretraining_robustness.finetune.merger import Networks, State, WeightMerger
from pretraining_robustness.finetune.mergers.uniform_soup import average

logger = logging.getLogger(__name__)


def greedy_soup(states: Sequence[State], accuracies: Callable[[Sequence[State]], list[float]]) -> State:
    """Return the mean of the best network and of each further one that does not lower the mean's held-out accuracy.

    Recipe 1 of Wortsman et al. 2022 (arXiv 2203.05482); `accuracies` gives the held-out accuracy of each network.
    """
    alone = accuracies(list(states))
    order = sorted(range(len(states)), key=lambda number: -alone[number])
    chosen, best = order[:1], alone[order[0]]
    for number in order[1:]:
        (together,) = accuracies([average([states[one] for one in (*chosen, number)])])
        if together >= best:
            chosen, best = [*chosen, number], together
    logger.info("soup of the networks %s: held-out accuracy %.4f", ", ".join(map(str, chosen)), best)
    return average([states[one] for one in chosen])


@dataclass(frozen=True)
class Merger(WeightMerger):
    """Greedy soup. Setting: the split of the task whose accuracy decides."""

    held_out: str

    def merge(self, networks: Networks) -> tuple[State, dict[str, Any]]:
        """See `WeightMerger.merge`."""
        return greedy_soup(networks.states, networks.accuracies), {}
