"""Agreement lines and ALine are those of a second implementation, exact where they must be; intervals hold."""

import itertools

import numpy as np
import pytest
from scipy import special, stats

from pretraining_robustness.beyond.agreement import Answered, aline_d, aline_s, compare_lines, line, pairs_of

ARCHITECTURES = [f"net{number}" for number in range(6) for _ in range(4)]
SLOPE, BIAS, CLASSES = 0.7, -0.3, 5


def made_up(random, *, networks=0.05, cameras=0.1, images=3000, clusters=20):
    """Answers of networks whose errors are independent: agreement follows from accuracy alone.

    Architectures and clusters of test images shift accuracies out of distribution by their own amounts.
    """
    truth = random.integers(0, CLASSES, images)
    where = random.permutation(np.arange(images) % clusters)
    ability = np.tile(np.linspace(-0.2, 0.9, 4), 6) + np.repeat(random.normal(0, 0.1, 6), 4)
    shift, hard = np.repeat(random.normal(0, networks, 6), 4), random.normal(0, cameras, clusters)
    answers = []
    for probit in (
        ability[:, None] + np.zeros(images),
        (SLOPE * ability + BIAS + shift)[:, None] + hard[where],
    ):
        wrong = (truth + random.integers(1, CLASSES, (24, images))) % CLASSES
        answers.append(np.where(random.random((24, images)) < special.ndtr(probit), truth, wrong).astype(np.int16))
    pairs = pairs_of(ARCHITECTURES)
    return [Answered.count(one, truth, where, pairs) for one in answers], pairs, answers, truth, ability


def test_counts_lines_and_estimates_are_those_of_plain_loops():
    (inside, outside), pairs, answers, truth, _ = made_up(np.random.default_rng(0), images=1000)
    expected = [(i, j) for i, j in itertools.combinations(range(24), 2) if ARCHITECTURES[i] != ARCHITECTURES[j]]
    assert pairs.tolist() == [list(pair) for pair in expected]
    agreements = [[np.mean(one[i] == one[j]) for i, j in expected] for one in answers]
    accuracies = [[np.mean(row == truth) for row in one] for one in answers]
    for found, agreement, accuracy in zip((inside, outside), agreements, accuracies, strict=True):
        np.testing.assert_allclose(found.agreement(), agreement)
        np.testing.assert_allclose(found.accuracy(), accuracy)
    fit = stats.linregress(stats.norm.ppf(agreements[0]), stats.norm.ppf(agreements[1]))
    np.testing.assert_allclose(line(*map(np.array, agreements)), (fit.slope, fit.intercept))
    own = stats.norm.ppf(accuracies[0])
    simple = stats.norm.cdf(fit.slope * own + fit.intercept)
    np.testing.assert_allclose(aline_s(inside.accuracy(), inside.agreement(), outside.agreement()), simple)
    normal, right = np.zeros((24, 24)), np.zeros(24)
    for (i, j), here, there in zip(expected, *map(stats.norm.ppf, agreements), strict=True):
        target = there + fit.slope * ((own[i] + own[j]) / 2 - here)
        for one in (i, j):
            right[one] += target / 2
            normal[one, [i, j]] += 1 / 4
    solved = stats.norm.cdf(np.linalg.inv(normal) @ right)
    found = aline_d(inside.accuracy(), inside.agreement(), outside.agreement(), pairs)
    np.testing.assert_allclose(found, solved, rtol=1e-8)


def test_the_line_of_independent_errors_is_the_one_that_their_accuracies_give():
    (inside, outside), pairs, _, _, ability = made_up(
        np.random.default_rng(1), networks=0, cameras=0, images=200_000, clusters=10
    )
    expected = []
    for right in (special.ndtr(ability), special.ndtr(SLOPE * ability + BIAS)):
        one, two = right[pairs].T
        expected.append(special.ndtri(one * two + (1 - one) * (1 - two) / (CLASSES - 1)))
    known = stats.linregress(*expected)
    lines = compare_lines(inside, outside, pairs, ARCHITECTURES)
    assert lines.agreement == pytest.approx((known.slope, known.intercept), abs=0.01)
    assert lines.accuracy == pytest.approx((SLOPE, BIAS), abs=0.01)
    assert lines.steeper[0] == pytest.approx(known.slope - SLOPE, abs=0.015)


def test_estimates_are_exact_where_agreement_is_on_the_line_of_accuracy():
    random = np.random.default_rng(2)
    pairs = pairs_of(range(8))
    accuracy, agreement = random.uniform(0.4, 0.9, 8), random.uniform(0.4, 0.9, len(pairs))
    there, agreeing = (special.ndtr(SLOPE * special.ndtri(one) + BIAS) for one in (accuracy, agreement))
    np.testing.assert_allclose(aline_s(accuracy, agreement, agreeing), there)
    np.testing.assert_allclose(aline_d(accuracy, agreement, agreeing, pairs), there)
    agreeing[0] = 1.0  # has no place on probit axes
    np.testing.assert_allclose(aline_d(accuracy, agreement, agreeing, pairs), there)


def test_intervals_of_the_difference_of_both_lines_hold():
    """95 % intervals over 6 architectures and 20 clusters cover the mean of 200 studies in 92 to 99.5 % of them."""
    found = []
    for seed in range(200):
        (inside, outside), pairs, *_ = made_up(np.random.default_rng(1000 + seed), images=600)
        contrast = compare_lines(inside, outside, pairs, ARCHITECTURES).contrast
        found.append((contrast.difference, *contrast.interval(0.95)))
    difference, low, high = np.array(found).T
    covered = np.mean((low <= difference.mean()) & (difference.mean() <= high))
    assert 0.92 <= covered <= 0.995, covered
    two = [name for name in ARCHITECTURES if name in ("net0", "net1")]
    few = [Answered(one.correct[:8], one.agreeing[: 4 * 4], one.images) for one in (inside, outside)]
    assert np.isnan(compare_lines(*few, pairs_of(two), two).contrast.error)
