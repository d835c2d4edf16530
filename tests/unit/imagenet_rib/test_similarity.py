"""CKA: 1 for a representation and itself, the same under rotation and scale, unbiased, and as defined."""

import numpy as np
import pytest
import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.imagenet_rib.similarity import StreamedCKA, gram, layer_similarity, unbiased_hsic

GENERATOR = torch.Generator().manual_seed(0)


def features(images: int, size: int) -> torch.Tensor:
    return torch.randn(images, size, generator=GENERATOR)


def cka(first: torch.Tensor, second: torch.Tensor, batch: int | None = None) -> float:
    estimate = StreamedCKA()
    for one, other in zip(first.split(batch or len(first)), second.split(batch or len(second)), strict=True):
        estimate.add(one, other)
    return estimate.value()


def test_a_representation_is_itself_whatever_its_axes_and_scale() -> None:
    x, y = features(64, 10), features(64, 7)
    rotation = torch.linalg.qr(features(10, 10)).Q
    assert cka(x, x) == pytest.approx(1)
    assert cka(x, 3 * x @ rotation + 5) == pytest.approx(1, abs=1e-5)
    assert cka(3 * x @ rotation + 5, y) == pytest.approx(cka(x, y), abs=1e-5)


def test_unbiased_hsic_is_its_definition_over_four_different_images() -> None:
    """Song et al. 2012, equation 4: the mean over ordered quadruples of different images (i, j, q, r)."""
    n = 6
    k, l = gram(features(n, 3)), gram(features(n, 4))  # noqa: E741
    different = [
        (i, j, q, r) for i in range(n) for j in range(n) for q in range(n) for r in range(n) if len({i, j, q, r}) == 4
    ]
    terms = [k[i, j] * (l[i, j] + l[q, r] - 2 * l[i, q]) for i, j, q, r in different]
    assert float(unbiased_hsic(k, l)) == pytest.approx(float(torch.stack(terms).mean()))


def test_the_streamed_estimate_is_near_the_full_one_and_unrelated_representations_near_0() -> None:
    x = features(2000, 8)
    y = x @ features(8, 8) + 2 * features(2000, 8)
    centred = [one.double() - one.double().mean(dim=0) for one in (x, y)]
    cross, own, other = (a.T @ b for a, b in ((centred[1], centred[0]), (centred[0],) * 2, (centred[1],) * 2))
    full = float(cross.norm() ** 2 / (own.norm() * other.norm()))  # Kornblith et al. 2019, equation 3
    assert cka(x, y) == pytest.approx(full, abs=0.01)
    assert cka(x, y, batch=50) == pytest.approx(full, abs=0.05)
    # The biased estimate of 32 images of 1,000 features would be near 1.
    many = [cka(features(320, 1000), features(320, 1000), batch=32) for _ in range(5)]
    assert abs(np.mean(many)) < 0.05


def test_layers_are_compared_until_they_differ() -> None:
    before = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3))
    after = nn.Sequential(*before[:2], nn.Conv2d(4, 4, 3)).eval()
    images = torch.randn(19, 3, 9, 9, generator=GENERATOR)
    found = layer_similarity(before.eval(), after, ["0", "1", "2"], images.split(8))  # the last batch is too small
    assert found["0"] == pytest.approx(1)
    assert found["1"] == pytest.approx(1)
    assert found["2"] < 0.99
    with pytest.raises(InputError, match="the network has no layer 7"):
        layer_similarity(before, after, ["7"], images.split(8))
    with pytest.raises(InputError, match="batches of 3 and 3 images"):
        StreamedCKA().add(images[:3], images[:3])
