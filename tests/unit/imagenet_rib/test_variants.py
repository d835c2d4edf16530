"""Variants of ImageNet: masks and mappings, real layouts read back from drawn archives, counts that must agree."""

import csv
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from miniature.formats.imagenet_variants import CORRUPTIONS, corrupted
from miniature.formats.imagenet_variants import draw as draw_variant
from miniature.imagenet_classes import choose_classes
from pretraining_robustness.errors import InputError
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.decoding import decode
from pretraining_robustness.store.readers.imagenet_variant import ImageNetVariant
from pretraining_robustness.tasks.splits import class_numbers, present_classes, read_split, task_classes
from pretraining_robustness.tasks.test_sets import read_test_set

DATA = Path(__file__).parents[3] / "data"
CLASSES, PER_CLASS, SIZE = 50, 2, 48
NAMES = {one.wnid: one.name for one in choose_classes(CLASSES)}
IN_FOLDERS = "{class}/{image}"


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / "imagenet_rib" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(name: str) -> list[int]:
    """The numbers of ImageNet's classes in a table, in its order."""
    with (DATA / "imagenet_classes.csv").open(newline="", encoding="utf-8") as file:
        index = {row["wnid"]: int(row["index"]) for row in csv.DictReader(file)}
    return [index[row["class_id"]] for row in rows(name)]


def table(name: str) -> Path:
    return DATA / "imagenet_rib" / f"{name}.csv"


def drawn(folder: Path, kind: str, *names: str, per_class: int = PER_CLASS, classes: str | None = None) -> list[Path]:
    files = [folder / name for name in names]
    draw_variant(files, kind, CLASSES, per_class, SIZE, seed=0, table=classes and table(classes))
    return files


@pytest.mark.parametrize(("name", "digest"), [("imagenet_a", "973e8c3e530bf5db"), ("imagenet_r", "a1d9a9ace3098120")])
def test_masks_of_200_classes(name: str, digest: str) -> None:
    """The digests are those of the numbers in timm's imagenet_a_indices.txt and imagenet_r_indices.txt."""
    assert hashlib.sha256(",".join(map(str, numbers(name))).encode()).hexdigest()[:16] == digest


def test_objectnets_113_folders_have_125_classes_and_the_published_code_takes_105() -> None:
    folders = [row["folder"] for row in rows("objectnet")]
    assert (len(set(folders)), len(set(numbers("objectnet")))) == (113, 125)
    assert len(rows("objectnet_105")) == 113
    assert len(set(numbers("objectnet_105"))) == 105
    right = {(row["folder"], number) for row, number in zip(rows("objectnet"), numbers("objectnet"), strict=True)}
    published = zip([row["folder"] for row in rows("objectnet_105")], numbers("objectnet_105"), strict=True)
    assert {folder: number for folder, number in published if (folder, number) not in right} == {
        **{"weight_scale": 732, "chair": 508, "trash_bin": 531, "swimming_trunks": 909},
        **{"skirt": 588, "jeans": 850, "binder_closed": 463, "iron_for_clothes": 882},
    }


def test_validation_images_have_the_devkits_classes(tmp_path: Path) -> None:
    raw = drawn(tmp_path, "validation", "ILSVRC2012_img_val.tar", "ILSVRC2012_devkit_t12.tar.gz")
    variant = ImageNetVariant(raw, NAMES, "{image}", images=100, classes=50)
    cartoon = drawn(tmp_path, "cartoons", "imagenet-cartoon.tar.gz")
    rendered = ImageNetVariant(cartoon, NAMES, IN_FOLDERS, images=100, classes=50)
    originals = {image.attributes["original"]: image.class_id for image in variant.images()}
    assert originals == {image.attributes["original"]: image.class_id for image in rendered.images()}
    assert list(variant.images(97)) == list(variant.images())[97:]


