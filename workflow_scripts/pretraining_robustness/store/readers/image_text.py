"""A user's own image-text source: a folder of images with captions, in one of the two forms that open_clip trains on.

Either a table beside the images (open_clip's CSV data sets: columns filepath and title, separated by tabs unless told
otherwise; open_clip_train/params.py) or shards of webdataset, tar archives in which the files of one sample follow each
other and share their name up to the first dot of the file's name: 000001.jpg, 000001.txt.
"""

import tarfile
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from pretraining_robustness.acquire.archives import named_faults, read_member, stream_members
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.class_folders import SUFFIXES
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, file_stamp

IMAGE_COLUMNS = ("image", "filepath")
CAPTION_COLUMNS = ("caption", "title")
CLASS_COLUMN = "class"
# The class of all images of a source without classes.
ALL = "all"


def open_image_text(folder: str | Path) -> RawCollection:
    """Open a folder with one table (*.csv, *.tsv) or with shards (*.tar), or the table itself.

    Raises InputError for a folder with neither or with both, or more than one table, and what the readers raise.
    """
    path = Path(folder)
    if path.is_file():
        return CaptionTable(path)
    if not path.is_dir():
        raise InputError(f"{path}: no such folder: it should hold images and a table of captions, or shards")
    tables = sorted([*path.glob("*.csv"), *path.glob("*.tsv")])
    shards = sorted(path.glob("*.tar"))
    if shards and not tables:
        return CaptionShards(shards)
    if len(tables) == 1 and not shards:
        return CaptionTable(tables[0])
    found = ", ".join(file.name for file in [*tables, *shards][:3]) or "none"
    raise InputError(f"{path}: it should hold one table of captions (.csv, .tsv) or shards (.tar), not both: {found}")


