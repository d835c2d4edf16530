"""Atomic writes, one-line errors for a full disk, and digests of files."""

import csv
import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError

# ENOSPC: no space left; EDQUOT: the user's quota is used up; EFBIG: the file outgrows a limit of the file system.
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
GIGABYTE = 1e9


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it replaces `path`, on any error it is removed.

    The parent folder is created if needed. The contents are flushed to disk before the rename. The error of a full
    disk, which names no file, is made to name this one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno in NO_SPACE:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def publish(finished: str | Path, path: str | Path) -> None:
    """Make a finished file appear at `path` too, atomically: as a link, or as a copy where links are not possible.

    Its modification time becomes now, so that it is newer than its inputs.
    """
    with atomic_path(path) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(finished, temporary)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(finished, temporary)
        os.utime(temporary)


def write_rows(path: str | Path, rows: Iterable[Mapping[str, Any]], columns: Iterable[str] | None = None) -> None:
    """Write a CSV file with one line per row; `columns` are by default the keys of the first row."""
    rows = list(rows)
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0] if columns is None else columns), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def file_digest(path: str | Path, algorithm: str = "sha256") -> str:
    """Return the hexadecimal digest of a file's bytes; `algorithm` is a name in hashlib (sha256, md5)."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


@contextmanager
def full_disk_named(path: str | Path, what_is_kept: str) -> Iterator[None]:
    """Turn a full disk inside the block into an InputError that names `path` and `what_is_kept`."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise InputError(
            f"{path}: the disk is full ({error.strerror}); {what_is_kept}; free some space and run again"
        ) from error


def require_space(path: str | Path, needed: int) -> None:
    """Refuse to write `needed` bytes at `path` if its file system has less space.

    Raises:
        InputError: names the path, the bytes needed and the bytes free.
    """
    folder = Path(path).absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise InputError(
            f"{path}: {needed / GIGABYTE:,.2f} GB are needed and the disk has {free / GIGABYTE:,.2f} GB free: "
            "free some space or choose another disk"
        )
