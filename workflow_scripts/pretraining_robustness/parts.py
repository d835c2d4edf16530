"""What one job makes: one run or series, or several in turn. Each part holds its own paths.

A job that was interrupted or failed makes only the parts that it had not finished.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretraining_robustness.files import atomic_path, publish
from pretraining_robustness.sharing import Share

logger = logging.getLogger(__name__)

Paths = str | list[str] | dict[str, Any] | None  # None: a file that this part does without


@dataclass(frozen=True)
class Part:
    """One run or series of a job: its files and settings, all of them arguments of the function that makes it.

    `state` is a folder for what an interrupted job keeps. Snakemake does not know it and so does not delete it.
    """

    inputs: Mapping[str, Paths]
    outputs: Mapping[str, Paths]
    settings: Mapping[str, Any]
    state: str

    def arguments(self) -> dict[str, Any]:
        """Return the files and settings as arguments."""
        return {**self.inputs, **self.outputs, **self.settings}


def make_parts(
    parts: Sequence[Mapping[str, Any]], make: Callable[..., None], code: str, share: Share | None = None
) -> None:
    """Call `make` for each part in turn, or take over what an interrupted job or another study finished of it.

    Args:
        parts: `asdict(Part)` each.
        make: takes the part's files and settings by name.
        code: digest of the code; what other code made is not taken over.
        share: what studies share; None for nothing.
    """
    each = [Part(**part) for part in parts]
    several = len(each) > 1
    for number, part in enumerate(each, start=1):
        if several:
            logger.info("part %d of %d: %s", number, len(each), Path(part.state).parent)
        finished = Finished(part, code)
        if several and finished.take_over():
            logger.info("taken over from an interrupted job")
            continue
        if share is not None:
            digest = share.digest([part.settings, code], files_of(part.inputs))
            if not share.take(digest, finished.outputs):
                make(**part.arguments())
                share.give(digest, finished.outputs)
            continue
        make(**part.arguments())
        if several:
            finished.keep()
    for part in each:
        Finished(part, code).clear()


class Finished:
    """The outputs of a finished part of an unfinished job, kept as links below its state."""

    def __init__(self, part: Part, code: str) -> None:
        self.part = part
        self.code = code
        self.folder = Path(part.state, "finished")
        self.stamp = self.folder / "stamp"
        self.outputs = files_of(part.outputs)

    def keep(self) -> None:
        """Keep the outputs until the job has made all its parts."""
        self.clear()
        for number, path in enumerate(self.outputs):
            publish(path, self.folder / str(number))
        with atomic_path(self.stamp) as temporary:
            temporary.write_text(self._stamp(), encoding="utf-8")

    def take_over(self) -> bool:
        """Put the kept outputs in place; return False if there are none of these inputs, settings and code."""
        if not self.stamp.is_file() or self.stamp.read_text(encoding="utf-8") != self._stamp():
            return False
        for number, path in enumerate(self.outputs):
            publish(self.folder / str(number), path)
        return True

    def clear(self) -> None:
        """Remove what is kept, the stamp first, and the state's folder where nothing else is in it."""
        self.stamp.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # there is none, or it holds something else
            self.folder.parent.rmdir()

    def _stamp(self) -> str:
        settings = {**self.part.settings, "outputs": self.outputs, "code": self.code}
        return stamp(files_of(self.part.inputs), **settings)


def files_of(paths: Mapping[str, Paths]) -> list[str]:
    """Return all paths among these values, in their order."""

    def listed(value: Any) -> list[str]:
        if value is None:
            return []
        if isinstance(value, str):
            return [value]
        inner = value.values() if isinstance(value, Mapping) else value
        return [path for one in inner for path in listed(one)]

    return listed(paths)


def stamp(inputs: Iterable[str | Path], **settings: Any) -> str:
    """Return the digest of everything that a result depends on.

    Input files enter by name, size and time of change (stores are too large to read), `settings` as JSON.
    """
    files = [(Path(path).name, Path(path).stat().st_size, Path(path).stat().st_mtime_ns) for path in inputs]
    return hashlib.sha256(json.dumps([files, settings], sort_keys=True).encode()).hexdigest()
