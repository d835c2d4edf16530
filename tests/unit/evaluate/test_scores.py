"""Score tables: what is collected and paired, and what is refused with the name of the file."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import COLUMNS, KEY, collect_scores, paired_scores, read_scores


def run_scores(distribution="scratch", architecture="resnet10", seed=0, epochs=3, method="full"):
    generator = np.random.default_rng(seed)
    rows = [
        ("iwildcam", method, distribution, architecture, seed, epoch, test_set, metric, generator.random(), 0.0, 1.0, 9)
        for epoch in range(epochs)
        for test_set in ("id_test", "test")
        for metric in ("accuracy", "macro_f1")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def write(tmp_path, frame, name="scores.csv"):
    frame.to_csv(tmp_path / name, index=False)
    return tmp_path / name


def test_runs_are_joined_sorted_and_keep_every_digit(tmp_path):
    frames = [
        run_scores("scratch", seed=1),
        run_scores("NA", seed=0).assign(low=np.nan, high=np.nan),
        run_scores("null", "alexnet", seed=11, epochs=12),
    ]
    inputs = [write(tmp_path, frame, f"{number}.csv") for number, frame in enumerate(frames)]
    collect_scores(inputs, tmp_path / "out" / "all.csv")
    collected = read_scores(tmp_path / "out" / "all.csv")
    expected = pd.concat(frames).sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(collected, expected, check_exact=True)
    assert set(collected["distribution"]) == {"scratch", "NA", "null"}
    collect_scores(inputs[::-1], tmp_path / "other_way.csv")
    assert (tmp_path / "other_way.csv").read_bytes() == (tmp_path / "out" / "all.csv").read_bytes()


def test_pairs_have_one_row_per_checkpoint_and_name_their_series():
    table = pd.concat([run_scores(), run_scores(method="linear_probe"), run_scores().assign(task="other")])
    paired = paired_scores(table, {"iwildcam": {"id": "test", "ood": "id_test"}})
    assert len(paired) == 6
    assert set(paired["series"]) == {"scratch", "scratch@linear_probe"}
    for _, row in paired.iterrows():
        own = table[(table["task"] == "iwildcam") & (table["method"] == row["method"])]
        own = own[own["epoch"] == row["epoch"]].set_index(["test_set", "metric"])["score"]
        assert row["id_macro_f1"] == own["test", "macro_f1"]
        assert row["ood_accuracy"] == own["id_test", "accuracy"]
    assert paired["id_worst_group_accuracy"].isna().all()


def test_a_pair_of_a_test_set_without_scores_is_refused():
    with pytest.raises(InputError, match="no scores of iwildcam on the test set 'val', only on id_test, test"):
        paired_scores(run_scores(), {"iwildcam": {"id": "id_test", "ood": "val"}})


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("score", "", "line 3: score  is not a finite number"),
        ("score", "inf", "line 3: score inf is not a finite number"),
        ("score", "1.01", "line 3: score 1.01 is not a fraction"),
        ("low", "-0.1", "line 3: low -0.1 is not a fraction"),
        ("score", "much", "line 3: score much is not a finite number"),
        ("epoch", "-1", "line 3: epoch -1 is no whole number >= 0"),
        ("epoch", "1.5", "line 3: epoch 1.5 is no whole number"),
        ("images", "0", "line 3: images 0 is no whole number >= 1"),
        ("distribution", "", "line 3: distribution  is empty"),
        ("metric", "accuracy", "line 3: metric accuracy appears twice for its checkpoint and test set"),
    ],
)
def test_a_bad_value_is_refused_with_its_file_and_line(tmp_path, column, value, words):
    frame = run_scores().astype(str)
    frame.loc[1, column] = value
    path = write(tmp_path, frame)
    with pytest.raises(InputError) as error:
        collect_scores([path], tmp_path / "out.csv")
    assert str(path) in str(error.value)
    assert " ".join(words.split()) in " ".join(str(error.value).split())
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop(columns="seed"), "without seed"),
        (lambda frame: frame.assign(f1=1.0), "unknown f1"),
        (lambda frame: frame[COLUMNS[::-1]], "in another order"),
        (lambda frame: frame.iloc[:0], "holds no checkpoint"),
    ],
)
def test_a_table_of_another_shape_is_refused(tmp_path, change, words):
    path = write(tmp_path, change(run_scores()))
    with pytest.raises(InputError, match=words) as error:
        collect_scores([path], tmp_path / "out.csv")
    assert str(path) in str(error.value)


@pytest.mark.parametrize("contents", [b"", b'a,b\n"1', b"\xff\xfe\x00"])
def test_a_damaged_file_is_refused(tmp_path, contents):
    path = tmp_path / "broken.csv"
    path.write_bytes(contents)
    with pytest.raises(InputError, match=r"broken\.csv"):
        read_scores(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: there is no such score table"):
        collect_scores([tmp_path / "absent.csv"], tmp_path / "out.csv")


def test_the_same_score_in_two_files_names_both(tmp_path):
    inputs = [write(tmp_path, run_scores(), name) for name in ("first.csv", "second.csv")]
    with pytest.raises(InputError, match=r"first\.csv and .*second\.csv"):
        collect_scores(inputs, tmp_path / "out.csv")
