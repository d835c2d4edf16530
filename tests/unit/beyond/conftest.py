"""Predictions that tests make up: tables of images, and files of answers in the form of `predict`."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.evaluate.predictions import Checkpoint, write_predictions
from pretraining_robustness.tasks.test_sets import read_test_set

TEST_SETS = [
    {"name": name, "store": "cameras", "split": name, "classes": None, "clusters": "camera"} for name in ("in", "out")
]
PAIR = {"id": "in", "ood": "out"}
IMAGES, CLASSES = 600, 5


@pytest.fixture
def task(tmp_path):
    """A table of 600 images in and 600 out of distribution, of 12 cameras; every third image is a training image."""
    random = np.random.default_rng(0)
    count = 3 * IMAGES
    table = {
        **{"row": np.arange(count), "image": [f"{n}.jpg" for n in range(count)]},
        **{"y": random.integers(0, CLASSES, count), "split": ["train", "in", "out"] * IMAGES},
        "camera": random.integers(0, 12, count),
    }
    table["class_id"] = [f"c{one}" for one in table["y"]]
    pd.DataFrame(table).to_parquet(tmp_path / "cameras.parquet", index=False)
    return tmp_path / "cameras.parquet"


@pytest.fixture
def answered(task, tmp_path):
    """A function that writes a series: whether each checkpoint answers each image correctly, by test set."""
    sets = [read_test_set({**one, "own": True}, task, {}) for one in TEST_SETS]

    def write(name, correct, architectures, kept=("confidence",), epochs=1):
        """`correct`: test set to bool (checkpoints, images); confidence is high where the answer is correct."""
        random = np.random.default_rng(1)
        predicted = {}
        for place, architecture in enumerate(architectures):
            checkpoint = Checkpoint(architecture, 0, 1 + place % epochs)
            for one in sets:
                right = correct[one.name][place]
                wrong = (one.truth + random.integers(1, CLASSES, len(right))) % CLASSES
                answer = np.where(right, one.truth, wrong).astype(np.int16)
                sure = np.where(right, 0.9, 0.4).astype(np.float16).view(np.int16)
                columns = [answer, *([sure] if kept else [])]
                predicted.setdefault(checkpoint, {})[one.name] = np.stack(columns, axis=1)
        write_predictions(tmp_path / f"{name}.parquet", sets, predicted, kept)
        return tmp_path / f"{name}.parquet"

    return write
