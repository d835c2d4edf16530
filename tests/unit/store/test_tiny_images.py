"""Readers of Tiny-ImageNet, CIFAR and CIFAR-10's shifted test sets, against their descriptions and torchvision."""

import hashlib
import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10, CIFAR100

from miniature.formats.tiny_images import FORMATS as DRAWN
from miniature.formats.tiny_images import draw as draw_tiny_images
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.decoding import decode
from pretraining_robustness.store.formats import TINY_IMAGES
from pretraining_robustness.store.readers import open_collection
from pretraining_robustness.store.readers.cifar import CLASSES, CORRUPTIONS, TEST, TRAINING

RNG = np.random.default_rng(0)
ONE = 7  # images of a file of CIFAR-10


def pictures(count: int) -> np.ndarray:
    return RNG.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def tar_of(path: Path, files: dict[str, bytes], mode: str) -> Path:
    with tarfile.open(path, mode) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def flat(pixels: np.ndarray) -> bytes:
    """One picture as CIFAR's page describes it: 1,024 bytes of red, of green, of blue, each row by row."""
    return b"".join(pixels[:, :, channel].tobytes() for channel in range(3))


def read(collection) -> tuple[np.ndarray, list[str]]:
    """Return what the store would hold: pixels and classes."""
    images = list(collection.images())
    assert len(images) == len(collection)
    return np.stack([decode(one.data, 32, "stretch") for one in images]), [one.class_id for one in images]


# --------------------------------------------------------------------------------------------------------------- CIFAR


@pytest.fixture
def batches() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: (pictures(ONE), RNG.integers(0, 10, ONE)) for name in (*TRAINING, TEST)}


@pytest.fixture
def cifar10(batches, tmp_path: Path) -> Path:
    files = {
        f"cifar-10-batches-bin/{name}": b"".join(bytes([y]) + flat(x) for x, y in zip(*batch, strict=True))
        for name, batch in batches.items()
    }
    files["cifar-10-batches-bin/batches.meta.txt"] = ("\n".join(CLASSES) + "\n\n").encode()
    return tar_of(tmp_path / "cifar-10-binary.tar.gz", files, "w:gz")


def pickled(folder: Path, name: str, **content) -> list[str]:
    """Write a file of the python version, return its name and checksum as torchvision lists them."""
    data = pickle.dumps(content)
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    return [name, hashlib.md5(data, usedforsecurity=False).hexdigest()]


def test_cifar10_is_what_torchvision_reads_of_the_python_version(batches, cifar10, tmp_path: Path) -> None:
    folder = tmp_path / CIFAR10.base_folder
    lists: dict[str, list] = {"train_list": [], "test_list": []}
    for name, (x, y) in batches.items():
        data = np.stack([np.frombuffer(flat(one), np.uint8) for one in x])
        kind = "test_list" if name == TEST else "train_list"
        lists[kind].append(pickled(folder, name.removesuffix(".bin"), data=data, labels=y.tolist()))
    name, md5 = pickled(folder, "batches.meta", label_names=list(CLASSES))
    theirs = type("Written", (CIFAR10,), {**lists, "meta": {"filename": name, "key": "label_names", "md5": md5}})
    ours = open_collection("cifar10", cifar10)
    pixels, classes = read(ours)
    for split, train in (("train", True), ("id_test", False)):
        expected = theirs(tmp_path, train=train)
        chosen = np.array(ours.splits) == split
        assert np.array_equal(pixels[chosen], expected.data)
        assert [classes[i] for i in np.flatnonzero(chosen)] == [expected.classes[y] for y in expected.targets]
    assert ours.classes()["class_id"].tolist() == theirs(tmp_path).classes
    source = open_collection("cifar10_training", cifar10)
    assert np.array_equal(read(source)[0], theirs(tmp_path).data)


