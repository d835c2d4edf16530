"""Tests between series: exact permutations, what tests find and do not, contrasts, and what is said of them."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from score_tables import PAIRS, paired, read_paired, write_score_table
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.power import TTestPower

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.figures.kinds.trends import trend_caption
from pretraining_robustness.trends.ancova import ancova, log_likelihood
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.comparisons import (
    COMPARISON_COLUMNS,
    CONTRAST_COLUMNS,
    compare_series,
    read_comparisons,
    read_contrasts,
)
from pretraining_robustness.trends.contrasts import FittedSeries, contrast, detectable_shift, shared_middle
from pretraining_robustness.trends.fit import fit_trends, read_bands, read_trends
from pretraining_robustness.trends.permutation import permutation_test
from pretraining_robustness.trends.points import axis_points

MARGIN = 0.02
PROBIT, F1 = SCALES["probit"], score_metric("macro_f1")
FIGURE = {
    "name": "fig4",
    "title": "Number of pre-training images",
    "task_label": "iWildCam-WILDS",
    "scale": "probit",
    "metric": "macro_f1",
    "pairs": PAIRS,
    "band": "architectures",
    "confidence": 0.95,
    "references": ["scratch"],
    "panels": [{"title": "ImageNet", "series": ["scratch", "a", "b", "c"]}],
    "labels": {"a": "series A", "scratch": "From scratch"},
    "x_label": "ID",
    "y_label": "OOD",
}


def made_up(generator, series, architectures=3, seeds=1, epochs=5, *, shared=0.1, own=0.03, noise=0.04):
    """Scores on probit axes of series given as {name: (shift of OOD, shift of ID along the line)}.

    `shared`, `own` and `noise` are the standard deviations of architectures, runs and checkpoints around the line.
    """
    kinds = 0.5 * generator.normal(size=architectures) - 0.5, shared * generator.normal(size=architectures)
    rows = []
    for name, (height, along) in series.items():
        for architecture, seed in itertools.product(range(architectures), range(seeds)):
            x = kinds[0][architecture] + along + 0.1 * generator.normal() + np.sort(0.3 * generator.normal(size=epochs))
            error = kinds[1][architecture] + own * generator.normal() + noise * generator.normal(size=epochs)
            scores = stats.norm.cdf([x, 0.7 * x - 0.3 + height + error])
            named = ("iwildcam", name, f"net{architecture}", seed)
            rows += [(*named, epoch + 1, *scores[:, epoch], *scores[:, epoch]) for epoch in range(epochs)]
    return paired(rows)


def arrays(scores):
    """What the tests take: x, y, series, runs, architectures."""
    x, y = (stats.norm.ppf(scores[column]) for column in ("id_macro_f1", "ood_macro_f1"))
    groups = (["distribution"], ["distribution", "architecture", "seed"], ["architecture"])
    return x, y, *(scores.groupby(names).ngroup().to_numpy() for names in groups)


def compare(tmp_path, scores, figure=FIGURE, permutations=500):
    paths = [tmp_path / name for name in ("scores.csv", "comparisons.csv", "contrasts.csv")]
    write_score_table(scores, paths[0])
    compare_series(*paths, figure=figure, permutations=permutations, seed=0, margin=MARGIN)
    return read_comparisons(paths[1]), read_contrasts(paths[2])


# Permutations ---------------------------------------------------------------------------------------------------------


def test_all_permutations_are_those_of_a_plain_loop():
    """Two series, three architectures: 2 x 2 x 2 exchanges, each fitted by statsmodels."""
    scores = made_up(np.random.default_rng(1), {"a": (0, 0), "b": (0.05, 0.2)})
    x, y, series, runs, architectures = arrays(scores)
    found = permutation_test(x, y, series, runs, architectures, permutations=100, generator=np.random.default_rng(0))
    kinds = np.eye(3)[architectures]
    own = np.eye(2)[series]
    reduced = np.column_stack([kinds, x])
    fitted = sm.OLS(y, reduced).fit()
    statistics = {"trend": [], "height": []}
    for swaps in itertools.product([False, True], repeat=3):
        residuals = fitted.resid.copy()
        for architecture, swap in enumerate(swaps):
            first, second = (np.flatnonzero((architectures == architecture) & (series == one)) for one in (0, 1))
            if swap:
                residuals[first], residuals[second] = fitted.resid[second], fitted.resid[first]
        y_star = fitted.fittedvalues + residuals
        rest = sm.OLS(y_star, reduced).fit().ssr
        for name, extra in (("trend", np.column_stack([own, own * x[:, None]])), ("height", own)):
            left = np.linalg.lstsq(np.column_stack([reduced, extra]), y_star)[0]
            left = ((y_star - np.column_stack([reduced, extra]) @ left) ** 2).sum()
            statistics[name].append((rest - left) / left)
    assert found.permutations == 8
    assert found.smallest == 1 / 8
    for name, values in statistics.items():
        assert getattr(found, name) == np.mean(np.array(values) >= values[0] * (1 - 1e-9))


def test_drawn_permutations_agree_with_all_of_them():
    scores = made_up(np.random.default_rng(2), {"a": (0, 0), "b": (0, 0), "c": (0.04, 0)})
    exact = permutation_test(*arrays(scores), permutations=216, generator=np.random.default_rng(0))
    drawn = permutation_test(*arrays(scores), permutations=215, generator=np.random.default_rng(0))
    assert (exact.permutations, drawn.permutations) == (216, 215)
    assert drawn.trend == pytest.approx(exact.trend, abs=0.1)
    assert drawn.height == pytest.approx(exact.height, abs=0.1)
    assert drawn.smallest == 1 / 216


def test_without_a_difference_permutations_find_one_in_five_percent_and_parametric_tests_in_more():
    """Series that moved along the line, with few runs: the permutation test keeps its level."""
    generator = np.random.default_rng(3)
    found = []
    for _ in range(80):
        scores = made_up(generator, {"a": (0, 0), "b": (0, 0.3)}, architectures=5)
        given = arrays(scores)
        permuted = permutation_test(*given, permutations=59, generator=generator)
        parametric = ancova(*given)
        found.append([permuted.trend, permuted.height, parametric.trend])
    rejected = (np.array(found) <= 0.05).mean(axis=0)
    assert (rejected[:2] <= 0.12).all(), rejected
    assert rejected[2] > 0.15, rejected


def test_a_shift_is_found():
    generator = np.random.default_rng(4)
    found = [
        permutation_test(
            *arrays(made_up(generator, {"a": (0, 0), "b": (0.15, 0)}, architectures=6)),
            permutations=199,
            generator=generator,
        )
        for _ in range(20)
    ]
    assert np.mean([test.height <= 0.05 for test in found]) >= 0.9
    assert np.mean([test.trend <= 0.05 for test in found]) >= 0.8


def test_runs_of_other_length_exchange_nothing():
    scores = made_up(np.random.default_rng(5), {"a": (0, 0), "b": (0, 0)})
    kept = scores[~((scores["distribution"] == "a") & (scores["epoch"] == 5))]
    none = permutation_test(*arrays(kept), permutations=100, generator=np.random.default_rng(0))
    assert np.isnan([none.trend, none.height]).all()
    assert (none.smallest, none.permutations) == (1, 0)
    some = scores[~((scores["distribution"] == "a") & (scores["epoch"] == 5) & (scores["architecture"] == "net0"))]
    assert permutation_test(*arrays(some), permutations=100, generator=np.random.default_rng(0)).permutations == 4


# Analysis of covariance -----------------------------------------------------------------------------------------------


def test_the_analysis_of_covariance_is_that_of_a_formula():
    scores = made_up(np.random.default_rng(6), {"a": (0, 0), "b": (0, 0), "c": (0.05, 0)}, architectures=8)
    x, y, series, runs, architectures = arrays(scores)
    table = pd.DataFrame({"x": x, "y": y, "s": series, "a": architectures, "run": runs})
    found = ancova(x, y, series, runs, architectures)
    options = {"cov_type": "cluster", "cov_kwds": {"groups": runs}, "use_t": True}
    lines = sm.OLS.from_formula("y ~ C(a) + x * C(s)", table.assign(x=x - x.mean())).fit(**options)
    parallel = sm.OLS.from_formula("y ~ C(a) + x + C(s)", table).fit(**options)
    turn, shift = ["x:C(s)[T.1]", "x:C(s)[T.2]"], ["C(s)[T.1]", "C(s)[T.2]"]
    for value, fitted, names in (
        (found.slope, lines, turn),
        (found.trend, lines, turn + shift),
        (found.height, parallel, shift),
    ):
        expected = fitted.f_test(", ".join(f"{name} = 0" for name in names)).pvalue
        assert value == pytest.approx(float(expected), rel=1e-6)


def test_the_mixed_model_s_likelihood_is_that_of_statsmodels():
    generator = np.random.default_rng(7)
    runs = np.repeat(np.arange(12), 5)[2:]
    design = np.column_stack([np.ones(58), generator.normal(size=58)])
    y = design @ [1, 2] + 0.5 * generator.normal(size=12)[runs] + 0.3 * generator.normal(size=58)
    assert log_likelihood(y, design, runs) == pytest.approx(
        MixedLM(y, design, groups=runs).fit(reml=False).llf, abs=1e-6
    )
    independent = generator.normal(size=58)
    independent -= np.bincount(runs, independent)[runs] / np.bincount(runs)[runs]  # less alike than chance: variance 0
    assert log_likelihood(independent, design, runs) == pytest.approx(sm.OLS(independent, design).fit().llf, abs=1e-6)


# Contrasts ------------------------------------------------------------------------------------------------------------


def fitted_pair(scores):
    return [FittedSeries.fit(name, axis_points(rows, PROBIT, F1)) for name, rows in scores.groupby("distribution")]


def test_a_contrast_is_the_difference_of_both_lines_in_score_units():
    first, second = fitted_pair(made_up(np.random.default_rng(8), {"a": (0, 0), "b": (-0.2, 0.1)}))
    x = shared_middle([first, second])
    low = max(one.points.x.min() for one in (first, second))
    high = min(one.points.x.max() for one in (first, second))
    assert x == pytest.approx((low + high) / 2)
    found = contrast(first, second, x, PROBIT)
    heights = [np.polyval(np.polyfit(one.points.x, one.points.y, 1), x) for one in (first, second)]
    np.testing.assert_allclose(found.heights, heights)
    assert found.difference == pytest.approx(np.subtract(*stats.norm.cdf(heights)))
    again = contrast(second, first, x, PROBIT)
    assert again.interval(0.95) == pytest.approx([-end for end in reversed(found.interval(0.95))])
    half = stats.t.ppf(0.975, found.freedom) * found.error
    apart = heights[0] - heights[1]
    assert found.p == pytest.approx(2 * stats.t.sf(apart / found.error, found.freedom))
    ends = [
        stats.norm.cdf(np.mean(heights) + d / 2) - stats.norm.cdf(np.mean(heights) - d / 2)
        for d in (apart - half, apart + half)
    ]
    np.testing.assert_allclose(found.interval(0.95), ends, rtol=1e-6)
    # Two one-sided tests pass where the 90 % interval lies within the margin.
    needed = max(map(abs, found.interval(0.9)))
    assert found.margin_needed(0.05) == pytest.approx(needed)
    assert found.p_equivalent(needed) == pytest.approx(0.05)
    assert found.p_equivalent(1.5) == 0  # no two scores are so far apart


def test_what_architectures_have_in_common_falls_out_of_a_contrast():
    scores = made_up(
        np.random.default_rng(9), {"a": (0, 0), "b": (0, 0)}, architectures=6, shared=0.3, own=0.01, noise=0.01
    )
    first, second = fitted_pair(scores)
    paired = contrast(first, second, shared_middle([first, second]), PROBIT)
    second.points.table["architecture"] = "other " + second.points.table["architecture"]
    apart = contrast(first, second, shared_middle([first, second]), PROBIT)
    assert paired.difference == pytest.approx(apart.difference)
    assert apart.error > 3 * paired.error
    assert apart.freedom > paired.freedom


def test_a_series_of_one_architecture_has_its_runs_as_clusters():
    """As one cluster it would determine its own line, without any error."""
    generator = np.random.default_rng(23)
    one = made_up(generator, {"a": (0, 0)}, architectures=1, seeds=6)
    many = made_up(generator, {"b": (0, 0)}, architectures=6)
    for others in (many, many.assign(architecture="other " + many["architecture"]), one.assign(distribution="b")):
        pair = fitted_pair(pd.concat([one, others], ignore_index=True))
        found = contrast(*pair, shared_middle(pair), PROBIT)
        alone = [series.line.heights(np.array([shared_middle(pair)])).variance[0] for series in pair]
        assert found.error**2 == pytest.approx(sum(alone))


def test_a_panel_of_one_architecture_says_so(tmp_path):
    scores = made_up(np.random.default_rng(26), {"a": (0, 0), "b": (0.2, 0)}, architectures=1, seeds=6)
    figure = FIGURE | {"panels": [{"title": "P", "series": ["a", "b"]}], "references": []}
    comparisons, _ = compare(tmp_path, scores, figure)
    assert "all runs are of one architecture, net0" in comparisons["note"][0]


@pytest.mark.parametrize(("architectures", "seeds"), [(3, 1), (5, 2)])
def test_contrasts_cover_the_truth(architectures, seeds):
    generator = np.random.default_rng(architectures)
    covered, trials = 0, 120
    for _ in range(trials):
        scores = made_up(generator, {"a": (0, 0), "b": (0, 0.2)}, architectures, seeds)
        pair = fitted_pair(scores)
        found = contrast(*pair, shared_middle(pair), PROBIT)
        low, high = found.interval(0.95)
        covered += low <= 0 <= high
    assert 0.9 <= covered / trials <= 0.995


@pytest.mark.parametrize("freedom", [4, 9, 38])
def test_the_detectable_difference_is_that_of_a_power_analysis(freedom):
    expected = TTestPower().solve_power(nobs=freedom + 1, alpha=0.05, power=0.8) * np.sqrt(freedom + 1)
    assert detectable_shift(freedom, 0.05, 0.8) == pytest.approx(expected, rel=1e-3)


def test_few_degrees_of_freedom_need_much_larger_differences():
    shifts = [detectable_shift(freedom, 0.05, 0.8) for freedom in (1.0, 1.5, 2.0, 5.0, 1000.0)]
    assert shifts == sorted(shifts, reverse=True)
    assert shifts[-1] == pytest.approx(2.80, abs=0.01)
    assert shifts[0] > 10


# Tables and conclusions -----------------------------------------------------------------------------------------------


def test_the_tables_have_their_columns_and_rows(tmp_path):
    series = {"scratch": (-0.2, -0.1), "a": (0, 0), "b": (0, 0), "c": (0, 0.1)}
    comparisons, contrasts = compare(tmp_path, made_up(np.random.default_rng(10), series))
    assert list(comparisons.columns) == COMPARISON_COLUMNS
    assert list(contrasts.columns) == CONTRAST_COLUMNS
    assert comparisons["compared"].tolist() == ["series", "scratch"]
    assert comparisons["series"].tolist() == ["a; b; c", "scratch; a; b; c"]
    pairs = [
        list(rows[["first", "second"]].itertuples(index=False, name=None))
        for _, rows in contrasts.groupby("compared", sort=False)
    ]
    assert pairs == [[("a", "b"), ("a", "c"), ("b", "c")], [("a", "scratch"), ("b", "scratch"), ("c", "scratch")]]
    of_ordered = [name for name in COMPARISON_COLUMNS if name.startswith(("ordered", "equal_id", "raw"))]
    assert comparisons.drop(columns=["note", *of_ordered]).notna().all(axis=None)
    assert (comparisons["untested"] == "").all()
    assert contrasts.drop(columns=["note", "crossed"]).notna().all(axis=None)
    assert (contrasts["crossed"] == 0).all()  # nothing is known of the test images
    assert (contrasts["note"] == "only 3 clusters of networks: the interval rests on few").all()
    assert (contrasts.groupby("compared")["id_score"].nunique() == 1).all()
    for _, rows in contrasts.groupby("compared"):
        ordered = rows.sort_values("p")
        holm = np.minimum(np.maximum.accumulate(ordered["p"].to_numpy() * np.arange(len(rows), 0, -1)), 1)
        np.testing.assert_allclose(ordered["p_holm"], holm)
    largest = contrasts[contrasts["compared"] == "scratch"].set_index("first")["difference"]
    assert comparisons["largest_first"].iloc[1] == largest.abs().idxmax()
    assert comparisons["farthest_end"].iloc[0] == contrasts.iloc[:3][["low", "high"]].abs().max(axis=None)


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    scores = made_up(np.random.default_rng(11), {"scratch": (0, 0), "a": (0, 0), "b": (0, 0), "c": (0, 0)})
    contents = []
    for name, table in (("first", scores), ("second", scores.sample(frac=1, random_state=0))):
        (tmp_path / name).mkdir()
        compare(tmp_path / name, table, permutations=50)
        contents.append([(tmp_path / name / file).read_bytes() for file in ("comparisons.csv", "contrasts.csv")])
    assert contents[0] == contents[1]


def test_the_conclusion_is_worded_for_what_was_shown(tmp_path):
    generator = np.random.default_rng(12)
    figure = FIGURE | {"panels": [{"title": "ImageNet", "series": ["a", "b"]}], "references": []}

    def told(second, architectures, **sizes):
        scores = made_up(generator, {"a": (0, 0), "b": (second, 0)}, architectures, **sizes)
        comparisons, contrasts = compare(tmp_path, scores, figure)
        return comparisons["conclusion"][0], contrasts.iloc[0]

    text, pair = told(0, 4)
    assert pair["verdict"] == "undecided"
    assert "share one trend is undecided (permutation test, p = " in text or "too few runs" in text
    needed = np.ceil(1000 * pair["smallest_margin"]) / 10
    assert f"is undecided ({100 * abs(pair['difference']):+.1f} points" in text
    assert f"equivalence would need a margin of {needed:.1f} points" in text
    text, pair = told(0.3, 8)
    assert pair["verdict"] == "differs"
    assert "share one trend is rejected" in text
    assert f"OOD macro F1 is {-100 * pair['difference']:.1f} points higher for 'b' than for 'series A'" in text
    text, pair = told(0, 20, shared=0.02, own=0.01, noise=0.01)
    assert pair["verdict"] == "equivalent"
    assert "are equivalent within 2 points of OOD macro F1" in text
    assert "two one-sided tests, p" in text
    text, _ = told(0.3, 3)
    assert text.startswith("There are too few runs to tell whether 'series A' and 'b' share one trend: with 3 runs")
    assert text.endswith("The intervals rest on only 3 clusters of networks.")


def test_an_interval_stands_beside_the_p_of_its_correction(tmp_path):
    """In every study and pair: Holm's p is below the level where the interval excludes 0, and equivalence likewise."""
    generator, seen = np.random.default_rng(24), set()
    for shift in (0.0, 0.05, 0.1, 0.15, 0.2):
        series = {"scratch": (0, 0), "a": (shift, 0), "b": (2 * shift, 0), "c": (0, 0.1)}
        _, contrasts = compare(tmp_path, made_up(generator, series, 6, shared=0.05, own=0.02), permutations=20)
        for _, row in contrasts.iterrows():
            excluded = not row["low"] < 0 < row["high"]
            assert excluded == (row["p_holm"] <= 0.05)
            assert (row["smallest_margin"] <= MARGIN) == (row["p_equivalent"] <= 0.05)
            assert row["low"] <= row["low_single"] or row["low"] == 0
            seen.add(row["verdict"])
    assert seen == {"differs", "equivalent", "undecided"}


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda s: s[(s["distribution"] != "b") | (s["architecture"] == "net0")], "b: no trend: a single run"),
        (lambda s: s.assign(id_macro_f1=s["id_macro_f1"].mask(s["distribution"] == "b", 0.2)), "b: no trend: all"),
        (lambda s: s.assign(ood_macro_f1=s["ood_macro_f1"].mask(s["distribution"] == "b", 0.0)), "b: no trend: every"),
        (lambda s: s[s["distribution"] != "b"], "b: no trend: no checkpoints"),
        (lambda s: s[s["distribution"] == "scratch"], "no comparison: fewer than two series with a trend"),
    ],
)
def test_series_without_a_trend_are_named_and_the_others_compared(tmp_path, change, note):
    series = {"scratch": (0, 0), "a": (0, 0), "b": (0, 0), "c": (0, 0)}
    comparisons, contrasts = compare(tmp_path, change(made_up(np.random.default_rng(13), series)), permutations=50)
    assert len(comparisons) == 2
    assert comparisons["note"].str.contains(note, regex=False).all()
    assert (comparisons["conclusion"] != "").all()
    assert comparisons["permutation_p"].notna().all() == ("fewer than two" not in note)
    assert "b" not in set(contrasts["first"]) | set(contrasts["second"])


