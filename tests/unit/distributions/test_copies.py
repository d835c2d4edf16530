"""Copies are found whatever their size, compression, brightness and contrast, and left out of distributions."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from miniature.formats.tiny_images import CIFAR10, _anywhere, _drawn, _picture
from pretraining_robustness.distributions.copies import find_copies, without_copies


def reduced(pixels: np.ndarray, how: Image.Resampling, quality: int) -> np.ndarray:
    """Return a picture as another collection would have it: half as large, by another filter, compressed."""
    file = io.BytesIO()
    Image.fromarray(pixels).resize((32, 32), how).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def write(folder: Path, name: str, pixels: list[np.ndarray]) -> tuple[Path, Path]:
    images, table = folder / f"{name}.npy", folder / f"{name}.parquet"
    np.save(images, np.stack(pixels))
    rows = {"row": range(len(pixels)), "image": [f"{name}_{i}" for i in range(len(pixels))]}
    rows["split"] = ["unused" if i == 10 else "test" for i in range(len(pixels))]
    pd.DataFrame({**rows, "class_id": [f"class_{i % 2}" for i in range(len(pixels))]}).to_parquet(table)
    return images, table


@pytest.fixture
def searched(tmp_path: Path) -> tuple[pd.DataFrame, Path]:
    """Six pictures of 64 pixels; four have a copy in one of two collections of pictures of the same classes."""
    names = list(CIFAR10)[:6]
    source = [_picture(_drawn(name), "one", 0, 64) for name in names]
    copied = [
        reduced(source[0], Image.Resampling.BOX, 95),
        reduced(source[1], Image.Resampling.LANCZOS, 60),
        (0.6 * reduced(source[2], Image.Resampling.BICUBIC, 90) + 50).astype(np.uint8),
    ]
    others = [_anywhere(name, str(number), 0) for name in names for number in range(5)]
    flat = np.full((32, 32, 3), 200, np.uint8)
    images, table = write(tmp_path, "source", [*source, np.full((64, 64, 3), 90, np.uint8)])
    first = write(tmp_path, "first", [*others[:10], *copied, flat])
    second = write(tmp_path, "second", [*others[10:], reduced(source[3], Image.Resampling.BOX, 90), copied[0]])
    stores = {"others": [first[0], second[0]], "tables": [first[1], second[1]]}
    path = tmp_path / "copies.csv"
    arguments = {"images": images, "table": table, "names": ["first", "second"], **stores, "correlation": 0.95}
    find_copies(**arguments, splits=[[], ["test"]], copies=path)
    everywhere = pd.read_csv(path)
    find_copies(**arguments, splits=[["test"], []], copies=tmp_path / "tested.csv")
    tested = pd.read_csv(tmp_path / "tested.csv")
    assert tested.values.tolist() == everywhere.iloc[1:].values.tolist()  # the first one's split is not used
    return everywhere, path


def test_copies_are_found_and_nothing_else(searched) -> None:
    table, _ = searched
    assert table[["image", "collection", "other"]].values.tolist() == [
        ["source_0", "first", "first_10"],
        ["source_1", "first", "first_11"],
        ["source_2", "first", "first_12"],
        ["source_0", "second", "second_21"],
        ["source_3", "second", "second_20"],
    ]
    assert (table["correlation"] > 0.95).all()


def test_two_skies_are_no_copies(tmp_path: Path) -> None:
    def sky(column: int, size: int) -> np.ndarray:
        down = np.linspace(90, 220, size)[:, None, None] * np.array([0.5, 0.8, 1.0])
        pixels = np.broadcast_to(down, (size, size, 3)).copy()
        side = size // 16
        pixels[6 * side : 7 * side, column * side : (column + 1) * side] = 30  # a bird
        return pixels.astype(np.uint8)

    images, table = write(tmp_path, "source", [sky(3, 64), sky(9, 64)])
    other = write(tmp_path, "other", [sky(3, 32), sky(12, 32)])
    arguments = {"names": ["other"], "splits": [[]], "others": [other[0]], "tables": [other[1]], "correlation": 0.95}
    find_copies(images=images, table=table, **arguments, copies=tmp_path / "copies.csv")
    assert pd.read_csv(tmp_path / "copies.csv")[["image", "other"]].values.tolist() == [["source_0", "other_0"]]


def test_a_distribution_is_made_without_them(searched) -> None:
    _, path = searched
    images = pd.DataFrame({"image": [f"source_{i}" for i in range(7)], "class_id": list("ababacd")})
    classes = pd.DataFrame({"class_id": list("abcd"), "images": [3, 2, 1, 1]})
    kept, counted = without_copies(images, classes, path)
    assert kept["image"].tolist() == ["source_4", "source_5", "source_6"]
    assert counted["images"].tolist() == [1, 0, 1, 1]
    assert counted["with_copies"].tolist() == [3, 2, 1, 1]
