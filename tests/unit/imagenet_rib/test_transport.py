"""Distances of data sets: by enumeration and by the full formula, and correlations by enumeration."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import linalg, stats
from torch import nn
from torchvision.models import ResNet
from torchvision.models.resnet import BasicBlock

from pretraining_robustness.imagenet_rib.embedding import embed
from pretraining_robustness.imagenet_rib.transport import Sample, correlations, distances, otdd, with_distances

RANDOM = np.random.default_rng(0)


def sample(shift: float = 0.0, labels: tuple[int, ...] = (0, 0, 0, 1, 1)) -> Sample:
    return Sample(RANDOM.normal(size=(len(labels), 3)) + shift, np.array(labels))


def wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    """Squared 2-Wasserstein distance of the Gaussians of two groups of features, of diagonal covariance."""
    a, b = (np.diag(one.var(axis=0)) for one in (first, second))
    root = linalg.sqrtm(a)
    cross = linalg.sqrtm(root @ b @ root)
    return float(((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + np.trace(a + b - 2 * cross.real))


def test_the_distance_is_the_cheapest_assignment_by_the_definition() -> None:
    first, second = sample(), sample(0.5, (4, 5, 5, 4, 4))
    groups = [[one.features[one.labels == label] for label in one.labels] for one in (first, second)]
    cost = np.array(
        [
            [((x - y) ** 2).sum() + wasserstein(a, b) for y, b in zip(second.features, groups[1], strict=True)]
            for x, a in zip(first.features, groups[0], strict=True)
        ]
    )
    cheapest = min(cost[range(5), list(order)].mean() for order in permutations(range(5)))
    assert otdd(first, second) == pytest.approx(np.sqrt(cheapest), rel=1e-6)


def test_it_is_a_distance() -> None:
    one, other, far = sample(), sample(), sample(4.0)
    assert otdd(one, one) == pytest.approx(0, abs=1e-9)
    assert otdd(one, other) == pytest.approx(otdd(other, one))
    assert otdd(one, far) > otdd(one, other)
    relabelled = Sample(one.features, np.array([0, 1, 0, 1, 0]))
    assert otdd(one, relabelled) > 0  # the same images with other labels are another data set
    assert [(row["first"], row["second"]) for row in distances({"a": one, "b": other, "c": far})] == [
        *(("a", "b"), ("a", "c"), ("b", "c"))
    ]


def cells(follow: float) -> pd.DataFrame:
    """Cells whose change follows the distance of the variants, and the distances, of positions on a line."""
    place = {"val": 0.0, "v2": 1.0, "a": 3.0, "r": 7.0, "sketch": 15.0}
    rows = []
    for tuned in list(place)[1:]:
        for tested in place:
            apart = abs(place[tuned] - place[tested])
            change = -follow * apart + (1 - follow) * RANDOM.normal()
            key = {"method": "full", "distribution": "imagenet", "architecture": "vit", "seed": 0, "epoch": 1}
            key |= {"fine_tuned_on": tuned, "tested_on": tested, "before": 50.0, "after": 50 + change}
            rows.append({**key, "change": change, "counts": tested not in (tuned, "val")})
    names = list(place)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    measured = pd.DataFrame([{"first": a, "second": b, "otdd": abs(place[a] - place[b])} for a, b in pairs])
    return with_distances(pd.DataFrame(rows), measured)


def test_correlations_and_their_p_values() -> None:
    found = correlations(cells(1.0), "val", 9999, 0).iloc[0]
    assert found["of_cells"] == pytest.approx(-1)
    assert found["of_reference"] == pytest.approx(-1)
    # Of 24 orders of the four variants, two give a rank correlation of 1 or -1.
    assert found["p_of_reference"] == pytest.approx(2 / 24)
    assert found["p_of_cells"] == pytest.approx(1 / 24)
    table = cells(0.0)
    noise = correlations(table, "val", 9999, 0).iloc[0]
    used = table[table["counts"]]
    assert noise["of_cells"] == pytest.approx(stats.spearmanr(used["change"], used["otdd"]).statistic)


def test_the_embedding_is_what_the_head_sees() -> None:
    model = ResNet(BasicBlock, [1, 1, 1, 1], num_classes=7).eval()
    images = torch.randn(4, 3, 32, 32)
    features = embed(model, images)
    assert features.shape == (4, 512)
    with torch.inference_mode():
        assert torch.allclose(nn.functional.linear(features, model.fc.weight, model.fc.bias), model(images), atol=1e-5)
