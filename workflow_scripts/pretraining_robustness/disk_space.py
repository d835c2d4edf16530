"""Saying in one line that the disk is full, before the work where the need is known, and during it where it is not."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pretraining_robustness.errors import InputError

# ENOSPC: no space left; EDQUOT: the user's quota is used up; EFBIG: the file outgrows a limit of the file system.
NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
GIGABYTE = 1e9


@contextmanager
def full_disk_named(path: str | Path, what_is_kept: str) -> Iterator[None]:
    """Turn a full disk inside the block into an InputError that names `path` and says what is kept."""
    try:
        yield
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise InputError(
            f"{path}: the disk is full ({error.strerror}); {what_is_kept}; free some space and run again"
        ) from error


def require_space(path: str | Path, needed: int) -> None:
    """Refuse to start writing `needed` bytes at `path` when its file system has fewer free.

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
