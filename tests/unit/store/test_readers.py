"""Readers against tiny collections in the real formats, written here with the standard library."""

import io
import json
import os
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.lib.recfunctions import repack_fields
from scipy.io import savemat

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.formats import FORMATS, TINY_IMAGES
from pretraining_robustness.store.readers import check_collection, contents, open_collection
from pretraining_robustness.store.readers.class_folders import ClassFolders
from pretraining_robustness.store.readers.imagenet import ImageNet
from pretraining_robustness.store.readers.inaturalist import INaturalist
from pretraining_robustness.store.readers.metadata_folder import IWildCam, MetadataFolder
from pretraining_robustness.store.readers.raw import RawCollection

COUNTS = {"n01440764": 3, "n02119789": 4, "n03000684": 2}
WORDS = {"n01440764": "tench, Tinca tinca", "n02119789": "kit fox", "n03000684": "chain saw, chainsaw"}


def tar_bytes(files: dict[str, bytes], mode: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return stream.getvalue()


def content(name: str) -> bytes:
    return name.encode() * 100


# ---------------------------------------------------------------------------------------------------------- ImageNet


def write_devkit(path: Path, counts: dict[str, int], drop: str | None = None) -> None:
    kinds = [
        ("ILSVRC2012_ID", object), ("WNID", object), ("words", object), ("gloss", object), ("num_children", object),
        ("children", object), ("wordnet_height", object), ("num_train_images", object),
    ]  # fmt: skip
    rows: list[Any] = [
        (number, wnid, WORDS[wnid], "a gloss", 0, np.zeros((1, 0)), 0, count)
        for number, (wnid, count) in enumerate(sorted(counts.items(), reverse=True), 1)
    ]
    rows.append((len(rows) + 1, "n00001740", "entity", "a gloss", 2, np.array([1, 2]), 3, 0))
    synsets = np.array(rows, dtype=kinds)
    synsets = repack_fields(synsets[[name for name, _ in kinds if name != drop]])
    stream = io.BytesIO()
    savemat(stream, {"synsets": synsets.reshape(-1, 1)})
    top = "ILSVRC2012_devkit_t12"
    truth = "".join(f"{1 + number % len(counts)}\n" for number in range(6)).encode()
    files = {f"{top}/readme.txt": b"", f"{top}/data/meta.mat": stream.getvalue()}
    path.write_bytes(tar_bytes(files | {f"{top}/data/ILSVRC2012_validation_ground_truth.txt": truth}, "w:gz"))


def write_imagenet(folder: Path, counts: dict[str, int] = COUNTS) -> tuple[Path, Path]:
    archive, devkit = folder / "ILSVRC2012_img_train.tar", folder / "ILSVRC2012_devkit_t12.tar.gz"
    inner = {
        # neither classes nor images come in order, as nothing promises that they do
        f"{wnid}.tar": tar_bytes({f"{wnid}_{n}.JPEG": content(f"{wnid}_{n}") for n in reversed(range(count))})
        for wnid, count in reversed(counts.items())
    }
    archive.write_bytes(tar_bytes(inner))
    write_devkit(devkit, COUNTS)
    return archive, devkit


def test_imagenet_is_read_from_its_tar_of_tars(tmp_path: Path) -> None:
    collection = ImageNet(*write_imagenet(tmp_path))
    images = list(collection.images())
    assert [image.image for image in images] == [
        f"{wnid}/{wnid}_{n}.JPEG" for wnid, count in sorted(COUNTS.items()) for n in range(count)
    ]
    assert all(image.data == content(Path(image.image).stem) for image in images)
    assert all(image.class_id == image.image.partition("/")[0] and not image.attributes for image in images)
    assert collection.classes().to_dict("list") == {
        "class_id": sorted(WORDS),
        "name": [WORDS[k] for k in sorted(WORDS)],
    }


def test_imagenet_is_read_as_torchvision_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    imagenet = pytest.importorskip("torchvision.datasets.imagenet")
    write_imagenet(tmp_path)
    monkeypatch.setattr(imagenet, "check_integrity", lambda path, md5=None: os.path.exists(path))  # noqa: PTH110
    theirs = imagenet.ImageNet(tmp_path, "train")
    ours = ImageNet(tmp_path / "ILSVRC2012_img_train.tar", tmp_path / "ILSVRC2012_devkit_t12.tar.gz")
    images = list(ours.images())
    classes = ours.classes()
    assert [str(Path(path).relative_to(tmp_path / "train")) for path, _ in theirs.samples] == [i.image for i in images]
    assert [Path(path).read_bytes() for path, _ in theirs.samples] == [image.data for image in images]
    assert [theirs.wnids[label] for _, label in theirs.samples] == [image.class_id for image in images]
    assert theirs.classes == [tuple(name.split(", ")) for name in classes["name"]]


def test_imagenet_without_a_class_names_it(tmp_path: Path) -> None:
    archive, devkit = write_imagenet(tmp_path, {k: v for k, v in COUNTS.items() if k != "n02119789"})
    with pytest.raises(InputError, match=r"img_train\.tar: 1 of the devkit's 3 classes are missing, first n02119789"):
        ImageNet(archive, devkit)


def test_imagenet_with_another_count_than_the_devkit_s_names_the_class(tmp_path: Path) -> None:
    collection = ImageNet(*write_imagenet(tmp_path, COUNTS | {"n02119789": 3}))
    with pytest.raises(InputError, match=r"img_train\.tar: class n02119789 has 3 images where the devkit counts 4"):
        list(collection.images())


def test_a_truncated_imagenet_is_named_wherever_it_is_cut(tmp_path: Path) -> None:
    archive, devkit = write_imagenet(tmp_path)
    whole = archive.read_bytes()
    for cut in (0, 700, 3000, len(whole) // 2, len(whole.rstrip(b"\0")) - 4000):
        archive.write_bytes(whole[:cut])
        with pytest.raises(InputError, match=r"img_train\.tar: "):
            list(ImageNet(archive, devkit).images())
    archive.unlink()
    with pytest.raises(InputError, match=r"img_train\.tar: no such file"):
        ImageNet(archive, devkit)


def test_an_inner_archive_that_is_cut_is_named(tmp_path: Path) -> None:
    archive, devkit = write_imagenet(tmp_path)
    inner = {f"{k}.tar": tar_bytes({f"{k}_{n}.JPEG": content("x") for n in range(v)}) for k, v in COUNTS.items()}
    inner["n02119789.tar"] = inner["n02119789.tar"][:1700]
    archive.write_bytes(tar_bytes(inner))
    with pytest.raises(InputError, match=r"img_train\.tar: "):
        list(ImageNet(archive, devkit).images())


def test_a_devkit_without_what_is_needed_is_named(tmp_path: Path) -> None:
    archive, devkit = write_imagenet(tmp_path)
    write_devkit(devkit, COUNTS, drop="num_train_images")
    with pytest.raises(InputError, match=r"devkit_t12\.tar\.gz: data/meta\.mat lacks num_train_images"):
        ImageNet(archive, devkit)
    devkit.write_bytes(tar_bytes({"readme.txt": b""}, "w:gz"))
    with pytest.raises(InputError, match=r"devkit_t12\.tar\.gz: the archive holds no data/meta\.mat"):
        ImageNet(archive, devkit)


# ------------------------------------------------------------------------------------------------------- iNaturalist

CATEGORIES = [(0, "Aix sponsa", "Aves"), (1, "Vulpes vulpes", "Mammalia"), (12, "Acer rubrum", "Plantae")]
TRAIN = [(0, "b"), (1, "c"), (12, "e"), (0, "a")]
VALIDATION = [(0, "v"), (12, "w")]


def inaturalist_path(category: int, name: str) -> str:
    species, superclass = next((row[1], row[2]) for row in CATEGORIES if row[0] == category)
    return f"train_val_images/{superclass}/{species}/{name}.jpg"


def coco(pairs: list[tuple[int, str]]) -> dict[str, list[dict[str, Any]]]:
    return {
        "images": [
            {"id": 100 + n, "width": 8, "height": 8, "file_name": inaturalist_path(*pair), "license": 1}
            for n, pair in enumerate(pairs)
        ],
        "categories": [{"id": i, "name": name, "supercategory": superclass} for i, name, superclass in CATEGORIES],
        "annotations": [{"id": n, "image_id": 100 + n, "category_id": pair[0]} for n, pair in enumerate(pairs)],
    }


def write_inaturalist(folder: Path, train: Any = None, leave_out: str = "") -> tuple[Path, Path]:
    archive, annotations = folder / "train_val_images.tar.gz", folder / "train_val2017.zip"
    paths = sorted(inaturalist_path(*pair) for pair in TRAIN + VALIDATION)
    archive.write_bytes(tar_bytes({path: content(path) for path in paths if path != leave_out}, "w:gz"))
    with zipfile.ZipFile(annotations, "w") as file:
        file.writestr("train2017.json", json.dumps(coco(TRAIN) if train is None else train))
        file.writestr("val2017.json", json.dumps(coco(VALIDATION)))
    return archive, annotations


def test_inaturalist_reads_training_images_only(tmp_path: Path) -> None:
    collection = INaturalist(*write_inaturalist(tmp_path))
    images = list(collection.images())
    assert {image.image: image.class_id for image in images} == {
        inaturalist_path(*pair): f"{pair[0]:05d}" for pair in TRAIN
    }
    assert [image.image for image in images] == sorted(image.image for image in images)  # the archive's order
    assert all(image.data == content(image.image) for image in images)
    assert all(image.attributes == {"superclass": image.image.split("/")[1]} for image in images)
    assert collection.classes().to_dict("list") == {
        "class_id": ["00000", "00001", "00012"],
        "name": [name for _, name, _ in CATEGORIES],
        "superclass": [superclass for _, _, superclass in CATEGORIES],
    }


def test_inaturalist_without_an_annotated_image_names_it(tmp_path: Path) -> None:
    collection = INaturalist(*write_inaturalist(tmp_path, leave_out=inaturalist_path(1, "c")))
    with pytest.raises(
        InputError, match=r"images\.tar\.gz: 1 of the 4 training images .*/Mammalia/Vulpes vulpes/c\.jpg"
    ):
        list(collection.images())


def test_inaturalist_s_contradictory_annotations_are_named(tmp_path: Path) -> None:
    for key, value in (("image_id", 9), ("category_id", 7), ("image_id", 101)):
        train = coco(TRAIN)
        train["annotations"][0][key] = value
        with pytest.raises(InputError, match=r"train_val2017\.zip: train2017\.json: the annotation of image"):
            INaturalist(*write_inaturalist(tmp_path, train))
    for document in ({}, [], {"images": 3, "categories": [], "annotations": []}, coco([])):
        with pytest.raises(InputError, match=r"train_val2017\.zip: train2017\.json"):
            INaturalist(*write_inaturalist(tmp_path, document))


def test_inaturalist_s_damaged_archives_are_named(tmp_path: Path) -> None:
    archive, annotations = write_inaturalist(tmp_path)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) - 20])
    with pytest.raises(InputError, match=r"train_val_images\.tar\.gz: the archive is truncated"):
        list(INaturalist(archive, annotations).images())
    annotations.write_bytes(annotations.read_bytes()[:200])
    with pytest.raises(InputError, match=r"train_val2017\.zip: the archive is truncated or damaged"):
        INaturalist(archive, annotations)
    annotations.unlink()
    with pytest.raises(InputError, match=r"train_val2017\.zip: no such file"):
        INaturalist(archive, annotations)


