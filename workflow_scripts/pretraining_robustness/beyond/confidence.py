"""What the confidence of predictions says: how well calibrated it is, and what accuracy it promises without labels."""

import numpy as np
from numpy.typing import NDArray

BINS = 15


def calibration_error(correct: NDArray[np.bool_], confidence: NDArray[np.floating]) -> float:
    """Return the expected calibration error, 0..1, over `BINS` bins of equal width.

    The mean distance of accuracy and mean confidence, weighted by images (Guo et al. 2017, arXiv 1706.04599, equation
    3, and their 15 bins; a bin holds its upper end).

    Args:
        correct, confidence: of n >= 1 images, (n,) each; confidence in 0..1.
    """
    sure = confidence.astype(np.float64)
    bins = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, correct - sure, BINS)
    return float(np.abs(gaps).sum() / len(sure))


def thresholded_accuracy(
    correct: NDArray[np.bool_], confidence: NDArray[np.floating], elsewhere: NDArray[np.floating]
) -> float:
    """Return the accuracy in 0..1 that the average thresholded confidence promises elsewhere, without its labels.

    Garg et al. 2022, arXiv 2201.04234, section 3 (ATC-MC): the part of confidences there that reach the threshold which
    as many confidences here fail to reach as there are errors. Of equal confidences the threshold nearest to that.

    Args:
        correct, confidence: of n >= 1 labelled images.
        elsewhere: confidences of m >= 1 images.
    """
    ordered = np.sort(confidence)
    thresholds = np.append(np.unique(ordered), np.inf)
    below = np.searchsorted(ordered, thresholds)
    nearest = thresholds[np.argmin(np.abs(below - np.count_nonzero(~correct)))]
    return float(np.mean(elsewhere >= nearest))
