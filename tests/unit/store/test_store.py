"""The store: its pixels against torchvision's, its files against the libraries that read them, and jobs that die."""

import hashlib
import io
import logging
import os
import resource
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, PngImagePlugin

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.decoding import UndecodableError, decode, encode_jpeg
from pretraining_robustness.store.read import Store

NAMES = ("images.npy", "images.parquet", "classes.csv", "undecodable.csv", "duplicates.csv", "summary.json")


def picture(seed: int, width: int, height: int, mode: str = "RGB") -> Image.Image:
    """A smooth picture with some noise, so that JPEG has something to do."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (4, 5, 3), dtype=np.uint8)).resize((width, height))
    noisy = np.asarray(coarse, dtype=int) + random.integers(-9, 10, (height, width, 3))
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).convert(mode)


def file_bytes(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def write_source(folder: Path, classes: int = 3, each: int = 7) -> Path:
    for number in range(classes * each):
        place = folder / f"class_{number % classes}"
        place.mkdir(parents=True, exist_ok=True)
        image = picture(number, 40 + number % 50, 70 - number % 60)
        image.save(place / f"{number:03d}.jpg", quality=90)
    return folder


def build(source: Path, out: Path, **options: Any) -> Path:
    build_store(
        source,
        options.pop("format", "class_folders"),
        *(out / name for name in NAMES),
        state=out / "unfinished",
        **{"size": 16} | options,
    )
    return out


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


# ------------------------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize(("width", "height"), [(500, 375), (333, 500), (64, 64), (31, 200), (20, 10), (257, 256)])
def test_pixels_are_those_of_torchvision(mode: str, width: int, height: int) -> None:
    transforms = pytest.importorskip("torchvision.transforms")
    data = file_bytes(picture(0, width, height, mode), "JPEG", quality=95)
    theirs = Image.open(io.BytesIO(data)).convert("RGB")
    for size in (32, 64, 225):
        crop = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size)])
        np.testing.assert_array_equal(decode(data, size, "crop"), np.asarray(crop(theirs)))
        stretch = transforms.Resize((size, size))
        np.testing.assert_array_equal(decode(data, size, "stretch"), np.asarray(stretch(theirs)))


def test_formats_and_modes_become_rgb() -> None:
    image = picture(1, 30, 30)
    for kind in ("PNG", "BMP", "TIFF", "PPM"):
        np.testing.assert_array_equal(decode(file_bytes(image, kind), 30, "crop"), np.asarray(image))
    for mode, kind in (("P", "GIF"), ("RGBA", "PNG"), ("1", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("YCbCr", "TIFF")):
        pixels = decode(file_bytes(image.convert(mode), kind), 30, "crop")
        close = image.convert("L") if mode in ("1", "LA") else image
        assert pixels.shape == (30, 30, 3)
        assert abs(pixels.mean() - np.asarray(close).mean()) < 3, mode


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_become_eight(kind: str) -> None:
    values = np.linspace(2000, 60000, 900).reshape(30, 30).astype(np.uint16)
    pixels = decode(file_bytes(Image.fromarray(values), kind), 30, "crop")
    np.testing.assert_array_equal(pixels, np.repeat((values >> 8).astype(np.uint8)[..., None], 3, axis=2))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    image = Image.new("RGBA", (30, 30), (0, 0, 0, 0))
    image.paste((200, 200, 200, 255), (0, 0, 30, 15))
    options = {"transparency": (0, 0, 0)} if mode == "RGB" else {}
    pixels = decode(file_bytes(image.convert(mode), "PNG", **options), 30, "crop")
    assert abs(pixels[:15].astype(int) - 200).max() <= 1
    assert (pixels[15:] == 255).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.full((20, 20), 0.5, np.float32), "floating-point"),
        (np.full((20, 20), np.nan, np.float32), "floating-point"),
        (np.full((20, 20), 70_000, np.int32), "70000, which is more than 16 bits"),
        (np.full((20, 20), 4000, np.uint16), "the upper 4 are not used"),
    ],
)
def test_values_without_a_place_in_eight_bits_are_refused(values: np.ndarray, words: str) -> None:
    with pytest.raises(UndecodableError, match=words):
        decode(file_bytes(Image.fromarray(values), "TIFF"), 16, "crop")


def png_of_16_bits(values: np.ndarray, *further: tuple[bytes, bytes]) -> bytes:
    """Return colours, which Pillow does not write with 16 bits, as a PNG."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), *further, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    sums = (struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks)
    packed = (struct.pack(">I", len(data)) + name + data + sum for (name, data), sum in zip(chunks, sums, strict=True))
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def test_colours_of_sixteen_bits_become_eight_or_are_refused() -> None:
    values = np.linspace(2000, 60000, 300).reshape(10, 10, 3).astype(np.uint16)
    np.testing.assert_array_equal(decode(png_of_16_bits(values), 10, "crop"), (values >> 8).astype(np.uint8))
    for dark in (values >> 4, values >> 8):  # from a camera of 12 bits, and of 8
        with pytest.raises(UndecodableError, match="the upper 4 are not used"):
            decode(png_of_16_bits(dark), 10, "crop")
    with pytest.raises(UndecodableError, match="stands for transparency"):
        decode(png_of_16_bits(values, (b"tRNS", values[0, 0].astype(">u2").tobytes())), 10, "crop")


