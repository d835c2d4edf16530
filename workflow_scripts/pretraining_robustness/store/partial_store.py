"""An image array that grows by appending, survives a killed job and remembers what has been done.

Two files in a folder of their own: the array, and a journal with one line of JSON for each image that has been dealt
with. An image counts once its line is in the journal, and its line is written after its pixels are on the disk.
"""

import io
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from pretraining_robustness.files import full_disk_named, publish

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """What became of one image: `length` bytes of the array, or none and the reason why it does not decode.

    `digest` is of the image's file, `record` of all that decides this entry, where the collection tells that.
    """

    image: str
    class_id: str
    attributes: dict[str, Any]
    length: int
    undecodable: str | None = None
    digest: str = ""
    record: str = ""


def npy_header(shape: tuple[int, ...]) -> bytes:
    """Return the header of a .npy file of uint8; it is padded, so that the first entry may grow in place."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return file.getvalue()


class PartialStore:
    """The array and the journal of a store in the making.

    Args:
        folder: where both lie; begun anew when it belongs to another request.
        request: digest of everything that decides the store's bytes, but for what `records` tells.
        reserve: bytes to leave free at the beginning of the array, for its header.
        records: what decides the entry of each image; from the first that another one decided they are made again.
    """

    def __init__(self, folder: str | Path, request: str, reserve: int, records: Sequence[str] = ()) -> None:
        self.folder = Path(folder)
        self.array = self.folder / "images"
        self.journal = self.folder / "journal.jsonl"
        self.request = request
        self.reserve = reserve
        self.records = records
        self.entries = self._resume()
        self._waiting: list[Entry] = []

    def __enter__(self) -> Self:
        with full_disk_named(self.folder, "nothing was begun"):
            if not self.entries:
                self._begin()
            self._truncate_array()
            self._array_file = open(self.array, "ab")
            self._journal_file = open(self.journal, "a", encoding="utf-8")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is still in a buffer of a file on a full disk cannot be written; the journal does not count it.
        for file in (self._array_file, self._journal_file):
            try:
                file.close()
            except OSError:
                if error is None:
                    raise

    def append(self, entry: Entry, data: bytes | memoryview) -> None:
        """Append the bytes of one image; it counts after the next `commit`."""
        with full_disk_named(self.array, f"the {len(self.entries):,} images done are kept"):
            self._array_file.write(data)
        self._waiting.append(entry)

    def commit(self) -> None:
        """Bring everything appended so far to the disk."""
        with full_disk_named(self.array, f"the {len(self.entries):,} images done are kept"):
            self._array_file.flush()
            os.fsync(self._array_file.fileno())
            self._journal_file.writelines(json.dumps(vars(entry)) + "\n" for entry in self._waiting)
            self._journal_file.flush()
        self.entries += self._waiting
        self._waiting = []

    def publish(self, shape: tuple[int, ...], images: str | Path) -> None:
        """Write the finished array's header and make the array appear at `images`; the folder keeps it too."""
        header = npy_header(shape)
        if len(header) != self.reserve:
            raise AssertionError(f"the header of {shape} takes {len(header)} bytes, {self.reserve} were reserved")
        with full_disk_named(images, f"the {len(self.entries):,} images done are kept"):
            with open(self.array, "r+b") as file:
                file.write(header)
            publish(self.array, images)

    def _resume(self) -> list[Entry]:
        """Return the entries of an earlier job with the same request; none when there are none."""
        if not (self.journal.exists() and self.array.exists()):
            return []
        lines = self.journal.read_text(encoding="utf-8").splitlines(keepends=True)
        if not lines or lines[0] != self._first_line():
            logger.info("%s: holds another request's work, which is discarded", self.folder)
            return []
        # A killed job may leave its last line unfinished.
        entries = [Entry(**json.loads(line)) for line in lines[1:] if line.endswith("\n")]
        if self._end(entries) > self.array.stat().st_size:
            logger.warning("%s: the array is shorter than its journal says and is made again", self.folder)
            return []
        if self.records:
            pairs = zip(entries, self.records, strict=False)
            known = sum(1 for _ in takewhile(lambda pair: pair[0].record == pair[1], pairs))
            if known < len(entries):
                logger.info("%s: after %d images the collection has changed", self.folder, known)
            entries = entries[:known]
        logger.info("%s: continuing after %d images", self.folder, len(entries))
        return entries

    def _begin(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for path in (self.journal, self.array):  # new files: the array may be linked to one that is published
            path.unlink(missing_ok=True)
        self.array.write_bytes(b"\0" * self.reserve)
        self.journal.write_text(self._first_line(), encoding="utf-8")

    def _truncate_array(self) -> None:
        """Cut off what was appended and never committed or is to be made again, in both files."""
        os.truncate(self.array, self._end(self.entries))
        with open(self.journal, "r+b") as file:
            for _ in range(1 + len(self.entries)):
                file.readline()
            file.truncate(file.tell())

    def _end(self, entries: list[Entry]) -> int:
        return self.reserve + sum(entry.length for entry in entries)

    def _first_line(self) -> str:
        return json.dumps({"request": self.request}) + "\n"
