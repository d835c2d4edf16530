"""The score tables in data/results agree with the predictions that ship with them, and the figures with the tables."""

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from pretraining_robustness.evaluate.scores import CHECKPOINT, read_scores


@pytest.fixture(scope="module")
def shipped(repository):
    return repository / "data/results/tiny_half"


@pytest.fixture(scope="module")
def scores(shipped):
    tables = [read_scores(path) for path in sorted(shipped.glob("scores/*.csv"))]
    return pd.concat(tables).drop_duplicates([*CHECKPOINT, "test_set", "metric"])


def test_scores_are_those_of_the_predictions(shipped, scores):
    for (task, distribution), rows in scores.groupby(["task", "distribution"]):
        labels = pd.read_parquet(shipped / f"labels/{task}.parquet")
        predictions = pd.read_parquet(shipped / f"predictions/{task}/{distribution}.parquet")
        both = labels.merge(predictions, on=["test_set", "row"], validate="one_to_one")
        assert len(both) == len(labels) == len(predictions)
        parts = dict(iter(both.groupby("test_set")))
        for row in rows.itertuples():
            part = parts[row.test_set]
            answers = part[f"{row.architecture}/seed_{row.seed}/epoch_{row.epoch}"]
            if row.metric == "accuracy":
                expected = accuracy_score(part["label"], answers)
            else:
                present = sorted(part["label"].unique())
                expected = f1_score(part["label"], answers, labels=present, average="macro", zero_division=0)
            assert row.score == pytest.approx(expected, abs=1e-6)
            assert row.images == len(part)


def test_every_figure_of_the_study_has_its_scores_and_its_conclusion(shipped):
    figures = {path.stem for path in shipped.glob("figures/*.png")}
    assert figures == {path.stem for path in shipped.glob("scores/*.csv")} != set()
    expectations = pd.read_csv(shipped / "tables/table7.csv")
    for name, rows in expectations.groupby("figure"):
        contrasts = pd.read_csv(shipped / f"comparisons/{name}_contrasts.csv")
        for row in rows.itertuples():
            assert contrasts["difference"].abs().sub(abs(row.estimate)).abs().min() < 1e-12
