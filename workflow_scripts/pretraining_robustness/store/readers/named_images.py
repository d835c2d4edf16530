"""Image files that a table names: found, each once, by the same policy whatever the table is."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from pretraining_robustness.csv_tables import CsvTable
from pretraining_robustness.store.readers.folders import FoundImage, find_images, look_at
from pretraining_robustness.store.readers.raw import RawImage, read_image


class NamedImages:
    """The image files that a column of a table names, relative to a folder.

    A name may have been written on Windows (a\\b.jpg) or in other Unicode forms than the file system's.

    Args:
        table: the table.
        column: its column with the files' names.
        folder: what they are relative to.
        place: where the file of a name lies below the folder.

    Attributes:
        found: the file of every row; its path is that below the folder. Where no file has the name, that is its fault.

    Raises:
        InputError: names the line of the table with an empty name, one that leaves the folder, or one that occurs for
            the second time, however it is written.
    """

    def __init__(
        self,
        table: CsvTable,
        column: str,
        folder: Path,
        place: Callable[[str], PurePosixPath] = PurePosixPath,
    ) -> None:
        self.folder = folder
        self.table = table.path
        self.found: list[FoundImage] = []
        first: dict[str, int] = {}
        top = os.fspath(folder)
        for row, name in enumerate(table.columns[column]):
            if not name.strip():
                table.refuse(row, f"{column} is empty")
            written = PurePosixPath(name)
            if written.is_absolute() or ".." in written.parts:
                table.refuse(row, f"{column} {name!r} leaves the folder: give it relative to the folder")
            nothing = f"line {table.lines[row]} of {table.path.name} names it, but no such file is there: correct it"
            found = _find(top, place, name) or FoundImage(str(place(name)), 0, 0, nothing)
            before = first.setdefault(found.image, row)
            if before != row:
                table.refuse(row, f"{column} {name!r} occurs for the second time, first on line {table.lines[before]}")
            self.found.append(found)

    def read(self, row: int, class_id: str, attributes: dict[str, str | int]) -> RawImage:
        """Return the image of a row."""
        found = self.found[row]
        return read_image(f"{self.folder}/{found.path}", found.image, class_id, attributes, found.fault)

    def faults(self) -> dict[str, str]:
        """Return the links that lead nowhere and what has an image's name and is no file."""
        return {f"{self.folder / found.path}": found.fault for found in self.found if found.fault}

    def passed_over(self) -> Counter[str]:
        """Return how many files of the folder the table does not name, by what they are."""
        passed_over: Counter[str] = Counter()
        named = {found.path for found in self.found}
        unnamed = sum(1 for found in find_images(self.folder, passed_over) if found.path not in named)
        if unnamed:
            passed_over[f"images that {self.table.name} does not name"] = unnamed
        return passed_over - Counter({f"files of {self.table.suffix.lower()}": 1})


def _find(top: str, place: Callable[[str], PurePosixPath], name: str) -> FoundImage | None:
    path = str(place(name))
    found = look_at(f"{top}/{path}", path)
    if found is None:
        others = {str(place(name.replace("\\", "/")))}
        others |= {unicodedata.normalize(form, other) for form in ("NFC", "NFD") for other in others}
        for other in sorted(others - {path}):
            found = found or look_at(f"{top}/{other}", other)
    return found
