"""Elastic weight consolidation (EWC; Kirkpatrick et al. 2017, arXiv 1612.00796): penalise leaving the initial weights.

Adds weight * sum F (theta - theta_start)^2 over all parameters to the loss. There is no 1/2: `weight` is half of the
paper's lambda. F is one of two:

identity: 1 for all parameters, as in ImageNet-RIB's code (FieteLab/ImageNet-RIB, lib/regularization.py), whose weight
    is also 1. This is L2-SP (Li et al. 2018, arXiv 1802.01483), not EWC, by the name that the benchmark gives it.
diagonal: the diagonal of the Fisher information of the network's own predictions, the mean over images of the squared
    gradient of log p(y | image) with y drawn from p. EWC uses the images of the old task. Those of pre-training
    are not available for published weights, so we use the new task's: F measures how much the predictions for these
    images depend on each parameter. Classes are drawn from p: with labels instead it would be the empirical Fisher,
    which is another matrix (Kunstner et al. 2019, arXiv 1905.12558).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.finetune.method import PROBE, FineTuning, Phase, Start, with_known_head
from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.objectives import Network, Objective, Supervised
from pretraining_robustness.training.recipes import Recipe

KINDS = ("identity", "diagonal")
BATCH_SIZE = 64  # images read at a time; gradients are per image


class Anchored(Objective):
    """The supervised loss plus `weight` times each parameter's importance times its squared distance from its start.

    Args:
        parameters: parameters of the trained network.
        importance: the importance of each, in its shape or as one number.
    """

    def __init__(
        self,
        supervised: Supervised,
        parameters: Sequence[nn.Parameter],
        importance: Sequence[Tensor | float],
        weight: float,
    ) -> None:
        super().__init__(supervised.images, supervised.device)
        self.supervised, self.weight = supervised, weight
        # A tuple hides them from the module: parameters of an objective would be trained.
        self.held = tuple(
            (parameter, parameter.detach().clone().to(self.device), one)
            for parameter, one in zip(parameters, importance, strict=True)
        )

    def forward(
        self, network: Network, preparation: Preparation, pixels: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Objective.forward`."""
        loss, right = self.supervised(network, preparation, pixels, positions)
        return loss + self.weight * self.penalty(), right

    def penalty(self) -> Tensor:
        """Return the sum over all parameters, a scalar."""
        return torch.stack([(one * (now - then).square()).sum() for now, then, one in self.held]).sum()


def diagonal_fisher(start: Start, parameters: Sequence[nn.Parameter], images: int, count: int) -> list[Tensor]:
    """Return the diagonal of the Fisher information (see above), in the parameters' shapes.

    It is estimated from `count` of the `images` images, or all; images and classes are drawn with the phase's seed.
    Images are framed as in evaluation, and the network ends in evaluation mode.
    """
    device = parameters[0].device
    preparation = Preparation(start.phase.recipe, device)
    random = np.random.default_rng(derived_seed(start.seed, "fisher"))
    chosen = np.sort(random.permutation(images)[:count])
    fisher = [torch.zeros_like(parameter) for parameter in parameters]
    start.model.eval()
    batches = np.array_split(chosen, -(-len(chosen) // BATCH_SIZE))
    for batch, (_, pixels) in zip(batches, start.images.stream(batches), strict=True):
        draws = torch.from_numpy(random.random(len(batch))).to(device)
        for image, draw in zip(preparation.for_evaluation(pixels), draws, strict=True):
            scores = start.model(image[None]).float()
            below = scores.detach().double().softmax(dim=1).cumsum(dim=1)
            drawn = (below < draw * below[:, -1:]).sum(dim=1)
            gradients = torch.autograd.grad(functional.cross_entropy(scores, drawn), parameters, allow_unused=True)
            for square, gradient in zip(fisher, gradients, strict=True):
                if gradient is not None:
                    square.addcmul_(gradient, gradient, value=1 / len(chosen))
    return fisher


@dataclass(frozen=True)
class Method(FineTuning):
    """EWC.

    fisher, weight: see above.
    fisher_images: most images from which the diagonal is estimated.
    probe_epochs, probe_learning_rate: epochs of linear probing before, for a new head, which would be held at chance.
    """

    fisher: str = "identity"
    weight: float = 1.0
    fisher_images: int = 1000
    probe_epochs: int = 0
    probe_learning_rate: float | None = None

    def __post_init__(self) -> None:
        if self.fisher not in KINDS:
            raise InputError(f"methods.ewc.fisher: '{self.fisher}' is not one of {', '.join(KINDS)}")
        if self.fisher_images < 1:
            raise InputError(f"methods.ewc.fisher_images: {self.fisher_images} is not a positive number")

    def phases(self, recipe: Recipe, new_head: bool) -> list[Phase]:
        """See `FineTuning.phases`; raises InputError for a new head without probing."""
        return with_known_head(recipe, new_head, self.probe_epochs, self.probe_learning_rate, "methods.ewc")

    def objective(self, supervised: Supervised, start: Start) -> Objective:
        """See `FineTuning.objective`."""
        if start.phase.name == PROBE:
            return supervised
        parameters = list(start.model.to(supervised.device).parameters())
        importance: Sequence[Tensor | float] = [1.0] * len(parameters)
        if self.fisher == "diagonal":
            importance = diagonal_fisher(start, parameters, supervised.images, self.fisher_images)
        return Anchored(supervised, parameters, importance, self.weight)
