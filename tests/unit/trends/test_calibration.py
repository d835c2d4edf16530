"""What the miniature shows holds up when it works and falls when it is broken, by checkpoints that were recorded.

The checkpoints are those of the workflow (benchmarks/calibration.py): in five worlds from scratch and pre-trained on
all of ImageNet, with two seeds each, and in world 0 once more with shuffled labels. What a pipeline would score that
loads no weights, or evaluates the wrong split, follows from them exactly and is not trained.
"""

import numpy as np
import pandas as pd
import pytest
from score_tables import paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.study import show
from pretraining_robustness.study.study import Study
from pretraining_robustness.trends.calibration import Expectation, calibrate, check_calibration
from pretraining_robustness.trends.comparisons import (
    COMPARISON_COLUMNS,
    CONTRAST_COLUMNS,
    compare_series,
    read_comparisons,
    read_contrasts,
)

FIGURE = "fig2"


@pytest.fixture(scope="module")
def every_world(repository):
    table = pd.read_csv(repository / "benchmarks/results/calibration_checkpoints.csv")
    return table.assign(task="iwildcam", id_accuracy=np.nan, ood_accuracy=np.nan)


@pytest.fixture
def recorded(every_world):
    """World 0."""
    return every_world[every_world["world"] == 0]


@pytest.fixture
def decisive(config):
    """The decisive expectations of the figure that is recorded."""
    entries = [Expectation.from_dict(one) for one in config["tables"]["table7"]["expectations"]]
    return [one for one in entries if one.decisive and one.figure == FIGURE]


def outcome(checkpoints, expectations, config, folder):
    """Compare the series of the figure as the workflow does and return the table of the calibration."""
    write_score_table(paired(checkpoints), folder / "scores.csv")
    compared, contrasted = (folder / f"{kind}.csv" for kind in ("comparisons", "contrasts"))
    spec = show.comparison(Study(config), FIGURE)
    compare_series(folder / "scores.csv", compared, contrasted, figure=spec, **config["comparisons"])
    return calibrate(expectations, read_comparisons(compared), read_contrasts(contrasted), 0.95)


def own(table, distribution):
    return table[table["distribution"] == distribution]


def with_no_weights_loaded(table):
    """Every network starts from its random weights, those of its seed: each series scores as scratch does."""
    names = [name for name in table["distribution"].unique() if not name.endswith("shuffled")]
    return pd.concat([own(table, "scratch").assign(distribution=name) for name in names])


def with_the_wrong_split(table):
    """Out of distribution is evaluated on the in-distribution test split."""
    return table.assign(ood_macro_f1=table["id_macro_f1"])


def with_shuffled_labels(table):
    """Pre-training on all of ImageNet sees each image with the label of another."""
    kept = table[table["distribution"] != "imagenet_full"]
    return pd.concat([kept, own(table, "imagenet_full_shuffled").assign(distribution="imagenet_full")])


def test_what_the_working_miniature_shows_agrees(recorded, decisive, config, tmp_path):
    table = outcome(recorded, decisive, config, tmp_path)
    assert table["agrees"].all(), table[["figure", "expected", "shown", "p"]].to_string()
    raised = table[table["expected"] == "higher"].iloc[0]
    assert raised["estimate"] >= 0.05
    assert raised["low"] > 0
    table.to_csv(tmp_path / "table.csv", index=False)
    check_calibration(tmp_path / "table.csv", tmp_path / "report.txt")
    assert len((tmp_path / "report.txt").read_text().splitlines()) == len(table)


@pytest.mark.parametrize("broken", [with_no_weights_loaded, with_the_wrong_split, with_shuffled_labels])
def test_what_a_broken_pipeline_shows_is_caught(broken, recorded, decisive, config, tmp_path):
    table = outcome(broken(recorded), decisive, config, tmp_path)
    raised = table[table["expected"] == "higher"].iloc[0]
    assert not raised["agrees"]
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match=r"fig2, expected higher"):
        check_calibration(tmp_path / "table.csv", tmp_path / "report.txt")
    assert not (tmp_path / "report.txt").exists()


