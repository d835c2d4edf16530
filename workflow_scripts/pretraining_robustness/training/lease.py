"""One graphics card per job, by a lock file per card; none for a job that asks for none. Comes before torch.

Snakemake never sets CUDA_VISIBLE_DEVICES, so jobs that run side by side share out the cards here, on a box as within
one allocation of a cluster: an exclusive lock on one file per card, which the kernel drops when the process ends,
however it ends.
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

# Where a scheduler that does not set CUDA_VISIBLE_DEVICES names the cards of a step or a job: indices or UUIDs.
SLURM_VARIABLES = ("SLURM_STEP_GPUS", "SLURM_JOB_GPUS")
NO_CARD = ("", "-1", "NoDevFiles", "none")  # how those say that there is none
POLL_SECONDS = 0.5
REMOVE = "when no job is running, remove it, or have its owner do so"
DRIVER = Path("/sys/module/nvidia/version")

_held: list[int] = []


def visible_cards(devices: Path = Path("/dev")) -> list[str]:
    """Return the identifiers of the cards this process may use: CUDA_VISIBLE_DEVICES or SLURM's choice, else all.

    All are those with a device file or, where Windows keeps these (WSL2), those that nvidia-smi lists; none of AMD.
    Of all, a card that is cut into MIG instances counts once, and CUDA then takes its first instance; to use the others
    name them (`nvidia-smi -L`) in CUDA_VISIBLE_DEVICES. What other programs do on a card is not looked at.
    """
    chosen = next((os.environ[name] for name in ("CUDA_VISIBLE_DEVICES", *SLURM_VARIABLES) if name in os.environ), None)
    if chosen is not None:
        cards = [card.strip() for part in chosen.split(",") for card in _numbers(part)]
        return list(takewhile(lambda card: card not in NO_CARD, cards))  # as CUDA does
    count = sum(re.fullmatch(r"nvidia\d+", entry.name) is not None for entry in devices.glob("nvidia*"))
    return [str(number) for number in range(count)] or list(_uuids())


def _numbers(cards: str) -> list[str]:
    """Return the cards of a range of numbers (0-3), or what is no range as it is."""
    ends = re.fullmatch(r"\s*(\d+)-(\d+)\s*", cards)
    return [str(number) for number in range(int(ends[1]), int(ends[2]) + 1)] if ends else [cards]


def cards_asked(resources: Any) -> int:
    """Return for how many cards a rule asks: `gpu`, or 1 where a cluster's profile says it in `gres` instead."""
    return int(resources.get("gpu") or "gpu" in str(resources.get("gres", "")))


def lease_card(
    gpu: int, threads: int = 1, cards: Sequence[str] | None = None, folder: Path | None = None
) -> str | None:
    """Make one card the only visible one, waiting until one is free, and keep it for the life of this process.

    A job with `gpu` 0 sees no card, whatever the machine has: it computes the same bytes everywhere. Kernels that torch
    compiles are kept where all jobs of a run find them, unless TORCHINDUCTOR_CACHE_DIR says where.

    Args:
        gpu: cards that the rule asks for, 0 or 1.
        threads: of the processor that the rule has; compiling takes no more.
        cards, folder: the cards and where their lock files are; for tests.

    Returns:
        The card as CUDA_VISIBLE_DEVICES names it now, or None.

    Raises:
        InputError: if a card is asked for and none is visible, or its lock file or the folder of these cannot be used.
    """
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        return None
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(Path(".snakemake", "compiled_kernels").absolute()))
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", str(threads))
    os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")  # the numbers that nvidia-smi and schedulers give
    cards = visible_cards() if cards is None else cards
    if not cards:
        raise InputError(f"the rule asks for a GPU and there is none to be seen ({situation()}); {WHAT_TO_DO}")
    folder = folder or _common_folder() / "pretraining_robustness_cards"
    _make_common(folder)
    locks = [folder / _lock_name(card, uuids) for uuids in [_uuids()] for card in cards]
    waiting = False
    while True:
        for card, lock in zip(cards, locks, strict=True):
            if _lock(lock):
                os.environ["CUDA_VISIBLE_DEVICES"] = card
                logger.info("holding graphics card %s", card)
                return card
        if not waiting:
            logger.info("waiting for one of %d graphics cards", len(cards))
            waiting = True
        time.sleep(POLL_SECONDS)


WHAT_TO_DO = (
    "run it where a card is, ask the scheduler for one, or set gpu: 0 under the stage's key in the config's resources"
)


def situation() -> str:
    """Say what decides whether a card can be used: the driver and the variables that hide cards."""
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
    """Make a folder in which every user can make files, whatever this one's umask is."""
    mask = os.umask(0)
    try:
        # Without a sticky bit: where there is one, Linux may refuse O_CREAT on a file of another user.
        folder.mkdir(mode=0o777, parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder}: the folder of the graphics cards' lock files cannot be used ({error.strerror}); {REMOVE}"
        ) from error
    finally:
        os.umask(mask)


def _uuids() -> dict[str, str]:
    """Return the UUID of each card by its number; nothing where NVIDIA's tool is not at hand."""
    if shutil.which("nvidia-smi") is None:
        return {}
    query = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    listed = subprocess.run(query, capture_output=True, text=True, timeout=60, check=False).stdout
    return dict(line.split(", ", 1) for line in listed.splitlines() if ", " in line)


def _lock_name(card: str, uuids: dict[str, str]) -> str:
    """Name a card's lock alike for all who mean that card.

    By UUID where it is known, so that "0" and "GPU-5f..." are one card and a container's card 0 is not another's. Under
    SLURM a job's cards are its own, and their numbers may repeat from job to job: the job is part of the name.
    """
    names = [os.environ.get("SLURM_JOB_ID", ""), uuids.get(card, card)]
    return re.sub(r"[^\w.-]", "_", "_".join(filter(None, names)))


def _lock(path: Path) -> bool:
    """Lock a file without waiting. Reading suffices for it and works on a file that another user made."""
    reading = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # no link and no pipe that someone put there
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
        raise InputError(
            f"{path}: the lock file of a graphics card cannot be used ({error.strerror}); {REMOVE}"
        ) from error
    finally:
        os.umask(mask)
    _held.append(descriptor)  # never closed: the lock is held until the process ends
    return True
