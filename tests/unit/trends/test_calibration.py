"""What the miniature shows holds up when it works and falls when it is broken, by checkpoints that were recorded.

The checkpoints are those of the workflow (benchmarks/calibration.py): in five worlds from scratch and pre-trained on
all of ImageNet, with two seeds each, and in world 0 once more with shuffled labels. What a pipeline would score that
loads no weights, or evaluates the wrong split, follows from them exactly and is not trained.
"""

import pandas as pd
import pytest
from calibration import judge, judge_all, with_shuffled_labels

from pretraining_robustness.errors import InputError
from pretraining_robustness.trends.calibration import Expectation, calibrate, check_calibration
from pretraining_robustness.trends.comparisons import COMPARISON_COLUMNS, CONTRAST_COLUMNS


@pytest.fixture(scope="module")
def every_world(repository):
    return pd.read_csv(repository / "benchmarks/results/calibration_checkpoints.csv")


@pytest.fixture
def recorded(every_world):
    """World 0."""
    return every_world[every_world["world"] == 0]


def own(table, distribution):
    return table[table["distribution"] == distribution]


def with_no_weights_loaded(table):
    """Every network starts from its random weights, those of its seed: each series scores as scratch does."""
    names = [name for name in table["distribution"].unique() if not name.endswith("shuffled")]
    return pd.concat([own(table, "scratch").assign(distribution=name) for name in names])


def with_the_wrong_split(table):
    """Out of distribution is evaluated on the in-distribution test split."""
    return table.assign(ood_macro_f1=table["id_macro_f1"])


def test_what_the_working_miniature_shows_agrees(recorded, config, tmp_path):
    table = judge(recorded, config)
    assert table["agrees"].all(), table[["figure", "expected", "shown", "p"]].to_string()
    raised = table[table["expected"] == "higher"].iloc[0]
    assert raised["estimate"] >= 0.05
    assert raised["low"] > 0
    table.to_csv(tmp_path / "table.csv", index=False)
    check_calibration(tmp_path / "table.csv", tmp_path / "report.txt")
    assert len((tmp_path / "report.txt").read_text().splitlines()) == len(table)


@pytest.mark.parametrize("broken", [with_no_weights_loaded, with_the_wrong_split, with_shuffled_labels])
def test_what_a_broken_pipeline_shows_is_caught(broken, recorded, config, tmp_path):
    table = judge(broken(recorded), config)
    raised = table[table["expected"] == "higher"].iloc[0]
    assert not raised["agrees"]
    table.to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(InputError, match=r"fig2, expected higher"):
        check_calibration(tmp_path / "table.csv", tmp_path / "report.txt")
    assert not (tmp_path / "report.txt").exists()


def test_series_that_differ_in_their_seeds_alone_are_no_finding(every_world, config):
    scratch = own(every_world[every_world["world"] == 0], "scratch")
    other = scratch[scratch["seed"] == 1].assign(seed=0, distribution="imagenet_full")
    table = judge(pd.concat([scratch[scratch["seed"] == 0], other]), config)
    assert not table["agrees"].any()
    assert (table["p"] > 0.05).all()


def test_the_table_of_all_worlds_is_what_their_checkpoints_give(every_world, config, repository):
    written = pd.read_csv(repository / "benchmarks/results/calibration.csv").drop(columns=["date", "commit"])
    assert sorted(written["world"].unique()) == list(range(5))
    pd.testing.assert_frame_equal(judge_all(every_world, config), written, atol=1e-4)
    assert (written["agrees"] == ~written["first"].str.endswith("_shuffled")).all()


def made_up(**contrast):
    comparisons = pd.DataFrame([{"figure": "f", "panel": "P", "series": "a; b"}], columns=COMPARISON_COLUMNS)
    row = {"figure": "f", "first": "a", "second": "b", "margin": 0.02, "smallest_margin": 0.03, **contrast}
    return comparisons, pd.DataFrame([row], columns=CONTRAST_COLUMNS)


