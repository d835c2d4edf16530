"""Intervals of trends: their formulas by brute force, and what they cover when checkpoints of a run are correlated."""

import numpy as np
import pytest
from scipy import linalg, stats

from pretraining_robustness.trends.bootstrap import percentile_interval, resample_lines
from pretraining_robustness.trends.cluster_robust import ClusterRobustLeastSquares, ClusterRobustLine

SLOPE, EPOCHS = 0.7, 8


def correlated(generator, runs, spread=1.9):
    """Checkpoints like those of the miniature, on probit axes: 80 % of the variance of x and of errors is between runs.

    (In 11 of its series it was 71 to 87 % of that of x and 25 to 82 % of that of errors.) `spread` is the standard
    deviation of x between runs over that within.
    """
    x = np.sort(generator.normal(size=(runs, EPOCHS)), axis=1) + spread * generator.normal(size=(runs, 1))
    error = np.sqrt(0.8) * generator.normal(size=(runs, 1)) + np.sqrt(0.2) * generator.normal(size=(runs, EPOCHS))
    return x.ravel(), (SLOPE * x + 0.2 * error).ravel(), np.repeat(np.arange(runs), EPOCHS)


def by_brute_force(design, y, clusters, contrast):
    """Bell & McCaffrey 2002 with n x n matrices: value, variance, degrees of freedom."""
    inverse = np.linalg.inv(design.T @ design)
    hat = design @ inverse @ design.T
    residual_maker = np.eye(len(y)) - hat
    residuals = residual_maker @ y
    columns = []
    for cluster in np.unique(clusters):
        rows = np.flatnonzero(clusters == cluster)
        block = residual_maker[np.ix_(rows, rows)]
        values, vectors = np.linalg.eigh(block)
        powers = np.where(values > 1e-9, np.maximum(values, 1e-9) ** -0.5, 0)
        column = np.zeros(len(y))
        column[rows] = (vectors * powers) @ vectors.T @ design[rows] @ inverse @ contrast
        columns.append(column)
    weights = np.array(columns).T
    matrix = weights.T @ residual_maker @ weights
    freedom = np.trace(matrix) ** 2 / (matrix**2).sum()
    return contrast @ inverse @ design.T @ y, ((weights.T @ residuals) ** 2).sum(), freedom


@pytest.mark.parametrize("runs", [2, 3, 9])
def test_standard_errors_and_freedom_are_those_of_the_definition(runs):
    generator = np.random.default_rng(runs)
    x, y, clusters = correlated(generator, runs)
    x, y, clusters = x[3:], y[3:], clusters[3:]  # runs of unequal length
    line = ClusterRobustLine(x + 50, y, clusters)
    design = np.stack([np.ones_like(x), x], axis=1)
    place = np.array([-1.0, 0.3])
    for contrast, estimate in (
        ([0.0, 1.0], line.slope()),
        *(([1.0, at], line.heights(np.array([at + 50]))) for at in place),
    ):
        expected = by_brute_force(design, y, clusters, np.array(contrast))
        found = [float(values[0]) for values in (estimate.value, estimate.variance, estimate.freedom)]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_direction_that_one_cluster_determines_is_no_crash():
    """Of two series' lines one rests on a single run of varying x: its residual block is singular."""
    generator = np.random.default_rng(1)
    clusters = np.repeat(np.arange(4), 5)
    x = np.where(clusters == 0, generator.normal(size=20), 0.2)
    design = np.stack([np.ones(20), x], axis=1)
    y = generator.normal(size=20)
    estimate = ClusterRobustLeastSquares(design, y, clusters).estimate(np.eye(2))
    for number, contrast in enumerate(np.eye(2)):
        expected = by_brute_force(design, y, clusters, contrast)
        assert estimate.value[number] == pytest.approx(expected[0], abs=1e-9)
        assert estimate.variance[number] == pytest.approx(expected[1], abs=1e-9)
    assert (estimate.freedom >= 1).all()


def test_the_mean_of_equal_clusters_is_the_t_test_of_their_means():
    """A case with an exact answer: Student's t of the clusters' means with one degree of freedom less."""
    generator = np.random.default_rng(2)
    y = generator.normal(0.3, 1, size=(5, 7)) + generator.normal(size=(5, 1))
    fit = ClusterRobustLeastSquares(np.ones((35, 1)), y.ravel(), np.repeat(np.arange(5), 7))
    estimate = fit.estimate(np.ones((1, 1)))
    exact = stats.ttest_1samp(y.mean(axis=1), 0)
    assert estimate.freedom[0] == pytest.approx(4)
    assert estimate.p_value()[0] == pytest.approx(exact.pvalue)
    interval = exact.confidence_interval(0.95)
    np.testing.assert_allclose(np.ravel(estimate.interval(0.95)), interval)


