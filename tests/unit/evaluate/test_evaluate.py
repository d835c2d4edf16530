from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch
from sklearn.metrics import f1_score

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.evaluate import evaluate
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.training import batches

ARCHITECTURE = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {"epochs": 3, "batch_size": 32, "learning_rate": 0.01, "image_size": 16}
CLASSES = 6


@pytest.fixture
def run(tmp_path: Path) -> dict:
    """Three checkpoints with random weights and a task of 6 classes, of which a test split lacks some."""
    random = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (700, 16, 16, 3), np.uint8))
    split = random.permutation(["train"] * 100 + ["id_test"] * 250 + ["test"] * 300 + ["val"] * 50)
    labels = np.where(split == "train", np.arange(700) % CLASSES, random.integers(0, 4, 700))
    task = pa.table({"row": np.arange(700), "y": labels, "split": split})
    pyarrow.parquet.write_table(task, tmp_path / "images.parquet")
    for epoch in (1, 2, 10):
        torch.manual_seed(epoch)
        save_weights(tmp_path / f"epoch_{epoch}", build(ARCHITECTURE, CLASSES), {"epoch": epoch})
    return {
        "images": tmp_path / "images.npy",
        "table": tmp_path / "images.parquet",
        "checkpoints": [tmp_path / f"epoch_{epoch}" for epoch in (1, 10, 2)],  # as a sorted listing has them
        "predictions": tmp_path / "predictions.parquet",
        "scores": tmp_path / "scores.csv",
        "architecture": ARCHITECTURE,
        "recipe": RECIPE,
        "task": {"name": "cameras", "id_split": "id_test", "ood_split": "test"},
        "run": {"distribution": "full", "architecture": "resnet10", "seed": 3},
    }


def test_predictions_and_scores_are_those_of_plain_torch_and_sklearn(run: dict) -> None:
    evaluate(**run)
    found = pd.read_parquet(run["predictions"])
    assert list(found) == ["split", "row", "y", "epoch_1", "epoch_2", "epoch_10"]
    assert found["split"].value_counts().to_dict() == {"test": 300, "id_test": 250}
    assert {str(found[f"epoch_{epoch}"].dtype) for epoch in (1, 2, 10)} == {"int16"}
    scores = pd.read_csv(run["scores"])
    assert list(scores) == [
        "task", "distribution", "architecture", "seed", "epoch",
        "id_macro_f1", "ood_macro_f1", "id_accuracy", "ood_accuracy",
    ]  # fmt: skip
    assert scores["epoch"].tolist() == [1, 2, 10]
    assert scores.iloc[0][["task", "distribution", "architecture", "seed"]].tolist() == [
        "cameras",
        "full",
        "resnet10",
        3,
    ]

    pixels = torch.from_numpy(np.load(run["images"])[found["row"]]).permute(0, 3, 1, 2) / 255
    normalised = (pixels - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor(
        [0.229, 0.224, 0.225]
    ).view(3, 1, 1)
    for epoch, line in scores.set_index("epoch").iterrows():
        torch.manual_seed(epoch)
        with torch.no_grad():
            expected = build(ARCHITECTURE, CLASSES).eval()(normalised).argmax(1).numpy()
        assert np.mean(found[f"epoch_{epoch}"] == expected) > 0.995  # ties within rounding
        for prefix, split in (("id", "id_test"), ("ood", "test")):
            part = found[found["split"] == split]
            truth, guess = part["y"], part[f"epoch_{epoch}"]
            f1 = f1_score(truth, guess, average="macro", labels=np.unique(truth), zero_division=0)
            assert line[f"{prefix}_macro_f1"] == pytest.approx(f1, abs=1e-6)
            assert line[f"{prefix}_accuracy"] == pytest.approx((truth == guess).mean(), abs=1e-6)


def test_streaming_changes_no_prediction(run: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    evaluate(**run)
    resident = pd.read_parquet(run["predictions"])
    monkeypatch.setitem(batches.RESIDENT_FRACTION, "cpu", 0.0)
    evaluate(**run)
    pd.testing.assert_frame_equal(pd.read_parquet(run["predictions"]), resident)


def test_a_broken_checkpoint_is_named(run: dict) -> None:
    broken = run["checkpoints"][1]
    broken.write_bytes(broken.read_bytes()[:5000])
    with pytest.raises(InputError, match="epoch_10: not a readable checkpoint"):
        evaluate(**run)
    assert not run["scores"].exists()


def test_a_checkpoint_of_another_architecture_or_task_is_named(run: dict) -> None:
    save_weights(run["checkpoints"][0], build(ARCHITECTURE, CLASSES + 1), {"epoch": 1})
    with pytest.raises(InputError, match="epoch_1: not a checkpoint of this architecture and task"):
        evaluate(**run)
    with pytest.raises(InputError, match="epoch_1: not a checkpoint of this architecture and task"):
        evaluate(**{**run, "architecture": {"builder": "DenseNet", "arguments": {"block_config": [1]}}})


def test_a_split_without_images_is_named(run: dict) -> None:
    with pytest.raises(InputError, match=r"no image has split 'ood' \(there are: id_test, test, train, val\)"):
        evaluate(**{**run, "task": {**run["task"], "ood_split": "ood"}})
