"""Downloads that continue where they were cut off and get their name only after their checksum is right."""

import logging
import time
from pathlib import Path

import requests
import urllib3

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import GIGABYTE, file_digest, full_disk_named, require_space
from pretraining_robustness.progress import Progress

logger = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
ATTEMPTS_WITHOUT_PROGRESS = 5
# Answers that a later attempt may change: request timeout, too many requests, and the server's own faults.
PASSING_STATUS = frozenset({408, 429, 500, 502, 503, 504})


class _InterruptedError(Exception):
    """The connection failed in a way that another attempt may mend."""


def check_file(path: str | Path, md5: str | None = None, sha256: str | None = None) -> str | None:
    """Return None when the file has the checksums that are given, else one line with the expected and the found one."""
    for algorithm, expected in (("sha256", sha256), ("md5", md5)):
        if expected is not None:
            found = file_digest(path, algorithm)
            if found != expected.lower():
                return f"{algorithm} is {found} where {expected} was expected"
    return None


def download(
    url: str,
    path: str | Path,
    md5: str | None = None,
    sha256: str | None = None,
    size: int | None = None,
    attempts: int = ATTEMPTS_WITHOUT_PROGRESS,
    wait: float = 1.0,
) -> None:
    """Download `url` to `path` (HTTP or HTTPS), continuing the file `path`.part of an earlier attempt.

    Args:
        url: where the file lies.
        path: what it is to be called; the name is given only after the checksums are right.
        md5: expected digest, hexadecimal; not checked when None.
        sha256: expected digest, hexadecimal; not checked when None.
        size: expected size in bytes; another size is refused before anything is fetched; not checked when None.
        attempts: how often in a row an attempt may end without one new byte.
        wait: seconds before the second attempt; doubled before each further one, at most 60.

    Raises:
        InputError: for an address that does not exist or cannot be reached, another size or checksum than expected (the
            part is removed), and a full disk (the part is kept).
    """
    path = Path(path)
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    failures = 0
    while True:
        before = _size(part)
        try:
            _fetch(url, part, size)
            break
        except (_InterruptedError, requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failures = 1 if _size(part) > before else failures + 1
            if failures >= attempts:
                raise InputError(
                    f"{url}: the download was cut off {failures} times in a row ({_reason(error)}); "
                    f"{_size(part):,} bytes are kept in {part}: run the same command again to continue"
                ) from error
            pause = min(wait * 2 ** (failures - 1), 60)
            logger.warning("%s: %s; trying again in %.0f s", url, _reason(error), pause)
            time.sleep(pause)
    fault = check_file(part, md5=md5, sha256=sha256)
    if fault is not None:
        part.unlink()
        raise InputError(
            f"{path}: {fault}; the download from {url} is removed: run again, and if it fails again fetch it by hand"
        )
    part.replace(path)


def _fetch(url: str, part: Path, size: int | None) -> None:
    """Make one attempt to bring `part` to its full length."""
    start = _size(part)
    # Without `identity`, a server may send the bytes compressed once more, and their positions would not count.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        if response.status_code == 416:  # nothing lies after `start`: the part is whole, or is of another file
            if _total(response, 0) == start:
                return
            part.unlink()
            raise _InterruptedError(f"{part} does not fit the file on the server and is started again")
        if response.status_code in PASSING_STATUS:
            raise _InterruptedError(f"the server answers {response.status_code}")
        if response.status_code not in (200, 206):
            raise InputError(
                f"{url}: the server answers {response.status_code} {response.reason}: is the address right?"
            )
        if response.status_code == 200:
            start = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            part.unlink()
            raise _InterruptedError("the server sent another range than was asked for")
        total = _total(response, start)
        if size is not None and total is not None and total != size:
            part.unlink(missing_ok=True)
            raise InputError(
                f"{url}: the server offers {total:,} bytes where {size:,} were expected: is it the right file?"
            )
        if total is not None:
            require_space(part, total - start)
        _save(response, part, start, total)
    if total is not None and _size(part) != total:
        raise _InterruptedError(f"the connection ended after {_size(part):,} of {total:,} bytes")


def _save(response: requests.Response, part: Path, start: int, total: int | None) -> None:
    progress = Progress("GB", None if total is None else total / GIGABYTE, start / GIGABYTE)
    with full_disk_named(part, "what came so far is kept"), open(part, "r+b" if start else "wb") as file:
        file.seek(start)
        for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
            file.write(chunk)
            if progress.due():
                progress.report(file.tell() / GIGABYTE, part.name)


def _total(response: requests.Response, start: int) -> int | None:
    """Return the whole file's length in bytes as the server states it, or None."""
    stated = response.headers.get("Content-Range", "").rpartition("/")[2]
    if stated.isdigit():
        return int(stated)
    length = response.headers.get("Content-Length", "")
    return start + int(length) if length.isdigit() and response.status_code in (200, 206) else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
