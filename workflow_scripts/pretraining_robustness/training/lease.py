"""One GPU per job, by one lock file per GPU; none for a job that requests none. Must run before torch is imported.

Snakemake never sets CUDA_VISIBLE_DEVICES, so parallel jobs divide the GPUs here, on one machine or within one
allocation of a cluster: an exclusive lock on one file per GPU, which the kernel releases when the process ends, however
it ends.
"""

import fcntl
import logging
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError

logger = logging.getLogger(__name__)

# Variables in which schedulers without CUDA_VISIBLE_DEVICES name the GPUs of a step or job: indices or UUIDs.
SLURM_VARIABLES = ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS")
NO_CARD = ("", "-1", "NoDevFiles", "none")  # their words for none
POLL_SECONDS = 0.5
REMOVE = "when no job is running, remove it, or have its owner do so"
DRIVER = Path("/sys/module/nvidia/version")

_held: list[int] = []


def visible_cards(devices: Path = Path("/dev")) -> list[str]:
    """Return the identifiers of the GPUs this process may use: CUDA_VISIBLE_DEVICES or SLURM's choice, else all.

    "All" are those with a device file or, under WSL2, those that nvidia-smi lists; AMD GPUs are not supported. A GPU
    with MIG instances counts once, and CUDA takes its first instance; to use the others, name them (`nvidia-smi -L`) in
    CUDA_VISIBLE_DEVICES. Other programs on a GPU are not noticed.
    """
    chosen = next((os.environ[name] for name in ("CUDA_VISIBLE_DEVICES", *SLURM_VARIABLES) if name in os.environ), None)
    if chosen is not None:
        cards = [card.strip() for part in chosen.split(",") for card in _numbers(part)]
        return list(takewhile(lambda card: card not in NO_CARD, cards))  # like CUDA
    count = sum(re.fullmatch(r"nvidia\d+", entry.name) is not None for entry in devices.glob("nvidia*"))
    return [str(number) for number in range(count)] or list(_uuids())


def _numbers(cards: str) -> list[str]:
    """Return the GPUs of a range of numbers (0-3); anything else unchanged."""
    ends = re.fullmatch(r"\s*(\d+)-(\d+)\s*", cards)
    return [str(number) for number in range(int(ends[1]), int(ends[2]) + 1)] if ends else [cards]


def cards_asked(resources: Any) -> int:
    """Return how many GPUs a rule requests: `gpu`, or 1 where a cluster's profile uses `gres` instead."""
    return int(resources.get("gpu") or "gpu" in str(resources.get("gres", "")))


def lease_card(
    gpu: int, threads: int = 1, cards: Sequence[str] | None = None, folder: Path | None = None
) -> str | None:
    """Make one GPU the only visible one, waiting until one is free, and keep it for the life of this process.

    A job with `gpu` 0 sees no GPU, whatever the machine has, so it computes the same bytes everywhere. Kernels that
    torch compiles go to a folder that all jobs of a run share, unless TORCHINDUCTOR_CACHE_DIR names one.

    Args:
        gpu: GPUs that the rule asks for, 0 or 1.
        threads: CPU threads of the rule; compiling uses no more.
        cards, folder: the GPUs and where their lock files are; for tests.

    Returns:
        The GPU's name in CUDA_VISIBLE_DEVICES, or None.

    Raises:
        InputError: a GPU is requested and none is visible, or a lock file or its folder cannot be used.
    """
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return None
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(".snakemake", "compiled_kernels").absolute()))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(threads))
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the numbers of nvidia-smi and schedulers
    cards = visible_cards() if cards is None else cards
    if not cards:
        raise InputError(f"the rule requests a GPU but none is visible ({situation()}); {WHAT_TO_DO}")
    folder = folder or _common_folder() / "pretraining_robustness_cards"
    _make_common(folder)
    locks = [folder / _lock_name(card, uuids) for uuids in [_uuids()] for card in cards]
    waiting = False
    while True:
        for card, lock in zip(cards, locks, strict=True):
            if _lock(lock):
                os.environ["CUDA_VISIBLE_DEVICES"] = card
                logger.info("holding GPU %s", card)
                return card
        if not waiting:
            logger.info("waiting for one of %d GPUs", len(cards))
            waiting = True
        time.sleep(POLL_SECONDS)


WHAT_TO_DO = "run it where a GPU is, request one from the scheduler, or set gpu: 0 under the stage's key in resources"


def situation() -> str:
    """Return what decides whether a GPU can be used: the driver and the variables that hide GPUs."""
    try:
        driver = f"NVIDIA driver {DRIVER.read_text(encoding='utf-8').strip()}"
    except OSError:
        driver = "no NVIDIA driver is loaded"
    names = ("CUDA_VISIBLE_DEVICES", *SLURM_VARIABLES)
    return ", ".join([driver, *(f"{name}={os.environ[name]!r}" for name in names if name in os.environ)])


def _common_folder() -> Path:
    """Return a folder of this machine that is the same for all its users, which TMPDIR often is not."""
    return Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())


def _make_common(folder: Path) -> None:
    """Make a folder in which every user can make files, whatever the umask is."""
    mask = os.umask(0)
    try:
        # Without a sticky bit, because with one Linux may refuse O_CREAT on a file of another user.
        folder.mkdir(mode=0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: the folder of the GPUs' lock files cannot be used ({error.strerror}); {REMOVE}"
        ) from error
    finally:
        os.umask(mask)


def _uuids() -> dict[str, str]:
    """Return the UUID of each GPU by its number; empty without nvidia-smi."""
    if shutil.which("nvidia-smi") is None:
        return {}
    query = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    listed = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False).stdout
    return dict(line.split(", ", 1) for line in listed.splitlines() if ", " in line)


def _lock_name(card: str, uuids: dict[str, str]) -> str:
    """Return the same lock name however the GPU is identified.

    By UUID where it is known, so that "0" and "GPU-5f..." are one GPU and GPU 0 of two containers are two. Under SLURM
    a job's GPUs are its own, and their numbers may repeat in other jobs, so the job is part of the name.
    """
    names = [os.environ.get("SLURM_JOB_ID", ""), uuids.get(card, card)]
    return re.sub(r"[^\w.-]", "_", "_".join(filter(None, names)))


def _lock(path: Path) -> bool:
    """Lock a file without waiting. Opening it for reading is enough and works on another user's file."""
    reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # not a link or pipe that someone put there
    mask = os.umask(0)
    try:
        with suppress(FileExistsError):
            os.close(os.open(path, reading | os.O_CREAT | os.O_EXCL, 0o666))
        descriptor = os.open(path, reading)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    except OSError as error:
        raise InputError(f"{path}: the lock file of a GPU cannot be used ({error.strerror}); {REMOVE}") from error
    finally:
        os.umask(mask)
    _held.append(descriptor)  # never closed: the lock is held until the process ends
    return True
