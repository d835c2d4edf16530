"""Score tables: what is collected, and what is refused with the name of the file."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import CHECKPOINT, COLUMNS, collect_scores, read_scores


def run_scores(distribution="scratch", architecture="resnet10", seed=0, epochs=3):
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        [("iwildcam", distribution, architecture, seed, epoch, *generator.random(4)) for epoch in range(1, epochs + 1)],
        columns=COLUMNS,
    )


def write(tmp_path, frame, name="scores.csv"):
    frame.to_csv(tmp_path / name, index=False)
    return tmp_path / name


def test_runs_are_joined_sorted_and_keep_every_digit(tmp_path):
    frames = [
        run_scores("scratch", seed=1),
        run_scores("NA", seed=0),
        run_scores("null", "alexnet", seed=11, epochs=12),
    ]
    inputs = [write(tmp_path, frame, f"{number}.csv") for number, frame in enumerate(frames)]
    collect_scores(inputs, tmp_path / "out" / "all.csv")
    collected = read_scores(tmp_path / "out" / "all.csv")
    expected = pd.concat(frames).sort_values(CHECKPOINT, ignore_index=True)
    pd.testing.assert_frame_equal(collected, expected, check_exact=True)
    assert set(collected["distribution"]) == {"scratch", "NA", "null"}
    assert collected["epoch"].tolist()[:3] == [1, 2, 3]


def test_the_order_of_the_inputs_does_not_matter(tmp_path):
    inputs = [write(tmp_path, run_scores(seed=seed), f"{seed}.csv") for seed in range(3)]
    collect_scores(inputs, tmp_path / "a.csv")
    collect_scores(inputs[::-1], tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_the_ends_of_the_range_are_scores(tmp_path, value):
    path = write(tmp_path, run_scores().assign(ood_macro_f1=value))
    assert (read_scores(path)["ood_macro_f1"] == value).all()


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("id_macro_f1", "", "line 3: id_macro_f1 nan is not a finite number"),
        ("id_macro_f1", "nan", "line 3: id_macro_f1 nan is not a finite number"),
        ("ood_macro_f1", "inf", "line 3: ood_macro_f1 inf is not a finite number"),
        ("ood_accuracy", "1.01", "line 3: ood_accuracy 1.01 is not a fraction"),
        ("id_accuracy", "-0.1", "line 3: id_accuracy -0.1 is not a fraction"),
        ("id_macro_f1", "high", "line 3: id_macro_f1 high is not a number"),
        ("epoch", "0", "line 3: epoch 0 is no whole number >= 1"),
        ("epoch", "1.5", "line 3: epoch 1.5 is no whole number"),
        ("seed", "-1", "line 3: seed -1 is no whole number >= 0"),
        ("distribution", "", "line 3: distribution  is empty"),
        ("epoch", "1", "iwildcam/scratch/resnet10/0/1 appears twice"),
    ],
)
def test_a_bad_value_is_refused_with_its_file_and_line(tmp_path, column, value, words):
    frame = run_scores().astype(str)
    frame.loc[1, column] = value
    path = write(tmp_path, frame)
    with pytest.raises(InputError) as error:
        collect_scores([path], tmp_path / "out.csv")
    assert str(path) in str(error.value)
    assert " ".join(words.split()) in str(error.value)
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


def test_a_missing_file_and_no_files_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: there is no such score table"):
        collect_scores([tmp_path / "absent.csv"], tmp_path / "out.csv")
    with pytest.raises(InputError, match="at least one series"):
        collect_scores([], tmp_path / "out.csv")


def test_the_same_checkpoint_in_two_files_names_both(tmp_path):
    inputs = [write(tmp_path, run_scores(), name) for name in ("first.csv", "second.csv")]
    with pytest.raises(InputError, match=r"first\.csv and .*second\.csv"):
        collect_scores(inputs, tmp_path / "out.csv")
