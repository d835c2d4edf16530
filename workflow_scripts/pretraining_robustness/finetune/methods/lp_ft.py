"""Linear probing, then full fine-tuning (LP-FT; Kumar et al. 2022, arXiv 2202.10054)."""

from dataclasses import dataclass

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import FineTuning, Phase, probed_first
from pretraining_robustness.training.recipes import Recipe


@dataclass(frozen=True)
class Method(FineTuning):
    """LP-FT. Settings: epochs of linear probing, and its learning rate if it differs from the recipe's."""

    probe_epochs: int
    probe_learning_rate: float | None = None

    def __post_init__(self) -> None:
        if self.probe_epochs < 1:
            raise InputError(f"methods.lp_ft.probe_epochs: {self.probe_epochs} is not a positive number")

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`."""
        return probed_first(recipe, self.probe_epochs, self.probe_learning_rate)