def test_cifar100_has_its_classes_and_superclasses(tmp_path: Path) -> None:
    x, fine = pictures(ONE), np.array([3, 0, 2, 1, 3, 0, 2])
    above = np.array([1, 0, 1, 0])  # of the four classes
    records = b"".join(bytes([above[y], y]) + flat(one) for one, y in zip(x, fine, strict=True))
    files = {"train.bin": records, "test.bin": records, "fine_label_names.txt": b"apple\nbear\naquarium_fish\nbee\n"}
    files |= {"coarse_label_names.txt": b"fruit\nanimal\n"}
    archive = {f"cifar-100-binary/{name}": data for name, data in files.items()}
    ours = open_collection("cifar100", tar_of(tmp_path / "cifar-100-binary.tar.gz", archive, "w:gz"))
    data = np.stack([np.frombuffer(flat(one), np.uint8) for one in x])
    folder = tmp_path / CIFAR100.base_folder
    lists = {"train_list": [pickled(folder, "train", data=data, fine_labels=fine.tolist())], "test_list": []}
    meta = pickled(folder, "meta", fine_label_names=["apple", "bear", "aquarium_fish", "bee"])
    lists |= {"meta": {"filename": "meta", "key": "fine_label_names", "md5": meta[1]}}
    theirs = type("Written", (CIFAR100,), lists)(tmp_path)
    pixels, classes = read(ours)
    assert np.array_equal(pixels, theirs.data)
    assert classes == [theirs.classes[y] for y in theirs.targets]
    assert ours.classes()["superclass"].tolist() == ["animal", "fruit", "animal", "fruit"]
    assert ours.classes()["name"][2] == "aquarium fish"


def test_cifar10_1_and_cifar10_2_are_their_arrays(tmp_path: Path) -> None:
    x, y = pictures(20), np.arange(20) % 10
    np.save(tmp_path / "data.npy", x)
    np.save(tmp_path / "labels.npy", y)
    np.savez(tmp_path / "test.npz", images=x, labels=y)
    for name, files in (("cifar10_1", ["data.npy", "labels.npy"]), ("cifar10_2", ["test.npz"])):
        pixels, classes = read(open_collection(name, [tmp_path / file for file in files]))
        assert np.array_equal(pixels, x)
        assert classes == [CLASSES[label] for label in y]


def corruptions(path: Path, leave_out: str = "", images: int = 3) -> tuple[Path, dict[str, np.ndarray], np.ndarray]:
    arrays = {name: pictures(5 * images) for name in (*CORRUPTIONS, "spatter")}
    labels = np.tile(np.arange(images), 5)
    files = {f"CIFAR-10-C/{name}.npy": npy(array) for name, array in {**arrays, "labels": labels}.items()}
    files.pop(leave_out, None)
    return tar_of(path, files, "w"), arrays, labels


def test_cifar10_c_has_five_severities_of_each_corruption(tmp_path: Path) -> None:
    path, arrays, _ = corruptions(tmp_path / "CIFAR-10-C.tar")
    ours = open_collection("cifar10_c", path)
    found = list(ours.images())
    assert len(found) == len(ours) == 15 * 5 * 3
    fog = [one for one in found if one.attributes["corruption"] == "fog" and one.attributes["severity"] == 4]
    assert np.array_equal(np.stack([decode(one.data, 32, "stretch") for one in fog]), arrays["fog"][9:12])
    assert [one.class_id for one in fog] == ["airplane", "automobile", "bird"]
    assert [one.attributes["original"] for one in fog] == ["00000", "00001", "00002"]
    assert {one.attributes["split"] for one in fog} == {"severity_4"}
    assert ours.passed_over() == {"arrays of further corruptions": 1}


