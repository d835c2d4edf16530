"""Full fine-tuning: every weight is trained."""

from dataclasses import dataclass

from pretraining_robustness.finetune.method import FineTuning


@dataclass(frozen=True)
class Method(FineTuning):
    """Full fine-tuning; it has no settings."""
