"""The closed-form bootstrap against a plain loop over resamples, and its coverage where the paper's holds."""

import numpy as np
import pytest

from pretraining_robustness.trends.bootstrap import (
    ResampledLines,
    draw_counts,
    lines_of_counts,
    percentile_band,
    percentile_interval,
    resample_lines,
)


def correlated(generator, runs, epochs, slope=0.7, within=0.8):
    """Checkpoints whose errors are `within` shared by their run."""
    x = np.sort(generator.normal(size=(runs, epochs)), axis=1) + 0.5 * generator.normal(size=(runs, 1))
    error = np.sqrt(within) * generator.normal(size=(runs, 1))
    error = error + np.sqrt(1 - within) * generator.normal(size=(runs, epochs))
    return x.ravel(), (slope * x + 0.2 * error).ravel(), np.repeat(np.arange(runs), epochs)


@pytest.mark.parametrize("unequal", [False, True])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_closed_form_equals_fitting_each_resample(unequal, offset):
    generator = np.random.default_rng(5)
    x, y, runs = correlated(generator, runs=6, epochs=5)
    if unequal:
        x, y, runs = x[3:-1], y[3:-1], runs[3:-1]
    x, y = x + offset, y - offset
    lines = resample_lines(x, y, runs, 200, np.random.default_rng(1))

    draws = np.random.default_rng(1).integers(0, 6, size=(200, 6))  # the same runs, one resample after another
    expected = []
    for drawn in draws:
        rows = np.concatenate([np.flatnonzero(runs == run) for run in drawn])
        expected.append(np.polynomial.Polynomial.fit(x[rows], y[rows], 1).convert().coef)
    intercepts, slopes = np.array(expected).T
    np.testing.assert_allclose(lines.slopes, slopes, rtol=1e-9)
    np.testing.assert_allclose(lines.intercepts, intercepts, rtol=1e-9, atol=1e-9 * max(1, offset))
    assert lines.degenerate == 0

    grid = np.linspace(x.min(), x.max(), 7)
    heights = intercepts[:, None] + slopes[:, None] * grid
    low, high = percentile_band(lines, grid, 0.9)
    np.testing.assert_allclose(low, np.quantile(heights, 0.05, axis=0), rtol=1e-8)
    np.testing.assert_allclose(high, np.quantile(heights, 0.95, axis=0), rtol=1e-8)


def test_resamples_with_a_single_x_are_counted_and_left_out():
    x, y = np.array([0.1, 0.1, 0.3]) + 1e3, np.array([1.0, 2.0, 3.0])
    lines = resample_lines(x, y, np.arange(3), 20_000, np.random.default_rng(0))
    assert lines.degenerate + len(lines.slopes) == 20_000
    # All three draws fall on the two points of equal x, or on the third: (2/3)^3 + (1/3)^3.
    assert lines.degenerate / 20_000 == pytest.approx(1 / 3, abs=0.015)
    assert np.isfinite(lines.slopes).all()
    assert np.abs(lines.slopes).max() < 20  # no slope from rounding noise


def test_no_usable_resample_gives_no_interval():
    none = ResampledLines(np.empty(0), np.empty(0), usable=np.zeros(5, dtype=bool))
    assert np.isnan(percentile_interval(none.slopes, 0.95)).all()
    assert np.isnan(percentile_band(none, np.zeros(3), 0.95)).all()


def test_a_cluster_without_points_here_changes_nothing():
    """Two series are resampled together by architecture, and one may lack an architecture."""
    x, y, runs = correlated(np.random.default_rng(4), runs=4, epochs=5)
    counts = draw_counts(5, 100, np.random.default_rng(6))
    lines = lines_of_counts(x, y, runs, counts)
    none = counts[:, :4].sum(axis=1) == 0
    assert (lines.usable == ~none).all()
    drawn = [np.repeat(np.arange(len(x)), row[runs].astype(int)) for row in counts[lines.usable]]
    expected = [np.polyfit(x[rows], y[rows], 1) for rows in drawn]
    np.testing.assert_allclose(np.stack([lines.slopes, lines.intercepts], axis=1), expected, rtol=1e-8)


def test_independent_checkpoints_are_covered_by_the_paper_s_bootstrap():
    generator = np.random.default_rng(3)
    trials, covered = 300, 0
    for _ in range(trials):
        x, y, _ = correlated(generator, runs=15, epochs=6, within=0.0)
        low, high = percentile_interval(resample_lines(x, y, np.arange(90), 500, generator).slopes, 0.95)
        covered += low <= 0.7 <= high
    assert 0.91 <= covered / trials <= 0.985
