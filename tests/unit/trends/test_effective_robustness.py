"""Effective and relative robustness: their numbers by other means, their intervals, and several ID test sets."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special, stats
from score_tables import PAIRS, ROW, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.effective_robustness import (
    CHECKPOINT_COLUMNS,
    SERIES_COLUMNS,
    effective_robustness,
    fit_baseline,
    relative_robustness,
    series_robustness,
)

PROBIT, F1 = SCALES["probit"], score_metric("macro_f1")
OPTIONS = {
    "baselines": ["scratch", "full"],
    "scratch": "scratch",
    "scale": "probit",
    "confidence": 0.95,
    "resamples": 200,
    "seed": 0,
    "pairs": PAIRS,
}
FORWARD = {"linear": lambda s: s, "logit": special.logit, "probit": stats.norm.ppf}
INVERSE = {"linear": lambda s: s, "logit": special.expit, "probit": stats.norm.cdf}


def made_up(generator, series, architectures=4, seeds=1, epochs=5, shared=0.08, own=0.04, task="iwildcam"):
    """Scores on probit axes of series given as {name: height above the common line}."""
    kinds, errors = 0.5 * generator.normal(size=architectures), shared * generator.normal(size=architectures)
    runs = architectures * seeds
    parts = []
    for name, height in series.items():
        x = np.repeat(kinds, seeds)[:, None] - 0.5 + 0.1 * generator.normal(size=(runs, 1))
        x = x + np.sort(0.3 * generator.normal(size=(runs, epochs)), axis=1)
        error = np.repeat(errors, seeds)[:, None] + own * generator.normal(size=(runs, 1))
        error = error + 0.04 * generator.normal(size=(runs, epochs))
        scores = stats.norm.cdf(np.stack([x.ravel(), (0.7 * x - 0.3 + height + error).ravel()]))
        part = {
            "task": task,
            "distribution": name,
            "architecture": np.repeat([f"net{number:02}" for number in range(architectures)], seeds * epochs),
            "seed": np.tile(np.repeat(np.arange(seeds), epochs), architectures),
            "epoch": np.tile(np.arange(1, epochs + 1), runs),
            **dict(zip(ROW[5:], [*scores, *scores], strict=True)),
        }
        parts.append(paired(pd.DataFrame(part)))
    return pd.concat(parts, ignore_index=True)


def measure(tmp_path, scores, **options):
    paths = [tmp_path / name for name in ("scores.csv", "checkpoints.csv", "series.csv")]
    write_score_table(scores, paths[0])
    effective_robustness(*paths, **(OPTIONS | options))
    return pd.read_csv(paths[1]), pd.read_csv(
        paths[2], keep_default_na=False, na_values={name: [""] for name in SERIES_COLUMNS if name != "note"}
    )


@pytest.mark.parametrize("scale", SCALES)
def test_a_checkpoint_s_robustness_is_what_statsmodels_leaves(tmp_path, scale):
    scores = made_up(np.random.default_rng(1), {"scratch": 0, "full": 0.2, "a": 0.1})
    checkpoints, _ = measure(tmp_path, scores, scale=scale)
    assert list(checkpoints.columns) == CHECKPOINT_COLUMNS
    assert len(checkpoints) == 2 * len(scores)
    for name in ("scratch", "full"):
        rows = checkpoints[checkpoints["baseline"] == name]
        own = rows[rows["distribution"] == name]
        line = sm.OLS(FORWARD[scale](own["ood"]), sm.add_constant(FORWARD[scale](own["id"]))).fit()
        height = line.predict(sm.add_constant(FORWARD[scale](rows["id"])))
        np.testing.assert_allclose(rows["predicted_ood"], INVERSE[scale](height), atol=1e-10)
        np.testing.assert_allclose(rows["effective_robustness"], rows["ood"] - INVERSE[scale](height), atol=1e-10)
        np.testing.assert_allclose(rows["axis_residual"], FORWARD[scale](rows["ood"]) - height, atol=1e-10)
        assert (rows["extrapolated"] == ~rows["id"].between(own["id"].min(), own["id"].max())).all()


def test_a_series_is_the_mean_over_runs_of_means_over_checkpoints(tmp_path):
    scores = made_up(np.random.default_rng(2), {"scratch": 0, "full": 0.2}, seeds=2)
    scores = scores.drop(index=scores.index[scores["distribution"] == "full"][:3])  # a shorter run counts as much
    checkpoints, series = measure(tmp_path, scores)
    assert list(series.columns) == SERIES_COLUMNS
    row = series[(series["series"] == "full") & (series["baseline"] == "scratch")].iloc[0]
    own = checkpoints[(checkpoints["distribution"] == "full") & (checkpoints["baseline"] == "scratch")]
    means = own.groupby(["architecture", "seed"])["effective_robustness"].mean()
    assert row["effective_robustness"] == pytest.approx(means.mean())
    assert row["low"] < row["effective_robustness"] < row["high"]
    assert row["low_resampled"] < row["effective_robustness"] < row["high_resampled"]
    half = stats.t.ppf(0.975, row["freedom"]) * row["error"]
    np.testing.assert_allclose([row["low"], row["high"]], row["effective_robustness"] + np.array([-half, half]))
    assert row["p"] == pytest.approx(2 * stats.t.sf(row["effective_robustness"] / row["error"], row["freedom"]))
    itself = series[(series["series"] == "full") & (series["baseline"] == "full")].iloc[0]
    assert abs(itself["effective_robustness"]) < 0.01
    assert itself[["low", "high", "p"]].isna().all()
    assert itself["note"] == "the baseline itself, near 0 by construction"


def test_with_many_runs_the_standard_error_is_that_of_resampling_both():
    """Both fits are redone by polyfit in samples of architectures: the linear formula has no other error."""
    generator = np.random.default_rng(3)
    scores = made_up(generator, {"scratch": 0, "full": 0.15}, architectures=60)
    scores = scores.assign(relative_robustness=np.nan)
    baseline, _ = fit_baseline(scores[scores["distribution"] == "scratch"], PROBIT, F1)
    row = series_robustness(scores[scores["distribution"] == "full"], baseline, PROBIT, F1, 0.95, 4000, generator)
    x, y = (stats.norm.ppf(scores[column]).reshape(2, 60, 5) for column in ("id_macro_f1", "ood_macro_f1"))
    means = []
    for _ in range(1500):
        drawn = generator.integers(0, 60, 60)
        slope, intercept = np.polyfit(x[0, drawn].ravel(), y[0, drawn].ravel(), 1)
        means.append((stats.norm.cdf(y[1, drawn]) - stats.norm.cdf(intercept + slope * x[1, drawn])).mean())
    assert row["error"] == pytest.approx(np.std(means), rel=0.12)
    np.testing.assert_allclose(
        [row["low_resampled"], row["high_resampled"]], np.quantile(means, [0.025, 0.975]), atol=0.15 * np.std(means) * 2
    )
    np.testing.assert_allclose([row["low"], row["high"]], [row["low_resampled"], row["high_resampled"]], rtol=0.05)


def test_the_uncertainty_of_the_baseline_is_part_of_the_interval():
    """One series against baselines of 3 and of 60 other architectures: the second intervals are far smaller."""
    generator = np.random.default_rng(4)
    own = made_up(generator, {"full": 0.15}, architectures=20, shared=0.01, own=0.01).assign(relative_robustness=np.nan)
    own["architecture"] = "other " + own["architecture"]
    widths = {3: [], 60: []}
    for architectures, found in widths.items():
        for _ in range(7):
            baseline, _ = fit_baseline(made_up(generator, {"scratch": 0}, architectures), PROBIT, F1)
            row = series_robustness(own, baseline, PROBIT, F1, 0.95, 20, generator)
            found.append(row["high"] - row["low"])
    assert np.median(widths[3]) > 4 * np.median(widths[60])


@pytest.mark.parametrize(("architectures", "seeds"), [(3, 1), (6, 2)])
def test_intervals_cover_the_truth(architectures, seeds):
    generator = np.random.default_rng(architectures)
    covered, trials = np.zeros(2), 100
    for _ in range(trials):
        scores = made_up(generator, {"scratch": 0, "a": 0}, architectures, seeds).assign(relative_robustness=np.nan)
        baseline, _ = fit_baseline(scores[scores["distribution"] == "scratch"], PROBIT, F1)
        row = series_robustness(scores[scores["distribution"] == "a"], baseline, PROBIT, F1, 0.95, 100, generator)
        covered += [row["low"] <= 0 <= row["high"], row["low_resampled"] <= 0 <= row["high_resampled"]]
    assert 0.9 <= covered[0] / trials <= 0.995
    assert covered[1] < covered[0]


def test_relative_robustness_compares_with_the_same_network_from_scratch():
    scores = made_up(np.random.default_rng(5), {"scratch": 0, "full": 0.2}, architectures=2, seeds=2, epochs=2)
    scores["ood_macro_f1"] = np.arange(16) / 100
    scores.loc[15, "seed"] = 7  # no such seed from scratch: the mean of its seeds stands for it
    found = relative_robustness(scores, "scratch", F1)
    assert np.isnan(found[:8]).all()
    np.testing.assert_allclose(found[8:15], 0.08)
    assert found[15] == pytest.approx(0.15 - (0.05 + 0.07) / 2)
    other = scores.assign(architecture=scores["architecture"].mask(scores["distribution"] == "full", "new"))
    assert np.isnan(relative_robustness(other, "scratch", F1)).all()


def test_relative_robustness_of_a_series_is_a_t_interval_over_runs(tmp_path):
    scores = made_up(np.random.default_rng(6), {"scratch": 0, "full": 0.2}, architectures=5)
    _, series = measure(tmp_path, scores)
    row = series[(series["series"] == "full") & (series["baseline"] == "scratch")].iloc[0]
    table = scores.pivot_table(values="ood_macro_f1", index=["architecture", "epoch"], columns="distribution")
    means = (table["full"] - table["scratch"]).groupby("architecture").mean()
    interval = stats.ttest_1samp(means, 0).confidence_interval()
    expected = [means.mean(), *interval, 5]
    names = ["relative_robustness", "relative_low", "relative_high", "n_relative_runs"]
    np.testing.assert_allclose(row[names].astype(float), expected)


def test_tasks_are_treated_alone_each_with_its_metric(tmp_path):
    one = made_up(np.random.default_rng(7), {"scratch": 0, "full": 0.2})
    two = made_up(np.random.default_rng(8), {"scratch": 0, "full": 0.1}, task="real_sketch")
    both = pd.concat([one, two.assign(id_macro_f1=0.5, ood_macro_f1=0.5)])
    checkpoints, series = measure(tmp_path, both, metric={"real_sketch": "accuracy"})
    alone_checkpoints, alone = measure(tmp_path, two, metric="accuracy")
    assert series.groupby("task")["metric"].unique().map(list).to_dict() == {
        "iwildcam": ["macro_f1"],
        "real_sketch": ["accuracy"],
    }
    pd.testing.assert_frame_equal(series[series["task"] == "real_sketch"].reset_index(drop=True), alone)
    assert len(checkpoints) == 2 * len(both)
    assert len(alone_checkpoints) == 2 * len(two)
    with pytest.raises(InputError, match="'f2' is not a metric"):
        measure(tmp_path, one, metric="f2")


def masked(column, value, *, rows="full"):
    """A change of a score table: `value` instead of the scores of a distribution, or of one row."""

    def change(scores):
        here = scores["distribution"] == rows if isinstance(rows, str) else scores.index == rows
        return scores.assign(**{column: scores[column].mask(here, value)})

    return change


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda s: s[s["distribution"] != "scratch"], "no baseline: 'scratch' has no trend: no checkpoints"),
        (lambda s: s[(s["distribution"] == "scratch") | (s["architecture"] == "net00")], "a single run says"),
        (masked("ood_macro_f1", 0.0), "no checkpoint can be placed on the axes; left out 20 with an F1 of 0 or 1"),
        (masked("ood_macro_f1", 0.0, rows=39), "left out 1 with an F1 of 0 or 1"),
        (masked("id_macro_f1", 0.999), "the baseline has no checkpoint at these ID scores: extrapolated"),
    ],
)
def test_what_cannot_be_computed_is_said(tmp_path, change, note):
    scores = change(made_up(np.random.default_rng(9), {"scratch": 0, "full": 0.2}))
    checkpoints, table = measure(tmp_path, scores)
    row = table[(table["series"] == "full") & (table["baseline"] == "scratch")].iloc[0]
    assert note in row["note"]
    assert len(checkpoints) == 2 * len(scores)


def test_series_from_elsewhere_are_measured_on_their_task(tmp_path):
    """Published numbers against the baseline of their task, and those of a task without runs, which has no baseline."""
    scores = made_up(np.random.default_rng(21), {"scratch": 0, "full": 0.2})
    table = tmp_path / "published.csv"
    table.write_text("model,id,ood,group\na,0.5,0.5,CLIP\nb,0.4,0.4,CLIP\nc,0.3,0.3,CLIP\n")
    checkpoints, series = measure(tmp_path, scores, published={"iwildcam": [table], "pacs": [table]})
    kept = series[series["series"] == "CLIP"].set_index(["task", "baseline"])
    assert kept.loc[("iwildcam", "scratch"), "n_runs"] == 3
    rows = checkpoints[checkpoints["distribution"].eq("CLIP") & checkpoints["baseline"].eq("scratch")]
    mean = rows.loc[rows["task"] == "iwildcam", "effective_robustness"].mean()
    assert kept.loc[("iwildcam", "scratch"), "effective_robustness"] == pytest.approx(mean)
    assert kept.loc[("pacs", "scratch"), "note"].startswith("no baseline: 'scratch' has no trend: no checkpoints")
