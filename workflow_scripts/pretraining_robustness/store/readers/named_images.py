"""Collections whose images are files in folders: found in the folders, or named by a table."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from pretraining_robustness.csv_tables import CsvTable
from pretraining_robustness.store.readers.folders import FoundImage, find_images, look_at
from pretraining_robustness.store.readers.raw import RawCollection, RawImage


class FolderImages(RawCollection):
    """Image files in folders, in the order of `files`.

    Attributes:
        files: of all images.
        class_ids: of all images.
    """

    upright = True
    files: list[FoundImage]
    class_ids: list[str]

    def place(self, row: int) -> tuple[str, str]:
        """Return the folder that an image's path is relative to, and what precedes its name in the store."""
        raise NotImplementedError

    def columns(self, row: int) -> dict[str, str | int]:
        """Return the further columns of an image."""
        return {}

    def told(self, row: int) -> list[str | int]:
        """Return what decides an image's row of the store besides its file and its place."""
        return []

    def __len__(self) -> int:
        return len(self.files)

    def records(self) -> list[str]:
        """Return of every image its name, size and time, and what is told of it."""
        told = (self.told(row) for row in range(len(self)))
        return [
            f"{self.place(row)[1]}{file.record}{f' {rest}' if rest else ''}"
            for row, (file, rest) in enumerate(zip(self.files, told, strict=True))
        ]

    def class_counts(self) -> Counter[str]:
        """Return how many images each class has."""
        return Counter(self.class_ids)

    def faults(self) -> dict[str, str]:
        """Return dangling links and non-files with image names, by path."""
        return {f"{self.place(row)[0]}/{file.path}": file.fault for row, file in enumerate(self.files) if file.fault}

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on; a file that cannot be read is a fault of its image."""
        for row in range(start, len(self)):
            (folder, before), file = self.place(row), self.files[row]
            data, fault = b"", file.fault
            if not fault:
                try:
                    data = Path(folder, file.path).read_bytes()
                except OSError as error:
                    fault = f"the file cannot be read ({error.strerror}): mend or remove it"
            yield RawImage(f"{before}{file.image}", self.class_ids[row], data, self.columns(row), fault)


class NamedImages(FolderImages):
    """The image files that a column of a table names, relative to a folder.

    A name may have been written on Windows (a\\b.jpg) or in other Unicode forms than the file system's. A row whose
    file is missing has that as its fault.
    """

    def find(
        self, table: CsvTable, column: str, folder: Path, place: Callable[[str], PurePosixPath] = PurePosixPath
    ) -> None:
        """Find the file of every row.

        Args:
            table: the table.
            column: its column with the files' names.
            folder: what they are relative to.
            place: where the file of a name lies below the folder.

        Raises:
            InputError: names the line of the table with an empty name, one that leaves the folder, or one that occurs
                for the second time, however it is written.
        """
        self.table, self.folder, self.files = table, folder, []
        first: dict[str, int] = {}
        for row, name in enumerate(table.columns[column]):
            if not name.strip():
                table.refuse(row, f"{column} is empty")
            written = PurePosixPath(name)
            if written.is_absolute() or ".." in written.parts:
                table.refuse(row, f"{column} {name!r} leaves the folder: give it relative to the folder")
            nothing = f"line {table.lines[row]} of {table.path.name} names it, but no such file is there: correct it"
            found = _find(os.fspath(folder), place, name) or FoundImage(str(place(name)), 0, 0, nothing)
            before = first.setdefault(found.image, row)
            if before != row:
                table.refuse(row, f"{column} {name!r} occurs for the second time, first on line {table.lines[before]}")
            self.files.append(found)

    def place(self, row: int) -> tuple[str, str]:
        """Return the table's folder; images are named relative to it."""
        return os.fspath(self.folder), ""

    def passed_over(self) -> Counter[str]:
        """Return how many files of the folder the table does not name, by what they are."""
        passed_over: Counter[str] = Counter()
        named = {found.path for found in self.files}
        unnamed = sum(1 for found in find_images(self.folder, passed_over) if found.path not in named)
        if unnamed:
            passed_over[f"images that {self.table.path.name} does not name"] = unnamed
        return passed_over - Counter({f"files of {self.table.path.suffix.lower()}": 1})


def _find(top: str, place: Callable[[str], PurePosixPath], name: str) -> FoundImage | None:
    path = str(place(name))
    found = look_at(f"{top}/{path}", path)
    if found is None:
        others = {str(place(name.replace("\\", "/")))}
        others |= {unicodedata.normalize(form, other) for form in ("NFC", "NFD") for other in others}
        for other in sorted(others - {path}):
            found = found or look_at(f"{top}/{other}", other)
    return found
