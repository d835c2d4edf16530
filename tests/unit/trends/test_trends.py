"""Trends: agreement with statsmodels, known lines found again, and series without a trend."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from score_tables import PAIRS, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.trends.axis_scales import SCALES, axis_scale
from pretraining_robustness.trends.fit import (
    BAND_COLUMNS,
    TREND_COLUMNS,
    UNITS,
    fit_series,
    fit_trends,
    read_bands,
    read_trends,
)
from pretraining_robustness.trends.lines import Line


def series_scores(name, slope=0.9, intercept=-0.3, runs=4, epochs=6, noise=0.05, seed=0, scale="probit"):
    """Scores on a known line on `scale`."""
    generator = np.random.default_rng(seed)
    rows = []
    for run in range(runs):
        for epoch in range(1, epochs + 1):
            x = generator.normal(-0.5, 0.3)
            y = intercept + slope * x + noise * generator.normal()
            f1 = SCALES[scale].inverse(np.array([x, y]))
            rows.append(("iwildcam", name, f"net{run}", 0, epoch, *f1, *f1))
    return paired(rows)


def fit(tmp_path, scores, series, **options):
    paths = [tmp_path / name for name in ("scores.csv", "trends.csv", "bands.csv")]
    write_score_table(scores, paths[0])
    settings = {
        "figure": "fig4",
        "pairs": PAIRS,
        "scales": list(SCALES),
        "resamples": 400,
        "confidence": 0.95,
        "seed": 0,
    } | options
    fit_trends(*paths, series=series, **settings)
    return read_trends(paths[1]), read_bands(paths[2])


@pytest.mark.parametrize("name", SCALES)
def test_scales_are_those_of_scipy_and_invert(name):
    scores = np.linspace(0.001, 0.999, 101)
    expected = {"linear": scores, "logit": np.log(scores / (1 - scores)), "probit": stats.norm.ppf(scores)}[name]
    np.testing.assert_allclose(SCALES[name].forward(scores), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(SCALES[name].inverse(SCALES[name].forward(scores)), scores, rtol=1e-12)
    ends = SCALES[name].representable(np.array([0.0, 0.5, 1.0]))
    assert ends.tolist() == ([True] * 3 if name == "linear" else [False, True, False])


def test_an_unknown_scale_is_named():
    with pytest.raises(InputError, match="'logg' is not an axis scale; use one of linear, logit, probit"):
        axis_scale("logg")


@pytest.mark.parametrize("scale", SCALES)
def test_the_fit_is_that_of_statsmodels(tmp_path, scale):
    scores = series_scores("a", seed=1)
    trends, bands = fit(tmp_path, scores, ["a"])
    trend = trends[trends["scale"] == scale].iloc[0]
    x, y = (SCALES[scale].forward(scores[column].to_numpy()) for column in ("id_macro_f1", "ood_macro_f1"))
    reference = sm.OLS(y, sm.add_constant(x)).fit()
    assert trend["intercept"] == pytest.approx(reference.params[0], abs=1e-10)
    assert trend["slope"] == pytest.approx(reference.params[1], abs=1e-10)
    assert trend["r2"] == pytest.approx(reference.rsquared, abs=1e-10)
    assert (trend["n_checkpoints"], trend["n_runs"], trend["n_dropped"]) == (24, 4, 0)
    assert trend["slope_low"] < trend["slope"] < trend["slope_high"]

    curve = bands[(bands["scale"] == scale) & (bands["band"] == "architectures")]
    predicted = reference.predict(sm.add_constant(SCALES[scale].forward(curve["x"].to_numpy())))
    np.testing.assert_allclose(curve["y"], SCALES[scale].inverse(predicted), atol=1e-10)
    assert curve["x"].min() == pytest.approx(scores["id_macro_f1"].min())
    assert curve["x"].max() == pytest.approx(scores["id_macro_f1"].max())
    assert (curve["low"] <= curve["high"]).all()


def test_far_from_the_origin_the_fit_keeps_its_digits():
    x = 1e6 + np.array([0.0, 1.0, 2.0, 4.0])
    line = Line.fit(x, 2 * x + 1, SCALES["linear"])
    assert line.slope == pytest.approx(2, abs=1e-9)
    assert line.r2 == pytest.approx(1)


def test_identical_ood_scores_have_a_flat_line_without_r2(tmp_path):
    trends, _ = fit(tmp_path, series_scores("a").assign(ood_macro_f1=0.25), ["a"])
    assert np.allclose(trends["slope"], 0, atol=1e-12)
    assert trends["r2"].isna().all()


def test_the_tables_have_their_columns_and_one_row_a_series_and_scale(tmp_path):
    trends, bands = fit(tmp_path, pd.concat([series_scores("a"), series_scores("b", seed=1)]), ["b", "a", "b"])
    assert list(trends.columns) == TREND_COLUMNS
    assert list(bands.columns) == BAND_COLUMNS
    assert trends["series"].tolist() == ["b"] * 3 + ["a"] * 3
    assert not trends.duplicated(["figure", "series", "scale"]).any()
    assert set(bands["band"]) == set(UNITS) == {"architectures", "resampled_architectures", "checkpoints"}
    assert bands[["x", "y", "low", "high"]].to_numpy().min() >= 0
    assert trends.drop(columns="note").notna().all(axis=None)
    assert (trends["metric"] == "macro_f1").all()


def test_results_depend_on_the_seed_and_on_no_other_series(tmp_path):
    a, b = series_scores("a"), series_scores("b", seed=1)
    alone, _ = fit(tmp_path, a, ["a"])
    again, _ = fit(tmp_path, a, ["a"])
    beside, _ = fit(tmp_path, pd.concat([b, a]), ["b", "a"])
    other, _ = fit(tmp_path, a, ["a"], seed=1)
    pd.testing.assert_frame_equal(alone, again)
    pd.testing.assert_frame_equal(alone, beside[beside["series"] == "a"].reset_index(drop=True))
    for unit in ("resampled_architectures", "checkpoints"):
        assert not np.allclose(alone[f"slope_low_{unit}"], other[f"slope_low_{unit}"], rtol=1e-9)
    np.testing.assert_array_equal(alone["slope_low"], other["slope_low"])  # nothing is drawn


def test_scores_of_0_and_1_are_dropped_where_they_have_no_place_and_counted(tmp_path):
    scores = series_scores("a")
    scores.loc[0, "ood_macro_f1"] = 0.0
    scores.loc[7, "id_macro_f1"] = 1.0
    trends, _ = fit(tmp_path, scores, ["a"])
    assert trends.set_index("scale")["n_dropped"].to_dict() == {"linear": 0, "logit": 2, "probit": 2}
    kept = scores.drop(index=[0, 7])
    clean, _ = fit(tmp_path, kept, ["a"])
    by_scale, clean = trends.set_index("scale"), clean.set_index("scale")
    assert by_scale.at["probit", "slope"] == pytest.approx(clean.at["probit", "slope"], abs=1e-12)
    assert by_scale.at["probit", "n_checkpoints"] == 22
    assert "left out 2 with an F1 of 0 or 1" in by_scale.at["probit", "note"]
    assert "left out" not in by_scale.at["linear", "note"]


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (series_scores("other"), "no trend: no checkpoints"),
        (series_scores("a", runs=1), "no trend: a single run says nothing about other runs"),
        (series_scores("a", runs=2, epochs=1), "no trend: 2 checkpoints are fewer than 3"),
        (series_scores("a").assign(id_macro_f1=0.2), "no trend: all checkpoints have the same in-distribution F1"),
        (series_scores("a").assign(ood_macro_f1=0.0), "no trend: every checkpoint has an F1 of 0 or 1"),
    ],
)
def test_a_series_without_a_trend_says_why(tmp_path, scores, reason):
    trends, bands = fit(tmp_path, scores, ["a"], scales=["probit"])
    assert trends["note"].tolist() == [reason]
    assert trends[["slope", "slope_low", "intercept", "r2"]].isna().all(axis=None)
    assert bands.empty


def test_few_runs_and_unusable_resamples_are_noted(tmp_path):
    scores = series_scores("a", runs=3, epochs=1)
    trends, _ = fit(tmp_path, scores, ["a"], scales=["probit"])
    row = trends.iloc[0]
    assert "only 3 architectures: the interval rests on few; bootstrap intervals are probably too narrow" in row["note"]
    assert f"{400 - int(row['resamples'])} of 400 resamples of architectures had a single ID score" in row["note"]
    assert 300 < row["resamples"] < 390  # 1/9 of them draw one run three times


def test_the_intervals_of_runs_are_those_of_cr2_standard_errors(tmp_path):
    """With every checkpoint a run of its own CR2 is HC2, which statsmodels has."""
    scores = series_scores("a", runs=30, epochs=1, seed=2)
    trends, bands = fit(tmp_path, scores, ["a"], scales=["probit"])
    row = trends.iloc[0]
    x, y = (stats.norm.ppf(scores[column]) for column in ("id_macro_f1", "ood_macro_f1"))
    reference = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC2")
    assert row["slope_error"] == pytest.approx(reference.bse[1], abs=1e-10)
    half = stats.t.ppf(0.975, row["slope_freedom"]) * reference.bse[1]
    assert row["slope_low"] == pytest.approx(row["slope"] - half, abs=1e-10)
    assert row["slope_high"] == pytest.approx(row["slope"] + half, abs=1e-10)
    curve = bands[bands["band"] == "architectures"]
    place = sm.add_constant(stats.norm.ppf(curve["x"]))
    error = np.sqrt(np.einsum("ni,ij,nj->n", place, reference.cov_params(), place))
    width = (stats.norm.ppf(curve["high"]) - stats.norm.ppf(curve["low"])) / 2
    assert ((width / error > stats.t.ppf(0.975, 28)) & (width / error < stats.t.ppf(0.975, 2))).all()
    np.testing.assert_allclose(
        (stats.norm.ppf(curve["high"]) + stats.norm.ppf(curve["low"])) / 2, stats.norm.ppf(curve["y"]), atol=1e-9
    )


def test_accuracy_is_fitted_and_named_like_macro_f1(tmp_path):
    scores = series_scores("a")
    swapped = scores.assign(id_accuracy=scores["id_macro_f1"], ood_accuracy=scores["ood_macro_f1"])
    swapped = swapped.assign(id_macro_f1=0.5, ood_macro_f1=0.4)
    by_f1, _ = fit(tmp_path, scores, ["a"])
    by_accuracy, _ = fit(tmp_path, swapped, ["a"], metric="accuracy")
    pd.testing.assert_frame_equal(by_f1.assign(metric="accuracy"), by_accuracy)
    constant, _ = fit(tmp_path, swapped, ["a"], scales=["probit"])
    assert constant["note"].tolist() == ["no trend: all checkpoints have the same in-distribution F1"]
    extreme, _ = fit(tmp_path, swapped.assign(ood_accuracy=1.0), ["a"], scales=["logit"], metric="accuracy")
    assert extreme["note"].tolist() == ["no trend: every checkpoint has an accuracy of 0 or 1"]
    with pytest.raises(InputError, match="'f2' is not a metric of a score table; use one of macro_f1, accuracy"):
        fit(tmp_path, scores, ["a"], metric="f2")


def test_missing_scores_are_left_out_and_counted():
    """A score table has none, published numbers of another metric do (published.py)."""
    scores = series_scores("a")
    options = {"resamples": 100, "confidence": 0.95}
    metric, scale = score_metric("macro_f1"), SCALES["probit"]
    holes = scores.assign(ood_macro_f1=scores["ood_macro_f1"].mask(scores.index < 3))
    row, bands = fit_series(holes, scale, metric, generator=np.random.default_rng(0), **options)
    clean, _ = fit_series(scores.iloc[3:], scale, metric, generator=np.random.default_rng(0), **options)
    assert row["slope"] == clean["slope"]
    assert row["n_dropped"] == 3
    assert "left out 3 without a score" in row["note"]
    assert bands.notna().all(axis=None)
    nothing, bands = fit_series(
        scores.assign(id_macro_f1=np.nan), scale, metric, generator=np.random.default_rng(0), **options
    )
    assert nothing["note"] == "no trend: every score is missing"
    assert bands.empty


def test_several_downstream_tasks_are_not_mixed(tmp_path):
    scores = pd.concat([series_scores("a"), series_scores("a").assign(task="pacs")])
    with pytest.raises(InputError, match=r"several downstream tasks \(iwildcam, pacs\)"):
        fit(tmp_path, scores, ["a"])


def test_the_interval_of_a_run_s_bootstrap_ignores_how_checkpoints_are_ordered(tmp_path):
    scores = series_scores("a", seed=3)
    first, _ = fit(tmp_path, scores, ["a"])
    shuffled, _ = fit(tmp_path, scores.sample(frac=1, random_state=1), ["a"])
    columns = ["slope", "slope_low", "slope_high", "intercept_low", "intercept_high"]
    np.testing.assert_allclose(first[columns], shuffled[columns], rtol=1e-10)