@pytest.mark.parametrize(
    ("expected", "first", "difference", "p", "p_equivalent", "agrees"),
    [
        ("higher", "a", 0.07, 0.01, 1, True),
        ("higher", "b", 0.07, 0.01, 1, False),  # the other way round
        ("higher", "b", -0.07, 0.01, 1, True),
        ("higher", "a", 0.04, 0.01, 1, False),  # less than is asked for
        ("higher", "a", 0.07, 0.2, 1, False),
        ("not_higher", "a", 0.001, 0.2, 0.2, False),  # its interval reaches 2.1 points
        ("not_higher", "a", -0.001, 0.2, 0.2, True),
        ("not_higher", "a", -0.07, 0.01, 1, True),
        ("alike", "a", 0.001, 0.2, 0.04, True),
        ("alike", "a", 0.001, 0.2, 0.06, False),  # undecided
        ("alike", "a", -0.07, 0.01, 1, False),
    ],
)
def test_pairs_are_judged_by_sign_size_and_p(expected, first, difference, p, p_equivalent, agrees):
    low, high = difference - 0.02, difference + 0.02
    tables = made_up(difference=difference, low=low, high=high, p_holm=p, p_equivalent=p_equivalent, verdict="differs")
    second = "b" if first == "a" else "a"
    at_least = 0.05 if expected == "higher" else 0.0
    one = Expectation(figure="f", paper="", expected=expected, first=first, second=second, at_least=at_least)
    (row,) = calibrate([one], *tables, 0.95).to_dict("records")
    assert row["agrees"] is agrees
    assert row["estimate"] == (difference if first == "a" else -difference)
    assert row["low"] < row["estimate"] < row["high"]
    if min(p, p_equivalent) > 0.05:
        assert row["shown"] == "undecided"


@pytest.mark.parametrize("expected", ["apart", "higher", "not_higher", "alike"])
def test_series_without_an_id_score_in_common_agree_with_nothing(expected):
    tables = made_up(verdict="cannot be compared", note="no ID score in common: 0.10 to 0.20 against 0.30 to 0.40")
    one = Expectation(figure="f", paper="", expected=expected, first="a", second="b")
    (row,) = calibrate([one], *tables, 0.95).to_dict("records")
    assert row["agrees"] is False
    assert row["shown"].startswith("cannot be compared: no ID score in common")


def test_more_data_are_judged_at_equal_id_score():
    """Raw scores rise in both; only where they rise at equal ID score are networks more robust."""
    raw = {"raw_per_tenfold": 0.06, "raw_low": 0.05, "raw_high": 0.07, "raw_page_p": 0.0001}
    one = Expectation(figure="f", paper="", expected="rises", panel="P")
    for slope, p, agrees in ((0.01, 0.001, True), (0.001, 0.4, False), (-0.01, 0.001, False)):
        equal = {"equal_id_per_tenfold": slope, "equal_id_low": slope - 0.01, "equal_id_high": slope + 0.01}
        row = {"figure": "f", "panel": "P", **raw, **equal, "equal_id_p": p}
        tables = pd.DataFrame([row], columns=COMPARISON_COLUMNS), pd.DataFrame(columns=CONTRAST_COLUMNS)
        (found,) = calibrate([one], *tables, 0.95).to_dict("records")
        assert (found["agrees"], found["estimate"], found["raw_estimate"]) == (agrees, slope, 0.06)


def test_a_comparison_that_was_not_made_does_not_agree():
    one = Expectation(figure="g", paper="", expected="alike", first="a", second="b")
    (row,) = calibrate([one], *made_up(difference=0.0, low=-0.1, high=0.1, p_holm=1.0), 0.95).to_dict("records")
    assert (row["shown"], row["agrees"]) == ("not run", False)


@pytest.mark.parametrize("entry", [{"expected": "rises"}, {"expected": "alike", "first": "a"}, {"expected": "worse"}])
def test_an_expectation_that_is_none_is_refused(entry):
    with pytest.raises(InputError, match=r"calibration\.f"):
        Expectation.from_dict({"figure": "f", "paper": "", **entry})