# -------------------------------------------------------------------------------------------- folders with metadata.csv

ROWS = [
    ("a.jpg", 0, "train", "dog"), ("deep/b.jpg", 1, "train", "cat"), ("c.jpg", 2, "id_val", "owl"),
    ("d.jpg", 1, "id_test", "cat"), ("e.jpg", 0, "val", "dog"), ("f.jpg", 2, "test", "owl"),
]  # fmt: skip


def write_task(folder: Path, rows: list[Any] | None = None, drop: str = "") -> Path:
    for filename, *_ in ROWS:
        (folder / filename).parent.mkdir(parents=True, exist_ok=True)
        (folder / filename).write_bytes(content(filename))
    table = pd.DataFrame(ROWS if rows is None else rows, columns=["filename", "y", "split", "class"])
    table.drop(columns=drop or []).to_csv(folder / "metadata.csv", index=False)
    return folder


def changed(row: int, column: int, value: Any) -> list[Any]:
    rows = [list(values) for values in ROWS]
    rows[row][column] = value
    return rows


def test_a_user_s_task(tmp_path: Path) -> None:
    collection = MetadataFolder(write_task(tmp_path))
    images = list(collection.images())
    assert [(i.image, i.class_id, i.attributes) for i in images] == [
        (filename, str(y), {"y": y, "split": split}) for filename, y, split, _ in ROWS
    ]
    assert all(image.data == content(image.image) for image in images)
    assert collection.classes().to_dict("list") == {"class_id": ["0", "1", "2"], "name": ["dog", "cat", "owl"]}


