"""What studies share: stores, distributions and pre-trained networks of equal recipes are made once.

With the key `shared` of the configuration, what these rules make lies in that folder, under the digest of all that it
depends on, and a study's own file is a link to it. A study that finds the digest there makes the link alone. Nothing
in the folder changes; without it, what was linked is made again.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pretraining_robustness.files import file_digest

logger = logging.getLogger(__name__)

# Rules whose jobs are shared whole; those of pre-training share each of their networks (`parts.make_parts`).
RULES = frozenset({"build_store", "build_wilds_store", "build_variant_store", "make_distribution"})
RULES |= {"render_fractals", "generate_images", "gather_generated"}
# Files up to this size count by their content; larger ones, such as archives, by name, size and time of change.
READ_BYTES = 256 * 2**20


class Share:
    """The folder that studies share.

    Args:
        folder: of the key `shared`.
        results: where the results of this study are; what is the same below it is the same.
    """

    def __init__(self, folder: str | Path, results: str | Path) -> None:
        self.folder = Path(folder).absolute()
        self.results = str(results)

    def digest(self, told: Any, inputs: Iterable[str | Path]) -> str:
        """Return the digest of what something is made of: all that its maker is told, and its input files."""
        text = json.dumps(told, sort_keys=True, default=str).replace(f"{self.results}/", "<results>/")
        each = [[Path(path).name, self._identity(Path(path))] for path in inputs]
        return hashlib.sha256(json.dumps([text, each]).encode()).hexdigest()[:32]

    def take(self, digest: str, outputs: Sequence[str | Path]) -> bool:
        """Make the outputs links to what is shared; return False where there is nothing of this digest."""
        if not (self.folder / digest).is_dir():
            return False
        self._link(digest, outputs)
        logger.info("taken from %s, where it was made", self.folder / digest)
        return True

    def _link(self, digest: str, outputs: Sequence[str | Path]) -> None:
        for shared, output in zip(self._files(self.folder / digest, outputs), map(Path, outputs), strict=True):
            output.parent.mkdir(parents=True, exist_ok=True)
            link = output.with_name(f".{output.name}.{os.getpid()}.part")
            link.symlink_to(shared)
            link.replace(output)

    def give(self, digest: str, outputs: Sequence[str | Path]) -> None:
        """Share finished outputs: they become links."""
        part = self.folder / f".{digest}.{os.getpid()}"
        part.mkdir(parents=True)
        try:
            for shared, output in zip(self._files(part, outputs), outputs, strict=True):
                try:
                    os.link(output, shared)
                except OSError:  # another file system
                    shutil.copyfile(output, shared)
            if not (self.folder / digest).exists():  # another study may have been as fast
                part.rename(self.folder / digest)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        self._link(digest, outputs)

    def _files(self, folder: Path, outputs: Sequence[str | Path]) -> list[Path]:
        return [folder / f"{number}_{Path(output).name}" for number, output in enumerate(outputs)]

    def _identity(self, path: Path) -> Any:
        real = path.resolve()
        if real.is_relative_to(self.folder):
            return str(real.relative_to(self.folder))
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            return [[str(file.relative_to(path)), file.stat().st_size, file.stat().st_mtime_ns] for file in files]
        state = path.stat()
        return file_digest(path) if state.st_size <= READ_BYTES else [state.st_size, state.st_mtime_ns]


def share_of(snakemake: Any) -> Share | None:
    """Return the folder that a job's study shares; None where it shares nothing."""
    folder = snakemake.config.get("shared")
    results = (snakemake.config.get("pathvars") or {}).get("results", "results")
    return None if folder is None else Share(folder, results)