def test_identical_scores_end_in_words(tmp_path):
    scores = made_up(np.random.default_rng(14), {"a": (0, 0), "b": (0, 0)}).assign(ood_macro_f1=0.25)
    figure = FIGURE | {"panels": [{"title": "ImageNet", "series": ["a", "b"]}], "references": []}
    comparisons, contrasts = compare(tmp_path, scores, figure)
    assert comparisons["permutation_p"].isna().all()
    assert "no permutation test" in comparisons["note"].iloc[0]
    assert comparisons["conclusion"].iloc[0].startswith("Whether 'series A' and 'b' share one trend cannot be tested")
    np.testing.assert_allclose(contrasts["difference"], 0, atol=1e-9)


def test_the_effect_of_pre_training_is_told_by_the_largest_set(tmp_path):
    """Sign, points, interval and p, whichever of a pair is trained from scratch."""
    scores = made_up(np.random.default_rng(19), {"scratch": (0, 0), "a": (0.3, 0), "b": (0.9, 0)}, 8)
    sizes = {"images": {"scratch": 0, "a": 50_000, "b": 5_000}}
    comparisons, contrasts = compare(tmp_path, scores, FIGURE | sizes)
    pair = contrasts[contrasts["first"].eq("a") & contrasts["second"].eq("scratch")].iloc[0]
    told = (
        f"Pre-training on 'series A' raises OOD macro F1 by {100 * pair['difference']:.1f} points over training from "
        f"scratch at the same ID macro F1 of {pair['id_score']:.2f} (simultaneous 95 % CI {100 * pair['low']:+.1f} to "
        f"{100 * pair['high']:+.1f}, Holm-corrected p < 0.001)."
    )
    assert told in comparisons["conclusion"][1]
    assert "Of 2 pairs 2 differ, 0 are equivalent within 2 points and 0 are undecided" in comparisons["conclusion"][1]
    both = {"references": ["scratch", "a"], "panels": [{"title": "Both", "series": ["scratch", "a"]}]}
    comparisons, contrasts = compare(tmp_path, scores, FIGURE | sizes | both)
    assert contrasts["difference"][0] < 0
    assert "Pre-training on 'series A' raises OOD macro F1 by" in comparisons["conclusion"][0]
    lowered = scores.assign(distribution=scores["distribution"].map({"scratch": "a", "a": "scratch"}))
    comparisons, _ = compare(tmp_path, lowered.dropna(subset="distribution"), FIGURE | sizes | both)
    assert "Pre-training on 'series A' lowers OOD macro F1 by" in comparisons["conclusion"][0]
    alike = made_up(np.random.default_rng(20), {"scratch": (0, 0), "a": (0, 0)}, 8)
    comparisons, _ = compare(tmp_path, alike, FIGURE | sizes | both)
    told = "Pre-training on 'series A' and training from scratch are equivalent within 2 points of OOD macro F1"
    assert told in comparisons["conclusion"][0]


