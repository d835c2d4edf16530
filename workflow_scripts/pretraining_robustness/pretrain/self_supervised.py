"""Self-supervised pre-training without labels: SimCLR (Chen et al. 2020), two augmented views of every image."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from pretraining_robustness.errors import InputError
from pretraining_robustness.networks.architectures import head_of, replace_head
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.objectives import Network, Objective


@dataclass(frozen=True)
class Settings:
    """`temperature` of the loss and width of the compared `projection`.

    128 is the paper's width (section 2.1), 0.5 the authors' temperature for small images (google-research/simclr,
    README.md, CIFAR-10); for ImageNet they use 0.1.
    """

    temperature: float = 0.5
    projection: int = 128

    def __post_init__(self) -> None:
        if not self.temperature > 0 or self.projection < 1:
            raise InputError("objective: temperature and projection must be positive")


class SelfSupervised(Objective):
    """Contrastive loss: the views of one image should be nearer to each other than to all other views of the batch.

    The paper's projection is a perceptron with one hidden layer as wide as the features, z = W2 ReLU(W1 h) (section
    2.1), with batch normalisation in between as in the authors' code (google-research/simclr, model_util.py). The head
    of `model` becomes W1, so that fine-tuning, which replaces heads, starts from the features h; the rest is trained
    here. An image is correct when its first view is nearest to its second view.

    Both views go through the network in one batch, so batch normalisation sees them together, as in the authors' code.

    Args:
        model: the network; its head is replaced.
        images, device: see `Objective`.
        settings: settings of the loss.
    """

    def __init__(self, model: nn.Module, images: int, device: torch.device, settings: Settings) -> None:
        super().__init__(images, device)
        features = head_of(model).in_features
        replace_head(model, features)
        self.projection = nn.Sequential(
            nn.BatchNorm1d(features), nn.ReLU(), nn.Linear(features, settings.projection, bias=False)
        )
        self.temperature = settings.temperature

    def forward(
        self, network: Network, preparation: Preparation, pixels: Tensor, positions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """See `Objective.forward`."""
        views = torch.cat([preparation.for_training(pixels), preparation.for_training(pixels)])
        first, second = self.projection(network(views)).float().chunk(2)
        with torch.autocast(self.device.type, enabled=False):
            similarities = similarity_of_views(first, second)
            loss = nt_xent(similarities, self.temperature)
        return loss, (similarities[: len(first)].argmax(dim=1) == partners(len(first), self.device)[: len(first)]).sum()


def similarity_of_views(first: Tensor, second: Tensor) -> Tensor:
    """Return the cosines of all pairs of views, (2n, 2n), from both views of n images, (n, width) each.

    The first n rows and columns are the first views. The diagonal is -inf, so that no view is compared with itself.
    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    return (views @ views.T).fill_diagonal_(-torch.inf)


def partners(images: int, device: torch.device) -> Tensor:
    """Return for each of the 2n views the row of the other view of its image, int64 (2n,)."""
    return torch.arange(2 * images, device=device).roll(images)


def nt_xent(similarities: Tensor, temperature: float) -> Tensor:
    """Return the mean NT-Xent loss of all views (Chen et al. 2020, equation 1), from `similarity_of_views`.

    It is the cross entropy of picking a view's partner among all other views. It never makes the host wait for the GPU.
    """
    return functional.cross_entropy(similarities / temperature, partners(len(similarities) // 2, similarities.device))
