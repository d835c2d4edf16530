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
from pretraining_robustness.store.readers import check_collection, contents, open_collection

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
    before = collection.records()
    (tmp_path / "b.jpg").write_bytes(picture("a longer name.jpg"))
    assert open_collection("image_text", tmp_path).records() != before


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
    names = {key: out / key for key in ("images", "table", "classes", "undecodable", "duplicates", "summary")}
    build_store(folder, "image_text", **names, state=tmp_path / "state", size=8)
    table = pd.read_parquet(names["table"])
    assert dict(zip(table["image"], table["caption"], strict=True)) == CAPTIONS
    assert np.load(names["images"]).shape == (3, 8, 8, 3)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"image": "a.png", "caption": "x"}, r"line 5: image 'a\.png' occurs for the second time, first on line 3"),
        ({"image": "./a.png", "caption": "x"}, r"line 5: image '\./a\.png' occurs for the second time"),
        ({"image": "d.jpg", "caption": " "}, r"line 5: image 'd\.jpg' has no caption"),
        ({"image": "", "caption": "x"}, r"line 5: image is empty"),
    ],
)
def test_a_fault_in_the_table_is_one_line(tmp_path: Path, fault: dict, message: str) -> None:
    write_images(tmp_path)
    (tmp_path / "d.jpg").write_bytes(picture("d.jpg"))
    write_csv(tmp_path, [*rows(), fault])
    with pytest.raises(InputError, match=message):
        open_collection("image_text", tmp_path)


def test_what_the_table_names_and_the_folder_holds_may_differ(tmp_path: Path) -> None:
    write_images(tmp_path)
    for name in ("d.jpg", "._a.png", "e.mp4"):
        (tmp_path / name).write_bytes(picture("d.jpg"))
    write_csv(tmp_path, [*rows(), {"image": "gone.jpg", "caption": "x"}])
    collection = open_collection("image_text", tmp_path)
    assert collection.passed_over() == {
        "hidden and system files": 1, "files of .mp4": 1, "images that captions.csv does not name": 1,
    }  # fmt: skip
    with pytest.raises(InputError, match=r"gone\.jpg: line 5 of captions\.csv names it, but no such file is there"):
        check_collection(collection, "x", "refuse")
    check_collection(collection, "x", "skip")
    assert [image.image for image in collection.images() if image.fault] == ["gone.jpg"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"0.jpg": b"x"}, r"a\.tar: 0\.jpg: it has no caption: no 0\.txt is beside it"),
        ({"0.txt": b"x"}, r"a\.tar: 0: its caption 0\.txt has no image"),
        ({"0.jpg": b"x", "0.png": b"y", "0.txt": b"z"}, r"a\.tar: 0: it has 2 images"),
        ({"0.jpg": b"x", "1.jpg": b"x", "1.txt": b"z", "0.txt": b"z"}, r"0\.jpg: it has no caption.* \(so for 1 more"),
        ("cut", r"a\.tar: the archive is truncated"),
    ],
)
def test_a_fault_in_a_shard_is_one_line_or_left_out(tmp_path: Path, files: dict | str, message: str) -> None:
    write_tar(tmp_path / "b.tar", SHARD)
    shard = write_tar(tmp_path / "a.tar", SHARD if files == "cut" else files)
    if files == "cut":
        shard.write_bytes(shard.read_bytes()[: 512 * 3 + 100])
    collection = open_collection("image_text", tmp_path)
    with pytest.raises(InputError, match=message):
        check_collection(collection, "x", "refuse")
    check_collection(collection, "x", "skip")
    images = list(collection.images())
    assert len(images) == len(collection)
    assert [image.image for image in images if not image.fault][-2:] == ["b/000.jpg", "b/001.PNG"]
    assert all(image.fault for image in images if image.image.startswith("a/0"))


def test_what_is_hidden_in_a_shard_does_not_part_its_samples(tmp_path: Path) -> None:
    """As macOS's tar writes it."""
    files = {f"{prefix}0.{suffix}": b"x" for suffix in ("jpg", "txt") for prefix in ("._", "")}
    write_tar(tmp_path / "a.tar", files)
    collection = open_collection("image_text", tmp_path)
    assert not collection.faults()
    assert [image.image for image in collection.images()] == ["a/0.jpg"]


def test_a_shard_that_is_not_there_and_a_name_that_is_not_utf8_are_faults(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"caf\udce9.jpg": b"x", "caf\udce9.txt": b"x", "1.jpg": b"x", "1.txt": b"x"})
    (tmp_path / "b.tar").symlink_to("/nowhere")
    collection = open_collection("image_text", tmp_path)
    assert list(collection.faults()) == [f"{tmp_path}/a.tar: caf\\xe9", f"{tmp_path}/b.tar"]
    assert [image.image for image in collection.images() if not image.fault] == ["a/1.jpg"]
    assert contents("image_text", collection)


def test_a_caption_that_is_empty_or_no_utf8_is_a_fault(tmp_path: Path) -> None:
    write_tar(tmp_path / "a.tar", {"0.jpg": b"x", "0.txt": b" \n", "1.jpg": b"x", "1.txt": "Käfer".encode("latin-1")})
    faults = [image.fault for image in open_collection("image_text", tmp_path).images()]
    assert faults == [
        "it has no caption: its .txt is empty; fill it",
        "its caption is not UTF-8 (invalid continuation byte): save it as that",
    ]
    write_tar(tmp_path / "a.tar", {"readme.md": b"x"})
    with pytest.raises(InputError, match=r"a\.tar: no sample in it"):
        open_collection("image_text", tmp_path)


def test_a_folder_must_be_of_one_form(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"it should hold one table of captions .*, and holds neither"):
        open_collection("image_text", tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        open_collection("image_text", tmp_path / "absent")
    write_tar(tmp_path / "a.tar", SHARD)
    (tmp_path / "captions.csv").write_text("image,title\nx.jpg,\n")
    with pytest.raises(InputError, match=r"and holds captions\.csv, a\.tar"):
        open_collection("image_text", tmp_path)
    (tmp_path / "a.tar").unlink()
    (tmp_path / "captions.csv").write_text("picture,title\nx.jpg,a\n")
    with pytest.raises(InputError, match="the column image or filepath is missing"):
        open_collection("image_text", tmp_path)
    (tmp_path / "captions.csv").write_bytes(b"\x00\xffbad")
    with pytest.raises(InputError, match=r"captions\.csv: line 1: the byte"):
        open_collection("image_text", tmp_path)
