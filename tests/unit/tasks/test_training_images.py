"""A task's training images are limited alike in every class, and a smaller number is a part of a larger one."""

from pathlib import Path

import pandas as pd
import pytest

from pretraining_robustness.errors import InputError
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.tasks.training_images import choose_training_images


@pytest.fixture
def table(tmp_path: Path) -> Path:
    images = pd.DataFrame({"row": range(120), "image": [f"{row}.png" for row in range(120)]})
    images["class_id"] = [("cat", "dog", "frog")[row % 3] for row in range(120)]
    images["y"], images["original"] = images["row"] % 3, images["image"]
    images["split"] = ["train"] * 90 + ["id_test"] * 30
    images.to_parquet(tmp_path / "images.parquet")
    return tmp_path / "images.parquet"


def test_training_images_are_shared_equally_and_nested(table: Path, tmp_path: Path) -> None:
    chosen = {}
    for count in (10, 30):
        choose_training_images(table, tmp_path / "task.parquet", count, seed=0)
        task = pd.read_parquet(tmp_path / "task.parquet")
        chosen[count] = task[task["split"] == "train"]
        assert len(chosen[count]) == count
        assert chosen[count]["class_id"].value_counts().max() <= -(-count // 3)
        assert task["split"].value_counts().to_dict() == {"train": count, "id_val": 90 - count, "id_test": 30}
        assert task["row"].tolist() == list(range(120))
    assert set(chosen[10]["row"]) < set(chosen[30]["row"])
    with pytest.raises(InputError, match="120 images to train on are 40 of each of 3 classes, but"):
        choose_training_images(table, tmp_path / "task.parquet", 120, seed=0)


def test_a_variant_may_be_a_split_with_few_training_images(table: Path, tmp_path: Path) -> None:
    class_ids = ["bird", "cat", "dog", "frog"]
    make_variant_task(table, tmp_path / "task.parquet", class_ids, 0.2, split="id_test", train_images=6)
    task = pd.read_parquet(tmp_path / "task.parquet")
    assert set(task["split"][:90]) == {"other"}
    used = task[90:]
    assert used[used["split"] == "train"]["class_id"].value_counts().to_dict() == {"cat": 2, "dog": 2, "frog": 2}
    assert set(used["split"]) == {"train", "id_val", "other"}
    assert task["y"].tolist() == [class_ids.index(name) for name in task["class_id"]]
    with pytest.raises(InputError, match="no image has the split severity_9; there are train, id_test"):
        make_variant_task(table, tmp_path / "task.parquet", class_ids, split="severity_9")
