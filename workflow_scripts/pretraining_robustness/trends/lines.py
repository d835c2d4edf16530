"""Least-squares lines and planes on the axes of a scale, and how far scores lie above them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.trends.axis_scales import AxisScale, Floats


@dataclass(frozen=True)
class Line:
    """y = intercept + x . weights in axis units, from k in-distribution scores; `r2` is NaN when all y are the same."""

    weights: Floats
    intercept: float
    r2: float
    scale: AxisScale

    @property
    def slope(self) -> float:
        """The weight of the first in-distribution score."""
        return float(self.weights[0])

    @classmethod
    def fit(cls, x: Floats, y: Floats, scale: AxisScale) -> "Line":
        """Fit by least squares.

        Args:
            x: in axis units, shape (n,) or (n, k), n > k; not all the same.
            y: in axis units, shape (n,).
            scale: of the axes.
        """
        x = x.reshape(len(x), -1)
        apart, heights = x - x.mean(axis=0), y - y.mean()
        weights = np.asarray(np.linalg.lstsq(apart, heights, rcond=None)[0], dtype=np.float64)
        left, total = heights - apart @ weights, float(heights @ heights)
        r2 = 1 - float(left @ left) / total if total > 0 else float("nan")
        return cls(weights, float(y.mean() - x.mean(axis=0) @ weights), r2, scale)

    def predict(self, scores: Floats) -> Floats:
        """Return the out-of-distribution scores that the line predicts from `scores`, shape (n,) or (n, k)."""
        scores = np.asarray(scores, dtype=np.float64)
        return self.scale.inverse(self.scale.forward(scores.reshape(len(scores), -1)) @ self.weights + self.intercept)


@dataclass(frozen=True)
class Heights:
    """Of n checkpoints: what a line predicts (a score), the OOD score minus that, and the difference in axis units.

    NaN where a score is missing or has no place on the axes; `placed` says which have one.
    """

    predicted: Floats
    residual: Floats
    axis_residual: Floats
    placed: NDArray[np.bool_]


def heights_above(slope: float, intercept: float, scale: AxisScale, inside: Floats, outside: Floats) -> Heights:
    """Return how far the points (inside, outside), scores in [0, 1] of shape (n,), lie above a line in axis units."""
    placed = scale.representable(inside) & scale.representable(outside)
    predicted, observed = np.full(len(inside), np.nan), np.full(len(inside), np.nan)
    predicted[placed] = intercept + slope * scale.forward(inside[placed])
    observed[placed] = scale.forward(outside[placed])
    scores = scale.inverse(predicted)
    return Heights(scores, outside - scores, observed - predicted, placed)