def test_series_that_differ_in_their_seeds_alone_are_no_finding(every_world, decisive, config, tmp_path):
    scratch = own(every_world[every_world["world"] == 0], "scratch")
    other = scratch[scratch["seed"] == 1].assign(seed=0, distribution="imagenet_full")
    table = outcome(pd.concat([scratch[scratch["seed"] == 0], other]), decisive, config, tmp_path)
    assert not table["agrees"].any()
    assert (table["p"] > 0.05).all()


def test_the_table_of_all_worlds_is_what_their_checkpoints_give(every_world, decisive, config, repository, tmp_path):
    written = pd.read_csv(repository / "benchmarks/results/calibration.csv")
    assert sorted(written["world"].unique()) == list(range(5))
    columns = ["estimate", "low", "high", "p"]
    for (world, first), rows in written.groupby(["world", "first"]):
        checkpoints = every_world[every_world["world"] == world]
        shuffled = first == "imagenet_full_shuffled"
        table = outcome(with_shuffled_labels(checkpoints) if shuffled else checkpoints, decisive, config, tmp_path)
        assert table["shown"].tolist() == rows["shown"].tolist()
        np.testing.assert_allclose(table[columns].astype(float), rows[columns], atol=2e-3)  # scores are rounded
        assert table["agrees"].tolist() == [not shuffled] * len(rows)


def made_up(**contrast):
    comparisons = pd.DataFrame([{"figure": "f", "panel": "P", "series": "a; b"}], columns=COMPARISON_COLUMNS)
    row = {"figure": "f", "first": "a", "second": "b", **contrast}
    return comparisons, pd.DataFrame([row], columns=CONTRAST_COLUMNS)


@pytest.mark.parametrize(
    ("expected", "first", "difference", "p", "agrees"),
    [
        ("higher", "a", 0.07, 0.01, True),
        ("higher", "b", 0.07, 0.01, False),  # the other way round
        ("higher", "b", -0.07, 0.01, True),
        ("higher", "a", 0.04, 0.01, False),  # less than is asked for
        ("higher", "a", 0.07, 0.2, False),
        ("not_higher", "a", 0.07, 0.01, False),
        ("not_higher", "a", -0.07, 0.01, True),
        ("alike", "a", 0.07, 0.2, True),
        ("alike", "a", -0.07, 0.01, False),
    ],
)
def test_pairs_are_judged_by_sign_size_and_p(expected, first, difference, p, agrees):
    low, high = difference - 0.02, difference + 0.02
    tables = made_up(difference=difference, low=low, high=high, p_holm=p)
    second = "b" if first == "a" else "a"
    at_least = 0.05 if expected == "higher" else 0.0
    one = Expectation(figure="f", paper="", expected=expected, first=first, second=second, at_least=at_least)
    (row,) = calibrate([one], *tables, 0.95).to_dict("records")
    assert row["agrees"] is agrees
    assert row["estimate"] == (difference if first == "a" else -difference)
    assert row["low"] < row["estimate"] < row["high"]


def test_a_comparison_that_was_not_made_does_not_agree():
    one = Expectation(figure="g", paper="", expected="alike", first="a", second="b")
    (row,) = calibrate([one], *made_up(difference=0.0, low=-0.1, high=0.1, p_holm=1.0), 0.95).to_dict("records")
    assert (row["shown"], row["agrees"]) == ("not run", False)


@pytest.mark.parametrize("entry", [{"expected": "rises"}, {"expected": "alike", "first": "a"}, {"expected": "worse"}])
def test_an_expectation_that_is_none_is_refused(entry):
    with pytest.raises(InputError, match=r"calibration\.f"):
        Expectation.from_dict({"figure": "f", "paper": "", **entry})