def test_cinic10_is_read_without_the_images_of_cifar10(tmp_path: Path) -> None:
    files = {}
    for split in ("train", "valid", "test"):
        for name in ("n02123045_10036", "cifar10-train-13"):
            file = io.BytesIO()
            Image.fromarray(pictures(1)[0]).save(file, "PNG")
            files[f"{split}/cat/{name}.png"] = file.getvalue()
    files["README.md"] = b"CINIC-10"
    ours = open_collection("cinic10", tar_of(tmp_path / "CINIC-10.tar.gz", files, "w:gz"))
    images = list(ours.images())
    assert [one.attributes["split"] for one in images] == ["train", "valid", "test"]
    assert {one.class_id for one in images} == {"cat"}
    assert images[2].data == files["test/cat/n02123045_10036.png"]
    assert ours.passed_over() == {"images of CIFAR-10": 3}
    files["test/kitten/n02123045_1.png"] = b""
    with pytest.raises(InputError, match="in no split and class of CINIC-10"):
        open_collection("cinic10", tar_of(tmp_path / "other.tar.gz", files, "w:gz"))


# ------------------------------------------------------------------------------------------------------- Tiny-ImageNet


def tiny_files() -> dict[str, bytes]:
    top, wnids = "tiny-imagenet-200", ["n02124075", "n01443537"]
    files = {f"{top}/wnids.txt": "\n".join(wnids).encode()}
    files[f"{top}/words.txt"] = b"n00001740\tentity\nn01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\n"
    for wnid in wnids:
        names = [f"{wnid}_{number}.JPEG" for number in (0, 1, 10)]
        files |= {f"{top}/train/{wnid}/images/{name}": name.encode() for name in names}
        boxes = "".join(f"{name}\t0\t10\t63\t58\n" for name in names)
        files[f"{top}/train/{wnid}/{wnid}_boxes.txt"] = boxes.encode()
    for number, wnid in enumerate(wnids):
        files[f"{top}/val/images/val_{number}.JPEG"] = wnid.encode()
    files[f"{top}/val/val_annotations.txt"] = (
        b"val_0.JPEG\tn02124075\t0\t32\t44\t62\nval_1.JPEG\tn01443537\t1\t2\t3\t4\n"
    )
    files[f"{top}/test/images/test_0.JPEG"] = b"without a label"
    return files


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_tiny_imagenet_is_read_from_its_tables(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "tiny-imagenet-200.zip", tiny_files())
    training = open_collection("tiny_imagenet", path)
    assert [(one.class_id, one.data.decode()) for one in training.images()] == [
        (wnid, f"{wnid}_{number}.JPEG") for wnid in ("n01443537", "n02124075") for number in (0, 1, 10)
    ]
    assert training.classes().values.tolist() == [
        ["n01443537", "goldfish, Carassius auratus"],
        ["n02124075", "Egyptian cat"],
    ]
    assert next(iter(training.images(4))).image == "train/n02124075/images/n02124075_1.JPEG"
    validation = open_collection("tiny_imagenet_validation", path)
    assert [(one.class_id, one.data.decode()) for one in validation.images()] == [
        ("n02124075", "n02124075"),
        ("n01443537", "n01443537"),
    ]


# ----------------------------------------------------------------------------------------------------------- bad input


