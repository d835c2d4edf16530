"""Calibration error and thresholded confidence are those of plain loops, and right where the truth is known."""

import numpy as np
import pytest

from pretraining_robustness.beyond.confidence import calibration_error, thresholded_accuracy


def looped_error(correct, confidence):
    total = 0.0
    for number in range(15):
        inside = [k for k, one in enumerate(confidence) if number / 15 < one <= (number + 1) / 15]
        if inside:
            total += len(inside) * abs(np.mean(correct[inside]) - np.mean(confidence[inside]))
    return total / len(confidence)


def published_threshold(scores, correct):
    """The loop of the authors' code (saurabhgarg1996/ATC_code, ATC_helper.py, find_ATC_threshold)."""
    order = np.argsort(scores)
    false_positives, false_negatives, threshold = np.sum(~correct), 0.0, 0.0
    least = np.abs(false_positives - false_negatives)
    for place in order:
        false_positives, false_negatives = (
            (false_positives, false_negatives + 1) if correct[place] else (false_positives - 1, false_negatives)
        )
        if np.abs(false_positives - false_negatives) < least:
            least, threshold = np.abs(false_positives - false_negatives), scores[place]
    return threshold


@pytest.mark.parametrize("seed", range(5))
def test_both_are_those_of_plain_loops(seed):
    random = np.random.default_rng(seed)
    sure, elsewhere = random.beta(3, 1, 500), random.beta(2, 1, 400)
    correct = random.random(500) < sure**1.5
    assert calibration_error(correct, sure) == pytest.approx(looped_error(correct, sure), abs=1e-12)
    just_above = sure[sure > published_threshold(sure, correct)].min()
    assert thresholded_accuracy(correct, sure, elsewhere) == np.mean(elsewhere >= just_above)
    assert thresholded_accuracy(correct, sure, sure) == pytest.approx(correct.mean())
    half = sure.astype(np.float16)
    assert thresholded_accuracy(correct, half, half) == pytest.approx(correct.mean(), abs=2 / 500)
    assert calibration_error(correct, half) == pytest.approx(calibration_error(correct, sure), abs=0.01)


def test_a_calibrated_network_has_no_error_and_its_accuracy_elsewhere_is_foretold():
    random = np.random.default_rng(0)
    sure, elsewhere = random.beta(4, 1, 200_000), random.beta(2, 1, 200_000)
    right = random.random(200_000) < sure
    assert calibration_error(right, sure) < 0.005
    assert calibration_error(random.random(200_000) < sure - 0.2, sure) == pytest.approx(0.2, abs=0.005)
    separable, there = random.random(200_000) > 0.3, random.random(200_000) > 0.45
    scores, scores_there = (np.where(one, 0.8, 0.4) + random.random(200_000) / 10 for one in (separable, there))
    assert thresholded_accuracy(separable, scores, scores_there) == pytest.approx(there.mean(), abs=1e-4)
    assert thresholded_accuracy(np.zeros(3, bool), scores[:3], elsewhere) == 0
