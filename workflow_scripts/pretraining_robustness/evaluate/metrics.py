"""Accuracy and macro F1 of predictions, as WILDS defines them for iWildCam."""

import numpy as np
from numpy.typing import ArrayLike


def macro_f1(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the mean F1 over the classes present in `truth` (0..1).

    The F1-macro_all of WILDS 2.0.0 (wilds/common/metrics/all_metrics.py: sklearn's f1_score with average='macro' and
    labels=unique(y_true)): F1 = 2 TP / (2 TP + FP + FN). A prediction of a class that the truth lacks counts as a miss
    of the true class and adds no term of its own. Both arguments hold N >= 1 class numbers >= 0.
    """
    y, guess = _checked(truth, predicted)
    classes = int(max(y.max(), guess.max())) + 1
    true_count = np.bincount(y, minlength=classes)
    guess_count = np.bincount(guess, minlength=classes)
    hits = np.bincount(y[y == guess], minlength=classes)
    present = true_count > 0
    return float(np.mean(2 * hits[present] / (true_count + guess_count)[present]))


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the fraction of correct predictions (0..1): acc_avg of WILDS."""
    y, guess = _checked(truth, predicted)
    return float(np.mean(y == guess))


def _checked(truth: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    y, guess = np.asarray(truth), np.asarray(predicted)
    if y.ndim != 1 or y.shape != guess.shape or y.size == 0:
        raise ValueError(f"expected two equally long, non-empty lists of classes, got {y.shape} and {guess.shape}")
    return y, guess
