"""The device that computes, random seeds, and the way of arrays to the device."""

import hashlib

import numpy as np
import torch
from torch import Tensor


def training_device(threads: int) -> torch.device:
    """Choose the visible graphics card, else the processor with `threads` threads, and set torch up for it."""
    torch.set_num_threads(threads)
    if not torch.cuda.is_available():
        return torch.device("cpu")
    torch.backends.cudnn.benchmark = True
    torch.set_float32_matmul_precision("high")
    return torch.device("cuda")


def derived_seed(*parts: object) -> int:
    """Return 63 bits that depend on all `parts`: independent random streams for (seed, purpose, step)."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "little") >> 1


def seed_generator(device: torch.device, seed: int) -> None:
    """Seed the global generator of `device` (cheaper than torch.manual_seed, which visits every kind of device)."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


def to_device(array: np.ndarray, device: torch.device) -> Tensor:
    """Copy an array to `device`, without waiting for the work queued there."""
    tensor = torch.from_numpy(np.ascontiguousarray(array))
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