def test_megabytes_of_text_in_a_png_leave_the_pixels_as_they_are() -> None:
    image, text = picture(0, 20, 20), PngImagePlugin.PngInfo()
    text.add_text("prompt", "a fox " * 1_000_000, zip=True)
    told = file_bytes(image, "PNG", pnginfo=text)
    np.testing.assert_array_equal(decode(told, 16, "crop"), decode(file_bytes(image, "PNG"), 16, "crop"))


def test_an_orientation_in_exif_is_applied_where_it_is_asked_for() -> None:
    image = picture(2, 30, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    for kind in ("JPEG", "PNG", "TIFF"):
        plain, turned = (file_bytes(image, kind, exif=value) for value in (Image.Exif(), exif))
        if kind != "TIFF":  # which Pillow itself turns
            np.testing.assert_array_equal(decode(plain, 16, "crop"), decode(turned, 16, "crop"))
        upright = decode(turned, 16, "stretch", upright=True)
        quarter = file_bytes(Image.open(io.BytesIO(plain)).transpose(Image.Transpose.ROTATE_270), "PNG")
        np.testing.assert_array_equal(upright, decode(quarter, 16, "stretch"))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "png cut", "bomb"])
def test_what_is_no_image_says_why(damage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = file_bytes(picture(3, 60, 60), "JPEG")
    png = file_bytes(picture(3, 60, 60), "PNG")
    data = {"cut": whole[: len(whole) // 2], "empty": b"", "text": b"<html>", "png cut": png[:-200], "bomb": whole}[
        damage
    ]
    if damage == "bomb":
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(UndecodableError, match=r"\w+Error: \w+") as error:
        decode(data, 16, "crop")
    assert "0x" not in str(error.value)  # an address in memory would differ from run to run


# -------------------------------------------------------------------------------------------------------------- files


def test_the_store_holds_every_image_in_order(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source")
    out = build(source, tmp_path / "out")
    images = np.load(out / "images.npy", mmap_mode="r", allow_pickle=False)
    table = pd.read_parquet(out / "images.parquet")
    assert images.shape == (21, 16, 16, 3)
    assert images.dtype == np.uint8
    assert images.flags.c_contiguous
    assert list(table["image"]) == sorted(str(path.relative_to(source)) for path in source.rglob("*.jpg"))
    assert list(table["row"]) == list(range(21))
    assert table["row"].dtype == np.int64
    for row, image, class_id in zip(table["row"], table["image"], table["class_id"], strict=True):
        np.testing.assert_array_equal(images[row], decode((source / image).read_bytes(), 16, "crop"))
        assert image.startswith(f"{class_id}/")
    classes = pd.read_csv(out / "classes.csv")
    assert classes.to_dict("list") == {
        "class_id": ["class_0", "class_1", "class_2"], "name": ["class_0", "class_1", "class_2"], "images": [7, 7, 7],
    }  # fmt: skip
    assert (out / "undecodable.csv").read_text() == "image,reason\n"
    assert sorted(path.name for path in out.iterdir()) == sorted(NAMES)


def test_a_task_keeps_labels_and_splits(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source")
    paths = sorted(str(path.relative_to(source)) for path in source.rglob("*.jpg"))
    splits = ["train", "id_val", "id_test", "val", "test"]
    table = pd.DataFrame(
        {"filename": paths, "y": [i % 3 for i in range(21)], "split": [splits[i % 5] for i in range(21)]}
    )
    table["datetime"] = "2013-06-05 05:44:19.000"
    table.to_csv(source / "metadata.csv", index=False)
    store = build(source, tmp_path / "out", format="metadata_folder", fit="stretch")
    stored = pd.read_parquet(store / "images.parquet")
    assert stored["y"].dtype == np.int64
    assert list(stored["y"]) == list(table["y"])
    assert list(stored["class_id"]) == [str(y) for y in table["y"]]
    assert list(stored["split"]) == list(table["split"])
    assert list(stored["datetime"]) == list(table["datetime"])


@pytest.mark.parametrize("encoding", ["uint8", "jpeg"])
def test_threads_change_nothing(tmp_path: Path, encoding: str) -> None:
    source = write_source(tmp_path / "source", each=30)
    one = build(source, tmp_path / "one", encoding=encoding)
    four = build(source, tmp_path / "four", encoding=encoding, threads=4)
    assert digests(one) == digests(four)


def test_a_packed_store_holds_jpeg_files(tmp_path: Path) -> None:
    out = build(write_source(tmp_path / "source"), tmp_path / "out", encoding="jpeg")
    data = np.load(out / "images.npy", allow_pickle=False)
    table = pd.read_parquet(out / "images.parquet")
    assert data.ndim == 1
    assert table["length"].sum() == len(data)
    for offset, length in zip(table["offset"], table["length"], strict=True):
        with Image.open(io.BytesIO(data[offset : offset + length].tobytes())) as image:
            assert (image.format, image.size) == ("JPEG", (16, 16))


# ---------------------------------------------------------------------------------------------------------- bad input


def test_an_image_that_does_not_decode_is_refused_by_name(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source")
    (source / "class_1" / "004.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"^class_1/004\.jpg: the image does not decode .*on_undecodable to skip"):
        build(source, tmp_path / "out")
    assert not any((tmp_path / "out" / name).exists() for name in NAMES)


def test_images_that_do_not_decode_are_listed_when_they_may_be_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = write_source(tmp_path / "source")
    whole = build(source, tmp_path / "whole")
    for name in ("class_0/000.jpg", "class_2/020.jpg"):
        (source / name).write_bytes((source / name).read_bytes()[:300])
    out = build(source, tmp_path / "out", on_undecodable="skip")
    faults = pd.read_csv(out / "undecodable.csv")
    assert list(faults["image"]) == ["class_0/000.jpg", "class_2/020.jpg"]
    assert faults["reason"].str.len().min() > 10
    assert "class_0/000.jpg is left out: the image does not decode" in caplog.text
    images = np.load(out / "images.npy")
    np.testing.assert_array_equal(images, np.load(whole / "images.npy")[1:-1])
    table = pd.read_parquet(out / "images.parquet")
    assert list(table["row"]) == list(range(19))
    assert list(pd.read_csv(out / "classes.csv")["images"]) == [6, 7, 6]
    for path in source.rglob("*.jpg"):
        path.write_bytes(b"")
    with pytest.raises(InputError, match=r"0 of 21 images could be stored"):
        build(source, tmp_path / "none", on_undecodable="skip")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size 0 of a store"),
        ({"fit": "pad"}, "fit 'pad' of a store is unknown: choose crop or stretch"),
        ({"encoding": "png"}, "encoding 'png'"),
        ({"on_undecodable": "ignore"}, "on_undecodable 'ignore'"),
        ({"format": "zip"}, "format 'zip'"),
    ],
)
def test_unknown_choices_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build(write_source(tmp_path / "source", 1, 1), tmp_path / "out", **options)


def test_a_store_larger_than_the_disk_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr("pretraining_robustness.files.shutil.disk_usage", lambda path: usage)
    with pytest.raises(InputError, match=r"images\.npy: .* GB are needed and the disk has"):
        build(write_source(tmp_path / "source"), tmp_path / "out")


# ------------------------------------------------------------------------------------------------------ jobs that die

SCRIPT = """
import sys, time
from pathlib import Path
from pretraining_robustness.store import build as store
{setup}
source, out, encoding, threads = sys.argv[1:]
names = ("images.npy", "images.parquet", "classes.csv", "undecodable.csv", "duplicates.csv", "summary.json")
store.build_store(source, "class_folders", *(Path(out) / name for name in names), state=Path(out) / "unfinished",
                  size=16, encoding=encoding, threads=int(threads))
"""
SLOW = "\n".join(
    [
        "store.IMAGES_PER_COMMIT, decode = 8, store.decode",
        "store.decode = lambda *args: (time.sleep(0.004), decode(*args))[1]",
    ]
)


def start(out: Path, source: Path, encoding: str, threads: int, setup: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(setup=setup), str(source), str(out), encoding, str(threads)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def lines_in(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


@pytest.mark.parametrize(("encoding", "threads"), [("uint8", 1), ("jpeg", 3)])
def test_a_killed_job_continues_and_gives_the_same_bytes(
    tmp_path: Path, encoding: str, threads: int, caplog: pytest.LogCaptureFixture
) -> None:
    source = write_source(tmp_path / "source", each=100)
    whole = build(source, tmp_path / "whole", encoding=encoding)
    out = tmp_path / "out"
    journal = out / "unfinished" / "journal.jsonl"
    for wanted in (1, 60, 150):  # kill three jobs, each further on
        job = start(out, source, encoding, threads, SLOW)
        while lines_in(journal) <= wanted and job.poll() is None:
            time.sleep(0.005)
        job.send_signal(signal.SIGKILL)
        job.wait()
        job.stderr.close()  # type: ignore[union-attr]
        assert job.returncode == -signal.SIGKILL
        assert not (out / "images.npy").exists()
    with caplog.at_level(logging.INFO):
        build(source, out, encoding=encoding)
    assert int(caplog.text.partition("continuing after ")[2].split()[0]) >= 150
    assert digests(out) == digests(whole)


def interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int = 30) -> tuple[Path, Path, Path]:
    """A source, its whole store, and the folder of a store whose job ended after `at` images."""
    source = write_source(tmp_path / "source", each=20)
    whole = build(source, tmp_path / "whole")
    calls = iter(range(at))
    with monkeypatch.context() as patch:
        patch.setattr("pretraining_robustness.store.build.IMAGES_PER_COMMIT", 4)
        patch.setattr("pretraining_robustness.store.build.IMAGES_PER_TASK", 2)
        patch.setattr("pretraining_robustness.store.build.decode", lambda *args: (next(calls), decode(*args))[1])
        with pytest.raises(RuntimeError):
            build(source, tmp_path / "out")
    assert 10 < lines_in(tmp_path / "out" / "unfinished" / "journal.jsonl") <= at + 1
    return source, whole, tmp_path / "out"


@pytest.mark.parametrize("tail", ["half a line", "more pixels", "less pixels", "no pixels' file", "no journal"])
def test_whatever_a_killed_job_left_the_bytes_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tail: str
) -> None:
    source, whole, out = interrupted(tmp_path, monkeypatch)
    journal, array = out / "unfinished" / "journal.jsonl", out / "unfinished" / "images"
    if tail == "half a line":
        journal.write_bytes(journal.read_bytes() + b'{"image": "class_2/')
    elif tail == "more pixels":
        array.write_bytes(array.read_bytes() + b"x" * 1000)
    elif tail == "less pixels":
        os.truncate(array, 2000)
    elif tail == "no pixels' file":
        array.unlink()
    else:
        journal.unlink()
    assert digests(build(source, out)) == digests(whole)


def test_a_repaired_image_goes_on_where_the_job_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pretraining_robustness.store.build.IMAGES_PER_TASK", 2)
    source = write_source(tmp_path / "source", each=20)
    broken = source / "class_1" / "031.jpg"
    sound = broken.read_bytes()
    broken.write_bytes(sound[:200])
    with pytest.raises(InputError, match=r"class_1/031\.jpg"):
        build(source, tmp_path / "out")
    broken.write_bytes(sound)
    with caplog.at_level(logging.INFO):
        build(source, tmp_path / "out")
    assert "continuing after 30 images" in caplog.text
    assert digests(tmp_path / "out") == digests(build(source, tmp_path / "again"))


def test_images_of_the_same_bytes_are_listed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = write_source(tmp_path / "source")
    for name in ("class_0/000_again.jpg", "class_2/other.jpg"):
        (source / name).write_bytes((source / "class_0/000.jpg").read_bytes())
    listed = pd.read_csv(build(source, tmp_path / "out") / "duplicates.csv")
    assert listed["image"].tolist() == ["class_0/000_again.jpg", "class_2/other.jpg"]
    assert listed["same_as"].tolist() == ["class_0/000.jpg"] * 2
    assert listed["class_id_of_same"].tolist() == ["class_0"] * 2
    assert "1 images have the bytes of one in other classes" in caplog.text


@pytest.mark.parametrize("change", ["size", "raw files", "fit"])
def test_another_request_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    source, _, out = interrupted(tmp_path, monkeypatch)
    options: dict[str, Any] = {"size": {"size": 24}, "fit": {"fit": "stretch"}}.get(change, {})
    if change == "raw files":
        picture(999, 50, 50).save(source / "class_0" / "000.jpg")
    again = build(source, tmp_path / "again", **options)
    assert digests(build(source, out, **options)) == digests(again)


def test_a_job_that_died_at_the_very_end_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write_source(tmp_path / "source")
    whole = build(source, tmp_path / "whole")

    def die(*args: object, ignore_errors: bool = False) -> None:
        if not ignore_errors:  # as the folder is emptied at the beginning
            raise KeyboardInterrupt

    for step in ("store.build._write_tables", "store.partial_store.publish", "store.build.shutil.rmtree"):
        with monkeypatch.context() as patch:
            patch.setattr(f"pretraining_robustness.{step}", die)
            with pytest.raises(KeyboardInterrupt):
                build(source, tmp_path / "out")
        with monkeypatch.context() as patch:
            patch.setattr("pretraining_robustness.store.build.decode", die)  # nothing is decoded a second time
            build(source, tmp_path / "out")
        assert digests(tmp_path / "out") == digests(whole)


def test_a_disk_that_fills_up_is_one_line_and_the_work_is_kept(tmp_path: Path) -> None:
    source = write_source(tmp_path / "source", each=100)
    whole = build(source, tmp_path / "whole")
    out = tmp_path / "out"
    job = start(
        out, source, "uint8", 1, "store.IMAGES_PER_COMMIT = 8",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    message = job.communicate()[1].splitlines()[-1]
    assert "unfinished/images: the disk is full" in message
    assert "images done are kept" in message
    assert not (out / "images.npy").exists()
    assert lines_in(out / "unfinished" / "journal.jsonl") > 100
    assert digests(build(source, out)) == digests(whole)


# ------------------------------------------------------------------------------------------------------------ reading


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("encoding", ["uint8", "jpeg"])
def test_batches_hold_the_rows_that_were_asked_for(tmp_path: Path, encoding: str, threads: int) -> None:
    source = write_source(tmp_path / "source")
    out = build(source, tmp_path / "out", encoding=encoding)
    store = Store.open(out / "images.npy", out / "images.parquet", threads=threads)
    table = pd.read_parquet(out / "images.parquet")
    pixels = [decode((source / image).read_bytes(), 16, "crop") for image in table["image"]]
    if encoding == "jpeg":
        pixels = [np.asarray(Image.open(io.BytesIO(encode_jpeg(picture)))) for picture in pixels]
    expected = np.stack(pixels)
    assert (len(store), store.size, store.encoding) == (21, 16, encoding)
    buffer = store.buffer(8)
    for rows in (np.array([20, 0, 7, 7, 3, 1, 19, 2]), np.array([5], dtype=np.int32), np.arange(0)):
        batch = store.read(rows, buffer)
        assert batch.shape == (len(rows), 16, 16, 3)
        assert np.shares_memory(batch, buffer) or not len(rows)
        np.testing.assert_array_equal(batch, expected[rows])
        np.testing.assert_array_equal(store.read(rows), batch)


@pytest.mark.parametrize("decoder", ["opencv", "pillow"])
def test_packed_pictures_are_pillows_with_either_decoder_and_a_broken_one_is_named(
    tmp_path: Path, decoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(0)
    small = [Image.fromarray(random.integers(0, 256, (9, 7, 3), dtype=np.uint8)) for _ in range(6)]
    grain = random.integers(-12, 13, (6, 250, 250, 3))
    smooth = np.stack([np.asarray(one.resize((250, 250), Image.Resampling.BICUBIC)) for one in small])
    files = [encode_jpeg(picture) for picture in (smooth + grain).clip(0, 255).astype(np.uint8)]
    ends = np.cumsum([len(file) for file in files])
    data = np.frombuffer(b"".join(files), np.uint8).copy()
    np.save(tmp_path / "images.npy", data)
    lengths = np.diff(ends, prepend=0)
    pd.DataFrame({"offset": ends - lengths, "length": lengths}).to_parquet(tmp_path / "images.parquet")
    if decoder == "pillow":
        monkeypatch.setitem(sys.modules, "cv2", None)
    store = Store.open(tmp_path / "images.npy", tmp_path / "images.parquet")
    expected = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
    np.testing.assert_array_equal(store.read(np.arange(6)), expected)
    data[ends[2] : ends[3]] = 0
    np.save(tmp_path / "images.npy", data)
    store = Store.open(tmp_path / "images.npy", tmp_path / "images.parquet")
    with pytest.raises(InputError, match=r"images\.npy: image 3 does not decode; remove it"):
        store.read(np.arange(6))


@pytest.mark.parametrize("threads", [1, 3])
def test_large_pictures_come_by_requests_and_a_file_cut_short_is_named(tmp_path: Path, threads: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 160, 160, 3), dtype=np.uint8)
    np.save(tmp_path / "images.npy", pixels)
    store, rows = Store.open(tmp_path / "images.npy", threads=threads), np.array([4, 0, 4, 2])
    assert np.array_equal(store.read(rows), pixels[rows])
    os.truncate(tmp_path / "images.npy", (tmp_path / "images.npy").stat().st_size - 1)
    with pytest.raises(InputError, match=r"images\.npy: ends within image 4"):
        store.read(rows)
    assert np.array_equal(store.read(rows[1:2]), pixels[:1])


def test_rows_that_are_not_there_are_refused(tmp_path: Path) -> None:
    out = build(write_source(tmp_path / "source"), tmp_path / "out")
    store = Store.open(out / "images.npy")
    for rows in ([21], [-1], [0, 2**40]):
        with pytest.raises(IndexError, match="asked of a store with 21"):
            store.read(np.array(rows), store.buffer(4))
    with pytest.raises(ValueError, match="more images than"):
        store.read(np.arange(5), store.buffer(4))


def test_reading_fills_the_buffer_without_new_memory(tmp_path: Path) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    out = build(write_source(tmp_path / "source", each=100), tmp_path / "out", size=64)
    store = Store.open(out / "images.npy")
    rows, buffer = np.arange(300), store.buffer(300)
    store.read(rows, buffer)
    tracemalloc.start()
    store.read(rows, buffer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < buffer.nbytes / 100


def test_what_is_no_store_is_named(tmp_path: Path) -> None:
    out = build(write_source(tmp_path / "source"), tmp_path / "out", encoding="jpeg")
    other = build(write_source(tmp_path / "other", each=2), tmp_path / "few", encoding="jpeg")
    with pytest.raises(InputError, match=r"images\.npy: holds image files"):
        Store.open(out / "images.npy")
    with pytest.raises(InputError, match=r"images\.parquet: does not belong to"):
        Store.open(out / "images.npy", other / "images.parquet")
    with pytest.raises(InputError, match=r"none\.npy: not the images of a store"):
        Store.open(tmp_path / "none.npy")
    np.save(tmp_path / "floats.npy", np.zeros((2, 4, 4, 3)))
    with pytest.raises(InputError, match=r"floats\.npy: not the images of a store"):
        Store.open(tmp_path / "floats.npy")
    (tmp_path / "cut.npy").write_bytes((out / "images.npy").read_bytes()[:1000])
    with pytest.raises(InputError, match=r"cut\.npy: not the images of a store"):
        Store.open(tmp_path / "cut.npy", out / "images.parquet")


def test_reading_imports_nothing_heavy() -> None:
    script = "import sys, pretraining_robustness.store.read; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"PIL", "cv2", "pandas", "pyarrow", "torch"} & set(run.stdout.split())
