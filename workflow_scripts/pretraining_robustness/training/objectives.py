"""What a training minimises: an objective gives the loss of a batch and how many of its images are right."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.training.augmentation import Preparation

Network = Callable[[Tensor], Tensor]


class Objective(nn.Module):
    """The loss of batches of one set of images. Modules that it holds are trained and saved beside the network.

    Attributes:
        images: number of images in the set.
        device: where the training computes.
    """

    def __init__(self, images: int, device: torch.device) -> None:
        super().__init__()
        self.images = images
        self.device = device

    def forward(
        self, network: Network, preparation: Preparation, pixels: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the mean loss (scalar, differentiable) and the number of images that count as right (int64 scalar).

        Args:
            network: the network in training, float32 (n, 3, size, size) to its head's outputs.
            preparation: the recipe's input transform.
            pixels: stored images, uint8 (n, stored, stored, 3).
            positions: which images of the set they are, int64 (n,).
        """
        raise NotImplementedError


class Supervised(Objective):
    """Cross-entropy of class scores; right are the images whose highest score is their label's.

    Args:
        labels: class of every image of the set, int64 (images,), on the device.
        label_smoothing: 0..1, see torch's cross_entropy.
        answers: the network's outputs that take part, int64 (k,) ascending, the images' classes among them; None: all.
    """

    def __init__(self, labels: Tensor, label_smoothing: float = 0.0, answers: Tensor | None = None) -> None:
        super().__init__(len(labels), labels.device)
        self.labels = labels if answers is None else torch.searchsorted(answers, labels)
        self.label_smoothing = label_smoothing
        self.answers = answers

    def forward(
        self, network: Network, preparation: Preparation, pixels: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Objective.forward`."""
        truth = self.labels.index_select(0, positions)
        scores = network(preparation.for_training(pixels))
        if self.answers is not None:
            scores = scores.index_select(1, self.answers)
        loss = functional.cross_entropy(scores.float(), truth, label_smoothing=self.label_smoothing)
        return loss, (scores.detach().argmax(dim=1) == truth).sum()