def test_several_lines_at_once_are_those_alone():
    generator = np.random.default_rng(3)
    parts = [correlated(generator, runs) for runs in (3, 5)]
    design = linalg.block_diag(*(np.stack([np.ones_like(x), x], axis=1) for x, _, _ in parts))
    clusters = np.concatenate([parts[0][2], parts[1][2] + 3])
    together = ClusterRobustLeastSquares(design, np.concatenate([parts[0][1], parts[1][1]]), clusters)
    for number, part in enumerate(parts):
        alone = ClusterRobustLine(*part).slope()
        joint = together.estimate(np.eye(4)[[2 * number + 1]])
        for name in ("value", "variance", "freedom"):
            np.testing.assert_allclose(getattr(joint, name), getattr(alone, name), rtol=1e-8)


def coverage(runs, trials, spread):
    """The part of trials in which intervals hold the true slope, and the true height at five places of the band."""
    generator = np.random.default_rng(runs)
    covered = np.zeros(6)
    for _ in range(trials):
        x, y, clusters = correlated(generator, runs, spread)
        line = ClusterRobustLine(x, y, clusters)
        low, high = line.slope().interval(0.95)
        covered[0] += low[0] <= SLOPE <= high[0]
        grid = np.linspace(x.min(), x.max(), 5)
        low, high = line.heights(grid).interval(0.95)
        covered[1:] += (low <= SLOPE * grid) & (SLOPE * grid <= high)
    return covered / trials


@pytest.mark.parametrize(("runs", "trials"), [(3, 1500), (8, 1000), (10, 1000), (40, 600)])
def test_intervals_and_bands_cover_the_truth(runs, trials):
    """95 +- 3 % for the slope and at every place of the band, at 3 runs as at 40."""
    found = coverage(runs, trials, spread=1.9)
    assert (found >= 0.92).all(), found
    assert (found <= 0.98).all(), found


@pytest.mark.parametrize("runs", [2, 3])
def test_where_x_varies_within_runs_intervals_are_rather_too_wide(runs):
    found = coverage(runs, 800, spread=0.5)
    assert (found >= 0.915).all(), found
    assert (found <= 0.99).all(), found


@pytest.mark.parametrize(("runs", "of_runs", "of_checkpoints"), [(3, 0.75, 0.5), (10, 0.91, 0.6), (40, 0.97, 0.65)])
def test_bootstrap_percentiles_cover_too_little(runs, of_runs, of_checkpoints):
    """How far the i.i.d. bootstrap of arXiv 2307.12532 and that of runs miss 95 %, for the height in the middle.

    Resampling checkpoints stays wrong whatever the number of runs; resampling runs gets better with it.
    """
    generator = np.random.default_rng(runs)
    covered, trials = np.zeros(2), 250
    for _ in range(trials):
        x, y, clusters = correlated(generator, runs)
        middle = x.mean()
        for number, unit in enumerate((clusters, np.arange(len(x)))):
            lines = resample_lines(x, y, unit, 300, generator)
            low, high = percentile_interval(lines.intercepts + lines.slopes * middle, 0.95)
            covered[number] += low <= SLOPE * middle <= high
    found = covered / trials
    assert found[0] <= of_runs
    assert found[0] >= (0.9 if runs == 40 else 0.5)
    assert 0.2 <= found[1] <= of_checkpoints


def test_bands_of_several_seeds_cover_the_truth():
    """Half of the variance between runs is the architecture's: with runs as clusters 95 % bands covered 74 to 84 %."""
    generator, grid = np.random.default_rng(5), np.array([-1.0, 0.0, 1.0])
    found = {"architectures": np.zeros(4), "runs": np.zeros(4)}
    for _ in range(500):
        kinds = np.repeat(np.arange(6), 2)
        x = (generator.normal(size=6)[kinds] + 0.3 * generator.normal(size=12))[:, None] + generator.normal(
            size=(12, 6)
        )
        off = generator.normal(size=6)[kinds] + generator.normal(size=12)
        y = SLOPE * x + 0.2 * off[:, None] + 0.1 * generator.normal(size=x.shape)
        for name, clusters in (("architectures", kinds), ("runs", np.arange(12))):
            line = ClusterRobustLine(x.ravel(), y.ravel(), np.repeat(clusters, 6))
            for number, (estimate, truth) in enumerate([(line.slope(), SLOPE), (line.heights(grid), SLOPE * grid)]):
                low, high = estimate.interval(0.95)
                found[name][slice(1) if number == 0 else slice(1, 4)] += (low <= truth) & (truth <= high)
    assert (found["architectures"] / 500 >= 0.92).all(), found
    assert (found["architectures"] / 500 <= 0.985).all(), found
    assert (found["runs"][1:] / 500 < 0.9).all(), found


def test_no_interval_where_nothing_is_left_to_estimate_an_error_from():
    """Two runs at one position each determine the line; points on a line leave rounding alone."""
    x, y = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.1, 0.2, 0.9, 1.1])
    clusters = np.array([0, 0, 1, 1])
    for line in (ClusterRobustLine(x, y, clusters), ClusterRobustLine(np.arange(4.0), 0.3 * np.arange(4.0), clusters)):
        assert np.isnan(line.slope().interval(0.95)).all()
        assert np.isnan(line.slope().p_value()).all()
