"""Scores as the wilds package computes them (WILDS 2.0.0, wilds/common/metrics/all_metrics.py).

Each function takes true classes, predicted classes and groups of n >= 1 images, int64 (n,) from 0 (-1: of no group),
and returns a score in 0..1; functions are called as their metric.
"""

from collections.abc import Callable

import numpy as np
import torch
from wilds.common.metrics.all_metrics import F1, Accuracy

from pretraining_robustness.evaluate.metrics import Whole


def macro_f1(truth: Whole, predicted: Whole, groups: Whole) -> float:
    """Return the mean F1 over the classes present in the truth, in double precision: F1-macro_all for iWildCam."""
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return F1(average="macro").compute(*_tensors(predicted, truth), return_dict=False).item()
    finally:
        torch.set_default_dtype(default)


def accuracy(truth: Whole, predicted: Whole, groups: Whole) -> float:
    """Return the fraction of correct predictions: acc_avg."""
    return Accuracy().compute(*_tensors(predicted, truth), return_dict=False).item()


def worst_group_accuracy(truth: Whole, predicted: Whole, groups: Whole) -> float:
    """Return the accuracy of the group with the lowest: acc_wg."""
    # Group by group, as wilds' Metric._compute_group_wise does: its faster way needs torch_scatter.
    metric = Accuracy()
    members = [np.flatnonzero(groups == group) for group in np.unique(groups[groups >= 0])]
    scores = [metric.compute(*_tensors(predicted[one], truth[one]), return_dict=False) for one in members]
    return metric.worst(torch.stack(scores)).item()


def _tensors(*arrays: Whole) -> tuple:
    return tuple(torch.tensor(array, dtype=torch.int64) for array in arrays)


COMPUTED: dict[str, Callable[[Whole, Whole, Whole], float]] = {
    function.__name__: function for function in (macro_f1, accuracy, worst_group_accuracy)
}