def test_a_margin_of_less_than_one_image_is_told_and_ends_nothing(tmp_path, caplog):
    scores = made_up(np.random.default_rng(25), {"a": (0, 0), "b": (0, 0)})
    write_score_table(scores, tmp_path / "scores.csv")
    figure = FIGURE | {"panels": [{"title": "P", "series": ["a", "b"]}], "references": []}
    compare_series(
        tmp_path / "scores.csv", tmp_path / "c", tmp_path / "d", figure=figure, permutations=9, seed=0, margin=0.001
    )
    assert "comparisons.margin: 0.001 is less than one of the 100 images of test" in caplog.text
    assert (tmp_path / "c").exists()


def test_series_without_a_common_id_score_or_architecture(tmp_path):
    figure = FIGURE | {"panels": [{"title": "ImageNet", "series": ["a", "b"]}], "references": []}
    far = made_up(np.random.default_rng(15), {"a": (0, -5), "b": (0, 0)})
    comparisons, contrasts = compare(tmp_path, far, figure)
    assert contrasts["verdict"].tolist() == ["cannot be compared"]
    assert contrasts["note"][0].startswith("no ID score in common: 0.00 to 0.00 against ")
    assert contrasts["difference"].isna().all()
    assert comparisons["id_score"].isna().all()
    assert comparisons["conclusion"][0].startswith("'series A' and 'b' cannot be compared: no ID macro F1 in common (")
    assert "detected" not in comparisons["conclusion"][0]
    scores = made_up(np.random.default_rng(16), {"a": (0, 0), "b": (0, 0)})
    other = scores["architecture"].mask(scores["distribution"] == "b", "clip " + scores["architecture"])
    comparisons, contrasts = compare(tmp_path, scores.assign(architecture=other), figure)
    assert comparisons["permutations"][0] == 500  # of 6! exchanges
    assert comparisons[["ancova_p", "mixed_p"]].notna().all(axis=None)
    assert contrasts["difference"].notna().all()