def test_a_user_s_task_keeps_the_columns_that_group_its_images(tmp_path: Path) -> None:
    table = pd.read_csv(write_task(tmp_path) / "metadata.csv")
    table["hospital"] = [3, 1, 1, 2, 0][: len(table)] + [0] * (len(table) - 5)
    table["weather"] = ["rain", None] + ["sun"] * (len(table) - 2)
    table["location"], table["location_remapped"] = "a place", range(len(table))
    table["image"] = "a column of the store's own"
    table.to_csv(tmp_path / "metadata.csv")
    kept = [{**image.attributes} for image in MetadataFolder(tmp_path).images()]
    groups = {"hospital": 1, "weather": "", "location": 1}
    assert kept[1] == {"y": ROWS[1][1], "split": ROWS[1][2]} | groups
    assert kept[0]["weather"] == "rain"


def test_a_user_s_task_may_leave_the_names_out(tmp_path: Path) -> None:
    collection = MetadataFolder(write_task(tmp_path, drop="class") / "metadata.csv")
    assert list(collection.classes()["name"]) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            changed(1, 2, "training"),
            r"metadata\.csv: line 3: split 'training' is unknown: the splits are train, id_val",
        ),
        (changed(2, 2, None), r"metadata\.csv: line 4: split '' is unknown"),
        (changed(3, 0, "a.jpg"), r"metadata\.csv: line 5: filename 'a\.jpg' occurs for the second time"),
        (changed(3, 0, "../a.jpg"), r"metadata\.csv: line 5: filename '\.\./a\.jpg' leaves the folder"),
        (changed(3, 0, "/etc/hostname"), r"metadata\.csv: line 5: filename '/etc/hostname' leaves the folder"),
        (changed(3, 0, None), r"metadata\.csv: line 5: filename is empty"),
        (changed(4, 1, "dog"), r"metadata\.csv: line 6: y is 'dog', not a whole number"),
        (changed(4, 1, -1), r"metadata\.csv: line 6: y is '-1', not a whole number"),
        (changed(4, 1, 1.5), r"metadata\.csv: line 6: y is '1\.5', not a whole number"),
        (changed(4, 1, 5), r"metadata\.csv: the labels y must run from 0 to 5 without a gap, but none is 3"),
        (changed(4, 3, "wolf"), r"metadata\.csv: line 6: label 0 has several names: dog and wolf"),
        (ROWS[3:], r"metadata\.csv: no image has the split train"),
        ([], r"metadata\.csv: no image has the split train"),
    ],
)
def test_a_wrong_metadata_csv_is_refused_by_row(tmp_path: Path, rows: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MetadataFolder(write_task(tmp_path, rows))


CAMERAS = ["NA", "001", "002", "c", "d"]


def write_cameras(folder: Path, images: int = 40) -> Path:
    """Write a task whose table says where and when, in bursts of two, and has no column split."""
    rows = ["filename,y,camera,date,burst"]
    for number in range(images):
        (folder / f"{number}.jpg").write_bytes(content(str(number)))
        rows.append(f"{number}.jpg,{number % 2},{CAMERAS[number // 2 % 5]},20{10 + number // 8}-05-01,b{number // 2}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def divided(folder: Path, **spec: Any) -> list[dict[str, Any]]:
    collection = open_collection("metadata_folder", folder, divided={"id_test": 0.25, **spec})
    return [image.attributes for image in collection.images()]


def test_a_task_is_divided_by_place(tmp_path: Path) -> None:
    write_cameras(tmp_path)
    rows = divided(tmp_path, by="place", column="camera", test=0.2, val=["NA"], id_val=0.1, together="burst")
    cameras = {split: {row["camera"] for row in rows if row["split"] == split} for split in ("train", "val", "test")}
    assert cameras["val"] == {"NA"}
    assert len(cameras["test"]) == 1
    assert not cameras["train"] & (cameras["val"] | cameras["test"])
    held_out = [row["split"] for row in rows if row["split"] not in ("val", "test")]
    assert {split: held_out.count(split) for split in held_out} == {"train": 16, "id_val": 2, "id_test": 6}
    of_burst: dict[str, set[str]] = {}
    for row in rows:
        of_burst.setdefault(row["burst"], set()).add(row["split"])
    assert all(len(splits) == 1 for splits in of_burst.values())
    assert rows == divided(tmp_path, by="place", column="camera", test=0.2, val=["NA"], id_val=0.1, together="burst")
    with pytest.raises(InputError, match=r"metadata\.csv: no image is left with the camera e for the split test"):
        divided(tmp_path, by="place", column="camera", test=["e"])
    with pytest.raises(InputError, match=r"metadata\.csv: no column site, by which the task's config divides it"):
        divided(tmp_path, by="place", column="site", test=0.2)


def test_a_task_is_divided_by_date(tmp_path: Path) -> None:
    table = write_cameras(tmp_path) / "metadata.csv"
    for test, val in (("2014-05-01", "2013-01-01"), (2014, 2013)):
        rows = divided(tmp_path, by="date", column="date", test=test, val=val)
        assert [row["split"] for row in rows[24:]] == ["val"] * 8 + ["test"] * 8
        assert sorted(row["split"] for row in rows[:24]) == ["id_test"] * 6 + ["train"] * 18
    table.write_text(table.read_text().replace("2014-05-01,b16", "1.5.2014,b16"))
    with pytest.raises(InputError, match=r"metadata\.csv: line 34: date is '1\.5\.2014', no date as 2016-07-31"):
        divided(tmp_path, by="date", column="date", test=2014)
    table.write_text(table.read_text().replace("1.5.2014,b16", "2014-05-01,b16"))
    with pytest.raises(InputError, match=r"no image has the split train"):
        divided(tmp_path, by="date", column="date", test=2000)


def test_a_metadata_csv_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"metadata\.csv: no such file"):
        MetadataFolder(tmp_path)
    write_task(tmp_path, drop="y")
    with pytest.raises(InputError, match=r"metadata\.csv: no column y; it has"):
        MetadataFolder(tmp_path)
    for text in (b"", b'a,"b\n', b"\x89PNG\r\n\x1a\n\xff\xfe"):
        (tmp_path / "metadata.csv").write_bytes(text)
        with pytest.raises(InputError, match=r"metadata\.csv: (the file is empty|no columns|line 1: the byte 0x89)"):
            MetadataFolder(tmp_path)


def write_iwildcam(folder: Path) -> Path:
    """The columns and the leading unnamed one of iWildCam-WILDS v2.0."""
    write_task(folder / "train")
    (folder / "train" / "metadata.csv").unlink()
    table = pd.DataFrame([row[:3] for row in ROWS], columns=["filename", "y", "split"])
    table["location_remapped"] = range(len(ROWS))
    table["location"] = 7
    table["sequence_remapped"] = range(len(ROWS))
    table["seq_id"] = "6f084ccc-5567-11e8-bc84-dca9047ef277"
    table["category_id"] = table["y"] * 10
    table["datetime"] = "2013-06-05 05:44:19.000"
    table["image_id"] = table["filename"].str.removesuffix(".jpg")
    table.to_csv(folder / "metadata.csv")
    categories = pd.DataFrame(
        {"y": [1, 0, 2, 99999], "category_id": [10, 0, 20, 30], "name": ["cat", "empty", "owl", "unicorn"]}
    )
    categories.to_csv(folder / "categories.csv", index=False)
    (folder / "RELEASE_v2.0.txt").write_text("v2.0\n")
    return folder


def test_iwildcam_is_read_with_its_places_and_bursts(tmp_path: Path) -> None:
    collection = IWildCam(write_iwildcam(tmp_path) / "metadata.csv")
    images = list(collection.images())
    assert [image.image for image in images] == [f"train/{filename}" for filename, *_ in ROWS]
    place_and_time = {"location": 3, "sequence": 3, "datetime": "2013-06-05 05:44:19.000"}
    assert images[3].attributes == {"y": 1, "split": "id_test"} | place_and_time
    assert all(type(image.attributes["location"]) is int for image in images)
    assert list(collection.classes()["name"]) == ["empty", "cat", "owl"]
    (tmp_path / "categories.csv").unlink()
    with pytest.raises(InputError, match=r"categories\.csv: missing"):
        IWildCam(tmp_path)


# ------------------------------------------------------------------------------------------------------ class folders


def write_classes(folder: Path) -> Path:
    for name in (
        "owl/2.png",
        "owl/10.JPG",
        "cat/1.jpeg",
        "owl/.hidden.jpg",
        "cat/notes.txt",
        ".git/x.jpg",
        "readme.md",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content(name))
    return folder


def test_class_folders(tmp_path: Path) -> None:
    collection = ClassFolders(write_classes(tmp_path))
    assert [(image.image, image.class_id) for image in collection.images()] == [
        ("cat/1.jpeg", "cat"), ("owl/10.JPG", "owl"), ("owl/2.png", "owl"),
    ]  # fmt: skip
    assert collection.classes().to_dict("list") == {"class_id": ["cat", "owl"], "name": ["cat", "owl"]}
    assert collection.passed_over() == {"hidden and system files": 2, "files of .txt": 1, "files of .md": 1}


def test_folders_of_wnids_have_the_words_of_imagenet(tmp_path: Path) -> None:
    for name in ("n02119789", "n01440764", "n99999999"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.JPEG").touch()
    assert ClassFolders(tmp_path).classes()["name"].tolist() == [
        "tench, Tinca tinca",
        "kit fox, Vulpes macrotis",
        "n99999999",
    ]


def test_class_folders_without_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pictures: no such folder"):
        ClassFolders(tmp_path / "pictures")
    with pytest.raises(InputError, match=r"no class folder in it"):
        ClassFolders(tmp_path)
    write_classes(tmp_path)
    (tmp_path / "wolf" / "grey").mkdir(parents=True)
    (tmp_path / "wolf" / "grey" / "1.svg").touch()
    with pytest.raises(InputError, match=r"wolf: the class has no image .*; it holds 1 files of \.svg"):
        ClassFolders(tmp_path)


def test_a_task_of_one_class_is_refused(tmp_path: Path) -> None:
    collection = MetadataFolder(write_task(tmp_path, [[name, 0, split, "fox"] for name, _, split, _ in ROWS]))
    with pytest.raises(InputError, match="all images of this task are of one class"):
        check_collection(collection, str(tmp_path), "refuse", ["train"])


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda cat: (cat / "2.jpg").touch(), "cat/2.jpg: the file is empty"),
        (
            lambda cat: (cat / "2.HEIC").write_bytes(b"x"),
            "cat/2.HEIC: .heic files are not read: save it as PNG or JPEG",
        ),
        (lambda cat: (cat / "2.jxl").write_bytes(b"x"), "cat/2.jxl: .jxl files are not read"),
        (lambda cat: (cat / "2.jpg").symlink_to("2.jpg"), "cat/2.jpg: the link leads to 2.jpg, where nothing is"),
        (lambda cat: (cat / "more").symlink_to("/nowhere"), "cat/more: the link leads to /nowhere, where nothing is"),
        (lambda cat: os.mkfifo(cat / "2.jpg"), "cat/2.jpg: it has an image's name and is no file"),
        (
            lambda cat: [(cat / f"{letter}.jpg").write_bytes(b"x") for letter in ("\u00e9", "e\u0301")],
            "cat/\u00e9.jpg: another file has the same name in other Unicode forms",
        ),
        (
            lambda cat: Path(os.fsdecode(os.fsencode(cat) + b"/\xe9.jpg")).write_bytes(b"x"),
            "cat/\\xe9.jpg: the name is not UTF-8",
        ),
    ],
)
def test_what_is_no_sound_file_is_a_fault_before_anything_is_decoded(
    tmp_path: Path, make: Callable[[Path], Any], fault: str
) -> None:
    make(write_classes(tmp_path) / "cat")
    collection = ClassFolders(tmp_path)
    with pytest.raises(InputError, match=re.escape(fault)):
        check_collection(collection, "x", "refuse")
    check_collection(collection, "x", "skip")
    assert next(image.image for image in collection.images() if not image.fault) == "cat/1.jpeg"
    assert len(list(collection.images())) == len(collection) >= 4


