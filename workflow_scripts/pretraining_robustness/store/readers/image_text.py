"""A user's own image-text source: a folder of images with captions, in one of the two forms that open_clip trains on.

Either a table beside the images (open_clip's CSV data sets: columns filepath and title, separated by tabs unless told
otherwise; open_clip_train/params.py) or shards of webdataset, tar archives in which the files of one sample follow each
other and share their name up to the first dot of the file's name: 000001.jpg, 000001.txt.
"""

import tarfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from pretraining_robustness.acquire.archives import named_faults, read_member, stream_members
from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.folders import SUFFIXES, composed, entries, is_hidden, shown, utf8_fault
from pretraining_robustness.store.readers.named_images import NamedImages
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, class_table, file_stamp

if TYPE_CHECKING:
    import pandas as pd

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
    files = [Path(entry.path) for entry in entries(path) if not is_hidden(entry.name)]
    tables = [file for file in files if file.suffix.lower() in (".csv", ".tsv")]
    shards = [file for file in files if file.suffix.lower() == ".tar"]
    if shards and not tables:
        return CaptionShards(shards)
    if len(tables) == 1 and not shards:
        return CaptionTable(tables[0])
    found = ", ".join(file.name for file in [*tables, *shards][:3]) or "neither"
    raise InputError(
        f"{path}: it should hold one table of captions (.csv, .tsv) or shards (.tar), and holds {found}; "
        "leave one kind in it"
    )


class CaptionTable(NamedImages):
    """Images in the order of a table, with the attribute `caption`.

    The columns are image (or filepath), caption (or title) and, where there is one, class; commas or tabs separate
    them. Paths are relative to the table's folder.

    Raises:
        InputError: names the line of the table with a repeated image, no caption or no class; an absent column.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.table = read_csv_table(path, what="table of captions", separators="\t,")
        if not len(self.table):
            raise InputError(f"{path}: it names no image; write a row for each")
        image, caption = self._column(IMAGE_COLUMNS), self._column(CAPTION_COLUMNS)
        self.captions = [text.strip() for text in self.table.columns[caption]]
        self.table.refuse_first((not text for text in self.captions), "has no caption", image)
        self.class_ids = [ALL] * len(self.table)
        if CLASS_COLUMN in self.table:
            self.class_ids = [composed(name.strip()) for name in self.table.columns[CLASS_COLUMN]]
            self.table.refuse_first((not name for name in self.class_ids), "has no class", image)
        self.find(self.table, image, path.parent)

    def _column(self, choices: Sequence[str]) -> str:
        column = next((choice for choice in choices if choice in self.table), None)
        if column is None:
            columns = ", ".join(self.table.columns)
            raise InputError(
                f"{self.path}: the column {' or '.join(choices)} is missing; it has {columns}; add or rename one"
            )
        return column

    def classes(self) -> "pd.DataFrame":
        """Return class_id and name, both the class's name, ordered by it."""
        return class_table(sorted(set(self.class_ids)))

    def columns(self, row: int) -> dict[str, str | int]:
        """Return the caption."""
        return {"caption": self.captions[row]}

    def told(self, row: int) -> list[str | int]:
        """Return class and caption."""
        return [self.class_ids[row], self.captions[row]]


