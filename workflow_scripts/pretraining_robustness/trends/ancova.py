"""Analysis of covariance of series' trends: parametric tests beside the permutation test, of the same hypotheses.

The model is y = (what is peculiar to the architecture) + slope x, with what each series adds to height and slope; where
series do not share their architectures it has one intercept instead (permutation.py says when). The first three p
values are F tests with a cluster-robust covariance, a run being a cluster, on (number of constraints, runs - 1) degrees
of freedom, as statsmodels makes them. With few runs such tests find differences far too often
(Cameron, Gelbach & Miller 2008; Pustejovsky & Tipton 2018; tests/unit/trends/test_comparisons.py measures it), so they
are no evidence on their own. The mixed model gives each run a random intercept; its p value is that of a
likelihood-ratio test, which needs many runs too.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special
from statsmodels.regression.linear_model import OLS

from pretraining_robustness.trends.axis_scales import Floats
from pretraining_robustness.trends.points import Whole


@dataclass(frozen=True)
class Ancova:
    """p values of: one line against a line for each series (`trend`, and `mixed` by a mixed model), one slope for all
    series (`slope`), one line against parallel lines (`height`). NaN where a test cannot be made.
    """

    trend: float
    slope: float
    height: float
    mixed: float


def ancova(x: Floats, y: Floats, series: Whole, runs: Whole, architectures: Whole) -> Ancova:
    """Test whether series share one line.

    Args:
        x: in-distribution scores of the n checkpoints in axis units, shape (n,).
        y: out-of-distribution scores in axis units, shape (n,).
        series: the series of each checkpoint as 0 .. S-1, S at least 2.
        runs: the run of each checkpoint.
        architectures: the architecture of each checkpoint; all one where the model shall have one intercept.
    """
    x = x - x.mean()
    others = (series[:, None] == np.unique(series)[1:]).astype(np.float64)
    one_line = np.hstack([(architectures[:, None] == np.unique(architectures)).astype(np.float64), x[:, None]])
    lines = np.hstack([one_line, others, others * x[:, None]])
    parallel = np.hstack([one_line, others])
    steps = others.shape[1]
    return Ancova(
        trend=_f_test(y, lines, runs, last=2 * steps),
        slope=_f_test(y, lines, runs, last=steps),
        height=_f_test(y, parallel, runs, last=steps),
        mixed=_likelihood_ratio(y, lines, one_line, runs),
    )


def _f_test(y: Floats, design: Floats, runs: Whole, last: int) -> float:
    """Return the p value of the hypothesis that the last coefficients are 0."""
    fewer_constraints_than_clusters = last < len(np.unique(runs))
    if not fewer_constraints_than_clusters or np.linalg.matrix_rank(design) < design.shape[1]:
        return float("nan")
    fitted = OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": runs}, use_t=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        covariance = np.asarray(fitted.cov_params())[-last:, -last:]
        if np.linalg.matrix_rank(covariance, hermitian=True) < last:  # too few clusters for so many constraints
            return float("nan")
        return float(fitted.f_test(np.eye(design.shape[1])[-last:]).pvalue)


def _likelihood_ratio(y: Floats, full: Floats, reduced: Floats, runs: Whole) -> float:
    """Return the p value of a likelihood-ratio test of models with a random intercept for each run."""
    spread = y - y.mean()
    if len(y) <= full.shape[1] + 1 or np.linalg.matrix_rank(full) < full.shape[1] or not spread.any():
        return float("nan")
    ratio = 2 * (log_likelihood(y, full, runs) - log_likelihood(y, reduced, runs))
    return float(special.chdtrc(full.shape[1] - reduced.shape[1], max(ratio, 0.0)))


def log_likelihood(y: Floats, design: Floats, runs: Whole) -> float:
    """Return the largest log-likelihood of y = X b + (random intercept of the run) + error, both normal.

    It is searched over the one parameter that b and the variances leave, the ratio of the variance between runs to that
    within, which may be 0: with few runs it often is, where statsmodels' MixedLM does not converge. Given the ratio,
    subtracting 1 - (1 + n ratio)^(-1/2) of its mean from each run of n checkpoints makes errors independent.
    """
    _, runs, sizes = np.unique(runs, return_inverse=True, return_counts=True)
    columns = np.column_stack([design, y])
    means = np.zeros((len(sizes), columns.shape[1]))
    np.add.at(means, runs, columns / sizes[runs][:, None])

    def likelihood(ratio: float) -> float:
        share = 1 - (1 + sizes * ratio) ** -0.5
        independent = columns - share[runs][:, None] * means[runs]
        basis = np.linalg.qr(independent[:, :-1])[0]
        rest = independent[:, -1] - basis @ (basis.T @ independent[:, -1])
        variance = max(float(rest @ rest) / len(y), np.finfo(np.float64).tiny)
        return -0.5 * (len(y) * (np.log(2 * np.pi * variance) + 1) + np.log1p(sizes * ratio).sum())

    grid = np.linspace(-8, 8, 33)
    best = grid[np.argmax([likelihood(np.exp(place)) for place in grid])]
    found = optimize.minimize_scalar(
        lambda place: -likelihood(np.exp(place)), bounds=(best - 0.5, best + 0.5), method="bounded"
    )
    return max(-float(found.fun), likelihood(0.0))
