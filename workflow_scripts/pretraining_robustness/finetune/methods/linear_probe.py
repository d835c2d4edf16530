"""Linear probing: only the head is trained; the rest does not change by a bit, including batch statistics.

ImageNet-RIB's code (FieteLab/ImageNet-RIB, main.py) freezes only a vision transformer's patch embedding and blocks,
so class token, position embedding and norms outside the blocks are also trained:
`also: [cls_token, pos_embed, norm_pre, norm]`, as timm calls them.
"""

from dataclasses import dataclass

from torch import nn

from pretraining_robustness.finetune.method import FineTuning, Part, Phase, named_parts, the_head
from pretraining_robustness.training.recipes import Recipe


@dataclass(frozen=True)
class Method(FineTuning):
    """Linear probing. Setting: further modules and parameters of the network that are trained, by name."""

    also: tuple[str, ...] = ()

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`; raises InputError for a part that the network does not have."""

        def trained(model: nn.Module) -> list[Part]:
            return [*the_head(model), *named_parts(model, self.also, "methods.linear_probe.also")]

        return [Phase("head", recipe, trained)]
