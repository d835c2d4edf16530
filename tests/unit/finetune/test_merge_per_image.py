"""DaWin: its coefficients by the published formula, its limiting cases, and every image's own merged network."""

import numpy as np
import pandas as pd
import pytest
import torch

from pretraining_robustness.finetune.merge_per_image import coefficients, entropy, predict_merged
from pretraining_robustness.finetune.mergers.interpolate import interpolate
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.batches import load_images
from pretraining_robustness.training.inference import Allowed, Network, predict_all
from pretraining_robustness.training.recipes import read_recipe

ARCHITECTURE = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = read_recipe({"epochs": 1, "batch_size": 16, "learning_rate": 0.01, "image_size": 16}, {})
CPU = torch.device("cpu")
COUNT, CLASSES = 24, 5


@pytest.fixture
def images(tmp_path):
    np.save(tmp_path / "images.npy", np.random.default_rng(0).integers(0, 256, (COUNT, 16, 16, 3), np.uint8))
    pd.DataFrame({"row": range(COUNT)}).to_parquet(tmp_path / "images.parquet", index=False)
    return load_images(Store.open(tmp_path / "images.npy", tmp_path / "images.parquet", 1), np.arange(COUNT), CPU)


def network(seed):
    torch.manual_seed(seed)
    built = build(ARCHITECTURE, CLASSES).train()
    built(torch.randn(64, 3, 16, 16))  # statistics of batch normalisation that let images differ
    built.eval()
    with torch.no_grad():
        built.fc.weight.mul_(100)  # answers and entropies that differ from image to image
    return built


def test_coefficients_are_those_of_the_published_code():
    first, second = (torch.rand(50, generator=torch.Generator().manual_seed(seed)) * 3 for seed in (0, 1))
    bias = (first.std() / first.mean() + second.std() / second.mean()) / 2
    weight = (first.mean() + second.mean()) / first.mean()
    expected = ((-second).exp() + bias / weight) / ((-first).exp() + (-second).exp() + bias)
    assert np.allclose(coefficients(first.numpy(), second.numpy()), expected, rtol=1e-5)


def test_a_surer_network_is_taken_the_more_and_constant_entropies_by_their_ratio_alone():
    sure, unsure = np.zeros(4), np.full(4, 1.5)
    assert np.allclose(coefficients(unsure, sure), 1 / (1 + np.exp(-1.5)))
    assert np.allclose(coefficients(sure, sure), 0.5)


def test_entropy_leaves_out_classes_that_may_not_answer():
    scores = torch.tensor([[0.0, 0.0, -torch.inf], [5.0, -torch.inf, -torch.inf]])
    assert torch.allclose(entropy(scores), torch.tensor([np.log(2), 0.0], dtype=torch.float32))


def test_two_equal_networks_predict_as_they_do_alone(images):
    model, state = network(1), network(1).state_dict()
    alone = predict_all(model, [state], images, COUNT, RECIPE, CPU)[0]
    merged = predict_merged(Network(model, [], RECIPE), state, state, images, [10, COUNT - 10], 3, CPU)
    assert np.array_equal(alone, merged)
    assert len(set(alone)) > 1


def test_with_as_many_groups_as_images_each_image_has_its_own_network(images):
    """Against merging, image by image and test set by test set, with the entropies of whole batches."""
    sizes = [10, COUNT - 10]
    first, second = network(1), network(2)
    allowed = torch.ones(COUNT, CLASSES, dtype=torch.bool)
    allowed[:10, 0] = False
    asked = Network(network(3), [], RECIPE, Allowed(allowed, torch.arange(COUNT)))
    found = predict_merged(asked, first.state_dict(), second.state_dict(), images, sizes, COUNT, CPU)
    (_, pixels), *_ = images.stream([torch.arange(COUNT)])
    batch = Preparation(RECIPE, CPU).for_evaluation(pixels)
    with torch.inference_mode():
        scores = [one(batch).masked_fill(~allowed, -torch.inf) for one in (first, second)]
    entropies = [torch.distributions.Categorical(logits=one).entropy().numpy() for one in scores]
    alphas = np.concatenate([coefficients(*(one[part] for one in entropies)) for part in (slice(10), slice(10, None))])
    assert np.ptp(alphas) > 0.1
    for number, alpha in enumerate(alphas):
        own = network(3)
        own.load_state_dict(interpolate(first.state_dict(), second.state_dict(), float(alpha)))
        with torch.inference_mode():
            answers = own(batch[number : number + 1]).masked_fill(~allowed[number], -torch.inf)
        assert answers.argmax() == found[number]
    assert len(set(found)) > 1