def test_panels_of_references_or_of_one_series_are_compared_too(tmp_path):
    scores = made_up(np.random.default_rng(17), {"scratch": (0, 0), "full": (0.1, 0), "a": (0, 0)})
    figure = FIGURE | {
        "references": ["scratch", "full"],
        "panels": [
            {"title": "References", "series": ["scratch", "full"]},
            {"title": "One", "series": ["scratch", "a"]},
            {"title": "Empty", "series": []},
        ],
    }
    comparisons, _ = compare(tmp_path, scores, figure, permutations=50)
    assert comparisons[["panel", "compared", "series"]].apply(tuple, axis=1).tolist() == [
        ("References", "series", "scratch; full"),
        ("One", "scratch", "scratch; a"),
        ("One", "full", "full; a"),
        ("Empty", "series", ""),
    ]
    assert comparisons["conclusion"].iloc[-1] == "No comparison: 0 of the series have a trend."


def test_findings_are_printed_for_a_person(tmp_path, repository):
    scores = made_up(np.random.default_rng(22), {"scratch": (0, 0), "full": (0.1, 0), "a": (0.3, 0), "b": (0, 0)}, 8)
    figure = FIGURE | {"references": ["scratch", "full"], "panels": [{"title": "ImageNet", "series": ["a", "b"]}]}
    comparisons, _ = compare(tmp_path, scores, figure | {"images": {"scratch": 0, "a": 5, "b": 1}})
    command = [sys.executable, repository / "workflow_scripts/print_findings.py", tmp_path / "comparisons.csv"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert max(map(len, printed.splitlines())) <= 100
    told = " ".join(comparisons["conclusion"][:2])
    assert " ".join(printed.split()) == f"fig4, ImageNet: {told}"
    assert "Pre-training on 'series A' raises OOD macro F1 by" in told
    absent = subprocess.run([*command, tmp_path / "absent.csv"], capture_output=True, text=True)
    assert absent.returncode == 1
    assert absent.stderr.count("\n") == 1


def test_a_caption_ends_with_the_conclusions_where_there_are_tests(tmp_path):
    scores = made_up(np.random.default_rng(18), {"scratch": (0, 0), "a": (0, 0), "b": (0, 0), "c": (0, 0)})
    comparisons, _ = compare(tmp_path, scores, permutations=50)
    paths = [tmp_path / name for name in ("scores.csv", "trends.csv", "bands.csv")]
    options = {"pairs": PAIRS, "scales": ["probit"], "resamples": 50, "confidence": 0.95, "seed": 0}
    fit_trends(*paths, figure="fig4", series=["scratch", "a", "b", "c"], **options)
    given = read_paired(paths[0]), read_trends(paths[1]), read_bands(paths[2]), FIGURE
    without = trend_caption(*given)
    assert "Tests of differences" not in without
    told = "".join(f"- ImageNet: {conclusion}\n" for conclusion in comparisons["conclusion"])
    assert trend_caption(*given, comparisons).startswith(without)
    assert trend_caption(*given, comparisons).endswith(told)
    assert "confidence intervals from cluster-robust (CR2) standard errors" in without
    assert "bootstrap intervals, resampling single checkpoints" in trend_caption(
        *given[:3], FIGURE | {"band": "checkpoints"}
    )
    by_accuracy = trend_caption(*given[:3], FIGURE | {"metric": "accuracy"})
    assert "in-distribution (ID) accuracy on iWildCam-WILDS" in by_accuracy
    assert "F1" not in by_accuracy
