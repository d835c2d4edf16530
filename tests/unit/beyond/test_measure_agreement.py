"""From files of predictions to the tables and the figure of agreement; what cannot be measured is said in one line."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.beyond.measure_agreement import measure_agreement
from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.draw import draw_figure

from .conftest import PAIR, TEST_SETS

NETWORKS = [f"net{number}" for number in range(4) for _ in range(3)]
ESTIMATES = ["as_id", "aline_s", "aline_d", "atc"]


def correct(seed, architectures=NETWORKS):
    random = np.random.default_rng(seed)
    return {
        name: random.random((len(architectures), 600)) < np.linspace(low, low + 0.3, len(architectures))[:, None]
        for name, low in (("in", 0.5), ("out", 0.3))
    }


@pytest.fixture
def options(task, tmp_path):
    outputs = {name: tmp_path / f"{name}.csv" for name in ("lines", "checkpoints", "pairs")}
    told = {"tables": {"cameras": task}, "task": "cameras", "test_sets": TEST_SETS, "pair": PAIR}
    return {**told, "estimates": ESTIMATES, "confidence": 0.95, "margin": 0.02, **outputs}


def test_tables_hold_accuracies_and_what_estimates_them_and_the_figure_shows_them(options, answered, tmp_path):
    right = correct(0)
    files = [answered(name, found, NETWORKS, epochs=3) for name, found in (("one", right), ("two", correct(1)))]
    measure_agreement(predictions=files, series=["one", "two"], **options)
    lines, checkpoints, pairs = (pd.read_csv(options[name]) for name in ("lines", "checkpoints", "pairs"))
    assert lines["series"].tolist() == ["one", "two"]
    assert lines["pairs"].tolist() == [6 * 9, 6 * 9]
    assert len(pairs) == 2 * 6 * 9
    one = checkpoints[checkpoints["series"] == "one"]
    np.testing.assert_allclose(one["ood"], right["out"].mean(axis=1))
    np.testing.assert_allclose(one["atc"], one["ood"])  # confidence tells right from wrong
    off = np.where(right["in"], 0.1, 0.4).mean(axis=1)
    np.testing.assert_allclose(one["id_calibration_error"], off, atol=2e-3)
    error = (one["aline_s"] - one["ood"]).abs().groupby(one["architecture"]).mean().mean()
    assert lines.at[0, "aline_s_error"] == pytest.approx(error)
    assert lines.at[0, "aline_s_error_low"] < error < lines.at[0, "aline_s_error_high"]
    assert set(lines["verdict"]) <= {"differs", "equivalent", "undecided"}
    words = {"title": "Agreement", "note": "", "labels": {"one": "First"}, "task_label": "Cameras", "x_label": "in"}
    told = {**words, "y_label": "out", "confidence": 0.95, "margin": 0.02, "estimates": ESTIMATES, "name": "fig"}
    files = {name: options[name] for name in ("lines", "checkpoints", "pairs")}
    made = {kind: tmp_path / f"figure.{kind}" for kind in ("pdf", "png", "table", "caption")}
    draw_figure(files, {**told, "kind": "agreement"}, **made)
    caption = made["caption"].read_text()
    assert f"slope {lines.at[0, 'accuracy_slope']:.2f} of accuracy" in caption
    assert lines.at[1, "verdict"] in caption


def test_one_architecture_and_predictions_without_confidence_are_named(options, answered):
    alone = answered("alone", correct(0, ["net0"] * 3), ["net0"] * 3, epochs=3)
    with pytest.raises(InputError, match=r"alone\.parquet: the series some has one architecture.*runs\.architectures"):
        measure_agreement(predictions=[alone], series=["some"], **options)
    old = answered("old", correct(0), NETWORKS, kept=(), epochs=3)
    with pytest.raises(InputError, match=r"old\.parquet: no confidence .*predictions\.kept"):
        measure_agreement(predictions=[old], series=["some"], **options)
    measure_agreement(predictions=[old], series=["some"], **{**options, "estimates": ["aline_d"]})
