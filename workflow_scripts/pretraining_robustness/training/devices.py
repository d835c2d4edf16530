"""The device that computes, its random generator, and the way of arrays to the device."""

import ctypes
import sys

import numpy as np
import torch
from torch import Tensor


def training_device(threads: int) -> torch.device:
    """Choose the visible graphics card, else the processor with `threads` threads, and set torch up for it."""
    torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        _keep_memory()
        return torch.device("cpu")
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    return torch.device("cuda")


def _keep_memory() -> None:
    """Let the C library keep freed memory: by default it gives large blocks back, and every step faults them in anew.

    A tenth of the time of a small ResNet's step on a processor. glibc's mallopt; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
            mallopt(mmap_threshold, 2**25)  # 32 MB, the most that older versions take
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
