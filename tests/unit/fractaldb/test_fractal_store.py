"""A store of fractals: its files, its pictures against a plain rendition of their definition, on NumPy and on torch."""

import hashlib
import logging
import os
import signal
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.fractaldb import render
from pretraining_robustness.fractaldb.framing import Frame
from pretraining_robustness.fractaldb.render import render_fractals
from pretraining_robustness.fractaldb.rendering import path_draws, render_supports
from pretraining_robustness.fractaldb.search import search_systems
from pretraining_robustness.fractaldb.systems import write_systems
from pretraining_robustness.store.fractal_store import FractalPictures
from pretraining_robustness.store.read import Store
from pretraining_robustness.training import batches
from pretraining_robustness.training.batches import ResidentImages, StreamedImages, load_images

NAMES = ("images.npy", "images.parquet", "classes.csv", "undecodable.csv")
POINTS, SIZE, PADDING, INSTANCES, CLASSES = 800, 21, 3, 3, 4
CPU = torch.device("cpu")
SYSTEMS = search_systems(CLASSES, 1, 800, 32, 3, 0.2).systems


def build(out: Path, **options: Any) -> Path:
    out.mkdir(exist_ok=True)
    systems = out.parent / "systems.csv"
    if not systems.exists():
        write_systems(systems, SYSTEMS)
    defaults = {"points": POINTS, "size": SIZE, "padding": PADDING, "instances": INSTANCES, "code": "a"}
    files = dict(zip(("images", "table", "classes", "undecodable"), (out / name for name in NAMES), strict=True))
    render_fractals(systems, state=out / "unfinished", **files, **defaults | options)  # type: ignore[arg-type]
    return out


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("fractals") / "store")


def open_store(folder: Path, threads: int = 1) -> Store:
    return Store.open(folder / "images.npy", folder / "images.parquet", threads)


# -------------------------------------------------------------------------------------------------------------- files


