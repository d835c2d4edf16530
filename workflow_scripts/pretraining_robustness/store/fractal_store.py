"""Images of fractals from packed supports: which of its pixels are lit is drawn when an image is read.

A store of fractals keeps one support for each class and weight (see fractaldb/rendering.py). Its images are numbered
((class * 25 + weight) * instances + instance) * 4 + flip. Inside the support, a pixel of an instance is lit (value 127
in all three channels) with probability 513/1024, independently of all others; the four flips show the same instance.
In the published images a pixel inside the support shows one of the 9 bits of a number drawn from 1 to 511
(`random.randrange(1, 512)`), so that it is lit with probability 256/511, within 2e-6 of ours, and is independent of
other pixels except for the missing number 0: the distributions of a patch differ by 1/512 in total variation.

The bits are a function of the instance and the pixel alone: a hash of integers that NumPy and torch compute alike.
"""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

FLIPS = 4  # none, top to bottom, left to right, both: the published order
LIT = 127
# A pixel is dark when the first of so many random bits is 1 and not all of the others are 0.
BITS_A_PIXEL = 10
MOST_INSTANCES = 256
# The finaliser of MurmurHash3 (Austin Appleby, public domain): shifts and multipliers.
SHIFTS = (np.uint32(16), np.uint32(13), np.uint32(16))
MULTIPLIERS = (np.uint32(0x85EBCA6B), np.uint32(0xC2B2AE35))

Words = NDArray[np.uint32]


def finalised(words: Words) -> Words:
    """Return MurmurHash3's finaliser of each word: a permutation of the 32-bit numbers that looks random."""
    words = words ^ (words >> SHIFTS[0])
    for multiplier, shift in zip(MULTIPLIERS, SHIFTS[1:], strict=True):
        words = words * multiplier
        words = words ^ (words >> shift)
    return words


def instance_keys(supports: NDArray[np.integer], instances: NDArray[np.integer]) -> Words:
    """Return a key for each instance of a support; no two are equal.

    As `counter_keys`, these have the first step of the finaliser behind them, which commutes with exclusive or.
    """
    keys = finalised((np.asarray(supports) * MOST_INSTANCES + instances).astype(np.uint32))
    return keys ^ (keys >> SHIFTS[0])


def counter_keys(pixels: int) -> Words:
    """Return the keys (BITS_A_PIXEL, ceil(pixels / 32)) of the words of an image: bit by bit, 32 pixels to a word."""
    words = -(-pixels // 32)
    counters = np.arange(BITS_A_PIXEL * words, dtype=np.uint32) + np.uint32(2**31)  # apart from the instances' numbers
    keys = finalised(counters).reshape(BITS_A_PIXEL, words)
    return keys ^ (keys >> SHIFTS[0])


def rgb_table() -> NDArray[np.uint8]:
    """Return the RGB values (256, 24) of the eight pixels of every byte, from its highest bit on."""
    return np.repeat(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) * np.uint8(LIT), 3, axis=1)


def reversed_bytes() -> NDArray[np.uint8]:
    """Return every byte (256,) with its bits in reverse order."""
    return np.packbits(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1), axis=1, bitorder="little")[:, 0]


class FractalPictures:
    """The images of a store of fractals.

    Args:
        supports: uint8 (supports, bytes), each as `fractals.rendering.render_supports` packs it.
        instances: how many of each support there are, 1 to `MOST_INSTANCES`.
    """

    encoding = "fractal"

    def __init__(self, supports: NDArray[np.uint8], instances: int) -> None:
        self.supports = supports
        self.instances = instances
        self.size = isqrt(8 * supports.shape[1])
        self._counters = counter_keys(self.size**2)
        table = rgb_table()
        self._tables = table, table[reversed_bytes()]  # of pixels forwards and backwards

    def __len__(self) -> int:
        return len(self.supports) * self.instances * FLIPS

    def identify(self, rows: NDArray[np.integer]) -> tuple[NDArray[np.integer], Words, NDArray[np.integer]]:
        """Return the support, the key of the instance and the flip of each row, all (n,)."""
        pictures, flips = np.divmod(rows, FLIPS)
        supports, instances = np.divmod(pictures, self.instances)
        return supports, instance_keys(supports, instances), flips

    def read_into(self, rows: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        """Fill out, uint8 (n, size, size, 3), with the images of rows (n,)."""
        words, spare = np.empty_like(self._counters), np.empty_like(self._counters)
        values = np.empty((self.supports.shape[1], 24), np.uint8)
        lines = out.reshape(len(out), self.size, self.size * 3)
        for picture, support, key, flip in zip(lines, *self.identify(rows), strict=True):
            bits = self.supports[support] & self._coins(key, words, spare)
            # Both flips together are the pixels in reverse order; left to right is both, then top to bottom.
            backwards = int(flip >= 2)
            np.take(self._tables[backwards], bits[::-1] if backwards else bits, axis=0, out=values, mode="clip")
            first = 3 * (8 * len(bits) - self.size**2) if backwards else 0
            straight = values.reshape(-1)[first : first + picture.size].reshape(picture.shape)
            picture[...] = straight[::-1] if flip in (1, 2) else straight

    def _coins(self, key: np.uint32, words: Words, spare: Words) -> NDArray[np.uint8]:
        """Return one bit per pixel, packed like supports, 1 with probability 513/1024; two arrays are for work."""
        np.bitwise_xor(self._counters, key, out=words)
        for multiplier, shift in zip(MULTIPLIERS, SHIFTS[1:], strict=True):
            np.multiply(words, multiplier, out=words)
            np.right_shift(words, shift, out=spare)
            np.bitwise_xor(words, spare, out=words)
        lit = ~(words[0] & np.bitwise_or.reduce(words[1:], axis=0))
        return lit.view(np.uint8)[: self.supports.shape[1]]


def open_fractals(supports: NDArray[np.uint8], pictures: int) -> FractalPictures:
    """Return the images of packed supports (supports, bytes) of which there are so many in the store's table.

    Raises:
        ValueError: when the numbers do not fit each other.
    """
    instances, rest = divmod(pictures, max(1, len(supports)) * FLIPS)
    if rest or not 1 <= instances <= MOST_INSTANCES:
        raise ValueError(f"{pictures:,} rows are no instances of {len(supports):,} fractals with {FLIPS} flips each")
    return FractalPictures(supports, instances)
