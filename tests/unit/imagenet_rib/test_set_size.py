"""Sets of growing size: which images they take, that repeated ones train for as many steps, and RI by size by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from pretraining_robustness.evaluate.scores import COLUMNS
from pretraining_robustness.imagenet_rib.set_size import compute_set_sizes
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.store.read import Store
from pretraining_robustness.tasks.splits import read_split
from pretraining_robustness.training.batches import load_images

CLASS_IDS = [f"n{number:08d}" for number in range(3)]
SIZES = {"n00000000": 10, "n00000001": 6, "n00000002": 2}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The table of a store of 18 images of three classes."""
    classes = [name for name, count in SIZES.items() for _ in range(count)]
    images = [f"{name}/{number}.jpg" for number, name in enumerate(classes)]
    table = {"row": np.arange(18), "image": images, "class_id": classes, "original": images}
    pd.DataFrame(table).to_parquet(tmp_path / "images.parquet", index=False)
    np.save(
        tmp_path / "images.npy", np.arange(18, dtype=np.uint8)[:, None, None, None] * np.ones((1, 8, 8, 3), np.uint8)
    )
    return tmp_path / "images.parquet"


def task(store: Path, each: int, equal: str) -> Path:
    path = store.parent / f"{each}_{equal}.parquet"
    make_variant_task(store, path, CLASS_IDS, subset={"images_per_class": each, "equal": equal})
    return path


def test_a_smaller_set_is_part_of_a_larger_one(store: Path) -> None:
    taken = {each: pd.read_parquet(task(store, each, "epochs")) for each in (1, 2, 4, 99)}
    assert {each: len(one) for each, one in taken.items()} == {1: 3, 2: 6, 4: 10, 99: 18}
    assert taken[4]["class_id"].value_counts().to_dict() == {"n00000000": 4, "n00000001": 4, "n00000002": 2}
    for smaller, larger in ((1, 2), (2, 4), (4, 99)):
        assert set(taken[smaller]["row"]) < set(taken[larger]["row"])


def test_at_equal_steps_an_epoch_is_as_long_as_one_of_all_images(store: Path) -> None:
    rows, labels = read_split(task(store, 2, "steps"), "train")[:2]
    assert len(rows) == 18
    assert pd.Series(rows).value_counts().eq(3).all()  # 6 images, three times each
    pixels = load_images(Store.open(store.parent / "images.npy", store, 1), np.asarray(rows), torch.device("cpu"))
    batch = next(iter(pixels.stream([np.arange(18)])))[1]
    assert batch[:, 0].float().mean(dim=(1, 2)).tolist() == np.asarray(rows).tolist()  # each pixel says its row
    wanted = pd.read_parquet(store)["class_id"].map(CLASS_IDS.index)
    assert wanted.to_numpy()[rows].tolist() == np.asarray(labels).tolist()


def test_ri_by_size_by_hand(store: Path, tmp_path: Path) -> None:
    """From 40 % before; after fine-tuning on two images a class r gains 10 points and v2 loses 4, and so on."""
    tasks = {"rib_r": None, "rib_r_2": {"images_per_class": 2, "equal": "epochs"}}
    changes = {"rib_r": {"val": -20, "r": 30, "v2": -8, "a": -6}, "rib_r_2": {"val": -5, "r": 10, "v2": -4, "a": 0}}
    rows = []
    for name, change in changes.items():
        for epoch in (0, 1):
            for tested, points in change.items():
                run = [name, "full", "imagenet", "vit", 0, epoch, tested, "accuracy", (40 + epoch * points) / 100]
                rows.append([*run, np.nan, np.nan, 100])
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "scores.csv", index=False)
    make_variant_task(store, tmp_path / "whole.parquet", CLASS_IDS)
    compute_set_sizes(
        scores=[tmp_path / "scores.csv"],
        tasks={"rib_r": tmp_path / "whole.parquet", "rib_r_2": task(store, 2, "epochs")},
        subsets=tasks,
        variants=dict.fromkeys(tasks, "r"),
        tested_on=["r", "v2", "a"],
        reference="val",
        sizes=tmp_path / "sizes.csv",
    )
    found = pd.read_csv(tmp_path / "sizes.csv", keep_default_na=False).set_index("images")
    assert found["RI"].to_dict() == {18: pytest.approx(-7), 6: pytest.approx(-2)}
    assert found["own_after"].to_dict() == {18: pytest.approx(70), 6: pytest.approx(50)}
    assert found["reference_after"].to_dict() == {18: pytest.approx(20), 6: pytest.approx(35)}
    assert found["equal"].to_dict() == {18: "", 6: "epochs"}
    assert found["images_per_class"].to_dict() == {18: 6.0, 6: 2.0}


def test_ri_of_imagenets_own_training_images_is_a_mean_over_all_variants(store: Path, tmp_path: Path) -> None:
    rows = []
    for epoch in (0, 1):
        for tested, points in {"val": -5, "r": 10, "v2": -4, "a": 0}.items():
            run = ["rib_training_images_2", "full", "imagenet", "vit", 0, epoch, tested, "accuracy"]
            rows.append([*run, (40 + epoch * points) / 100, np.nan, np.nan, 100])
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "scores.csv", index=False)
    compute_set_sizes(
        scores=[tmp_path / "scores.csv"],
        tasks={"rib_training_images_2": task(store, 2, "epochs")},
        subsets={"rib_training_images_2": {"images_per_class": 2, "equal": "epochs"}},
        variants={"rib_training_images_2": "imagenet"},
        tested_on=["r", "v2", "a"],
        reference="val",
        sizes=tmp_path / "sizes.csv",
    )
    (found,) = pd.read_csv(tmp_path / "sizes.csv").to_dict("records")
    assert (found["RI"], found["reference_after"], found["images"]) == pytest.approx((2, 35, 6))
    assert np.isnan(found["own_after"])