def test_what_systems_leave_behind_is_no_class_and_a_link_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    write_classes(tmp_path)
    for name in ("#recycle", "@eaDir", "__MACOSX", "__pycache__", "lost+found"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.jpg").write_bytes(content(name))
    (tmp_path / "cat" / "all").symlink_to(tmp_path)
    collection = ClassFolders(tmp_path)
    assert [image.image for image in collection.images() if "all" not in image.image] == [
        "cat/1.jpeg", "owl/10.JPG", "owl/2.png",
    ]  # fmt: skip
    assert collection.passed_over()["links to a folder above them"] == 1


@pytest.mark.parametrize(
    ("files", "answer"),
    [
        (("train/a/1.jpg", "val/a/2.jpg"), "/train as"),
        (("Train/a/1.jpg", "Test/a/2.jpg", "labels/x.txt"), "/Train as"),
        (("train2017/1.jpg", "val2017/2.jpg"), "/train2017 as"),
        (("images/training/a/1.jpg", "images/validation/a/2.jpg"), "/images/training as"),
        (("train/a/1.jpg", "train/b/2.jpg"), "/train as"),
        (("train/1.jpg", "bus/2.jpg"), None),
        (("train/images/1.jpg", "bus/images/2.jpg"), None),
        (("train/1.jpg", "test/2.jpg", "bus/3.jpg"), None),
        (("photos/2019/1.jpg", "photos/2020/2.jpg"), None),
    ],
)
def test_folders_of_splits_are_no_classes(tmp_path: Path, files: tuple[str, ...], answer: str | None) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    if answer is None:
        assert len(ClassFolders(tmp_path)) == len(files)
    else:
        with pytest.raises(InputError, match=f"its folders are splits .*{answer}"):
            ClassFolders(tmp_path)


# --------------------------------------------------------------------------------------------------------- all of them


def write_domainnet(folder: Path) -> Path:
    rows = ["image_path,domain,split,category,y"]
    for number, (domain, split) in enumerate([("real", "train"), ("real", "test"), ("sketch", "train")]):
        path = f"{domain}/ant/{number}.jpg"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content(str(number)))
        rows.append(f"{path},{domain},{split},ant,0")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


