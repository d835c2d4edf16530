"""Variants of ImageNet straight from their archives, or from a folder: each image's class is one of ImageNet's.

A layout says what the last parts of an image's path mean, "{corruption}/{severity}/{class}/{image}" say; what comes
before them is passed over, as ImageNet-Cartoon's datasets/imagenet-cartoon. A class is written as a WordNet id, as its
number among ImageNet's classes (ImageNet-V2's first layout) or as the name of a folder that a table of classes lists
(ObjectNet). A layout without {class} is that of ImageNet's validation images, whose classes the devkit lists.

Every number of images and of classes is checked: a truncated copy has changed published results before.
"""

import csv
import io
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

import pandas as pd
from PIL import Image

from pretraining_robustness.acquire.archives import member_path, named_faults, read_member, stream_members
from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.class_folders import SUFFIXES
from pretraining_robustness.store.readers.imagenet import META
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, file_stamp

WNID = re.compile(r"n\d{8}")
GROUND_TRUTH = "data/ILSVRC2012_validation_ground_truth.txt"
VALIDATION_NUMBER = re.compile(r"ILSVRC2012_val_(\d{8})")


class ImageNetVariant(RawCollection):
    """Images of a variant of ImageNet in the order of its archives; a folder's by path.

    Columns besides the class: whatever the layout names; `original`, the file's name without its suffix, by which the
    renderings of one validation image are known; `also`, further class_ids that are right for an image.

    Args:
        raw: tar, tar.gz or zip archives, or one folder; with a layout without {class}, the devkit's archive last.
        names: ImageNet's classes, their names by class_id (wnid), all that the variant may hold, in ImageNet's order.
        layout: of the path of an image.
        images: how many there must be; None: any number, of a miniature.
        classes: how many classes they must have; None: any number.
        table: CSV of the variant's own classes, column class_id, and `folder` where its folders have names of their
            own: folders that it does not list are passed over, and of several classes the first is the image's.
            Classes that `names` lacks are not this study's.
        border: width in pixels of a border that is cut off.
        password: of an encrypted zip, as ObjectNet's is.
        only: of parts of the layout, the values whose images are taken ({severity: [1, 3, 5]}); all without.

    Raises:
        InputError: another number of images or of classes, a folder that is no class, a path that does not
            match the layout, a damaged archive, an encrypted one without its password.
    """

    def __init__(
        self,
        raw: Sequence[str | Path],
        names: Mapping[str, str],
        layout: str,
        images: int | None,
        classes: int | None,
        table: str | Path | None = None,
        border: int = 0,
        password: str | None = None,
        only: Mapping[str, Sequence[str | int]] | None = None,
    ) -> None:
        self.only = {key: set(values) for key, values in (only or {}).items()}
        self.names = dict(names)
        self.border = border
        self.password = password
        self.raw = [Path(path) for path in raw]
        self.layout = _pattern(layout)
        unknown = set(self.only) - set(self.layout.groupindex)
        if unknown:
            raise InputError(f"{self.raw[0]}: the layout {layout} has no {unknown.pop()} of which to take some")
        self.truth = None if "{class}" in layout else self._validation_classes(self.raw.pop())
        self.folders, self.expected = self._read_table(table)
        self.left_aside: Counter[str] = Counter()
        self.found = self._list()
        self._check(images, classes, layout)

    def __len__(self) -> int:
        return len(self.found)

    def classes(self) -> pd.DataFrame:
        """Return class_id and name of the classes that have images, in ImageNet's order."""
        present = {class_ids[0] for _, class_ids, _ in self.found}
        rows = [(class_id, name) for class_id, name in self.names.items() if class_id in present]
        return pd.DataFrame(rows, columns=["class_id", "name"])

    def fingerprint(self) -> list[str]:
        """Return name, size and time of the archives, or of every image of a folder, and what is made of them."""
        files = [path / image for path in self.raw if path.is_dir() for image, _, _ in self.found]
        stamps = [file_stamp(path) for path in (*self.raw, *files)]
        return [*stamps, f"{self.layout.pattern} {self.border} {sorted(self.folders.items())} {sorted(self.only)}"]

    def passed_over(self) -> Counter[str]:
        """Return how many images are of no class of ImageNet."""
        return self.left_aside

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on."""
        wanted = iter(self.found[start:])
        one = next(wanted, None)
        for path, read in _files(self.raw, self.password):
            if one is None:
                return
            if path != one[0]:
                continue
            class_ids, columns = one[1], one[2]
            data = read()
            if self.border:
                data = _without_border(path, data, self.border)
            attributes = {**columns, "original": PurePosixPath(path).stem, "also": " ".join(class_ids[1:])}
            yield RawImage(path, class_ids[0], data, attributes)
            one = next(wanted, None)

    def _list(self) -> list[tuple[str, tuple[str, ...], dict[str, str | int]]]:
        """Return path, class_ids and further columns of every image."""
        found = []
        paths = [path for path, _ in _files(self.raw, self.password) if PurePosixPath(path).suffix.lower() in SUFFIXES]
        matches = [(path, self._match(path)) for path in paths]
        numbered = all(re.fullmatch(r"\d+", match.get("class", "")) for _, match in matches)
        for path, match in matches:
            class_ids = self._class_ids(path, match, numbered)
            if class_ids is None:
                self.left_aside["images of folders without a class of ImageNet"] += 1
                continue
            columns = {key: _number(value) for key, value in match.items() if key not in ("class", "image")}
            if all(columns[key] in values for key, values in self.only.items()):
                found.append((path, class_ids, columns))
        return found

    def _match(self, path: str) -> dict[str, str]:
        match = self.layout.search(path)
        if match is None:
            raise InputError(f"{self.raw[0]}: path {path} does not match the layout: is it the right archive?")
        return match.groupdict()

    def _class_ids(self, path: str, match: dict[str, str], numbered: bool) -> tuple[str, ...] | None:
        """Return the classes of an image; None for a folder that a table with folders does not list."""
        if self.truth is not None:
            number = VALIDATION_NUMBER.match(match["image"])
            if number is None or int(number[1]) not in self.truth:
                raise InputError(f"{self.raw[0]}: {path} is no validation image that the devkit knows")
            return (self.truth[int(number[1])],)
        written = match["class"]
        if self.folders:
            return self.folders.get(written)
        if numbered and int(written) < len(self.names):
            return (list(self.names)[int(written)],)
        if written not in self.names:
            raise InputError(f"{self.raw[0]}: the folder {written} of {path} is none of ImageNet's classes here")
        return (written,)

    def _read_table(self, table: str | Path | None) -> tuple[dict[str, tuple[str, ...]], set[str] | None]:
        """Return the classes of each folder with a name of its own, and the class_ids that the variant must have."""
        if table is None:
            return {}, None
        read = read_csv_table(table, ("class_id",), what="table of the variant's classes")
        rows = [row for row in read.rows() if row["class_id"] in self.names]
        folders: dict[str, tuple[str, ...]] = {}
        for row in rows:
            if "folder" in row:
                folders[row["folder"]] = (*folders.get(row["folder"], ()), row["class_id"])
        first = {class_ids[0] for class_ids in folders.values()}
        return folders, first or {row["class_id"] for row in rows}

    def _check(self, images: int | None, classes: int | None, layout: str) -> None:
        present = {class_ids[0] for _, class_ids, _ in self.found}
        for what, count, wanted in (("images", len(self.found), images), ("classes", len(present), classes)):
            if wanted is not None and count != wanted:
                raise InputError(
                    f"{self.raw[0]}: {count:,} {what} where there must be {wanted:,}: the copy is not complete, or the "
                    f"layout {layout} is not its own; fetch it again"
                )
        if self.expected is not None and present != self.expected:
            strange = min(present ^ self.expected)
            raise InputError(f"{self.raw[0]}: its {len(present)} classes are not those of the variant, first {strange}")

    def _validation_classes(self, devkit: Path) -> dict[int, str]:
        """Return the class_id of every validation image by its number, from 1."""
        from scipy.io import loadmat  # half a second that only these images need

        files = {}
        for path, size, file in stream_members(devkit):
            for name in (META, GROUND_TRUTH):
                if file is not None and path.endswith(name):
                    files[name] = read_member(devkit, path, size, file)
        lacking = [name for name in (META, GROUND_TRUTH) if name not in files]
        if lacking:
            raise InputError(f"{devkit}: the archive holds no {lacking[0]}: is it the devkit of ILSVRC2012?")
        synsets = loadmat(io.BytesIO(files[META]), squeeze_me=True)["synsets"]
        pairs = zip(synsets["ILSVRC2012_ID"].ravel(), synsets["WNID"].ravel(), strict=True)
        wnids = {int(number): str(wnid) for number, wnid in pairs}
        return {place: wnids[int(line)] for place, line in enumerate(files[GROUND_TRUTH].split(), start=1)}


def read_variant(
    raw: str | Path | Sequence[str | Path], imagenet: str | Path, table: str | Path | None, variant: Mapping[str, Any]
) -> ImageNetVariant:
    """Return a variant of the ImageNet whose classes a table lists, name and wnid or class_id, in their order.

    `raw`, `table` and what `variant` says of it are as in `ImageNetVariant`, and so is what is refused.
    """
    with open(imagenet, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    key = "wnid" if "wnid" in rows[0] else "class_id"
    names = {row[key]: row["name"] for row in rows}
    return ImageNetVariant([raw] if isinstance(raw, str | Path) else raw, names, table=table, **variant)


def _pattern(layout: str) -> re.Pattern[str]:
    parts = [f"(?P<{name}>[^/]+)" for name in re.findall(r"{(\w+)}", layout)]
    return re.compile(r"(?:^|/)" + "/".join(parts) + "$")


def _number(value: str) -> str | int:
    return int(value) if value.isdecimal() else value


def _without_border(path: str, data: bytes, border: int) -> bytes:
    with Image.open(io.BytesIO(data)) as file:
        picture = file.convert("RGB")
    if min(picture.size) <= 2 * border:
        raise InputError(f"{path}: an image of {picture.width} x {picture.height} pixels is all border")
    inside = picture.crop((border, border, picture.width - border, picture.height - border))
    written = io.BytesIO()
    inside.save(written, "PNG", compress_level=1)
    return written.getvalue()


def _files(raw: Sequence[Path], password: str | None) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield path and reader of every file of archives and folders, in an order that depends on them alone."""
    for path in raw:
        if path.is_dir():
            for file in sorted(file for file in path.rglob("*") if file.is_file()):
                yield file.relative_to(path).as_posix(), file.read_bytes
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                encrypted = any(entry.flag_bits & 1 for entry in archive.infolist())
                if encrypted and password is None:
                    raise InputError(f"{path}: the archive is encrypted; give its `password`")
                if encrypted and password is not None:
                    import fast_zip_decryption  # type: ignore[import-untyped]  # noqa: F401, zipfile's own: 1 MB/s

                    archive.setpassword(password.encode())
                for entry in archive.infolist():
                    if not entry.is_dir():
                        yield str(member_path(path, entry.filename)), partial(archive.read, entry.filename)
        else:
            with named_faults(path), tarfile.open(path) as tar:
                for member in tar:
                    if member.isreg():
                        yield str(member_path(path, member.name)), partial(_of_tar, path, tar, member)


def _of_tar(archive: Path, tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = cast(BinaryIO, tar.extractfile(member))
    return read_member(archive, member.name, member.size, file)
