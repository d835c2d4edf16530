"""Reading tar archives as streams and unpacking them safely.

Only plain files and folders are accepted. The data sets read here hold nothing else, and refusing every link also
refuses the tricks with links that have passed the standard library's own `data` filter (CVE-2025-4517).
"""

import gzip
import os
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import full_disk_named

GZIP_MAGIC = b"\x1f\x8b"
COPY_BYTES = 1 << 20
DAMAGE = (tarfile.ReadError, tarfile.HeaderError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile)


@contextmanager
def named_faults(archive: str | Path) -> Iterator[None]:
    """Turn what the decoders say about a missing, truncated or damaged archive into an InputError that names it."""
    try:
        yield
    except FileNotFoundError as error:
        if error.filename is None or Path(error.filename) != Path(archive):
            raise
        raise InputError(f"{archive}: no such file; run the same command again, which fetches it") from error
    except (EOFError, *DAMAGE) as error:
        raise InputError(
            f"{archive}: the archive is truncated or damaged ({error}): fetch it again and check its checksum"
        ) from error


def member_path(archive: str | Path, name: str) -> PurePosixPath:
    """Return the relative path of an archive's member, without `.` parts.

    Raises:
        InputError: for an absolute path, a path with `..`, or an empty one.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise InputError(f"{archive}: member {name!r} points outside the archive: do not use this archive")
    return path


def stream_members(archive: str | Path) -> Iterator[tuple[str, int, BinaryIO | None]]:
    """Yield (path, size in bytes, opened file) of every member of a tar or tar.gz in the archive's own order.

    The file is None for a folder and may be read only until the next member is asked for. A gzip checksum is checked
    when the last member has been passed.

    Raises:
        InputError: for a missing, truncated or damaged archive, a path that leaves it, a link or a device file.
    """
    with named_faults(archive), open(archive, "rb") as raw:
        compressed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        if not compressed:
            _require_end(archive, raw)
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if compressed else raw
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            while (member := tar.next()) is not None:
                # A TarFile remembers all it has read: some 700 MB for the 675,000 members of iNaturalist.
                tar.members.clear()  # type: ignore[attr-defined]
                path = str(member_path(archive, member.name))
                if member.isdir():
                    yield path, 0, None
                elif member.isreg():
                    yield path, member.size, cast(BinaryIO, tar.extractfile(member))
                else:
                    raise InputError(
                        f"{archive}: member {member.name!r} is a link or a device, not a plain file: "
                        "do not use this archive"
                    )
        while stream.read(COPY_BYTES):
            pass


def _require_end(archive: str | Path, raw: BinaryIO) -> None:
    """Refuse a tar without the block of zeros that ends one: tarfile takes a cut between two members for the end."""
    size = raw.seek(0, os.SEEK_END)
    raw.seek(max(0, size - tarfile.BLOCKSIZE))
    last_block = raw.read()
    raw.seek(0)
    if size % tarfile.BLOCKSIZE or last_block.strip(b"\0"):
        raise EOFError("it does not end with a block of zeros")


def read_member(archive: str | Path, path: str, size: int, file: BinaryIO) -> bytes:
    """Return all bytes of a streamed member; raises InputError where the archive ends before them."""
    with named_faults(archive):
        data = file.read()
    if len(data) != size:
        raise InputError(f"{archive}: the archive is truncated inside {path}: fetch it again and check its checksum")
    return data


def unpack(archive: str | Path, target: str | Path, expected: Sequence[str] = ()) -> None:
    """Unpack a tar or tar.gz into the folder `target`, which appears whole or not at all.

    The files are written to a hidden folder beside `target`, which then takes its name and replaces what stood there.
    `expected` names files or folders that must lie at the top of the target; when they lie inside the one folder that
    the archive holds at its top, that folder becomes the target.

    Raises:
        InputError: for what `stream_members` refuses, for a missing expected name, and for a full disk.
    """
    target = Path(target)
    unfinished = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with full_disk_named(target, "nothing half-unpacked is kept"):
            unfinished.mkdir(parents=True)
            for path, size, file in stream_members(archive):
                _write_member(archive, unfinished / path, path, size, file)
            # The files must be on the disk before the folder gets the name that says so.
            os.sync()
        _replace(_top(archive, unfinished, expected), target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_member(archive: str | Path, place: Path, path: str, size: int, file: BinaryIO | None) -> None:
    if file is None:
        place.mkdir(parents=True, exist_ok=True)
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "wb") as copy:
        with named_faults(archive):
            shutil.copyfileobj(file, copy, COPY_BYTES)
        written = copy.tell()
    if written != size:
        raise InputError(f"{archive}: the archive is truncated inside {path}: fetch it again and check its checksum")


def _top(archive: str | Path, folder: Path, expected: Sequence[str]) -> Path:
    """Return the folder that holds all expected names: `folder` or the only folder in it."""
    inside = list(folder.iterdir())
    for candidate in (folder, *(inside if len(inside) == 1 and inside[0].is_dir() else ())):
        missing = [name for name in expected if not (candidate / name).exists()]
        if not missing:
            return candidate
    raise InputError(f"{archive}: the archive lacks {', '.join(missing)}: is it the right one?")


def _replace(folder: Path, target: Path) -> None:
    """Give `folder` the name `target`; a folder that had the name goes."""
    former = target.with_name(f".{target.name}.former")
    shutil.rmtree(former, ignore_errors=True)
    if target.exists():
        target.rename(former)
    folder.rename(target)
    shutil.rmtree(former, ignore_errors=True)
