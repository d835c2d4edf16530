"""Trends over ordered series: both tests by enumeration, the slope by hand, level, power, and the words for them."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from score_tables import PAIRS, paired, write_score_table

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.blocks import page_p
from pretraining_robustness.trends.comparisons import compare_series, read_comparisons
from pretraining_robustness.trends.ordered import equal_id_trend, last_epoch_trend
from pretraining_robustness.trends.points import axis_points

PROBIT, F1 = SCALES["probit"], score_metric("macro_f1")
SIZES = {"b": 50_000, "a": 5_000, "d": 1_000_000, "c": 150_000}


def made_up(generator, heights, along, architectures=4, epochs=4):
    """Scores of `SIZES`, smallest first: series on probit axes with these heights above a line, moved along it."""
    errors = 0.1 * generator.normal(size=architectures)
    rows = []
    for (name, height, moved), architecture in itertools.product(
        zip(sorted(SIZES, key=SIZES.get), heights, along, strict=True), range(architectures)
    ):
        x = -0.5 + moved + 0.1 * generator.normal() + np.sort(0.3 * generator.normal(size=epochs))
        error = errors[architecture] + 0.02 * generator.normal() + 0.02 * generator.normal(size=epochs)
        scores = stats.norm.cdf([x, 0.7 * x - 0.3 + height + error])
        key = ("iwildcam", name, f"net{architecture}", 0)
        rows += [(*key, epoch + 1, *scores[:, epoch], *scores[:, epoch]) for epoch in range(epochs)]
    return paired(rows)


def at_equal_id(scores, permutations=99, seed=0):
    points = [axis_points(scores[scores["distribution"] == name], PROBIT, F1) for name in SIZES]
    generator = np.random.default_rng(seed)
    return equal_id_trend(points, list(SIZES.values()), PROBIT, 0.95, permutations=permutations, generator=generator)


def test_page_s_p_is_that_of_all_rankings():
    """Two blocks of four treatments: 24 x 24 equally likely rankings; L is the sum of ranks times their place."""
    values = np.array([[0.1, 0.3, 0.2, 0.4], [0.2, 0.1, 0.3, 0.4]])
    weights = np.arange(1, 5)
    observed = float((values.argsort().argsort() + 1) @ weights @ np.ones(2))
    single = [np.array(ranks) @ weights for ranks in itertools.permutations(range(1, 5))]
    every = np.add.outer(single, single)
    rises, falls = (every >= observed).mean(), (every <= observed).mean()
    assert page_p(values) == pytest.approx(min(1, 2 * min(rises, falls)))
    assert page_p(values[:, ::-1]) == pytest.approx(page_p(values))
    assert np.isnan([page_p(values[:1]), page_p(values[:, :2])]).all()


def test_the_slope_is_that_of_the_last_epochs_of_complete_blocks():
    scores = made_up(np.random.default_rng(1), [0, 0.1, 0.1, 0.3], [0, 0.1, 0.2, 0.3])
    scores = scores[~(scores["architecture"].eq("net3") & scores["distribution"].eq("c"))]
    found = last_epoch_trend(scores, SIZES, F1, 0.95)
    last = scores[scores["epoch"] == 4].set_index(["architecture", "distribution"])["ood_macro_f1"]
    x = np.log10(list(SIZES.values()))
    slopes = [np.polyfit(x, [last[f"net{n}", name] for name in SIZES], 1)[0] for n in range(3)]
    assert found.blocks == 3
    assert found.slope == pytest.approx(np.mean(slopes))
    half = stats.t.ppf(0.975, 2) * np.std(slopes, ddof=1) / np.sqrt(3)
    np.testing.assert_allclose([found.low, found.high], [found.slope - half, found.slope + half])
    ordered = [[last[f"net{n}", name] for name in "abcd"] for n in range(3)]
    assert found.p == pytest.approx(2 * stats.page_trend_test(ordered).pvalue)


def test_at_equal_id_score_it_is_a_plain_loop_over_all_exchanges():
    scores = made_up(np.random.default_rng(2), [0, 0.02, 0.04, 0.06], [0, 0.2, 0.4, 0.6], architectures=2, epochs=3)
    found = at_equal_id(scores, permutations=24**2)
    x, y = (stats.norm.ppf(scores[name].to_numpy()) for name in ("id_macro_f1", "ood_macro_f1"))
    kinds = pd.get_dummies(scores["architecture"]).to_numpy(dtype=float)
    reduced = np.column_stack([kinds, x])
    full = np.column_stack([reduced, np.log10(scores["distribution"].map(SIZES))])
    fitted = sm.OLS(y, reduced).fit()
    residuals = fitted.resid.reshape(4, 2, 3)  # series, architectures, epochs
    statistics = []
    for orders in itertools.product(itertools.permutations(range(4)), repeat=2):
        exchanged = np.stack([residuals[list(order), number] for number, order in enumerate(orders)], axis=1)
        star = fitted.fittedvalues + exchanged.ravel()
        left = np.linalg.lstsq(full, star)[0]
        rest = np.linalg.lstsq(reduced, star)[0]
        left, rest = (((star - design @ fit) ** 2).sum() for design, fit in ((full, left), (reduced, rest)))
        statistics.append(rest / left)
    assert found.permutation_p == np.mean(np.array(statistics) >= statistics[0] * (1 - 1e-9))
    half = sm.OLS(y, full).fit().params[-1] / 2
    assert found.slope == pytest.approx(stats.norm.cdf(y.mean() + half) - stats.norm.cdf(y.mean() - half))


def test_scores_that_only_moved_along_the_line_have_no_trend_at_equal_id_score():
    generator, found = np.random.default_rng(3), []
    for _ in range(150):
        scores = made_up(generator, [0, 0, 0, 0], [0, 0.2, 0.4, 0.6])
        equal = at_equal_id(scores)
        assert (equal.p <= 0.05) == (not equal.low <= 0 <= equal.high)
        found.append([equal.p, equal.permutation_p, last_epoch_trend(scores, SIZES, F1, 0.95).p])
    equal, permuted, last = (np.array(found) <= 0.05).mean(axis=0)
    assert max(equal, permuted) <= 0.09  # 5 % and two standard errors
    assert last >= 0.6


@pytest.mark.parametrize(
    ("heights", "along", "words"),
    [
        (
            [0, 0.1, 0.2, 0.3],
            [0, 0, 0, 0],
            ["At equal ID macro F1, OOD macro F1 changes by +", "more robust. Raw OOD macro F1 after the last epoch"],
        ),
        (
            [0.3, 0.2, 0.1, 0],
            [0, 0, 0, 0],
            ["At equal ID macro F1, OOD macro F1 changes by -", "less robust."],
        ),
        ([0, 0, 0, 0], [0, 0.2, 0.4, 0.6], ["is undecided", "Raw OOD macro F1 after the last epoch changes by +"]),
        ([0, 0, 0, 0], [0, 0, 0, 0], ["At equal ID macro F1, whether OOD macro F1 changes with the number"]),
    ],
)
def test_the_comparison_of_a_panel_states_its_trend(tmp_path, heights, along, words):
    scores = made_up(np.random.default_rng(4), heights, along, architectures=6)
    paths = [tmp_path / name for name in ("scores.csv", "comparisons.csv", "contrasts.csv")]
    write_score_table(scores, paths[0])
    figure = {
        "name": "f",
        "title": "F",
        "task_label": "T",
        "scale": "probit",
        "band": "architectures",
        "confidence": 0.95,
    }
    panels = [{"title": "P", "series": list(SIZES), "ordered_by": "images"}, {"title": "Q", "series": ["a", "b"]}]
    figure |= {
        "references": ["d"],
        "panels": panels,
        "x_label": "ID",
        "y_label": "OOD",
        "images": SIZES,
        "pairs": PAIRS,
    }
    compare_series(*paths, figure=figure, permutations=199, seed=0, margin=0.02)
    table = read_comparisons(paths[1])
    assert table["ordered"].tolist() == ["a; b; c; d", "", "", ""]
    row = table.iloc[0]
    assert row["raw_blocks"] == 6
    assert row[["raw_page_p", "raw_per_tenfold", "raw_low", "equal_id_p"]].notna().all()
    assert all(said in row["conclusion"] for said in words), row["conclusion"]
    assert not any("tenfold" in said for said in table["conclusion"][1:])