def refusal(format: str, *paths: Path) -> str:
    with pytest.raises(InputError) as refused:
        list(open_collection(format, paths).images())
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_what_is_wrong_with_an_archive_is_said_in_one_line(cifar10, tmp_path: Path) -> None:
    whole = zip_of(tmp_path / "whole.zip", tiny_files())
    cut = tmp_path / "cut.zip"
    cut.write_bytes(whole.read_bytes()[:-200])
    assert "cut.zip: the archive is truncated or damaged" in refusal("tiny_imagenet", cut)
    files = tiny_files()
    files.pop("tiny-imagenet-200/train/n01443537/images/n01443537_1.JPEG")
    assert "1 images that its tables list are missing" in refusal("tiny_imagenet", zip_of(tmp_path / "less.zip", files))
    files = tiny_files()
    files.pop("tiny-imagenet-200/val/val_annotations.txt")
    lacking = zip_of(tmp_path / "table.zip", files)
    assert "lacks tiny-imagenet-200/val/val_annotations.txt" in refusal("tiny_imagenet_validation", lacking)

    cut.write_bytes(cifar10.read_bytes()[:-200])
    assert "cut.zip: the archive is truncated or damaged" in refusal("cifar10", cut)
    python = tar_of(tmp_path / "python.tar.gz", {"cifar-10-batches-py/data_batch_1": b""}, "w:gz")
    assert "lacks batches.meta.txt: is it the binary version?" in refusal("cifar10", python)
    assert "lacks train.bin" in refusal("cifar100", cifar10)

    np.save(tmp_path / "data.npy", np.zeros((2021, 32, 32, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.zeros(2021, np.int64))
    version_4 = refusal("cifar10_1", tmp_path / "data.npy", tmp_path / "labels.npy")
    assert "2,021 images are those of version 4" in version_4
    assert "no such file" in refusal("cifar10_1", tmp_path / "data.npy", tmp_path / "none.npy")
    np.save(tmp_path / "short.npy", np.zeros(2000, np.int64))
    assert "labels (2000,)" in refusal("cifar10_1", tmp_path / "data.npy", tmp_path / "short.npy")
    cut.write_bytes((tmp_path / "data.npy").read_bytes()[:-200])
    assert "cut.zip: not an array of NumPy" in refusal("cifar10_1", cut, tmp_path / "labels.npy")
    np.savez(tmp_path / "train.npz", images=pictures(2))
    assert "no array 'labels'" in refusal("cifar10_2", tmp_path / "train.npz")
    np.savez(tmp_path / "eleven.npz", images=pictures(2), labels=np.array([0, 10]))
    assert "has the label 10, but" in refusal("cifar10_2", tmp_path / "eleven.npz")

    path, _, _ = corruptions(tmp_path / "c.tar", leave_out="CIFAR-10-C/fog.npy")
    assert "the archive lacks fog.npy (1 missing)" in refusal("cifar10_c", path)
    cut.write_bytes(corruptions(tmp_path / "c.tar")[0].read_bytes()[:-30000])
    assert "cut.zip" in refusal("cifar10_c", cut)


def test_another_number_of_images_than_declared_is_refused(cifar10, tmp_path: Path) -> None:
    names = ("images", "table", "classes", "undecodable", "duplicates", "summary", "state")
    places = {name: tmp_path / "store" / name for name in names}
    with pytest.raises(InputError, match=r"cifar-10-binary\.tar\.gz: 42 images of 10 classes where 60,000 of 10 are"):
        build_store(cifar10, "cifar10", **places, expected={"images": 60_000, "classes": 10})


# --------------------------------------------------------------------------------------------------- the drawn archives


@pytest.mark.parametrize("format", TINY_IMAGES)
def test_drawn_archives_are_read_as_the_real_ones(format: str, tmp_path: Path) -> None:
    folder, names = TINY_IMAGES[format].folder, TINY_IMAGES[format].archives
    paths = [tmp_path / name for name in names]
    images = 75 if folder == "cifar10_c" else 90 if folder == "cinic10" else 60
    draw_tiny_images(paths, folder, images=images, classes=10, seed=0)
    assert folder in DRAWN
    found = list(open_collection(format, paths).images())
    expected = {"tiny_imagenet_validation": 10, "cifar10_training": 50}.get(format, images)
    assert len(found) == expected
    collection = open_collection(format, paths)
    for start in range(len(found) + 1):
        assert list(collection.images(start)) == found[start:]
    side = 64 if folder == "tiny_imagenet" else 32
    assert {Image.open(io.BytesIO(one.data)).size for one in found} == {(side, side)}
    digests = [path.read_bytes() for path in paths]
    draw_tiny_images(paths, folder, images=images, classes=10, seed=0)
    assert [path.read_bytes() for path in paths] == digests
