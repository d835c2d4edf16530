"""CIFAR-10 and CIFAR-100, binary version, and the shifted test sets of CIFAR-10, straight from their archives.

Nothing is unpacked, and no pickle is opened. The classes of every test set are CIFAR-10's, so that they match by name.
"""

import io
import tarfile
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.acquire.archives import member_path, named_faults, read_member, stream_members
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.pixel_arrays import Block, PixelArrays

PIXELS = 3 * 32 * 32  # bytes of an image
# CIFAR-10's own names in the order of its labels (batches.meta.txt).
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
TRAINING = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = "test_batch.bin"
NAMES = "batches.meta.txt"
VERSION_4 = 2021  # images of CIFAR-10.1 in its version 4 (its README)
SEVERITIES = 5
# CIFAR-10-C's corruptions (Hendrycks and Dietterich 2019, Figure 1); four more are meant for tuning, section 4.
CORRUPTIONS = (
    *("gaussian_noise", "shot_noise", "impulse_noise"),
    *("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    *("snow", "frost", "fog", "brightness"),
    *("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
)


class Cifar10(PixelArrays):
    """CIFAR-10 as a task: its training images are the split `train`, its test images `id_test`.

    A record is a byte with the label and 3,072 bytes of pixels: all of red, of green and of blue, each row by row
    (https://www.cs.toronto.edu/~kriz/cifar.html, "Binary version").

    Args:
        archive: cifar-10-binary.tar.gz.

    Raises:
        InputError: for a damaged archive or one that is not the binary version.
    """

    def __init__(self, archive: str | Path) -> None:
        files = _members(archive, (NAMES, *TRAINING, TEST))
        splits = {**dict.fromkeys(TRAINING, "train"), TEST: "id_test"}
        blocks = [_records(archive, name, files[name], 1, {"split": split}) for name, split in splits.items()]
        super().__init__([Path(archive)], _lines(files[NAMES]), blocks, is_task=True)


class Cifar10Training(PixelArrays):
    """CIFAR-10's training images as a source; see `Cifar10`."""

    def __init__(self, archive: str | Path) -> None:
        files = _members(archive, (NAMES, *TRAINING))
        blocks = [_records(archive, name, files[name], 1) for name in TRAINING]
        super().__init__([Path(archive)], _lines(files[NAMES]), blocks)


class Cifar100(PixelArrays):
    """CIFAR-100's training images as a source: its 100 classes, with its 20 superclasses.

    A record is two bytes, the superclass and the class, and the pixels as in CIFAR-10.

    Args:
        archive: cifar-100-binary.tar.gz.

    Raises:
        InputError: for a damaged archive, one that is not the binary version, a class of several superclasses.
    """

    def __init__(self, archive: str | Path) -> None:
        files = _members(archive, ("train.bin", "fine_label_names.txt", "coarse_label_names.txt"))
        names, coarse = _lines(files["fine_label_names.txt"]), _lines(files["coarse_label_names.txt"])
        records = _records(archive, "train.bin", files["train.bin"], 2)
        pairs = np.unique(np.frombuffer(files["train.bin"], np.uint8).reshape(-1, 2 + PIXELS)[:, :2], axis=0)
        superclass = {int(label): int(above) for above, label in pairs}
        if len(superclass) != len(pairs) or max(superclass.values(), default=0) >= len(coarse):
            raise InputError(f"{archive}: its classes do not have one superclass each: is it CIFAR-100's archive?")
        above = [coarse[superclass[label]] if label in superclass else "" for label in range(len(names))]
        super().__init__([Path(archive)], names, [records], above)


class Cifar10v1(PixelArrays):
    """CIFAR-10.1, version 6: 2,000 images.

    Args:
        data: cifar10.1_v6_data.npy, uint8 (n, 32, 32, 3).
        labels: cifar10.1_v6_labels.npy, (n,).

    Raises:
        InputError: for a missing or damaged file, arrays of other shapes, version 4.
    """

    def __init__(self, data: str | Path, labels: str | Path) -> None:
        pixels, numbers = _load(data), _load(labels)
        _check_arrays(data, pixels, numbers)
        if len(pixels) == VERSION_4:
            raise InputError(
                f"{data}: {VERSION_4:,} images are those of version 4 of CIFAR-10.1, where version 6 is read: fetch "
                "cifar10.1_v6_data.npy and cifar10.1_v6_labels.npy"
            )
        super().__init__([Path(data), Path(labels)], CLASSES, [Block("cifar10.1", numbers, lambda: pixels)])


class Cifar10v2(PixelArrays):
    """CIFAR-10.2's test images: arrays `images`, uint8 (n, 32, 32, 3), and `labels`, (n,), of an npz file.

    Raises:
        InputError: for a missing or damaged file, a missing array, arrays of other shapes.
    """

    def __init__(self, archive: str | Path) -> None:
        with named_faults(archive), np.load(archive, allow_pickle=False) as arrays:
            lacking = [name for name in ("images", "labels") if name not in arrays]
            if lacking:
                raise InputError(f"{archive}: no array {lacking[0]!r} in it: is it CIFAR-10.2's test set?")
            pixels, labels = arrays["images"], arrays["labels"]
        _check_arrays(archive, pixels, labels)
        super().__init__([Path(archive)], CLASSES, [Block("cifar10.2", labels, lambda: pixels)])


class Cifar10C(PixelArrays):
    """CIFAR-10-C: CIFAR-10's test images under 15 corruptions, at five severities.

    The archive holds an array per corruption, uint8 (5 n, 32, 32, 3), the n images at severity 1, then at 2, and so on,
    and labels.npy, (5 n,), for each of them (https://zenodo.org/records/2535967). The store's columns are corruption,
    severity and split (severity_1 to severity_5); `original` is the number of the test image.

    Args:
        archive: CIFAR-10-C.tar.

    Raises:
        InputError: for a damaged archive, a missing array, arrays of other shapes.
    """

    def __init__(self, archive: str | Path) -> None:
        path = Path(archive)
        with named_faults(path), tarfile.open(path, "r:") as tar:
            members = {PurePosixPath(member_path(path, one.name)).name: one.name for one in tar if one.isreg()}
        lacking = [f"{name}.npy" for name in ("labels", *CORRUPTIONS) if f"{name}.npy" not in members]
        if lacking:
            raise InputError(f"{path}: the archive lacks {lacking[0]} ({len(lacking)} missing): fetch it again")
        self.others = sum(name.endswith(".npy") for name in members) - 1 - len(CORRUPTIONS)
        labels = _member_array(path, members["labels.npy"])
        each = len(labels) // SEVERITIES
        blocks = []
        for corruption in CORRUPTIONS:
            for severity in range(1, SEVERITIES + 1):
                part = slice((severity - 1) * each, severity * each)
                columns: dict[str, str | int] = {"corruption": corruption, "severity": severity}
                columns["split"] = f"severity_{severity}"
                pixels = partial(_corrupted, path, members[f"{corruption}.npy"], labels, part)
                blocks.append(Block(f"{corruption}/{severity}", labels[part], pixels, columns))
        super().__init__([path], CLASSES, blocks)

    def passed_over(self) -> Counter[str]:
        """Return how many further corruptions the archive has."""
        return Counter({"arrays of further corruptions": self.others} if self.others else {})


def _members(archive: str | Path, names: Sequence[str]) -> dict[str, bytes]:
    """Return the contents of files of a tar.gz by their names."""
    found = {}
    for path, size, file in stream_members(archive):
        name = PurePosixPath(path).name
        if file is not None and name in names:
            found[name] = read_member(archive, path, size, file)
    lacking = [name for name in names if name not in found]
    if lacking:
        raise InputError(f"{archive}: the archive lacks {lacking[0]}: is it the binary version?")
    return found


def _lines(text: bytes) -> list[str]:
    return text.decode("ascii").split()


def _records(
    archive: str | Path, name: str, data: bytes, label_bytes: int, attributes: Mapping[str, str | int] | None = None
) -> Block:
    """Return the images of a file of records, the last of whose label bytes is the class."""
    size = label_bytes + PIXELS
    if len(data) % size:
        raise InputError(
            f"{archive}: {name} has {len(data):,} bytes, no whole number of records of {size:,}: is it the right "
            "archive?"
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, size)
    pixels = records[:, label_bytes:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Block(name.removesuffix(".bin"), records[:, label_bytes - 1], lambda: pixels, attributes or {})


def _load(path: str | Path) -> NDArray[Any]:
    with named_faults(path):
        return _read_npy(path, Path(path).read_bytes())


@lru_cache(maxsize=1)  # the severities of a corruption lie in one array, 150 MB
def _member_array(archive: Path, member: str) -> NDArray[Any]:
    with named_faults(archive), tarfile.open(archive, "r:") as tar:
        file = cast(BinaryIO, tar.extractfile(member))
        return _read_npy(f"{archive}, {member}", read_member(archive, member, tar.getmember(member).size, file))


def _corrupted(archive: Path, member: str, labels: NDArray[Any], part: slice) -> NDArray[np.uint8]:
    pixels = _member_array(archive, member)
    _check_arrays(f"{archive}, {member}", pixels, labels)
    return pixels[part]


def _read_npy(path: str | Path, data: bytes) -> NDArray[Any]:
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except ValueError as error:
        raise InputError(f"{path}: not an array of NumPy ({error}): fetch it again and check its checksum") from error


def _check_arrays(path: str | Path, pixels: NDArray[Any], labels: NDArray[Any]) -> None:
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 32, 32, 3) or labels.ndim != 1:
        raise InputError(
            f"{path}: pixels {pixels.dtype} {pixels.shape} and labels {labels.shape} where pixels uint8 "
            f"({len(labels)}, 32, 32, 3) were expected: fetch it again"
        )
