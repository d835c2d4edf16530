"""One graphics card per job, by a lock file per card. Import nothing of torch before the lease."""

import fcntl
import logging
import os
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

# SLURM names the cards of a job in one of these and confines the job to them.
SLURM_VARIABLES = ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS")
POLL_SECONDS = 0.5

_held: list[int] = []


def visible_cards(devices: Path = Path("/dev")) -> list[str]:
    """Return the identifiers of the cards this process may use: CUDA_VISIBLE_DEVICES where it is set, else all."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [card.strip() for card in chosen.split(",") if card.strip() not in ("", "-1", "NoDevFiles")]
    count = sum(re.fullmatch(r"nvidia\d+", entry.name) is not None for entry in devices.glob("nvidia*"))
    return [str(number) for number in range(count)]


def lease_card(cards: Sequence[str] | None = None, folder: Path | None = None) -> str | None:
    """Take one card for the life of this process, waiting until one is free, and make it the only visible one.

    Snakemake never sets CUDA_VISIBLE_DEVICES, so jobs that run side by side share out the cards here: an exclusive lock
    on one file per card, which the kernel drops when the process ends, however it ends. Under SLURM the job has its
    cards already and nothing is locked. Returns the card, or None where there is nothing to share out.
    `cards` and `folder` (of the lock files) are for tests.
    """
    if any(os.environ.get(name) for name in SLURM_VARIABLES):
        return None
    cards = visible_cards() if cards is None else cards
    if not cards:
        return None
    folder = folder or Path(tempfile.gettempdir()) / "pretraining_robustness_gpu_lease"
    folder.mkdir(parents=True, exist_ok=True)
    waiting = False
    while True:
        for card in cards:
            if _lock(folder / re.sub(r"[^\w.-]", "_", card)):
                os.environ["CUDA_VISIBLE_DEVICES"] = card
                logger.info("holding graphics card %s", card)
                return card
        if not waiting:
            logger.info("waiting for one of %d graphics cards", len(cards))
            waiting = True
        time.sleep(POLL_SECONDS)


def _lock(path: Path) -> bool:
    # Read-only suffices for flock and works on a file that another user made.
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    _held.append(descriptor)  # never closed: the lock is held until the process ends
    return True
