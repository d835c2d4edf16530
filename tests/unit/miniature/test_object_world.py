"""The object world: its classes, its pictures, and the two archive formats, opened by the libraries that know them."""

import io
import json
import tarfile
import zipfile
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from miniature.drawing.scenery import PLACES
from miniature.drawing.traits import Traits
from miniature.formats.imagenet_archive import draw as draw_imagenet
from miniature.formats.imagenet_archive import images_per_class, object_class
from miniature.formats.inaturalist_archive import draw as draw_inaturalist
from miniature.formats.inaturalist_archive import species_list, supercategories
from miniature.imagenet_classes import all_classes, breeds, choose_classes, family_of
from miniature.object_world import draw_class
from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError

ANIMAL = "animal.n.01"


def test_the_classes_are_imagenets():
    classes = all_classes()
    assert len(classes) == 1000
    assert [one.wnid for one in classes] == sorted(one.wnid for one in classes)
    assert all(ANIMAL in one.path for one in classes[:398])
    assert not any(ANIMAL in one.path for one in classes[398:])
    assert classes[0].name == "tench, Tinca tinca"


@pytest.mark.parametrize("count", [10, 48, 64, 500])
def test_a_choice_of_classes_is_nested_and_spread(count):
    chosen = choose_classes(count)
    assert len({one.wnid for one in chosen}) == count
    assert set(chosen) <= set(choose_classes(count + 1))
    assert sum(ANIMAL in one.path for one in chosen) / count == pytest.approx(0.398, abs=0.03)


@pytest.mark.parametrize(("count", "animals", "others"), [(25, 2, 2), (50, 4, 4), (100, 5, 9)])
def test_a_choice_of_classes_holds_superclasses_of_three_subclasses(count, animals, others):
    held = Counter((ANIMAL in one.path, breeds()[one.wnid]) for one in choose_classes(count) if one.wnid in breeds())
    whole = Counter(animal for (animal, _), subclasses in held.items() if subclasses >= 3)
    assert whole[True] >= animals
    assert whole[False] >= others


@pytest.mark.parametrize(("count", "coarsest"), [(25, 2), (50, 3), (100, 3)])
def test_a_choice_of_classes_has_more_superclasses_at_greater_depths(count, coarsest):
    chosen = [one.wnid for one in choose_classes(count)]
    sizes = [len({wordnet.superclass(wnid, depth) for wnid in chosen}) for depth in (2, 4, 5, 6, 7)]
    # Each step of the paper's Figure 5 must be a step here.
    assert sizes == sorted(set(sizes))
    assert coarsest <= sizes[0]
    assert sizes[-1] < count


def test_fifty_classes_have_many_shapes():
    """What is drawn differs for at least half of the classes; no family has more than a tenth of them."""
    families = Counter(family_of(one)[1].name for one in choose_classes(50))
    assert len(families) >= 25
    assert max(families.values()) <= 5


def test_too_many_classes_are_refused():
    with pytest.raises(InputError, match="from 10 to 1000"):
        choose_classes(1001)


def test_every_class_is_drawn_and_every_place_is_known():
    for one in all_classes():
        _, family = family_of(one)
        assert set(family.places) <= set(PLACES)
    seen = set()
    for one in all_classes():
        drawn = object_class(one)
        if drawn.family.name not in seen:  # one class of each family
            seen.add(drawn.family.name)
            (picture,) = draw_class(drawn, [0], 32, 0)
            pixels = np.asarray(Image.open(io.BytesIO(picture)))
            assert pixels.shape == (32, 32, 3)
            assert pixels.std() > 5
    assert len(seen) > 60


def test_classes_near_in_the_hierarchy_have_nearer_traits():
    def distances(one: tuple[str, ...], other: tuple[str, ...]) -> float:
        return float(
            np.mean([abs(Traits(one, "w").uniform(f"{i}") - Traits(other, "w").uniform(f"{i}")) for i in range(300)])
        )

    one = ("top", "order", "genus", "species")
    sister, cousin, stranger = ("top", "order", "genus", "x"), ("top", "order", "y", "x"), ("z", "w", "y", "x")
    assert distances(one, sister) < distances(one, cousin) < distances(one, stranger)
    # Two independent uniform numbers are 1/3 apart on average.
    assert distances(one, stranger) == pytest.approx(1 / 3, abs=0.03)


def test_imagenets_numbers_of_images_are_nearly_balanced():
    counts = images_per_class(choose_classes(50), 12_812)
    assert sum(counts) == 12_812
    assert max(counts) / min(counts) == pytest.approx(1300 / 732, rel=0.05)
    assert sum(count >= max(counts) - 1 for count in counts) >= 0.85 * 50


def test_torchvision_opens_the_imagenet_archives(tmp_path, monkeypatch):
    from torchvision.datasets import imagenet

    draw_imagenet(
        [tmp_path / "ILSVRC2012_img_train.tar", tmp_path / "ILSVRC2012_devkit_t12.tar.gz"], 12, 40, 32, seed=3
    )
    monkeypatch.setattr(
        imagenet, "ARCHIVE_META", {key: (name, None) for key, (name, _) in imagenet.ARCHIVE_META.items()}
    )
    dataset = imagenet.ImageNet(tmp_path, split="train")
    chosen = choose_classes(12)
    assert dataset.wnids == [one.wnid for one in chosen]
    assert dataset.classes == [tuple(one.name.split(", ")) for one in chosen]
    assert len(dataset) == 40
    assert Counter(dataset.targets) == dict(enumerate(images_per_class(chosen, 40)))
    assert dataset[0][0].size == (32, 32)


