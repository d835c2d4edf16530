"""A variant of some of ImageNet's classes: which outputs learn, which answer, and the network before fine-tuning."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.predict import predict
from pretraining_robustness.evaluate.predictions import read_predictions
from pretraining_robustness.finetune.finetune import finetune
from pretraining_robustness.finetune.start import save_start
from pretraining_robustness.imagenet_rib.embedding import measure_distances
from pretraining_robustness.imagenet_rib.similarity import compare_networks
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import read_weights, save_weights
from pretraining_robustness.tasks.splits import class_numbers
from pretraining_robustness.tasks.test_sets import read_test_set
from pretraining_robustness.training.augmentation import Preparation

ARCHITECTURE = {"name": "r", "builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {
    **{"epochs": 1, "batch_size": 8, "learning_rate": 0.05, "image_size": 16, "weight_decay": 0.0},
    **{"optimizer": "sgd", "momentum": 0.9, "label_smoothing": 0.1},
}
CLASS_IDS = [f"n{number:08d}" for number in range(6)]
PRESENT = [1, 3]


def test_only_the_variants_classes_learn_and_answer(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    np.save(tmp_path / "images.npy", random.integers(0, 256, (40, 16, 16, 3), np.uint8))
    # Class 4 is right, too, where class 3 is.
    labels = [PRESENT[number % 2] for number in range(40)]
    columns = {
        **{"row": range(40), "image": [f"{number}" for number in range(40)], "original": list(map(str, range(40)))},
        **{
            "class_id": [CLASS_IDS[one] for one in labels],
            "also": [CLASS_IDS[4] if one == 3 else "" for one in labels],
        },
    }
    pd.DataFrame(columns).to_parquet(tmp_path / "store.parquet", index=False)
    make_variant_task(tmp_path / "store.parquet", tmp_path / "task.parquet", CLASS_IDS)
    torch.manual_seed(3)
    network = build(ARCHITECTURE, 6)
    torch.nn.init.constant_(network.fc.bias, 0.0)  # type: ignore[union-attr, arg-type]
    with torch.no_grad():
        network.fc.bias[0] = 100  # type: ignore[union-attr, index, operator]  # an answer that the mask must forbid
        network.fc.bias[4] = 90  # type: ignore[union-attr, index, operator]
    save_weights(tmp_path / "pretrained", network, {})
    shared = {
        **{"table": tmp_path / "task.parquet", "pretrained": tmp_path / "pretrained", "keep_head": True},
        **{"distribution": "some", "architecture": ARCHITECTURE, "recipe": RECIPE, "seed": 0},
    }
    start, tuned = tmp_path / "start", tmp_path / "tuned"
    save_start(**shared, checkpoint=start)
    finetune(
        **shared,
        images=tmp_path / "images.npy",
        checkpoints=[tuned],
        **{"metrics": tmp_path / "metrics.csv", "state": tmp_path / "state", "code": ""},
    )
    before, after = (read_weights(path)[0]["fc.weight"] for path in (start, tuned))
    assert [number for number in range(6) if not torch.equal(before[number], after[number])] == PRESENT

    spec = {"name": "r", "store": "r", "split": "all", "classes": "present"}
    stores = {
        "rib_r": (tmp_path / "images.npy", tmp_path / "task.parquet"),
        "r": (tmp_path / "images.npy", tmp_path / "store.parquet"),
    }
    networks = [{"name": "r", "seed": 0, "architecture": ARCHITECTURE, "recipe": RECIPE}]
    told = {
        "stores": stores,
        "test_sets": [spec],
        "networks": networks,
        "predictions": tmp_path / "predictions.parquet",
    }
    predict(**told, checkpoints=[start, tuned])
    test_set = read_test_set(
        {**spec, "own": False}, tmp_path / "store.parquet", class_numbers(tmp_path / "task.parquet")
    )
    answers = read_predictions(tmp_path / "predictions.parquet", [test_set])
    first = next(answer["r"] for checkpoint, answer in answers.items() if checkpoint.epoch == 0)
    assert set(first.tolist()) == {3}  # class 4 has the highest score that may answer, and counts as class 3
    predict(**told, checkpoints=[start, start, start], groups=3)
    (merged,) = read_predictions(tmp_path / "predictions.parquet", [test_set]).values()
    assert np.array_equal(merged["r"], first)  # merged of two equal networks, of the epoch of the second

    compare_networks(
        **{"images": tmp_path / "images.npy", "table": tmp_path / "store.parquet", "task": tmp_path / "task.parquet"},
        networks=[{"name": "r", "seed": 0, "architecture": ARCHITECTURE, "recipe": RECIPE}],
        fine_tuned_on=["v", "w"],
        checkpoints=[start, start, tuned, start, tuned, tuned],
        layers=["layer?.?"],
        **{"count": 20, "batch_size": 10, "named": {"method": "full"}, "similarity": tmp_path / "similarity.csv"},
    )
    similarity = pd.read_csv(tmp_path / "similarity.csv").pivot(
        index=["fine_tuned_on", "epoch"], columns="layer", values="cka"
    )
    assert list(similarity.columns) == ["layer1.0", "layer2.0", "layer3.0", "layer4.0"]
    assert np.allclose(similarity.loc[("v", 0)], 1)
    assert (similarity.loc[("v", 1)] < 1).all()
    assert np.allclose(similarity.loc["w"], similarity.loc[("v", 1)])


def test_distances_are_measured_in_batches_that_a_small_card_holds_and_similarity_names_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    numbers, images = np.arange(24), random.integers(0, 256, (24, 16, 16, 3), np.uint8)
    columns = {
        **{
            "row": numbers,
            "image": numbers.astype(str),
            "y": numbers % 2,
            "split": np.where(numbers < 12, "test", "val"),
        },
        "class_id": [CLASS_IDS[number % 2] for number in numbers],
    }
    pd.DataFrame(columns).to_parquet(tmp_path / "table.parquet", index=False)
    np.save(tmp_path / "images.npy", images)
    images[:12] = random.integers(0, 256, (12, 16, 16, 3), np.uint8)
    np.save(tmp_path / "others.npy", images)
    files = {name: (tmp_path / f"{name}.npy", tmp_path / "table.parquet") for name in ("images", "others")}
    network = {"name": "r", "seed": 0, "architecture": ARCHITECTURE, "recipe": RECIPE}
    save_weights(tmp_path / "start", build(ARCHITECTURE, 2), {"epoch": 0})
    framed, holds = Preparation.for_evaluation, 12

    def small_card(self: Preparation, images: torch.Tensor) -> torch.Tensor:
        if len(images) > holds:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return framed(self, images)

    def distance(split: str) -> float:
        measure_distances(
            **{"stores": files, "checkpoint": tmp_path / "start", "network": network},
            test_sets=[{"name": name, "store": name, "split": split, "classes": None} for name in files],
            **{"count": 12, "distances_file": tmp_path / "distances.csv"},
        )
        return float(pd.read_csv(tmp_path / "distances.csv")["otdd"].iloc[0])

    monkeypatch.setattr(Preparation, "for_evaluation", small_card)
    whole, holds = distance("test"), 5
    assert distance("test") == pytest.approx(whole, rel=1e-6)
    assert distance("val") == pytest.approx(0, abs=1e-5)  # the same images in both stores
    assert whole > 1e-3
    with pytest.raises(InputError, match=r"imagenet_rib\.similarity\.batch_size: a batch of 10 images of 16 pixels"):
        compare_networks(
            **{"images": files["images"][0], "table": files["images"][1], "task": tmp_path / "table.parquet"},
            **{
                "networks": [network],
                "fine_tuned_on": ["v"],
                "checkpoints": [tmp_path / "start"] * 2,
                "layers": ["layer?.?"],
                "count": 12,
            },
            **{"batch_size": 10, "named": {}, "similarity": tmp_path / "similarity.csv"},
        )
