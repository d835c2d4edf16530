"""The computing device, its random generator, and copies of arrays to it."""

import ctypes
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from pretraining_robustness.errors import InputError
from pretraining_robustness.training.lease import WHAT_TO_DO, situation


def training_device(threads: int) -> torch.device:
    """Choose the visible GPU, else the CPU with `threads` threads, and configure torch for it.

    Raises:
        InputError: if CUDA_VISIBLE_DEVICES names a GPU, as it does after `lease_card`, and torch cannot use it.
    """
    torch.set_num_threads(threads)
    asked_for = os.environ.get("CUDA_VISIBLE_DEVICES", "") not in ("", "-1", "NoDevFiles")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if asked_for else "default")  # torch's warning becomes part of our error
        available = torch.cuda.is_available()
    if not (available or asked_for):
        _keep_memory()
        return torch.device("cpu")
    try:
        torch.zeros(1, device="cuda").add_(1).item()  # run a kernel: torch may see a GPU for which it has no code
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"the rule requests a GPU and torch {torch.__version__} cannot use it: {reason} ({situation()}); "
            f"update the driver, install a torch built for it, or {WHAT_TO_DO}"
        ) from error
    torch.backends.cudnn.benchmark = True
    torch._dynamo.config.recompile_limit = 64  # one graph per architecture of a prediction; the default is 8
    torch.set_float32_matmul_precision("high")
    return torch.device("cuda")


@contextmanager
def memory_named(batch_size: int, image_size: int, key: str = "recipe.batch_size") -> Iterator[None]:
    """Turn a GPU's out-of-memory error into an InputError that names the batch size.

    Args:
        batch_size: images per forward pass.
        image_size: their width and height in pixels.
        key: the config key that sets the batch size.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        total = torch.cuda.get_device_properties(0).total_memory if torch.cuda.is_available() else 0
        raise InputError(
            f"{key}: a batch of {batch_size} images of {image_size} pixels needs more than the GPU's "
            f"{total / 2**30:.0f} GB; lower batch_size or image_size, or take a larger GPU"
        ) from error


def _keep_memory() -> None:
    """Let the C library keep freed memory: by default it returns large blocks, and every step faults them in anew.

    That costs a tenth of a small ResNet's step on a CPU. Uses glibc's mallopt; does nothing elsewhere.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
            mallopt(mmap_threshold, 2**25)  # 32 MB, the most that older versions accept
            mallopt(trim_threshold, 2**31 - 1)


def seed_generator(device: torch.device, seed: int) -> None:
    """Seed the global generator of `device` (cheaper than torch.manual_seed, which visits every kind of device)."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """Copy an array to `device`, without waiting for the work queued there."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
