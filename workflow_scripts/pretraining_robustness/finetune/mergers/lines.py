"""LiNeS: interpolation that grows with the depth of a layer (Wang et al. 2024, arXiv 2410.17146)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pretraining_robustness.finetune.merger import Networks, State, WeightMerger
from pretraining_robustness.finetune.mergers.interpolate import interpolate


def by_depth(names: Iterable[str], scales: Sequence[float]) -> dict[str, float]:
    """Return one number per weight, linear in the depth of its layer, from scales[0] to scales[1].

    With it, `interpolate` is LiNeS (Wang et al. 2024, arXiv 2410.17146): shallow layers stay nearer to the first
    network. Depth counts layers with weights in the order of `names`, in which the network defines them, so that every
    architecture has one; the authors' code (wang-kee/LiNeS, src/eval/eval.py) counts a transformer's blocks, and gives
    everything outside them, except the head, the shallowest scale.
    """
    layers = {name: name.rpartition(".")[0] for name in names}
    depth = {layer: number for number, layer in enumerate(dict.fromkeys(layers.values()))}
    shallowest, deepest = scales
    step = (deepest - shallowest) / max(1, len(depth) - 1)
    return {name: shallowest + step * depth[layer] for name, layer in layers.items()}


@dataclass(frozen=True)
class Merger(WeightMerger):
    """LiNeS. Settings: how much of the way from the first to the second network the first and the last layer go."""

    NETWORKS: ClassVar[int | None] = 2
    scales: Sequence[float]

    def merge(self, networks: Networks) -> tuple[State, dict[str, Any]]:
        """See `WeightMerger.merge`."""
        first, second = networks.states
        return interpolate(first, second, by_depth(networks.layers(), self.scales)), {}