def test_the_store_holds_the_supports_of_every_class_and_weight(built: Path) -> None:
    supports = np.load(built / "images.npy", mmap_mode="r", allow_pickle=False)
    assert supports.shape == (CLASSES * 25, (SIZE * SIZE + 7) // 8)
    expected = [render_supports(system, path_draws(POINTS), Frame(SIZE, PADDING)) for system in SYSTEMS]
    np.testing.assert_array_equal(supports, np.concatenate(expected))
    assert sorted(path.name for path in built.iterdir()) == sorted(NAMES)


def test_the_table_names_every_picture_in_order(built: Path) -> None:
    table = pd.read_parquet(built / "images.parquet")
    assert list(table) == ["row", "image", "class_id", "weight", "instance", "flip"]
    numbers = product(range(CLASSES), range(25), range(INSTANCES), range(4))
    for row, (number, weight, instance, flip) in enumerate(numbers):
        name = f"{number:05d}"
        image = f"{name}/{name}_{weight:02d}_count_{instance}_flip{flip}.png"
        assert table.iloc[row].tolist() == [row, image, name, weight, instance, flip]
    assert len(table) == row + 1
    classes = pd.read_csv(built / "classes.csv", dtype={"class_id": str, "name": str})
    assert list(classes) == ["class_id", "name", "images"]
    assert list(classes["class_id"]) == list(classes["name"]) == [f"{number:05d}" for number in range(CLASSES)]
    assert set(classes["images"]) == {25 * INSTANCES * 4}
    assert (built / "undecodable.csv").read_text() == "image,reason\n"


def test_threads_change_nothing(built: Path, tmp_path: Path) -> None:
    assert digests(build(tmp_path / "store", threads=3)) == digests(built)


# ----------------------------------------------------------------------------------------------------------- pictures


def finalised(word: int) -> int:
    """MurmurHash3's finaliser, in Python's own integers."""
    word ^= word >> 16
    word = word * 0x85EBCA6B % 2**32
    word ^= word >> 13
    word = word * 0xC2B2AE35 % 2**32
    return word ^ word >> 16


def plain_picture(supports: np.ndarray, size: int, instances: int, row: int) -> np.ndarray:
    """The picture of a row, pixel by pixel from its definition."""
    support, instance, flip = row // (4 * instances), row // 4 % instances, row % 4
    key = finalised(256 * support + instance)
    words = (size * size + 31) // 32
    picture = np.zeros((size, size, 3), np.uint8)
    for pixel in range(size * size):
        bit = 8 * (pixel % 32 // 8) + 7 - pixel % 8
        bits = [finalised(finalised(2**31 + plane * words + pixel // 32) ^ key) >> bit & 1 for plane in range(10)]
        lit = bits[0] == 0 or not any(bits[1:])
        covered = supports[support, pixel // 8] >> (7 - pixel % 8) & 1
        picture[divmod(pixel, size)] = 127 * (covered and lit)
    if flip in (1, 3):
        picture = picture[::-1]
    return picture[:, ::-1] if flip in (2, 3) else picture


@pytest.mark.parametrize("size", [21, 8, 20])
def test_pictures_are_as_defined_on_numpy_and_on_torch(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes whose pixels fill their last byte (8, 20) and do not (21), every flip, rows in any order."""
    random = np.random.default_rng(size)
    supports = random.integers(0, 256, (6, (size * size + 7) // 8), np.uint8)
    store = Store(FractalPictures(supports, INSTANCES))
    assert (len(store), store.size, store.encoding) == (6 * INSTANCES * 4, size, "fractal")
    rows = np.concatenate([random.permutation(len(store))[:20], [0, 1, 2, 3, 5, 5, len(store) - 1]])
    expected = np.stack([plain_picture(supports, size, INSTANCES, row) for row in rows.tolist()])
    np.testing.assert_array_equal(store.read(rows, store.buffer(40)), expected)
    asked = [np.array([6, 1]), np.arange(len(rows)), np.array([4])]
    for words in (1, 2**16):  # picture by picture, and all at once
        monkeypatch.setitem(sys.modules["pretraining_robustness.training.fractal_images"].WORDS_PER_PASS, "cpu", words)
        for kind in (ResidentImages, StreamedImages):
            streamed = kind(store, rows, CPU).stream(asked)
            for positions, (given, images) in zip(asked, streamed, strict=True):
                assert given.tolist() == positions.tolist()
                assert (images.dtype, images.is_contiguous()) == (torch.uint8, True)
                np.testing.assert_array_equal(images.numpy(), expected[positions])


def test_reading_is_that_of_any_store(built: Path) -> None:
    store, several = open_store(built), open_store(built, threads=3)
    rows = np.array([1199, 0, 7, 7, 640])
    buffer = store.buffer(8)
    batch = store.read(rows, buffer)
    assert np.shares_memory(batch, buffer)
    np.testing.assert_array_equal(store.read(rows), batch)
    np.testing.assert_array_equal(several.read(rows), batch)
    assert store.read(rows[:0]).shape == (0, SIZE, SIZE, 3)
    for wrong in ([1200], [-1], [0, 2**40]):
        with pytest.raises(IndexError, match="asked of a store with 1200"):
            store.read(np.array(wrong))


def test_coins_are_fair_and_independent() -> None:
    """513/1024 of the pixels are lit, whatever the pixel, and neither neighbours nor other pictures tell which."""
    size, supports, instances = 64, 25, 10
    store = Store(FractalPictures(np.full((supports, size * size // 8), 255, np.uint8), instances))
    lit = store.read(4 * np.arange(supports * instances))[..., 0].astype(np.int8) > 0
    count = lit.size
    assert abs(lit.mean() - 513 / 1024) < 4 * 0.5 / np.sqrt(count)
    by_pixel = lit.mean(axis=0)
    chi_square = ((by_pixel - 0.5) ** 2).sum() * 4 * len(lit)
    assert abs(chi_square - size**2) < 5 * np.sqrt(2 * size**2)
    by_picture = ((lit.mean(axis=(1, 2)) - 0.5) ** 2).sum() * 4 * size**2
    assert abs(by_picture - len(lit)) < 5 * np.sqrt(2 * len(lit))
    signs = 2.0 * lit - 1
    pairs = {
        "right": (signs[:, :, 1:], signs[:, :, :-1]),
        "down": (signs[:, 1:], signs[:, :-1]),
        "half a row on": (signs[:, :, 32:], signs[:, :, :32]),
        "next instance": (signs[1:], signs[:-1]),
        "next support": (signs[instances:], signs[:-instances]),
        "mirrored": (signs[:, :, :32], signs[:, :, :31:-1]),
    }
    for one, other in pairs.values():
        assert abs((one * other).mean()) < 4.5 / np.sqrt(one.size)
    flat = signs.reshape(len(signs), -1)
    between = (flat @ flat.T / flat.shape[1])[np.triu_indices(len(flat), 1)]
    assert np.abs(between).max() < 5.5 / np.sqrt(flat.shape[1])
    assert abs(between.std() * np.sqrt(flat.shape[1]) - 1) < 0.05


# ----------------------------------------------------------------------------------------------------------- training


def test_the_device_holds_packed_supports(built: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set that would not fit as pixels is resident nevertheless, and only with the supports that it needs."""
    store = open_store(built)
    rows = np.random.default_rng(0).permutation(len(store))[:150]
    pixels = len(rows) * SIZE * SIZE * 3
    monkeypatch.setattr(batches.os, "sysconf", lambda name: 1 if name == "SC_PAGE_SIZE" else pixels // 10 * 10)
    monkeypatch.setattr(batches, "RESIDENT_FRACTION", 0.5)
    resident = load_images(store, rows, CPU)
    assert isinstance(resident, ResidentImages)
    monkeypatch.setattr(batches, "RESIDENT_FRACTION", 0.01)
    streamed = load_images(store, rows, CPU)
    assert isinstance(streamed, StreamedImages)
    expected = store.read(rows)
    asked = [np.arange(100), np.arange(100, 150)]
    for stream in (resident.stream(asked), streamed.stream(asked)):
        for positions, images in stream:
            np.testing.assert_array_equal(images.numpy(), expected[positions.numpy()])


# ------------------------------------------------------------------------------------------------------ jobs that die

SCRIPT = """
import sys, time
from pathlib import Path
from pretraining_robustness.fractaldb import render
render.CLASSES_PER_COMMIT, fast = 1, render.render_supports
render.render_supports = lambda *args, **options: (time.sleep(0.15), fast(*args, **options))[1]
out = Path(sys.argv[1])
render.render_fractals(
    out.parent / "systems.csv", {points}, {size}, {padding}, {instances}, out / "images.npy", out / "images.parquet",
    out / "classes.csv", out / "undecodable.csv", out / "unfinished", "a",
)
"""


def test_a_killed_job_continues_and_gives_the_same_bytes(
    built: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_systems(tmp_path / "systems.csv", SYSTEMS)
    out = tmp_path / "store"
    journal = out / "unfinished" / "journal.jsonl"
    script = SCRIPT.format(points=POINTS, size=SIZE, padding=PADDING, instances=INSTANCES)
    job = subprocess.Popen(
        [sys.executable, "-c", script, str(out)], env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    while (not journal.exists() or journal.read_bytes().count(b"\n") <= 25) and job.poll() is None:
        time.sleep(0.005)
    job.send_signal(signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    assert not (out / "images.npy").exists()
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-3]) + lines[-3][:10])  # as if it had died within a class, and within a line
    with caplog.at_level(logging.INFO):
        build(out)
    assert "continuing after" in caplog.text
    assert digests(out) == digests(built)


@pytest.mark.parametrize("change", ["code", "points", "systems"])
def test_another_request_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    monkeypatch.setattr(render, "CLASSES_PER_COMMIT", 1)
    with monkeypatch.context() as patch:
        patch.setattr(render, "_write_tables", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            build(tmp_path / "store")
    options: dict[str, Any] = {"code": {"code": "b"}, "points": {"points": POINTS - 100}}.get(change, {})
    if change == "systems":
        write_systems(tmp_path / "systems.csv", SYSTEMS[::-1])
    again = build(tmp_path / "again", **options)
    assert digests(build(tmp_path / "store", **options)) == digests(again)


def test_a_job_that_died_at_the_very_end_is_finished(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("fractaldb.render._write_tables", "store.partial_store.publish", "fractaldb.render.shutil.rmtree"):
        out = tmp_path / step / "store"
        out.parent.mkdir()
        with monkeypatch.context() as patch:
            name = f"pretraining_robustness.{step}"
            patch.setattr(name, lambda *args, ignore_errors=False: None if ignore_errors else 1 / 0)
            with pytest.raises(ZeroDivisionError):
                build(out)
        with monkeypatch.context() as patch:
            patch.setattr(render, "render_supports", lambda *args, **options: 1 / 0)  # nothing is rendered again
            build(out)
        assert digests(out) == digests(built)


# ---------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"points": 1}, "render: points 1 must be 2 or more"),
        ({"instances": 0}, "render: instances 0 must lie between 1 and 256"),
        ({"instances": 257}, "render: instances 257 must lie between 1 and 256"),
        ({"size": 4}, "size 4 of a fractal"),
        ({"padding": 11}, "padding 11 of a fractal of 21 pixels"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path: Path, options: dict[str, int], message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}"):
        build(tmp_path / "store", **options)


def test_a_store_larger_than_the_disk_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("pretraining_robustness.files.shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match=r"images\.npy: .* GB are needed and the disk has"):
        build(tmp_path / "store")


def test_files_that_do_not_belong_together_are_named(built: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"images\.npy: holds fractals, and their table was not given"):
        Store.open(built / "images.npy")
    table = pd.read_parquet(built / "images.parquet")
    table[:-3].to_parquet(tmp_path / "short.parquet")
    with pytest.raises(InputError, match=r"short\.parquet: does not belong to .*1,197 rows are no instances of 100"):
        Store.open(built / "images.npy", tmp_path / "short.parquet")
    (tmp_path / "text.parquet").write_text("row\n1\n")
    with pytest.raises(InputError, match=r"text\.parquet: does not belong to"):
        Store.open(built / "images.npy", tmp_path / "text.parquet")