def write_captions(folder: Path) -> Path:
    rows = ["image,caption"]
    for number in range(3):
        (folder / f"{number}.jpg").write_bytes(content(str(number)))
        rows.append(f"{number}.jpg,a picture number {number}")
    (folder / "captions.csv").write_text("\n".join(rows) + "\n")
    return folder


def all_collections(folder: Path) -> dict[str, RawCollection]:
    for name in ("task", "classes", "iwildcam", "domainnet", "captions"):
        (folder / name).mkdir()
    return {
        "imagenet": open_collection("imagenet", write_imagenet(folder)),
        "inaturalist": open_collection("inaturalist", write_inaturalist(folder)),
        "iwildcam": open_collection("iwildcam", write_iwildcam(folder / "iwildcam")),
        "metadata_folder": open_collection("metadata_folder", [write_task(folder / "task")]),
        "class_folders": open_collection("class_folders", str(write_classes(folder / "classes"))),
        "domainnet": open_collection("domainnet", write_domainnet(folder / "domainnet")),
        "image_text": open_collection("image_text", write_captions(folder / "captions")),
    }


def test_every_reader_can_start_anywhere_and_repeats_itself(tmp_path: Path) -> None:
    collections = all_collections(tmp_path)
    readable = {name for name, format in FORMATS.items() if format.reader}
    assert set(collections) | set(TINY_IMAGES) == readable  # of Tiny-ImageNet and its like: test_tiny_images.py
    for collection in collections.values():
        images = list(collection.images())
        assert len(images) == len(collection)
        assert {image.class_id for image in images} <= set(collection.classes()["class_id"])
        for start in range(len(images) + 1):
            assert list(collection.images(start)) == images[start:]