class CaptionTable:
    """Images in the order of a table, with the attribute `caption`.

    The columns are image (or filepath), caption (or title) and, where there is one, class; commas or tabs separate
    them. Paths are relative to the table's folder.

    Raises:
        InputError: names the row (the line of the file, the header being line 1) with a missing or repeated image, no
            caption or no class; an image file in the folder that the table does not name; an absent column.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder = path.parent
        self.table = self._read()
        self._check()

    def __len__(self) -> int:
        return len(self.table)

    def classes(self) -> pd.DataFrame:
        """Return class_id and name, both the class's name, ordered by it."""
        names = sorted(self.table[CLASS_COLUMN].unique())
        return pd.DataFrame({"class_id": names, "name": names})

    def fingerprint(self) -> list[str]:
        """Return name, size and time of the table and of every image file."""
        return [file_stamp(path) for path in [self.path, *(self.folder / image for image in self.table["image"])]]

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, named as in the table."""
        columns = self.table[["image", CLASS_COLUMN, "caption"]].iloc[start:]
        for image, class_id, caption in columns.itertuples(index=False):
            try:
                data = (self.folder / image).read_bytes()
            except FileNotFoundError as error:
                raise InputError(f"{self.folder / image}: the file that {self.path.name} names is gone") from error
            yield RawImage(image, class_id, data, {"caption": caption})

    def _read(self) -> pd.DataFrame:
        try:
            with open(self.path, encoding="utf-8") as file:
                separator = "\t" if "\t" in file.readline() else ","
            table = pd.read_csv(self.path, sep=separator, dtype=str, keep_default_na=False)
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: not a table of values separated by commas or tabs ({error})") from error
        columns: dict[str, Any] = {}
        for name, choices in (("image", IMAGE_COLUMNS), ("caption", CAPTION_COLUMNS)):
            column = next((choice for choice in choices if choice in table), None)
            if column is None:
                raise InputError(f"{self.path}: the column {' or '.join(choices)} is missing")
            columns[name] = table[column].str.strip()
        columns[CLASS_COLUMN] = table[CLASS_COLUMN].str.strip() if CLASS_COLUMN in table else ALL
        if table.empty:
            raise InputError(f"{self.path}: it names no image")
        return pd.DataFrame(columns)

    def _check(self) -> None:
        seen: set[str] = set()
        for row, (image, caption, class_id) in enumerate(self.table.itertuples(index=False), start=2):
            fault = None
            if image in seen:
                fault = f"image {image!r} occurs for the second time"
            elif not image or not (self.folder / image).is_file():
                fault = f"there is no file {self.folder / image}"
            elif not caption:
                fault = f"image {image!r} has no caption"
            elif not class_id:
                fault = f"image {image!r} has no class"
            if fault:
                raise InputError(f"{self.path}, row {row}: {fault}")
            seen.add(image)
        named = {(self.folder / image).resolve() for image in seen}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.resolve() not in named:
                raise InputError(f"{path}: the image has no caption in {self.path.name}: add a row or remove the image")


class CaptionShards:
    """Images of webdataset shards, shards by name, images in the order of the shard, with the attribute `caption`.

    Files of a sample other than its image and its .txt are passed over.

    Raises:
        InputError: names the shard and the sample without image or caption, or with two images; a damaged shard.
    """

    def __init__(self, shards: list[Path]) -> None:
        self.shards = shards
        self.counts = [sum(1 for _ in _samples(shard, _names(shard))) for shard in shards]
        if not sum(self.counts):
            raise InputError(f"{shards[0]}: no sample in it: it should hold images and their captions, 1.jpg and 1.txt")

    def __len__(self) -> int:
        return sum(self.counts)

    def classes(self) -> pd.DataFrame:
        """Return the one class of all images."""
        return pd.DataFrame({"class_id": [ALL], "name": [ALL]})

    def fingerprint(self) -> list[str]:
        """Return name, size and time of every shard."""
        return [file_stamp(shard) for shard in self.shards]

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, named shard/file."""
        for shard, count in zip(self.shards, self.counts, strict=True):
            if start < count:
                yield from islice(self._images(shard), start, None)
            start = max(0, start - count)

    def _images(self, shard: Path) -> Iterator[RawImage]:
        contents = (
            (path, read_member(shard, path, size, file) if _matters(path) else b"")
            for path, size, file in stream_members(shard)
            if file is not None
        )
        for image, data, caption in _samples(shard, contents):
            text = " ".join(caption.decode("utf-8", errors="replace").split())
            if not text:
                raise InputError(f"{shard}: {image} has no caption: its .txt is empty")
            yield RawImage(f"{shard.stem}/{image}", ALL, data, {"caption": text})


def _key(path: str) -> tuple[str, str]:
    """Split a path at the first dot of the file's name, as webdataset does: the sample's key and the rest."""
    name = PurePosixPath(path).name
    stem, _, suffix = name.partition(".")
    return path[: len(path) - len(name)] + stem, suffix.lower()


def _matters(path: str) -> bool:
    suffix = _key(path)[1]
    return suffix == "txt" or f".{suffix}" in SUFFIXES


def _names(shard: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a shard without their contents, passing over those on the disk."""
    next(stream_members(shard), None)  # refuses a tar without its end, which `tarfile` passes over in silence
    with named_faults(shard), tarfile.open(shard, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]
            if member.isreg():
                yield member.name, b""


def _samples(shard: Path, files: Iterable[tuple[str, bytes]]) -> Iterator[tuple[str, bytes, bytes]]:
    """Group files into samples: the image's path, its bytes and those of its caption."""
    for key, members in groupby(files, lambda file: _key(file[0])[0]):
        kept = [(path, data) for path, data in members if _matters(path)]
        captions = [data for path, data in kept if _key(path)[1] == "txt"]
        pictures = [(path, data) for path, data in kept if _key(path)[1] != "txt"]
        if not kept:
            continue
        if len(pictures) != 1:
            fault = f"its caption {key}.txt has no image" if not pictures else f"{key} has {len(pictures)} images"
            raise InputError(f"{shard}: {fault}; a sample is one image and one .txt")
        if len(captions) != 1:
            raise InputError(f"{shard}: {pictures[0][0]} has no caption: there is no {key}.txt beside it")
        yield (*pictures[0], captions[0])
