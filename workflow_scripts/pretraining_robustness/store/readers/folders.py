"""The one policy for files in folders: what is an image, what is passed over and counted, what is a fault.

- Hidden files and folders (a name that begins with a dot, so also macOS's `._1.jpg`) and those that systems leave
  behind (`SYSTEM`) are passed over. So are files without the suffix of an image.
- Folders are searched to any depth, in the order of torchvision's ImageFolder; links are followed, but not to a folder
  that they lie in.
- A link that leads nowhere where an image or a folder may have been, an image's name on what is no file, an empty file,
  a format of photographs that is not read (`UNREAD`) and a name that is not UTF-8 are faults of that image. A class's
  name must be UTF-8.
- Names of classes and images are composed (NFC), whatever the file system makes of them.
"""

import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pretraining_robustness.errors import InputError

# What torchvision's ImageFolder takes for an image, GIF, AVIF, and two more names of JPEG.
SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp", ".gif", ".avif", ".jfif", ".jpe"}
)
# Photographs that Pillow does not read: faults, since nobody wants them left out in silence.
UNREAD = frozenset({".heic", ".heif", ".jxl", ".dng", ".cr2", ".nef", ".arw"})
SYSTEM = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"}  # Windows
    | {"__macosx", "icon\r", "network trash folder", "temporary items"}  # macOS
    | {"@eadir", "#recycle", "#snapshot", "@recycle", "@recently-snapshot", "~snapshot"}  # network drives
    | {"lost+found", "__pycache__"}
)
HIDDEN = "hidden and system files"
LEADS_BACK = "links to a folder above them"
NOT_UTF_8 = "the name is not UTF-8: rename it (convmv -r -f latin1 -t utf8 --notest FOLDER does it for all)"


class FoundImage(NamedTuple):
    """An image file of a folder: its path below the folder, size and time in ns, and what is wrong with it."""

    path: str
    size: int
    time: int
    fault: str = ""

    @property
    def image(self) -> str:
        """The name that it goes by in the store."""
        return composed(self.path)

    @property
    def record(self) -> str:
        """All that changes when the file does."""
        return f"{self.image} {self.size} {self.time} {self.fault}"


def composed(name: str) -> str:
    """Return a name in composed letters (NFC): macOS hands out decomposed ones."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def is_hidden(name: str) -> bool:
    """Whether a name is hidden or one that a system leaves behind."""
    return name.startswith(".") or name.lower() in SYSTEM


def entries(folder: str | Path) -> list["os.DirEntry[str]"]:
    """Return what is in a folder, by name.

    Raises:
        InputError: for a folder that is missing or cannot be opened.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: composed(entry.name))
    except OSError as error:
        raise InputError(
            f"{folder}: the folder cannot be opened ({error.strerror}); correct its path or rights"
        ) from None


def class_folders(folder: str | Path, passed_over: Counter[str]) -> dict[str, str]:
    """Return the folders in a folder, in the order of their names: the path of each by its composed name.

    What else lies there is counted in `passed_over`.

    Raises:
        InputError: for a name that is not UTF-8, two of the same letters, or a link that leads nowhere.
    """
    found: dict[str, str] = {}
    for entry in entries(folder):
        if is_hidden(entry.name):
            passed_over[HIDDEN] += 1
        elif _is_folder(entry):
            if not _is_utf8(entry.name):
                raise InputError(f"{shown(entry.path)}: {NOT_UTF_8}")
            name = composed(entry.name)
            if name in found:
                raise InputError(f"{entry.path}: another folder has the same name in other Unicode forms; join the two")
            found[name] = entry.path
        elif is_image(entry.name):
            passed_over["images beside the class folders"] += 1
        elif entry.is_symlink() and not Path(entry.path).exists():
            raise InputError(f"{entry.path}: the link leads nowhere; mend or remove it")
        else:
            passed_over[_kind(entry.name)] += 1
    return dict(sorted(found.items()))


def find_images(folder: str | Path, passed_over: Counter[str]) -> list[FoundImage]:
    """Return the image files in a folder and the folders in it, in the order of torchvision's ImageFolder.

    That is by folder, as a text, and in each by name. What is no image is counted in `passed_over`.

    Raises:
        InputError: for a folder that cannot be opened.
    """
    top = os.fspath(folder)
    by_folder = sorted(_search(top, len(top.rstrip(os.sep)) + 1, passed_over, ()))
    images = [image for _, inside in by_folder for image in inside]
    paths = {image.image: image.path for image in reversed(images)}
    twice = "another file has the same name in other Unicode forms: rename or remove one"
    return [image if paths[image.image] == image.path else image._replace(fault=twice) for image in images]


def _search(
    folder: str, skip: int, passed_over: Counter[str], above: tuple[tuple[int, int], ...]
) -> Iterator[tuple[str, list[FoundImage]]]:
    """Yield the images of a folder and of each folder in it, by the folder's composed path."""
    status = Path(folder).stat()
    place = (status.st_dev, status.st_ino)
    if place in above:
        passed_over[LEADS_BACK] += 1
        return
    images = []
    for entry in entries(folder):
        name = entry.name
        if is_hidden(name):
            passed_over[HIDDEN] += 1
        elif _is_folder(entry):
            yield from _search(entry.path, skip, passed_over, (*above, place))
        elif is_image(name) or _may_have_been_folder(entry):
            images.append(_look_at(entry.path, entry.path[skip:], entry))
        else:
            passed_over[_kind(name)] += 1
    yield composed(folder), images


def look_at(path: str, name: str) -> FoundImage | None:
    """Return the image file at `path` as the image `name`, or None when there is nothing of that name."""
    try:
        os.lstat(path)
    except OSError:
        return None
    return _look_at(path, name, None)


def _look_at(path: str, name: str, entry: "os.DirEntry[str] | None") -> FoundImage:
    if not _is_utf8(name):
        return FoundImage(shown(name), 0, 0, NOT_UTF_8)
    try:
        status = os.stat(path) if entry is None else entry.stat()  # noqa: PTH116
    except OSError as error:
        link = Path(path)
        where = f"the link leads to {link.readlink()}, where nothing is" if link.is_symlink() else error.strerror
        fault = f"{where}: mend or remove it"
        return FoundImage(name, 0, 0, fault)
    fault = ""
    if not stat.S_ISREG(status.st_mode):
        fault = "it has an image's name and is no file: rename or remove it"
    elif not status.st_size:
        fault = "the file is empty: fetch or remove it"
    elif _suffix(name) in UNREAD:
        fault = f"{_suffix(name)} files are not read: save it as PNG or JPEG"
    return FoundImage(name, status.st_size, status.st_mtime_ns, fault)


def is_image(name: str) -> bool:
    """Whether a file's name ends as an image's does."""
    return _suffix(name) in SUFFIXES | UNREAD


def _suffix(name: str) -> str:
    stem, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() if stem else ""


def utf8_fault(name: str) -> str:
    """Return what is wrong with a name whose letters are not UTF-8, or nothing."""
    return "" if _is_utf8(name) else NOT_UTF_8


def shown(name: str) -> str:
    """Return a name with what is not UTF-8 in it escaped."""
    return os.fsencode(name).decode("utf-8", errors="backslashreplace")


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _may_have_been_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether a link leads nowhere and has, as folders mostly do, no suffix."""
    return entry.is_symlink() and not Path(entry.name).suffix and not os.path.exists(entry.path)  # noqa: PTH110


def _kind(name: str) -> str:
    suffix = Path(name).suffix.lower()
    return f"files of {suffix}" if suffix else "files without a suffix"