def test_every_reader_notices_that_its_files_changed_and_nothing_else(tmp_path: Path) -> None:
    before = {name: contents(name, collection) for name, collection in all_collections(tmp_path).items()}
    names = {
        "imagenet": [tmp_path / "ILSVRC2012_img_train.tar", tmp_path / "ILSVRC2012_devkit_t12.tar.gz"],
        "inaturalist": [tmp_path / "train_val_images.tar.gz", tmp_path / "train_val2017.zip"],
        "iwildcam": tmp_path / "iwildcam",
        "metadata_folder": tmp_path / "task",
        "class_folders": tmp_path / "classes",
        "domainnet": tmp_path / "domainnet",
        "image_text": tmp_path / "captions",
    }
    for folder in ("iwildcam", "task", "classes", "classes/owl", "domainnet", "captions"):
        (tmp_path / folder / ".DS_Store").touch()
        (tmp_path / folder / "notes.md").touch()
        os.utime(tmp_path / folder, ns=(1, 2**61))
    assert {name: contents(name, open_collection(name, raw)) for name, raw in names.items()} == before
    for path in tmp_path.rglob("*.*"):
        os.utime(path, ns=(1, 1))
    for name, raw in names.items():
        assert contents(name, open_collection(name, raw)) != before[name]


def test_unknown_formats_and_numbers_of_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"format 'imagnet' of a store is unknown: choose one of imagenet"):
        open_collection("imagnet", tmp_path)
    with pytest.raises(InputError, match=r"is read from the archive of the training images and .* 1 paths were given"):
        open_collection("imagenet", tmp_path)
