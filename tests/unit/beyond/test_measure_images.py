"""From files of predictions to the tables and the figure of gains; what cannot be compared is said in one line."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.beyond.measure_images import measure_images
from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.draw import draw_figure

from .conftest import PAIR, TEST_SETS

NETWORKS = [f"net{number}" for number in range(4) for _ in range(3)]


@pytest.fixture
def options(task, tmp_path):
    outputs = {name: tmp_path / f"{name}.csv" for name in ("images", "classes", "summary", "checkpoints")}
    told = {"tables": {"cameras": task}, "task": "cameras", "test_sets": TEST_SETS, "pair": PAIR, "size": 50}
    return {**told, "series": ["first", "second"], "confidence": 0.95, "margin": 0.02, **outputs}


def right(seed, truth, won=0.0, low=0.5, networks=NETWORKS):
    """Answers of which those to class 0 are correct more often out of distribution."""
    random = np.random.default_rng(seed)
    level = np.linspace(low, low + 0.3, len(networks))[:, None]
    return {
        name: random.random((len(networks), 600)) < level + won * (name == "out") * (truth == 0)
        for name in PAIR.values()
    }


def test_a_class_that_is_won_is_found_and_shown(options, answered, task, tmp_path):
    stored = pd.read_parquet(task)
    truth = stored.loc[stored["split"] == "out", "y"].to_numpy()
    files = [
        answered("first", right(0, truth, 0.3), NETWORKS, epochs=3),
        answered("second", right(1, truth), NETWORKS, epochs=3),
    ]
    measure_images(predictions=files, **options)
    classes, summary, images = (pd.read_csv(options[name]) for name in ("classes", "summary", "images"))
    assert classes["train_images"].sum() == 600
    assert classes.at[0, "gain"] == pytest.approx(0.25, abs=0.1)
    assert classes.at[0, "gain_p_holm"] < 0.05
    assert (classes.loc[1:, "gain_p_holm"] > 0.05).all()
    assert summary.at[0, "gain"] == pytest.approx(images["gain"].mean())
    assert images["chosen"].sum() == 50
    words = {"title": "Images", "note": "", "labels": {}, "task_label": "Cameras", "x_label": "in", "y_label": "out"}
    files = {name: options[name] for name in ("images", "classes", "summary", "checkpoints")}
    made = {kind: tmp_path / f"figure.{kind}" for kind in ("pdf", "png", "table", "caption")}
    draw_figure(files, {**words, "kind": "images", "name": "fig", "confidence": 0.95, "margin": 0.02}, **made)
    assert f"All images: {100 * summary.at[0, 'gain']:+.1f} points" in made["caption"].read_text()


def test_series_without_common_id_accuracy_and_few_architectures_are_named(options, answered):
    truth = np.zeros(600, dtype=int)
    low, high = (
        answered(name, right(0, truth, low=start), NETWORKS, epochs=3) for name, start in (("a", 0.1), ("b", 0.6))
    )
    with pytest.raises(InputError, match=r"a\.parquet: first and second have no ID accuracy in common \(0\."):
        measure_images(predictions=[low, high], **options)
    few = answered("few", right(0, truth, networks=NETWORKS[:6]), NETWORKS[:6], epochs=3)
    with pytest.raises(InputError, match=r"few\.parquet: 2 architectures; 4 are needed.*runs\.architectures"):
        measure_images(predictions=[few, few], **options)