class CaptionShards(RawCollection):
    """Images of webdataset shards, shards by name, images in the order of the shard, with the attribute `caption`.

    Files of a sample other than its image and its .txt are passed over. Faults are a sample without its one image or
    its caption, and a shard that is truncated or damaged, of which nothing is read.

    Raises:
        InputError: for shards without a sample.
    """

    upright = True

    def __init__(self, shards: list[Path]) -> None:
        self.shards = shards
        self._faults: dict[str, str] = {}
        self.counts = [self._look_through(shard) for shard in shards]
        if not sum(self.counts):
            raise InputError(f"{shards[0]}: no sample in it: it should hold images and their captions, 1.jpg and 1.txt")

    def _look_through(self, shard: Path) -> int:
        """Return how many images a shard counts for; note its faults."""
        try:
            samples = [(sample.image, sample.fault) for sample in _samples(_names(shard))]
        except InputError as error:
            self._faults[str(shard)] = str(error).removeprefix(f"{shard}: ")
            return 1
        self._faults |= {f"{shard}: {image}": fault for image, fault in samples if fault}
        return len(samples)

    def __len__(self) -> int:
        return sum(self.counts)

    def classes(self) -> "pd.DataFrame":
        """Return the one class of all images."""
        return class_table([ALL])

    def fingerprint(self) -> list[str]:
        """Return name, size and time of every shard."""
        return [file_stamp(shard, shard.name) for shard in self.shards if shard.exists()]

    def class_counts(self) -> Counter[str]:
        """Return how many images the one class has."""
        return Counter({ALL: len(self)})

    def faults(self) -> dict[str, str]:
        """Return the samples that lack something, and the shards that cannot be read."""
        return self._faults

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on, named shard/file."""
        for shard, count in zip(self.shards, self.counts, strict=True):
            if start < count:
                yield from islice(self._images(shard), start, None)
            start = max(0, start - count)

    def _images(self, shard: Path) -> Iterator[RawImage]:
        if str(shard) in self._faults:
            yield RawImage(shard.name, ALL, b"", {"caption": ""}, self._faults[str(shard)])
            return
        contents = (
            (path, read_member(shard, path, size, file) if _matters(path) else b"")
            for path, size, file in stream_members(shard)
            if file is not None
        )
        for sample in _samples(contents):
            fault = sample.fault
            try:
                text = " ".join(sample.caption.decode("utf-8").split())
                fault = fault or ("" if text else "it has no caption: its .txt is empty; fill it")
            except UnicodeDecodeError as error:
                text, fault = "", f"its caption is not UTF-8 ({error.reason}): save it as that"
            data = b"" if fault else sample.data
            yield RawImage(f"{shard.stem}/{sample.image}", ALL, data, {"caption": text}, fault)


class Sample(NamedTuple):
    """One sample of a shard: the image's path (or its key, where it has none), the image, the caption, a fault."""

    image: str
    data: bytes
    caption: bytes
    fault: str = ""


def _key(path: str) -> tuple[str, str]:
    """Split a path at the first dot of the file's name, as webdataset does: the sample's key and the rest."""
    name = PurePosixPath(path).name
    stem, _, suffix = name.partition(".")
    return path[: len(path) - len(name)] + stem, suffix.lower()


def _matters(path: str) -> bool:
    """Whether a file of a shard is an image or a caption."""
    suffix = _key(path)[1]
    hidden = any(map(is_hidden, PurePosixPath(path).parts))
    return not hidden and (suffix == "txt" or f".{suffix}" in SUFFIXES)


def _names(shard: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a shard without their contents, passing over those on the disk."""
    next(stream_members(shard), None)  # refuses a tar without its end, which `tarfile` passes over in silence
    with named_faults(shard), tarfile.open(shard, mode="r:") as tar:
        while (member := tar.next()) is not None:
            tar.members.clear()  # type: ignore[attr-defined]
            if member.isreg():
                yield member.name, b""


def _samples(files: Iterable[tuple[str, bytes]]) -> Iterator[Sample]:
    """Group files into samples."""
    for key, members in groupby((file for file in files if _matters(file[0])), lambda file: _key(file[0])[0]):
        kept = list(members)
        captions = [data for path, data in kept if _key(path)[1] == "txt"]
        pictures = [(path, data) for path, data in kept if _key(path)[1] != "txt"]
        if utf8_fault(key):
            yield Sample(shown(key), b"", b"", utf8_fault(key))
        elif len(pictures) != 1:
            fault = f"it has {len(pictures)} images" if pictures else f"its caption {key}.txt has no image"
            yield Sample(key, b"", b"", f"{fault}; a sample is one image and one .txt: mend it")
        elif len(captions) != 1:
            fault = f"it has {len(captions)} captions" if captions else f"it has no caption: no {key}.txt is beside it"
            yield Sample(pictures[0][0], b"", b"", f"{fault}; add or remove one")
        else:
            yield Sample(*pictures[0], captions[0])
