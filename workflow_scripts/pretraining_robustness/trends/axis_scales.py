"""The axes on which trends are straight lines: linear, logit and probit.

Miller et al. 2021 ("Accuracy on the line") draw accuracies and F1 scores on probit axes by default and offer logit and
linear ones (github.com/millerjohnp/linearfits_app, utils.py). The main text of arXiv 2307.12532 does not state the
scale of its figures, so every trend is fitted on all three.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pretraining_robustness.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class AxisScale:
    """A monotone map of scores to an axis; `forward` takes scores in [0, 1], `inverse` takes it back.

    `steepness` is the derivative of `forward` at scores that have a place on the axis.
    """

    name: str
    forward: Callable[[Floats], Floats]
    inverse: Callable[[Floats], Floats]
    steepness: Callable[[Floats], Floats]

    def representable(self, scores: Floats) -> NDArray[np.bool_]:
        """Return which scores have a finite place on the axis: on logit and probit axes 0 and 1 have none."""
        with np.errstate(divide="ignore"):
            return np.isfinite(self.forward(np.asarray(scores, dtype=np.float64)))


def _same(values: Floats) -> Floats:
    return np.asarray(values, dtype=np.float64)


# special.ndtri is scipy.stats.norm.ppf without the half second that importing scipy.stats takes.
SCALES = {
    scale.name: scale
    for scale in (
        AxisScale("linear", _same, _same, np.ones_like),
        AxisScale("logit", special.logit, special.expit, lambda scores: 1 / (scores * (1 - scores))),
        AxisScale(
            "probit",
            special.ndtri,
            special.ndtr,
            lambda scores: np.sqrt(2 * np.pi) * np.exp(special.ndtri(scores) ** 2 / 2),
        ),
    )
}


def axis_scale(name: str) -> AxisScale:
    """Return the scale called `name`.

    Raises:
        InputError: there is no such scale.
    """
    try:
        return SCALES[name]
    except KeyError:
        raise InputError(f"scale: {name!r} is not an axis scale; use one of {', '.join(SCALES)}") from None
