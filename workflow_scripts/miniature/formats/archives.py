"""Tar, gzip and zip files whose bytes depend on their contents alone."""

import gzip
import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pretraining_robustness.files import atomic_path

# Every member carries one fixed time, so that two runs write the same bytes.
_TIME = 1_341_100_800  # 2012-07-01 00:00 UTC
_ZIP_TIME = (2017, 6, 1, 0, 0, 0)


def add_file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Append a regular file to an open tar file."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mtime = _TIME
    tar.addfile(member, io.BytesIO(content))


@contextmanager
def new_tar(path: str | Path) -> Iterator[tarfile.TarFile]:
    """Open a tar file for writing; it appears at `path` only when it is complete."""
    with atomic_path(path) as temporary, tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
        yield tar


@contextmanager
def new_tar_gz(path: str | Path) -> Iterator[tarfile.TarFile]:
    """Open a gzip-compressed tar file for writing; it appears at `path` only when it is complete."""
    with (
        atomic_path(path) as temporary,
        open(temporary, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        yield tar


def write_zip(path: str | Path, contents: dict[str, bytes]) -> None:
    """Write a zip file that holds the named contents."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, _ZIP_TIME), content, zipfile.ZIP_DEFLATED)
