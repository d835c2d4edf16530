"""What a training minimises: an objective returns the loss of a batch and the number of correct images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.training.augmentation import Preparation

Network = Callable[[Tensor], Tensor]


class Objective(nn.Module):
    """The loss of batches of one set of images. Its modules are trained and saved with the network.

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
        """Return the mean loss (scalar, differentiable) and the number of correct images (int64 scalar).

        Args:
            network: the network in training, from float32 (n, 3, size, size) to its head's outputs.
            preparation: the recipe's input transform.
            pixels: stored images, uint8 (n, stored, stored, 3).
            positions: their positions in the set, int64 (n,).
        """
        raise NotImplementedError


class Supervised(Objective):
    """Cross-entropy of class scores; an image is correct when its label has the highest logit.

    Args:
        labels: class of every image of the set, int64 (images,), on the device.
        label_smoothing: 0..1, see torch's cross_entropy.
        answers: the network's outputs in use, int64 (k,) ascending, including all classes of the images; None: all.
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
        return self.judge(self.scores(network, preparation.for_training(pixels)), positions)

    def scores(self, network: Network, images: Tensor) -> Tensor:
        """Return a network's scores of the answers, (n, k), of prepared images."""
        scores = network(images)
        return scores if self.answers is None else scores.index_select(1, self.answers)

    def judge(self, scores: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return loss and number of correct images, like `forward`, from the scores of the answers."""
        truth = self.labels.index_select(0, positions)
        loss = functional.cross_entropy(scores.float(), truth, label_smoothing=self.label_smoothing)
        return loss, (scores.detach().argmax(dim=1) == truth).sum()
