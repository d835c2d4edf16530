"""A source and a task in one, whose colours tell the classes, and what trains on it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pretraining_robustness.finetune.finetune import finetune

ARCHITECTURE = {
    "builder": "DenseNet",
    "arguments": {"growth_rate": 4, "block_config": [2, 2], "num_init_features": 8, "drop_rate": 0.1},
}
RECIPE = {
    **{"epochs": 2, "batch_size": 32, "learning_rate": 0.01, "image_size": 16, "weight_decay": 0.05},
    "augmentation": {"crop": "shift", "shift": 2, "flip": True},
}


def write_table(path: Path, **columns: object) -> None:
    pyarrow.parquet.write_table(pa.table(columns), path)


def write_store(folder: Path, labels: np.ndarray, train: int, trained_on: slice) -> dict[str, Path]:
    """Images of four classes; those of `trained_on` are pre-trained on, the first `train` are the task's to train on.

    Of the others of the task two fifths are in-distribution test images.
    """
    random, count = np.random.default_rng(0), len(labels)
    colours = np.array([[220, 40, 40], [40, 220, 40], [40, 40, 220], [200, 200, 40]])
    images = colours[labels][:, None, None] + random.normal(0, 30, (count, 16, 16, 3))
    files = {name: folder / f"{name}.parquet" for name in ("images", "index")}
    np.save(folder / "images.npy", np.clip(images, 0, 255).astype(np.uint8))
    rows, tested = np.arange(count), 2 * (count - train) // 5
    split = ["train"] * train + ["id_test"] * tested + ["test"] * (count - train - tested)
    names = {"image": [f"{row}.png" for row in rows], "class_id": labels.astype(str)}
    write_table(files["images"], row=rows, **names, y=labels, split=split)
    write_table(files["index"], row=rows[trained_on], label=labels[trained_on])
    return {"images": folder / "images.npy", "table": files["images"], "index": files["index"]}


def pretraining(store: dict[str, Path], folder: Path, **changes: object) -> dict:
    """Arguments of a pre-training into a folder."""
    files = {"weights": folder / "weights.safetensors", "metrics": folder / "metrics.csv", "state": folder / "state"}
    named = {"distribution": "colours", "architecture": ARCHITECTURE, "recipe": RECIPE, "seed": 0, "code": "c0"}
    return {**store, **files, **named, **changes}


def finetuned(
    store: dict[str, Path], folder: Path, pretrained: Path | None, epochs: tuple = (1, 2), **changes: object
) -> list[Path]:
    """Fine-tune into a folder, and return the checkpoints of `epochs`."""
    checkpoints = [folder / f"epoch_{epoch}.safetensors" for epoch in epochs]
    given = pretraining({"images": store["images"], "table": store["table"]}, folder)
    given |= {"pretrained": pretrained, "checkpoints": checkpoints, "epochs": epochs}
    del given["weights"]
    finetune(**(given | changes))
    return checkpoints
