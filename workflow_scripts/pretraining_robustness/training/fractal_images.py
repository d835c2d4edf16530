"""Images of fractals on the training device, which holds packed supports and draws pixels batch by batch.

The images are those of store/fractal_store.py to the last bit, computed with torch's integers, which wrap around like
NumPy's. No pixels are copied, and a million images take 0.4 GB.
"""

import numpy as np
import torch
from torch import Tensor

from pretraining_robustness.store.fractal_store import (
    MULTIPLIERS,
    SHIFTS,
    FractalPictures,
    counter_keys,
    reversed_bytes,
    rgb_table,
)

# The steps of the hash in signed numbers: a multiplier of the same 32 bits, a shift, and a mask,
# because shifting repeats the sign.
STEPS = [
    (int(multiplier) - 2**32, int(shift), 2 ** (32 - int(shift)) - 1)
    for multiplier, shift in zip(MULTIPLIERS, SHIFTS[1:], strict=True)
]
# Words of random bits computed at a time: few enough for a CPU's cache, or enough to keep a GPU busy.
WORDS_PER_PASS = {"cpu": 2**18, "cuda": 2**25}


def bytes_on_device(pictures: FractalPictures, rows: np.ndarray) -> int:
    """Return how much memory `FractalImages` takes permanently, in bytes."""
    return len(_needed(pictures, rows)[0]) * pictures.supports.shape[1] + len(rows) * 9


class FractalImages:
    """The images of `rows`, ready to be drawn on `device`."""

    def __init__(self, pictures: FractalPictures, rows: np.ndarray, device: torch.device) -> None:
        self.size = pictures.size
        needed, places = _needed(pictures, rows)
        _, keys, flips = pictures.identify(rows)
        self.supports = torch.from_numpy(pictures.supports[needed]).to(device)
        self.places = torch.from_numpy(places.astype(np.int32)).to(device)
        self.keys = torch.from_numpy(keys.view(np.int32)).to(device)
        self.flips = torch.from_numpy(flips.astype(np.uint8)).to(device)
        self.counters = torch.from_numpy(counter_keys(self.size**2).view(np.int32)).to(device)
        self.table = torch.from_numpy(rgb_table()).to(device)
        self.reversed = torch.from_numpy(reversed_bytes()).to(device)
        self.pictures_per_pass = max(1, WORDS_PER_PASS[device.type] // self.counters.numel())

    def take(self, positions: Tensor) -> Tensor:
        """Return the images at positions (n,) among the rows: uint8 (n, size, size, 3)."""
        shape = (len(positions), self.size, self.size, 3)
        images = torch.empty(shape, dtype=torch.uint8, device=positions.device)
        passes = zip(positions.split(self.pictures_per_pass), images.split(self.pictures_per_pass), strict=True)
        for part, out in passes:
            self._draw(part, out.view(-1, self.size * 3))
        return images

    def _draw(self, positions: Tensor, lines: Tensor) -> None:
        """Fill lines, uint8 (n * size, size * 3), with the lines of the images at positions (n,)."""
        count, size = len(positions), self.size
        supports = self.supports.index_select(0, self.places.index_select(0, positions))
        bits = supports & coins(self.keys.index_select(0, positions), self.counters)[:, : supports.shape[1]]
        flips = self.flips.index_select(0, positions).view(-1, 1)
        # Both flips together are the pixels in reverse order; left to right is both, then top to bottom.
        bits = bits ^ ((bits ^ self._backwards(bits)) & (flips >= 2).to(torch.uint8).neg())
        values = self.table.index_select(0, bits.int().view(-1)).view(count, -1)[:, : 3 * size**2]
        down = torch.arange(size, device=flips.device)
        order = torch.where((flips == 1) | (flips == 2), size - 1 - down, down)
        order += size * torch.arange(count, device=flips.device).view(-1, 1)
        torch.index_select(values.reshape(count * size, -1), 0, order.view(-1), out=lines)

    def _backwards(self, bits: Tensor) -> Tensor:
        """Return packed pixels (n, bytes) in reverse order, from the first bit on."""
        backwards = self.reversed.index_select(0, bits.flip(1).int().view(-1)).view_as(bits)
        if spare := 8 * bits.shape[1] - self.size**2:  # the padding of the last byte now comes first
            following = backwards[:, 1:] >> (8 - spare)
            backwards = backwards << spare
            backwards[:, :-1] |= following
        return backwards


def coins(keys: Tensor, counters: Tensor) -> Tensor:
    """Return one random bit a pixel for each key (n,), packed as supports are: uint8 (n, bytes), lit with 513/1024.

    counters: int32 (bits a pixel, words), the bits of `counter_keys`.
    """
    words = counters ^ keys.view(-1, 1, 1)
    for multiplier, shift, mask in STEPS:
        words *= multiplier
        words ^= (words >> shift) & mask
    others = words[:, 1]
    for bit in words[:, 2:].unbind(1):
        others = others | bit
    return (~(words[:, 0] & others)).view(torch.uint8)


def _needed(pictures: FractalPictures, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the supports that `rows` need, and the position of each row's support."""
    supports, _, _ = pictures.identify(rows)
    return np.unique(supports, return_inverse=True)
