"""Learning without forgetting (LwF; Li and Hoiem 2016, arXiv 1606.09282): distillation from the initial network.

Adds alpha * KL(softmax(z_start / T) || softmax(z / T)) to the loss, the mean over the images of a batch, with
the scores z of the same augmented images. As in ImageNet-RIB's code (FieteLab/ImageNet-RIB, lib/regularization.py) it
lacks the factor T^2 of Hinton et al. 2015; alpha 1 and T 2 are its values.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import PROBE, FineTuning, Phase, Start, with_known_head
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.objectives import Network, Objective, Supervised
from pretraining_robustness.training.recipes import Recipe


class Distilled(Objective):
    """The supervised loss plus `alpha` times the divergence from the present scores of `teacher`."""

    def __init__(self, supervised: Supervised, teacher: nn.Module, alpha: float, temperature: float) -> None:
        super().__init__(supervised.images, supervised.device)
        self.supervised, self.alpha, self.temperature = supervised, alpha, temperature
        frozen = copy.deepcopy(teacher).to(self.device).eval().requires_grad_(False)
        self.teacher: Network = frozen.__call__  # not a module of this objective: those are trained and saved

    def forward(
        self, network: Network, preparation: Preparation, pixels: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Objective.forward`."""
        images = preparation.for_training(pixels)
        scores = self.supervised.scores(network, images)
        loss, right = self.supervised.judge(scores, positions)
        with torch.no_grad():
            kept = self.supervised.scores(self.teacher, images)
        student, teacher = (functional.log_softmax(each.float() / self.temperature, dim=1) for each in (scores, kept))
        return loss + self.alpha * functional.kl_div(student, teacher, reduction="batchmean", log_target=True), right


@dataclass(frozen=True)
class Method(FineTuning):
    """LwF.

    alpha, temperature: see above.
    probe_epochs, probe_learning_rate: epochs of linear probing before, for a new head: the network's predictions
        after probing are what it must not forget.
    """

    alpha: float = 1.0
    temperature: float = 2.0
    probe_epochs: int = 0
    probe_learning_rate: float | None = None

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise InputError(f"methods.lwf.temperature: {self.temperature} is not a positive number")

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`; raises InputError for a new head without probing."""
        return with_known_head(recipe, new_head, self.probe_epochs, self.probe_learning_rate, "methods.lwf")

    def objective(self, supervised: Supervised, start: Start) -> Objective:
        """See `FineTuning.objective`."""
        if start.phase.name == PROBE:
            return supervised
        return Distilled(supervised, start.model, self.alpha, self.temperature)
