import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torchvision.transforms import functional as reference

from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.store.read import Store
from pretraining_robustness.training import augmentation, batches
from pretraining_robustness.training.augmentation import Preparation, random_resized_crop, resize, shift_and_flip
from pretraining_robustness.training.batches import (
    MeasuredImages,
    Renderings,
    ResidentImages,
    StreamedImages,
    consecutive_batches,
    training_batch,
)
from pretraining_robustness.training.devices import seed_generator
from pretraining_robustness.training.recipes import read_recipe

CPU = torch.device("cpu")


def pictures(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)


def preparation(image_size: int, **augmented: object) -> Preparation:
    values = {"epochs": 1, "batch_size": 4, "learning_rate": 0.1, "image_size": image_size, "augmentation": augmented}
    return Preparation(read_recipe(values), CPU)


@pytest.mark.parametrize("told", [True, False])
def test_sets_beyond_the_memory_limit_are_streamed(monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """Also where memory is measured, as on macOS, whose sysconf does not know the name of what is free."""
    store, rows = Store(pictures(50, 8)), np.arange(50)
    known, sysconf = dict(os.sysconf_names), os.sysconf
    if not told:
        known.pop("SC_AVPHYS_PAGES", None)
    monkeypatch.setattr(os, "sysconf_names", known)
    monkeypatch.setattr(os, "sysconf", lambda name: sysconf(known[name]))
    assert isinstance(batches.load_images(store, rows, CPU), ResidentImages)
    monkeypatch.setattr(batches, "RESIDENT_FRACTION", 1e-12)
    assert isinstance(batches.load_images(store, rows, CPU), StreamedImages)


def test_each_pass_sees_every_image_once_in_an_order_of_its_own() -> None:
    passes = [[training_batch(12, 4, seed=1, step=step) for step in range(first, first + 3)] for first in (0, 3)]
    first, second = (np.concatenate(batch) for batch in passes)
    assert sorted(first) == sorted(second) == list(range(12))
    assert list(first) != list(second)
    assert list(first) != list(np.concatenate([training_batch(12, 4, seed=2, step=step) for step in range(3)]))


def test_a_batch_depends_on_seed_and_step_alone() -> None:
    asked_late = training_batch(100, 7, seed=5, step=40)
    batches._order.cache_clear()
    assert np.array_equal(training_batch(100, 7, seed=5, step=40), asked_late)


def test_the_incomplete_batch_is_left_out_and_a_small_set_is_one_batch() -> None:
    assert {len(training_batch(10, 4, 0, step)) for step in range(6)} == {4}
    assert all(sorted(training_batch(3, 64, 0, step)) == [0, 1, 2] for step in range(5))


def test_consecutive_batches_cover_the_set_in_order() -> None:
    for count in (1, 7, 8, 9):
        parts = consecutive_batches(count, 4)
        assert np.concatenate(parts).tolist() == list(range(count))
        assert max(map(len, parts)) <= 4


def test_streams_of_seeds_differ() -> None:
    seeds = {derived_seed(seed, purpose, step) for seed in (0, 1) for purpose in ("order", "step") for step in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("kind", [ResidentImages, StreamedImages])
def test_images_arrive_with_their_positions(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BYTES_PER_READ", 1000)  # so that loading takes several reads
    stored = pictures(50, 8)
    rows = np.array([40, 3, 3, 17, 29, 0, 49])
    asked = [np.array([6, 1]), np.array([0, 2, 5]), *(np.array([number]) for number in range(7))]
    seen = 0
    for positions, (given, images) in zip(asked, kind(Store(stored), rows, CPU).stream(asked), strict=True):
        assert given.tolist() == positions.tolist()
        assert np.array_equal(images.numpy(), stored[rows[positions]])
        seen += 1
    assert seen == len(asked)


@pytest.mark.parametrize(("free", "held"), [(50 * 192 + 1100, True), (50 * 192 + 1099, False)])
def test_a_card_holds_what_fits_beside_a_batch(monkeypatch: pytest.MonkeyPatch, free: int, held: bool) -> None:
    """The card is made up: 700 bytes before the first batch, 1,700 at most while it is used, `free` afterwards."""
    card = SimpleNamespace(
        reset_peak_memory_stats=lambda device: None,
        memory_allocated=lambda device: 700,
        max_memory_allocated=lambda device: 1700,
        empty_cache=lambda: None,
        mem_get_info=lambda device: (free, 10**6),
    )
    monkeypatch.setattr(batches.torch, "cuda", card)
    stored = pictures(50, 8)
    images = MeasuredImages(Store(stored), np.arange(50), CPU)
    for _ in range(2):  # an epoch, and another
        asked = [np.array([6, 1]), np.array([0, 2]), np.array([4])]
        for positions, (given, pixels) in zip(asked, images.stream(asked), strict=True):
            assert given.tolist() == positions.tolist()
            assert np.array_equal(pixels.numpy(), stored[positions])
        assert (images._resident is not None) == held


def test_normalisation_is_torchvisions() -> None:
    stored = pictures(3, 16)
    prepared = preparation(16).for_evaluation(torch.from_numpy(stored))
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    for image, ours in zip(stored, prepared, strict=True):
        expected = reference.normalize(reference.to_tensor(image), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
        torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


def test_resizing_is_torchvisions() -> None:
    stored = torch.from_numpy(pictures(2, 24))
    expected = reference.resize(stored.permute(0, 3, 1, 2).float(), [16, 16], antialias=True)
    torch.testing.assert_close(resize(stored, 16).permute(0, 3, 1, 2), expected)
    assert resize(stored, 24) is stored


def test_shifted_images_are_crops_of_the_image_with_repeated_edges() -> None:
    stored = pictures(200, 6)
    seed_generator(CPU, 0)
    moved = shift_and_flip(torch.from_numpy(stored), 2, flip=True).numpy()
    seen = set()
    for image, result in zip(stored, moved, strict=True):
        padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode="edge")
        candidates = {
            (down, right, mirrored): (crop[:, ::-1] if mirrored else crop)
            for down in range(5)
            for right in range(5)
            for crop in [padded[down : down + 6, right : right + 6]]
            for mirrored in (False, True)
        }
        found = [key for key, candidate in candidates.items() if np.array_equal(candidate, result)]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 45  # nearly all of the 5 x 5 x 2 possible results


@pytest.mark.parametrize(("stored_size", "side", "size"), [(32, 16, 24), (64, 48, 32), (64, 64, 24), (96, 56, 33)])
def test_a_crop_of_a_larger_image_is_torchvisions_antialiased_one(
    stored_size: int, side: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boxes at the left edge, in the middle from top to bottom; the second image is mirrored."""
    stored = torch.from_numpy(pictures(2, stored_size))
    area = (side / stored_size) ** 2
    draws = torch.tensor([[0.0, 0.0], [0.5, 0.5], [0.0, 0.0], [0.5, 0.5], [0.75, 0.25]])
    monkeypatch.setattr(augmentation.torch, "rand", lambda *size, device: draws)
    ours = random_resized_crop(stored, size, (area, area), flip=True).permute(0, 3, 1, 2)
    top = (stored_size - side) // 2
    box = reference.resized_crop(stored.permute(0, 3, 1, 2).float(), top, 0, side, side, [size, size], antialias=True)
    torch.testing.assert_close(ours[0], box[0], atol=1e-2, rtol=0)
    torch.testing.assert_close(ours[1].flip(-1), box[1], atol=1e-2, rtol=0)


def test_crops_cover_the_areas_asked_for() -> None:
    # An image whose red is its column and green its row, in units of pixels: a crop's range is its size.
    size = 64
    ramp = torch.zeros(500, size, size, 3, dtype=torch.uint8)
    ramp[..., 0] = torch.arange(size, dtype=torch.uint8)
    ramp[..., 1] = torch.arange(size, dtype=torch.uint8)[:, None]
    seed_generator(CPU, 1)
    crops = random_resized_crop(ramp, 32, (0.2, 0.5), flip=True)
    spans = (crops.amax((1, 2)) - crops.amin((1, 2)))[:, :2] * (32 / 31) / size
    area = spans.prod(1)
    assert 0.17 < area.min() < 0.25
    assert 0.45 < area.max() < 0.52
    assert abs(area.mean() - 0.35) < 0.02
    assert crops.min() >= 0
    assert crops[..., :2].max() <= size - 1
    mirrored = (crops[:, 16, 0, 0] > crops[:, 16, -1, 0]).float().mean()
    assert 0.4 < mirrored < 0.6


def test_evaluation_leaves_nothing_to_chance_and_training_does() -> None:
    stored = torch.from_numpy(pictures(8, 16))
    prepare = preparation(16, crop="shift", shift=2, flip=True)
    assert torch.equal(prepare.for_evaluation(stored), prepare.for_evaluation(stored))
    assert not torch.equal(prepare.for_training(stored), prepare.for_training(stored))
    assert preparation(12, crop="random_resized").for_training(stored).shape == (8, 3, 12, 12)
    assert torch.equal(preparation(16).for_training(stored), prepare.for_evaluation(stored))


def test_a_pass_shows_one_rendering_of_each_original_drawn_anew():
    originals = np.array([5, 0, 0, 2, 5, 5, 0, 2, 9])
    renderings = Renderings(originals)
    passes = np.stack([renderings.batch(2, 1, step) for step in range(80)]).reshape(40, 4)
    assert {tuple(sorted(originals[one])) for one in passes} == {(0, 2, 5, 9)}
    shown, counts = np.unique(passes, return_counts=True)
    assert list(shown) == list(range(9))
    assert counts[8] == 40 > counts[:8].max()
    assert np.array_equal(renderings.batch(2, 1, 7), Renderings(originals).batch(2, 1, 7))