def test_both_layouts_of_v2_are_told_apart_by_their_names(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, "fresh_draw", "imagenetv2.tar.gz")
    numbered = ImageNetVariant([path], NAMES, IN_FOLDERS, images=100, classes=50)
    wnids = list(NAMES)
    for image in numbered.images():
        other = tmp_path / "wnids" / wnids[int(image.image.split("/")[-2])] / Path(image.image).name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_bytes(image.data)
    named = ImageNetVariant([tmp_path / "wnids"], NAMES, IN_FOLDERS, images=100, classes=50)
    both = [{Path(image.image).name: image.class_id for image in variant.images()} for variant in (numbered, named)]
    assert both[0] == both[1]
    assert set(both[0].values()) == set(wnids)


def test_corruptions_and_severities_are_columns_of_which_some_may_be_taken(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, "corruptions", "digital.tar", per_class=1)
    layout = "{corruption}/{severity}/{class}/{image}"
    every = {(name, severity) for name in CORRUPTIONS["digital"] for severity in range(1, 6)}
    some = {"severity": [1, 5], "corruption": ["contrast"]}
    for only, expected in (({}, every), (some, {("contrast", 1), ("contrast", 5)})):
        variant = ImageNetVariant([path], NAMES, layout, images=50 * len(expected), classes=50, only=only)
        found = {(image.attributes["corruption"], image.attributes["severity"]) for image in variant.images()}
        assert found == expected
    with pytest.raises(InputError, match="has no level of which to take some"):
        ImageNetVariant([path], NAMES, layout, None, None, only={"level": [1]})


@pytest.mark.parametrize("corruption", [name for names in CORRUPTIONS.values() for name in names])
def test_a_corruption_is_the_same_at_the_same_seed_and_changes_the_picture(corruption: str) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (48, 48, 3)).astype(np.uint8)
    first, second = (corrupted(picture, corruption, 5, seed=3) for _ in range(2))
    assert (first == second).all()
    assert np.abs(first.astype(int) - picture).mean() > 5


def store(folder: Path, variant: ImageNetVariant) -> Path:
    names = ("images", "table", "classes", "undecodable", "duplicates", "summary", "state")
    paths = {name: folder / f"store.{name}" for name in names}
    build_store(variant, "imagenet_variant", **paths, size=32)
    return paths["table"]


def test_objectnet_is_read_without_its_border_and_any_of_a_folders_classes_is_right(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, "anywhere", "objectnet-1.0.zip", classes="objectnet")
    chair = ["n02791124", "n03376595", "n04099969"]  # barber chair, folding chair, rocking chair
    names = {**NAMES, **dict.fromkeys(chair, "chair")}
    with zipfile.ZipFile(path, "a") as archive:
        image = next(name for name in archive.namelist() if name.endswith(".png"))
        archive.writestr("objectnet-1.0/images/chair/1.png", archive.read(image))
        archive.writestr("objectnet-1.0/images/air_freshener/1.png", archive.read(image))  # none of ImageNet's
    present = {row["class_id"] for row in rows("objectnet")} & set(NAMES)
    classes = len(present) + 1
    variant = ImageNetVariant([path], names, IN_FOLDERS, 2 * len(present) + 1, classes, table("objectnet"), border=2)
    images = list(variant.images())
    assert images[-1].class_id == chair[0]
    corner = decode(images[0].data, SIZE + 2 - 4, "crop")[0, 0]
    assert tuple(corner) != (255, 0, 0)
    numbered = {name: number for number, name in enumerate(names)}
    spec = {"name": "objectnet", "split": "all", "own": False, "classes": "present"}
    test_set = read_test_set(spec, store(tmp_path, variant), numbered)
    assert test_set.answers is not None
    assert test_set.counts_as is not None
    assert set(test_set.answers) == {numbered[name] for name in (*present, *chair)}
    assert {int(test_set.counts_as[numbered[name]]) for name in chair} == {numbered[chair[0]]}


def test_an_encrypted_archive_is_read_with_its_password(tmp_path: Path) -> None:
    """The archive was made by `zip -P secret`: one PNG in images/chair."""
    archive = Path(__file__).parent / "encrypted.zip"
    names = dict.fromkeys(["n02791124"], "barber chair")
    (image,) = ImageNetVariant([archive], names, IN_FOLDERS, 1, 1, table("objectnet"), password="secret").images()
    assert decode(image.data, 8, "crop").mean() == 200
    with pytest.raises(InputError, match="the archive is encrypted; give its `password`"):
        ImageNetVariant([archive], names, IN_FOLDERS, 1, 1, table("objectnet"))