def test_the_devkit_counts_the_training_images(tmp_path):
    from scipy.io import loadmat

    draw_imagenet([tmp_path / "train.tar", tmp_path / "kit.tar.gz"], 12, 40, 32, seed=3)
    with tarfile.open(tmp_path / "kit.tar.gz") as kit:
        meta = loadmat(kit.extractfile("ILSVRC2012_devkit_t12/data/meta.mat"), squeeze_me=True)["synsets"]
    leaves = meta[meta["num_children"] == 0]
    assert list(leaves["ILSVRC2012_ID"]) == list(range(1, 13))
    assert sum(leaves["num_train_images"]) == 40
    (root,) = [row for row in meta if row["WNID"] == "n00001740"]
    assert root["wordnet_height"] == max(meta["wordnet_height"])


@pytest.mark.parametrize(("classes", "images", "most_frequent"), [(254, 5_792, 50), (509, 11_584, 100)])
def test_inaturalist_has_the_real_proportions_and_a_long_tail(classes, images, most_frequent):
    species = species_list(classes, images)
    assert sum(one.train for one in species) == images
    assert len({one.name for one in species}) == classes
    held = Counter(one.supercategory for one in species)
    assert set(held) == {real.name for real in supercategories()}
    for real in supercategories():
        expected = classes * real.classes / 5089
        assert abs(held[real.name] - expected) <= max(2, 0.05 * expected)
    counts = sorted((one.train for one in species), reverse=True)
    # The real set: 1000 of 5089 classes have at least 150 images each, where the mean is 114.
    assert counts[most_frequent - 1] >= 1.3 * images / classes
    assert sum(counts[: classes // 5]) > 0.55 * images
    assert counts[-1] < 0.2 * images / classes
    assert sum(one.val for one in species) == pytest.approx(images * 95_986 / 579_184, abs=1)


def test_inaturalist_archives_agree_with_each_other(tmp_path):
    draw_inaturalist([tmp_path / "images.tar.gz", tmp_path / "annotations.zip"], 14, 40, 32, seed=1)
    with tarfile.open(tmp_path / "images.tar.gz") as tar:
        files = set(tar.getnames())
    with zipfile.ZipFile(tmp_path / "annotations.zip") as archive:
        train, val = (json.loads(archive.read(name)) for name in ("train2017.json", "val2017.json"))
    names = {
        part: {image["file_name"] for image in part_json["images"]}
        for part, part_json in (("train", train), ("val", val))
    }
    assert len(names["train"]) == 40
    assert names["train"] | names["val"] == files
    assert not names["train"] & names["val"]
    categories = {one["id"]: one for one in train["categories"]}
    assert len(categories) == 14
    places = {image["id"]: image["file_name"] for image in train["images"]}
    for annotation in train["annotations"]:
        category = categories[annotation["category_id"]]
        folder = f"train_val_images/{category['supercategory']}/{category['name']}/"
        assert places[annotation["image_id"]].startswith(folder)
    ids = [image["id"] for part in (train, val) for image in part["images"]]
    assert len(set(ids)) == len(ids)


def test_torchvision_opens_the_inaturalist_tree(tmp_path):
    from torchvision.datasets import INaturalist

    draw_inaturalist([tmp_path / "images.tar.gz", tmp_path / "annotations.zip"], 14, 40, 32, seed=1)
    with tarfile.open(tmp_path / "images.tar.gz") as tar:
        tar.extractall(tmp_path, filter="data")
    (tmp_path / "train_val_images").rename(tmp_path / "2017")
    dataset = INaturalist(tmp_path, version="2017", target_type=["full", "super"])
    assert len(dataset) == 47  # 40 for training, 7 for validation
    assert dataset[0][0].size == (32, 32)


def test_too_few_classes_of_inaturalist_are_refused():
    with pytest.raises(InputError, match="at least 13 classes"):
        species_list(12, 100)


def test_the_archives_depend_on_the_seed_alone(tmp_path):
    for name, seed, threads in (("one", 5, 1), ("two", 5, 2), ("other", 6, 1)):
        folder = tmp_path / name
        draw_imagenet([folder / "train.tar", folder / "kit.tar.gz"], 10, 30, 32, seed, threads)
        draw_inaturalist([folder / "images.tar.gz", folder / "annotations.zip"], 13, 26, 32, seed, threads)
    for name in ("train.tar", "kit.tar.gz", "images.tar.gz", "annotations.zip"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    for name in ("train.tar", "images.tar.gz"):
        assert (tmp_path / "one" / name).read_bytes() != (tmp_path / "other" / name).read_bytes()


def test_no_picture_is_drawn_twice(tmp_path):
    draw_inaturalist([tmp_path / "images.tar.gz", tmp_path / "annotations.zip"], 13, 200, 32, seed=0)
    with tarfile.open(tmp_path / "images.tar.gz") as tar:
        pictures = [tar.extractfile(member).read() for member in tar.getmembers()]
    assert len(set(pictures)) == len(pictures) == 200 + round(200 * 95_986 / 579_184)
