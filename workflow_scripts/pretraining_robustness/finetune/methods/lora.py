"""Low-rank adapters (LoRA; Hu et al. 2021, arXiv 2106.09685): weight + alpha / rank * B A, where A and B are trained.

By default it adapts queries and values of every attention layer, with rank 8 and alpha 1 as in ImageNet-RIB's
code (FieteLab/ImageNet-RIB, utils/lora.py). Checkpoints hold the sums, as plain weights of the architecture.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import FineTuning, Part, Phase, named_parts, the_head
from pretraining_robustness.training.recipes import Recipe

# Weights that stack queries, keys and values in equal parts: those of timm's attention layers, and of torch's, which
# torchvision's and CLIP's transformers use.
FUSED = ("qkv.weight", "in_proj_weight")
QUERIES_AND_VALUES = (0, 2)
# Attributes of timm's attention layers whose fused weights have another layout: head by head, or without queries.
OTHERWISE = ("head_first", "key_dim", "use_global")
# Names of separate layers for queries or values in timm, CLIP and elsewhere.
SEPARATE = ("q", "v", "q_proj", "v_proj", "query", "value")


class LowRank(nn.Module):
    """Adds a product of low rank to some of a weight's equal parts (blocks of rows).

    A is initialised like torch's linear layers and B at 0, so the weight is unchanged at first.

    Args:
        weight: float32 (rows, columns).
        parts: number of parts.
        adapted: the indices of the adapted parts.
        rank: rank of each part's product.
        scale: factor of the product.
    """

    def __init__(self, weight: Tensor, parts: int, adapted: tuple[int, ...], rank: int, scale: float) -> None:
        super().__init__()
        rows, columns = weight.shape
        self.parts, self.adapted, self.scale = parts, adapted, scale
        self.a = nn.Parameter(torch.empty(len(adapted), rank, columns))
        self.b = nn.Parameter(torch.zeros(len(adapted), rows // parts, rank))
        bound = 1 / math.sqrt(columns)
        nn.init.uniform_(self.a, -bound, bound)

    def forward(self, weight: Tensor) -> Tensor:
        """Float32 (rows, columns) to the same."""
        with torch.autocast(weight.device.type, enabled=False):
            added = self.scale * (self.b @ self.a)
            whole = list(weight.chunk(self.parts))
            for part, one in zip(self.adapted, added, strict=True):
                whole[part] = whole[part] + one
            return torch.cat(whole)


@dataclass(frozen=True)
class Method(FineTuning):
    """LoRA.

    rank, alpha: see above.
    layers: linear layers whose whole weights are adapted instead of attention's queries and values, by the last part
        of their names (qkv, proj, fc1, fc2, ...).
    also: further modules and parameters of the network that are trained, by name. ImageNet-RIB's code
        trains cls_token, pos_embed and norm, and not the head, which it keeps. A new head is always trained.
    """

    rank: int = 8
    alpha: float = 1.0
    layers: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise InputError(f"methods.lora.rank: {self.rank} is not a positive number")

    def prepare(self, model: nn.Module, recipe: Recipe) -> None:
        """See `FineTuning.prepare`; raises InputError for a network without such layers."""
        found = list(self._targets(model))
        if not found:
            missing = f"no linear layer called {' or '.join(self.layers)}" if self.layers else "no attention layer"
            raise InputError(
                f"methods.lora: {type(model).__name__} has {missing}; choose another architecture or name its linear "
                "layers with 'layers'"
            )
        for module, name, parts, adapted in found:
            low_rank = LowRank(getattr(module, name), parts, adapted, self.rank, self.alpha / self.rank)
            # Unsafe leaves out a first computation, which a network without memory for its weights cannot do.
            parametrize.register_parametrization(module, name, low_rank, unsafe=True)

    def _targets(self, model: nn.Module) -> Iterator[tuple[nn.Module, str, int, tuple[int, ...]]]:
        """Yield the adapted weights: their module, their name in it, the number of their parts, and which parts are
        adapted.
        """
        for path, weight in model.named_parameters():
            owner, _, name = path.rpartition(".")
            module = model.get_submodule(owner)
            layer = owner.rpartition(".")[2]
            linear = isinstance(module, nn.Linear) and weight.ndim == 2 and name == "weight"
            if self.layers:
                if linear and layer in self.layers:
                    yield module, name, 1, (0,)
            elif path.endswith(FUSED) and weight.ndim == 2:
                attention = model.get_submodule(owner.rpartition(".")[0] if name == "weight" else owner)
                if any(getattr(attention, attribute, False) for attribute in OTHERWISE):
                    raise InputError(
                        f"methods.lora: the queries and values in {path} of {type(model).__name__} cannot be found; "
                        "name its linear layers with 'layers'"
                    )
                yield module, name, 3, QUERIES_AND_VALUES
            elif linear and layer in SEPARATE:
                yield module, name, 1, (0,)

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`."""

        def trained(model: nn.Module) -> list[Part]:
            adapters = [module for module in model.modules() if isinstance(module, LowRank)]
            head = the_head(model) if new_head else []
            return [*adapters, *head, *named_parts(model, self.also, "methods.lora.also")]

        return [Phase("adapters", recipe, trained)]
