"""Effective robustness where networks were trained on different data: several in-distribution test sets.

With one in-distribution (ID) test set a network trained on other data seems robust merely because that set is none of
its own. Shi et al. 2023 ("Effective robustness against natural distribution shifts for models with different training
data", arXiv 2302.01381) predict the out-of-distribution (OOD) score from the scores on the ID test sets of all training
data at once: beta(s_1 .. s_k) = expit(w_1 logit(s_1) + ... + w_k logit(s_k) + b), fitted by least squares on logit
axes.

This study has one ID test set a downstream task, on which all its networks were fine-tuned, so its tables use the case
k = 1 (effective_robustness.py). These functions are for networks that are compared without fine-tuning, for example
zero-shot ones against those of a source, with a score on the ID test set of each.
"""

from dataclasses import dataclass

import numpy as np

from pretraining_robustness.trends.axis_scales import SCALES, AxisScale, Floats


@dataclass(frozen=True)
class MultipleBaseline:
    """beta(s) = inverse(intercept + sum of weights * forward(s)); `weights` has one entry an ID test set."""

    intercept: float
    weights: Floats
    scale: AxisScale

    def predict(self, id_scores: Floats) -> Floats:
        """Return the predicted OOD scores, shape (n,), of ID scores in (0, 1), shape (n, k)."""
        return self.scale.inverse(self.intercept + self.scale.forward(id_scores) @ self.weights)

    def effective_robustness(self, id_scores: Floats, ood: Floats) -> Floats:
        """Return OOD scores minus predicted ones, shape (n,), in score units."""
        return ood - self.predict(id_scores)


def fit_multiple_baseline(id_scores: Floats, ood: Floats, scale: AxisScale = SCALES["logit"]) -> MultipleBaseline:
    """Fit the baseline to n networks.

    Args:
        id_scores: scores on k ID test sets, shape (n, k), with a place on the axes; n is larger than k + 1.
        ood: OOD scores, shape (n,), with a place on the axes.
        scale: the axes; logit as in the paper.

    Raises:
        ValueError: the networks do not determine the weights: too few, or ID scores that depend on each other.
    """
    places = scale.forward(np.asarray(id_scores, dtype=np.float64))
    design = np.column_stack([np.ones(len(places)), places])
    coefficients, _, rank, _ = np.linalg.lstsq(design, scale.forward(np.asarray(ood, dtype=np.float64)), rcond=None)
    if len(places) <= design.shape[1] or rank < design.shape[1]:
        raise ValueError(f"{len(places)} networks do not determine a baseline of {places.shape[1]} ID test sets")
    return MultipleBaseline(float(coefficients[0]), np.asarray(coefficients[1:], dtype=np.float64), scale)
