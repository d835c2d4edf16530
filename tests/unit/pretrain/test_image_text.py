"""The reader of image-text sources, on folders in open_clip's two forms, and its way into a store."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.readers import open_collection

CAPTIONS = {"b.jpg": "a fox, red", "a.png": "two “blue” jays", "deep/c.jpg": "a frog"}


def write_images(folder: Path) -> None:
    for name in CAPTIONS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(picture(name))


def picture(name: str) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (len(name) * 20, 10, 200)).save(stream, "PNG" if name.endswith("png") else "JPEG")
    return stream.getvalue()


def write_csv(folder: Path, rows: list[dict], separator: str = ",", name: str = "captions.csv") -> Path:
    pd.DataFrame(rows).to_csv(folder / name, sep=separator, index=False)
    return folder / name


def rows(image: str = "image", caption: str = "caption") -> list[dict]:
    return [{image: name, caption: text} for name, text in CAPTIONS.items()]


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def found(path: Path) -> list[tuple]:
    collection = open_collection("image_text", path)
    images = list(collection.images())
    assert len(images) == len(collection)
    for start in range(len(images) + 1):
        assert [image.image for image in collection.images(start)] == [image.image for image in images[start:]]
    return [(image.image, image.class_id, image.attributes["caption"], len(image.data) > 50) for image in images]


@pytest.mark.parametrize(
    ("columns", "separator", "name"),
    [(("image", "caption"), ",", "captions.csv"), (("filepath", "title"), "\t", "train.tsv")],
)
def test_a_table_of_captions_is_read_as_open_clip_reads_it(
    tmp_path: Path, columns: tuple, separator: str, name: str
) -> None:
    write_images(tmp_path)
    table = write_csv(tmp_path, rows(*columns), separator, name)
    expected = [(image, "all", caption, True) for image, caption in CAPTIONS.items()]
    assert found(tmp_path) == found(table) == expected
    theirs = pd.read_csv(table, sep=separator)  # open_clip_train/data.py, CsvDataset
    assert theirs[columns[1]].tolist() == list(CAPTIONS.values())
    collection = open_collection("image_text", tmp_path)
    assert collection.classes().to_dict("list") == {"class_id": ["all"], "name": ["all"]}
    before = collection.fingerprint()
    (tmp_path / "b.jpg").write_bytes(picture("a longer name.jpg"))
    assert open_collection("image_text", tmp_path).fingerprint() != before


def test_a_table_may_name_classes(tmp_path: Path) -> None:
    write_images(tmp_path)
    write_csv(tmp_path, [{**row, "class": name} for row, name in zip(rows(), "zyz", strict=True)])
    collection = open_collection("image_text", tmp_path)
    assert [image.class_id for image in collection.images()] == ["z", "y", "z"]
    assert collection.classes()["name"].tolist() == ["y", "z"]


SHARD = {
    "000.jpg": picture("one.jpg"), "000.txt": b"a fox\n", "000.json": b"{}",
    "001.txt": "zwölf  Jays".encode(), "001.seg.png": b"x", "001.PNG": picture("two.png"),
}  # fmt: skip


def test_shards_of_webdataset_are_read(tmp_path: Path) -> None:
    write_tar(tmp_path / "b.tar", {"x/7.a.jpg": b"no", "x/7.jpg": picture("b.jpg"), "x/7.txt": b"last"})
    write_tar(tmp_path / "a.tar", SHARD)
    write_tar(tmp_path / "aa.tar", {"readme.md": b"nothing"})
    assert found(tmp_path) == [
        ("a/000.jpg", "all", "a fox", True),
        ("a/001.PNG", "all", "zwölf Jays", True),
        ("b/x/7.jpg", "all", "last", True),
    ]


def test_captions_reach_the_table_of_the_store(tmp_path: Path) -> None:
    folder, out = tmp_path / "raw", tmp_path / "out"
    folder.mkdir()
    write_images(folder)
    write_csv(folder, rows())
    names = {key: out / key for key in ("images", "table", "classes", "undecodable")}
    build_store(folder, "image_text", **names, state=tmp_path / "state", size=8)
    table = pd.read_parquet(names["table"])
    assert dict(zip(table["image"], table["caption"], strict=True)) == CAPTIONS
    assert np.load(names["images"]).shape == (3, 8, 8, 3)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"image": "gone.jpg", "caption": "x"}, r"captions\.csv, row 5: there is no file .*gone\.jpg"),
        ({"image": "a.png", "caption": "x"}, r"row 5: image 'a\.png' occurs for the second time"),
        ({"image": "d.jpg", "caption": " "}, r"row 5: image 'd\.jpg' has no caption"),
        ({"image": "", "caption": "x"}, r"row 5: there is no file"),
        (None, r"d\.jpg: the image has no caption in captions\.csv"),
    ],
)
def test_a_fault_in_the_table_is_one_line(tmp_path: Path, fault: dict | None, message: str) -> None:
    write_images(tmp_path)
    (tmp_path / "d.jpg").write_bytes(picture("d.jpg"))
    write_csv(tmp_path, rows() + ([fault] if fault else []))
    with pytest.raises(InputError, match=message):
        open_collection("image_text", tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"0.jpg": b"x"}, r"a\.tar: 0\.jpg has no caption: there is no 0\.txt beside it"),
        ({"0.txt": b"x"}, r"a\.tar: its caption 0\.txt has no image"),
        ({"0.jpg": b"x", "0.png": b"y", "0.txt": b"z"}, r"a\.tar: 0 has 2 images"),
        ({"0.jpg": b"x", "1.jpg": b"x", "1.txt": b"z", "0.txt": b"z"}, r"0\.jpg has no caption"),
        ({"readme.md": b"x"}, r"a\.tar: no sample in it"),
    ],
)
def test_a_fault_in_a_shard_is_one_line(tmp_path: Path, files: dict, message: str) -> None:
    write_tar(tmp_path / "a.tar", files)
    with pytest.raises(InputError, match=message):
        open_collection("image_text", tmp_path)


def test_empty_captions_and_damaged_shards_are_named(tmp_path: Path) -> None:
    shard = write_tar(tmp_path / "a.tar", {"0.jpg": b"x", "0.txt": b" \n"})
    with pytest.raises(InputError, match=r"a\.tar: 0\.jpg has no caption: its \.txt is empty"):
        list(open_collection("image_text", tmp_path).images())
    whole = write_tar(shard, SHARD).read_bytes()
    for end in (len(whole) // 3, 512 * 3 + 100):
        shard.write_bytes(whole[:end])
        with pytest.raises(InputError, match=r"a\.tar: the archive is truncated"):
            list(open_collection("image_text", tmp_path).images())


def test_a_folder_must_be_of_one_form(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"it should hold one table of captions .* not both: none"):
        open_collection("image_text", tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        open_collection("image_text", tmp_path / "absent")
    write_tar(tmp_path / "a.tar", SHARD)
    (tmp_path / "captions.csv").write_text("image,title\nx.jpg,\n")
    with pytest.raises(InputError, match=r"not both: captions\.csv, a\.tar"):
        open_collection("image_text", tmp_path)
    (tmp_path / "a.tar").unlink()
    (tmp_path / "captions.csv").write_text("picture,title\nx.jpg,a\n")
    with pytest.raises(InputError, match="the column image or filepath is missing"):
        open_collection("image_text", tmp_path)
    (tmp_path / "captions.csv").write_bytes(b"\xff\xfe\x00bad")
    with pytest.raises(InputError, match=r"captions\.csv: not a table"):
        open_collection("image_text", tmp_path)
