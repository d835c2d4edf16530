"""Bringing the raw files of a data set to their place: from a folder where the user put them, or by download."""

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretraining_robustness.acquire.downloads import check_file, download
from pretraining_robustness.errors import InputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RawFile:
    """One file of a data set: its name, its address or several, its checksums (hexadecimal) and its size in bytes."""

    name: str
    url: str | Sequence[str] = ()
    md5: str | None = None
    sha256: str | None = None
    bytes: int | None = None

    @property
    def addresses(self) -> list[str]:
        """Where it can be downloaded, in the order in which that is tried."""
        return [self.url] if isinstance(self.url, str) else list(self.url)

    def describe(self) -> str:
        """Return the name and the checksum that the user can check."""
        checksum = next(
            (f"{key} {value}" for key, value in (("sha256", self.sha256), ("md5", self.md5)) if value), None
        )
        return f"{self.name} ({checksum})" if checksum else self.name


def acquire(
    files: Mapping[str, Mapping[str, Any]],
    outputs: Iterable[str | Path],
    place: str | Path,
    home: str,
    optional: str | None = None,
) -> None:
    """Bring each of `files` to the output path that ends in its name.

    A file in the folder `place` is checked and linked (a hard link, or a symbolic one across file systems). Any other
    file is downloaded when it has a `url`; of several the first that gives the file with its checksum counts. What can
    come neither way is named in one message.

    Args:
        files: by file name, the other keys of `RawFile`.
        outputs: the paths to make; their names are those of the files.
        place: folder where the user puts files that were fetched by hand.
        home: the page that offers the files.
        optional: name of the source that the files are of, if a study may be run without it; messages say so.

    Raises:
        InputError: for files that are missing (all in one message), a wrong checksum, or a download that failed.
    """
    targets = {Path(output).name: Path(output) for output in outputs}
    if set(targets) != set(files):
        raise InputError(
            f"the files of this data set are {', '.join(targets)}, but the config names {', '.join(files)}"
        )
    place = Path(place)
    raw_files = [RawFile(name, **keys) for name, keys in files.items()]
    absent = [file for file in raw_files if not (place / file.name).is_file()]
    by_hand = [file for file in absent if not file.addresses]
    if by_hand:
        raise InputError(f"files are missing: {_ask_for(by_hand, home, place, optional)}")
    for file in raw_files:
        if file in absent:
            _download(file, targets[file.name], home, place, optional)
        else:
            _link(file, place / file.name, targets[file.name])


def _link(file: RawFile, source: Path, target: Path) -> None:
    logger.info("checking %s", source)
    fault = check_file(source, md5=file.md5, sha256=file.sha256)
    if fault is None and file.bytes is not None and source.stat().st_size != file.bytes:
        fault = f"the file has {source.stat().st_size:,} bytes where {file.bytes:,} were expected"
    if fault is not None:
        raise InputError(
            f"{source}: {fault}: fetch the file again, or state the bytes, md5 and sha256 of yours (null: not checked) "
            f"in the study, under downloads.<source>.files.{file.name}"
        )
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system, or one without hard links
        try:
            target.symlink_to(source.resolve())
        except OSError as error:
            raise InputError(
                f"{target}: its disk takes neither hard nor symbolic links ({error.strerror}); move {source} there, or "
                "work on another disk"
            ) from error


def _download(file: RawFile, target: Path, home: str, place: Path, optional: str | None) -> None:
    errors = []
    for address in file.addresses:
        try:
            download(address, target, md5=file.md5, sha256=file.sha256, size=file.bytes)
        except InputError as error:
            logger.warning("%s", error)
            errors.append(str(error))
        else:
            return
    raise InputError(f"{'; '.join(errors)}. Otherwise {_ask_for([file], home, place, optional)}")


def _ask_for(files: list[RawFile], home: str, place: Path, optional: str | None) -> str:
    """Return one line that names the files to fetch by hand, where from and where to."""
    names = ", ".join(file.describe() for file in files)
    asked = f"fetch {names} by hand from {home}, put what you fetched into the folder {place} and run the command again"
    return asked if optional is None else f"{asked}, or add {optional} to left_out to do without it"