def test_a_variants_task_numbers_its_classes_as_imagenet_does(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, "renditions", "imagenet-r.tar", per_class=9, classes="imagenet_r")
    present = [name for name in NAMES if name in {row["class_id"] for row in rows("imagenet_r")}]
    variant = ImageNetVariant([path], NAMES, IN_FOLDERS, 9 * len(present), len(present), table("imagenet_r"))
    task = tmp_path / "task.parquet"
    make_variant_task(store(tmp_path, variant), task, list(NAMES), held_out=0.3)
    assert task_classes(task) == len(NAMES)
    assert class_numbers(task) == {name: number for number, name in enumerate(NAMES)}
    wanted = [list(NAMES).index(name) for name in present]
    assert present_classes(task).tolist() == wanted
    train, held_out = read_split(task, "train"), read_split(task, "id_val")
    assert len(train[0]) + len(held_out[0]) == len(variant)
    assert 0.15 < len(held_out[0]) / len(variant) < 0.45
    assert set(train[1]) == set(wanted)


def test_a_task_of_a_distribution_has_its_images_alone_and_imagenets_numbers(tmp_path: Path) -> None:
    store_table, index, task = (tmp_path / name for name in ("store.parquet", "index.parquet", "task.parquet"))
    class_ids = list(NAMES)
    columns = {"row": range(100), "image": list(map(str, range(100))), "class_id": class_ids * 2}
    pd.DataFrame(columns).to_parquet(store_table, index=False)
    # of the last 49 classes, whose labels in the distribution are other numbers than ImageNet's
    pd.DataFrame({"row": range(99, 50, -1), "label": range(48, -1, -1)}).to_parquet(index, index=False)
    make_variant_task(store_table, task, class_ids, index=index)
    rows, numbers = read_split(task, "train")
    assert rows.tolist() == list(range(51, 100))
    assert numbers.tolist() == list(range(1, 50))
    assert task_classes(task) == len(NAMES)


def test_nothing_to_hold_out_is_said(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, "renditions", "imagenet-r.tar", per_class=1, classes="imagenet_r")
    table_of_store = store(tmp_path, ImageNetVariant([path], NAMES, IN_FOLDERS, 13, 13))
    with pytest.raises(InputError, match=r"too few images per class .* set held_out to 0"):
        make_variant_task(table_of_store, tmp_path / "task.parquet", list(NAMES), held_out=0.2)


def test_renderings_of_one_image_are_held_out_together(tmp_path: Path) -> None:
    held_out = []
    for kind in ("cartoons", "drawings"):
        (path,) = drawn(tmp_path, kind, f"{kind}.tar.gz", per_class=4)
        task = tmp_path / f"{kind}.parquet"
        make_variant_task(store(tmp_path, ImageNetVariant([path], NAMES, IN_FOLDERS, 200, 50)), task, list(NAMES), 0.3)
        frame = pd.read_parquet(task)
        held_out.append(set(frame.loc[frame["split"] == "id_val", "original"]))
    assert held_out[0] == held_out[1] != set()


def test_bad_copies_are_refused(tmp_path: Path) -> None:
    (path,) = drawn(tmp_path, "renditions", "imagenet-r.tar", classes="imagenet_r")
    with pytest.raises(InputError, match="26 images where there must be 30,000: the copy is not complete"):
        ImageNetVariant([path], NAMES, IN_FOLDERS, 30000, 200, table("imagenet_r"))
    fewer = {name: NAMES[name] for name in list(NAMES)[:40]}
    with pytest.raises(InputError, match=r"imagenet-r.tar: the folder n\d+ of .* is none of ImageNet's classes here"):
        ImageNetVariant([path], fewer, IN_FOLDERS, 26, 13)
    with pytest.raises(InputError, match="does not match the layout"):
        ImageNetVariant([path], NAMES, "{corruption}/{severity}/{class}/{image}", 26, 13)
    with path.open("r+b") as file:
        file.truncate(9000)
    with pytest.raises(InputError, match="4 images where there must be 26: the copy is not complete"):
        ImageNetVariant([path], NAMES, IN_FOLDERS, 26, 13)
