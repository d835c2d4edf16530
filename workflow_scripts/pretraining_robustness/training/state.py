"""The private state of a training: written after every epoch, read by the next attempt, removed at the end.

It is not a declared output, because Snakemake deletes those of a failed job.
"""

import io
import logging
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch

from pretraining_robustness.files import atomic_path, publish

logger = logging.getLogger(__name__)

# An epoch of a small set takes a second on a GPU, and so does writing the state.
SAVE_EVERY_SECONDS = 180


class TrainingState:
    """A folder with the last epoch's complete state and the finished checkpoints, valid for one stamp only."""

    def __init__(self, folder: str | Path, stamp: str) -> None:
        self.folder = Path(folder)
        self.stamp = stamp
        self.latest = self.folder / "latest.pt"

    def checkpoint(self, epoch: int) -> Path:
        """Return the path of the private copy of the checkpoint of `epoch` (from 1)."""
        return self.folder / f"epoch_{epoch}.safetensors"

    def load(self, device: torch.device) -> dict[str, Any] | None:
        """Return the last saved values, or None if there are none or they belong to another training."""
        if not self.latest.exists():
            return None
        try:
            saved = torch.load(self.latest, map_location=device, weights_only=True)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
            logger.warning("%s is not readable (%s): starting from the first epoch", self.latest, error)
            return None
        if not isinstance(saved, dict) or saved.get("stamp") != self.stamp:
            logger.info("%s belongs to another training: starting from the first epoch", self.latest)
            return None
        return saved["values"]

    def save(self, values: dict[str, Any]) -> None:
        """Replace the state by `values`: tensors, numbers, strings, lists and dicts of them."""
        content = io.BytesIO()
        torch.save({"stamp": self.stamp, "values": values}, content)
        with atomic_path(self.latest) as temporary:
            temporary.write_bytes(content.getbuffer())  # Python's own write reports a full disk as such

    def publish(self, epoch: int, path: str | Path) -> None:
        """Make the checkpoint of `epoch` appear at `path` in one step."""
        publish(self.checkpoint(epoch), path)

    def clear(self) -> None:
        """Remove the folder; the state goes first, so that a half-removed folder is never resumed from."""
        self.latest.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
