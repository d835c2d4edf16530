"""Linear probing: nothing but the head is trained; the rest keeps its bits, batch statistics included."""

from dataclasses import dataclass

from pretraining_robustness.finetune.method import FineTuning, Phase, the_head
from pretraining_robustness.training.recipes import Recipe


@dataclass(frozen=True)
class Method(FineTuning):
    """Linear probing; it has no settings."""

    def phases(self, recipe: Recipe) -> list[Phase]:
        """See `FineTuning.phases`."""
        return [Phase("head", recipe, the_head)]
