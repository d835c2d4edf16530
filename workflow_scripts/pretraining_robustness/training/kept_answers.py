"""What an interrupted prediction has answered so far: each pass over images goes on at the image where it stopped.

As with a training's state, Snakemake does not know these files and so does not delete them.
"""

import hashlib
import shutil
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from pretraining_robustness.files import atomic_path
from pretraining_robustness.training.state import SAVE_EVERY_SECONDS


class KeptAnswers:
    """The answers of one pass in a folder, a file per save; those of other passes lie beside them.

    Args:
        folder: of a job's answers; None to keep nothing.
        names: of the pass: everything that its answers depend on.
    """

    def __init__(self, folder: str | Path | None, *names: str) -> None:
        self._folder = None if folder is None else Path(folder)
        self._names = names
        self._clock = {"saved": time.monotonic()}  # that of the whole job
        self._waiting: dict[Path, np.ndarray] = {}

    def of(self, *names: str) -> "KeptAnswers":
        """Return those of another pass of the same job."""
        other = KeptAnswers(self._folder, *self._names, *names)
        other._clock, other._waiting = self._clock, self._waiting
        return other

    def load(self, images: int) -> list[np.ndarray]:
        """Return the answers to the first images of the pass, (states, m, ...) each, at most `images` in all."""
        chunks: list[np.ndarray] = []
        first = 0
        while first < images and self._folder is not None and (path := self._path(first)).exists():
            try:
                chunk = np.load(path, allow_pickle=False)
            except (OSError, ValueError, EOFError):  # damaged; predicted again
                break
            chunks.append(chunk)
            first += chunk.shape[1]
        return chunks

    def due(self) -> bool:
        """Whether enough time has passed since the last save."""
        return self._folder is not None and time.monotonic() - self._clock["saved"] >= SAVE_EVERY_SECONDS

    def add(self, first: int, answers: np.ndarray) -> np.ndarray:
        """Take answers (states, m, ...) from the image at `first` on, and return them; saved when that is due."""
        if self._folder is not None:
            self._waiting[self._path(first)] = answers
        if self.due():
            for path, waiting in self._waiting.items():
                with atomic_path(path) as temporary, open(temporary, "wb") as file:
                    np.save(file, waiting, allow_pickle=False)
            self._waiting.clear()
            self._clock["saved"] = time.monotonic()
        return answers

    def clear(self) -> None:
        """Remove the folder of the job's answers, and the one that it is in where nothing else is there."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            with suppress(OSError):
                self._folder.parent.rmdir()

    def _path(self, first: int) -> Path:
        assert self._folder is not None
        digest = hashlib.sha256("\n".join(self._names).encode()).hexdigest()[:16]
        return self._folder / digest / f"{first}.npy"
