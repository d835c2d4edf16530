"""Seeds derived from names: a random choice depends on the seed and its purpose, never on earlier draws.

All results depend on these functions: changing one changes them.
"""

import hashlib
import zlib

import numpy as np


def derived_seed(*parts: object) -> int:
    """Return 63 bits that depend on all `parts`: independent random streams for (seed, purpose, step) of a training."""
    return _first_bits(repr(parts)) >> 1


def hashed_seed(*parts: int | str) -> int:
    """Return 63 bits that depend on all `parts`: the seed of a generated image."""
    return _first_bits("|".join(map(str, parts))) >> 1


def hashed_rank(seed: int, purpose: str, name: str) -> int:
    """Return 64 bits to order names by: adding names does not change the order of the others."""
    return _first_bits(f"{seed}/{purpose}/{name}")


def hashed_uniform(text: str) -> float:
    """Return a number in (0, 1) that depends only on the text."""
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64


def named_generator(seed: int, name: str) -> np.random.Generator:
    """Return the random generator of one series, comparison or panel, independent of the others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _first_bits(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
