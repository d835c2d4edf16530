"""The input transforms against those of torch, torchvision and timm, and whatever precision the network computes in."""

import math

import pytest
import timm.data
import torch
from PIL import Image
from torch._inductor import config as inductor_config
from torch.nn import functional

from pretraining_robustness.training import augmentation
from pretraining_robustness.training.augmentation import Preparation
from pretraining_robustness.training.recipes import read_recipe

CPU = torch.device("cpu")
MINIMAL = {"epochs": 1, "batch_size": 4, "learning_rate": 0.1, "image_size": 48}
STRONG = {
    "crop": "random_resized",
    "scale": [0.08, 1.0],
    "flip": True,
    "colour_jitter": 1.0,
    "grayscale": 0.2,
}


def pictures(count: int, size: int) -> torch.Tensor:
    """Noise at two scales: edges of one pixel and smooth parts."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((count, 3, 8, 8), generator=generator)
    smooth = functional.interpolate(coarse, (size, size), mode="bilinear")
    noise = torch.rand((count, 3, size, size), generator=generator)
    return (255 * (0.6 * smooth + 0.4 * noise)).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@pytest.mark.parametrize("augment", [STRONG, {**STRONG, "crop": "shift", "shift": 3}, {"crop": "none"}])
def test_autocast_changes_no_bit_of_what_the_network_sees(augment: dict) -> None:
    prepare = Preparation(read_recipe({**MINIMAL, "augmentation": augment}), CPU)
    images = pictures(8, 64)
    for method in (prepare.for_training, prepare.for_evaluation):
        torch.manual_seed(1)
        expected = method(images)
        torch.manual_seed(1)
        with torch.autocast("cpu", torch.bfloat16):
            seen = method(images)
        assert seen.dtype == torch.float32
        assert torch.equal(seen, expected)


@pytest.mark.slow
def test_compiled_preparation_is_one_graph_and_gives_what_is_prepared_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inductor_config, "fallback_random", True)  # the generator that is used without compiling
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    augment = {"crop": "random_resized", "scale": [0.08, 1.0], "flip": True}
    plain, compiled = (
        Preparation(read_recipe({**MINIMAL, "augmentation": augment, "compile": one}), CPU) for one in (False, True)
    )
    images = pictures(8, 64)
    for seed in range(3):
        torch.manual_seed(seed)
        expected = plain.for_training(images)
        torch.manual_seed(seed)
        with torch.autocast("cpu", torch.bfloat16):
            seen = compiled.for_training(images)
        assert seen.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(seen, expected, rtol=0, atol=1e-4)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1


@pytest.mark.parametrize(("count", "size"), [(1, 31), (7, 32), (16, 224)])
def test_crops_are_those_of_affine_grid_to_the_bit(count: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled, grid_sample = [], functional.grid_sample

    def record(images: torch.Tensor, grid: torch.Tensor, **arguments: object) -> torch.Tensor:
        sampled.append(grid)
        return grid_sample(images, grid, **arguments)

    monkeypatch.setattr(augmentation.functional, "grid_sample", record)
    images = pictures(count, 16)  # a power of two, so that height / width rounds nothing
    torch.manual_seed(2)
    augmentation.random_resized_crop(images, size, (0.08, 1.0), flip=True)
    torch.manual_seed(2)
    draws = torch.rand(5, count)
    area = 0.08 + (1.0 - 0.08) * draws[0]
    aspect = torch.exp(math.log(3 / 4) + (math.log(4 / 3) - math.log(3 / 4)) * draws[1])
    width, height = (area * aspect).sqrt().clamp(max=1), (area / aspect).sqrt().clamp(max=1)
    zero = torch.zeros(count)
    x, y = (2 * draws[2] - 1) * (1 - width), (2 * draws[3] - 1) * (1 - height)
    width = torch.where(draws[4] < 0.5, -width, width)
    boxes = torch.stack([width, zero, x, zero, height, y], dim=1).view(count, 2, 3)
    assert torch.equal(sampled[0], functional.affine_grid(boxes, [count, 3, size, size], align_corners=False))


@pytest.mark.parametrize(
    ("stored", "image_size", "crop_pct", "interpolation", "tolerance"),
    [
        (256, 224, 0.875, "bilinear", 0),  # a store of the size of the resized image: nothing but the middle is taken
        (256, 224, 0.9, "bicubic", 1),
        (224, 224, 0.875, "bicubic", 1),
        (256, 224, 1.0, "bilinear", 2),
        (320, 225, 0.95, "bilinear", 1),
    ],
)
def test_evaluation_is_timms_own_transform(
    stored: int, image_size: int, crop_pct: float, interpolation: str, tolerance: float
) -> None:
    """To `tolerance` of 255, and almost everywhere exactly."""
    mean, std = (0.5, 0.4, 0.3), (0.5, 0.6, 0.7)
    theirs = timm.data.create_transform(
        input_size=(3, image_size, image_size), interpolation=interpolation, mean=mean, std=std, crop_pct=crop_pct
    )
    resize = math.floor(image_size / crop_pct)
    recipe = {
        **MINIMAL,
        "image_size": image_size,
        "mean": list(mean),
        "std": list(std),
        "evaluation": {"resize": resize, "interpolation": interpolation},
    }
    images = pictures(4, stored)
    ours = Preparation(read_recipe(recipe), CPU).for_evaluation(images)
    expected = torch.stack([theirs(Image.fromarray(image)) for image in images.numpy()])
    assert ours.shape == expected.shape
    difference = ((ours - expected) * torch.tensor(std).view(3, 1, 1) * 255).abs()
    assert difference.max() <= tolerance + 1e-3
    assert difference.mean() < 0.1


def test_images_that_are_not_cut_at_random_are_framed_as_in_evaluation() -> None:
    frame = {"resize": 56, "interpolation": "bicubic"}
    prepare = Preparation(read_recipe({**MINIMAL, "augmentation": {"crop": "none"}, "evaluation": frame}), CPU)
    images = pictures(3, 64)
    assert torch.equal(prepare.for_training(images), prepare.for_evaluation(images))
    whole = Preparation(read_recipe(MINIMAL), CPU).for_evaluation(images)
    assert not torch.allclose(prepare.for_evaluation(images), whole, atol=0.1)
