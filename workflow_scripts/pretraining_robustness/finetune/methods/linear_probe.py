"""Linear probing: nothing but the head is trained; the rest keeps its bits, batch statistics included.

ImageNet-RIB's code (FieteLab/ImageNet-RIB, main.py) freezes a vision transformer's patch embedding and blocks only, so
that class token, position embedding and norms outside the blocks are trained, too:
`also: [cls_token, pos_embed, norm_pre, norm]`, as timm calls them.
"""

from dataclasses import dataclass

from torch import nn

from pretraining_robustness.finetune.method import FineTuning, Part, Phase, named_parts, the_head
from pretraining_robustness.training.recipes import Recipe


@dataclass(frozen=True)
class Method(FineTuning):
    """Linear probing. Setting: modules and parameters of the network that are trained beside its head, by name."""

    also: tuple[str, ...] = ()

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`; raises InputError for a part that the network does not have."""

        def trained(model: nn.Module) -> list[Part]:
            return [*the_head(model), *named_parts(model, self.also, "methods.linear_probe.also")]

        return [Phase("head", recipe, trained)]
