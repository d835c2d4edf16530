"""Gains at equal ID score and images on which the line turns over, in worlds where both are known."""

import numpy as np
import pytest
from scipy import special

from pretraining_robustness.beyond.turned import crossed_mean, gains, matched, turn_over

NETWORKS = [f"net{number}" for number in range(8) for _ in range(5)]


def world(random, turned=0, images=1500):
    """Networks whose chance to be correct on an image rises with their ability, and falls on the `turned` ones."""
    ability = np.tile(np.linspace(-0.5, 0.8, 5), 8) + np.repeat(random.normal(0, 0.15, 8), 5)
    slope = np.ones(images)
    slope[:turned] = -1.5
    logits = 0.8 * slope * ability[:, None] + random.normal(0, 0.7, images)
    return special.ndtr(ability), random.random((40, images)) < special.ndtr(logits)


def test_checkpoints_are_matched_within_architectures_and_gains_are_those_of_the_world():
    random = np.random.default_rng(0)
    first, second = np.array([0.5, 0.6, 0.7]), np.array([0.605, 0.51, 0.9])
    assert sorted(matched(first, second, list("aab"), list("aab"))) == [(0, 1), (1, 0)]
    assert matched(first, second, list("aaa"), list("bbb")) == []
    won = np.where(np.arange(3000) < 600, 0.3, 0.0)
    right = random.random((40, 3000))
    other = random.random((40, 3000)) < 0.5
    names, each = gains(right < 0.5 + won, other, [(k, k) for k in range(40)], NETWORKS)
    assert names == sorted(set(NETWORKS))
    assert each[:, :600].mean() == pytest.approx(0.3, abs=0.01)
    clusters = np.arange(3000) % 30
    mean = crossed_mean(each, np.where(np.arange(3000) < 600, 1 / 600, 0), clusters)
    low, high = mean.interval(0.95)
    assert mean.value == pytest.approx(each[:, :600].mean())
    assert low < 0.3 < high
    assert mean.p < 0.001
    assert np.isnan(crossed_mean(each[:1], np.full(3000, 1 / 3000), clusters).error)


def test_a_mean_gain_of_nothing_is_found_in_one_of_twenty():
    """Of 500 studies in which architectures and clusters of images shift gains by chance."""
    random = np.random.default_rng(1)
    found = 0
    clusters = np.arange(400) % 20
    for _ in range(500):
        each = random.normal(0, 0.1, (6, 1)) + random.normal(0, 0.2, 20)[clusters] + random.normal(0, 0.3, (6, 400))
        found += crossed_mean(each, np.full(400, 1 / 400), clusters).p <= 0.05
    assert 0.02 <= found / 500 <= 0.08, found


def test_images_that_turn_over_are_found_and_hold_on_other_architectures():
    accuracy, correct = world(np.random.default_rng(2), turned=150)
    options = {"draws": 50, "confidence": 0.95, "generator": np.random.default_rng(0)}
    found = turn_over(accuracy, correct, NETWORKS, 100, **options)
    assert np.mean(found.chosen < 150) > 0.8
    assert found.everywhere > 0.8
    assert found.high < 0
    assert found.p == pytest.approx(1 / 51)


def test_no_line_is_said_to_turn_over_where_none_does():
    """The same search in 40 worlds without such images: found where it chose, gone where it is judged."""
    false = 0
    for seed in range(40):
        random = np.random.default_rng(100 + seed)
        accuracy, correct = world(random)
        found = turn_over(accuracy, correct, NETWORKS, 100, draws=1, confidence=0.95, generator=random)
        assert found.found < 0
        false += found.high < 0
    assert false <= 4, false
