"""The search for FractalDB's categories: random systems whose fractals fill enough of the frame, in order of discovery.

From the seed 1 it finds the 1,000 systems that hirokatsukataoka16/FractalDB-Pretrained-ResNet-PyTorch publishes (commit
1b8fb9f, param_search/ifs_search.py and data/csv_rate0.2_category1000), number for number: each candidate takes the same
numbers from NumPy's legacy generator. A candidate does not depend on the fate of those before it, so several can be
tried at a time.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.fractaldb.framing import Frame, pixels
from pretraining_robustness.fractaldb.kernels import count_pixels, select, walk
from pretraining_robustness.fractaldb.systems import System, write_systems
from pretraining_robustness.progress import Progress

logger = logging.getLogger(__name__)

CANDIDATES_AT_A_TIME = 32
# The published search needs 43 candidates for a category; a search that needs more than this asks for too full a frame.
MOST_CANDIDATES_A_CATEGORY = 5000


@dataclass(frozen=True)
class Search:
    """The result of a search.

    Attributes:
        systems: those accepted, in order.
        candidates: number of systems tried, including the last one accepted.
        not_finite: number of these that left the range of float64.
    """

    systems: list[System]
    candidates: int
    not_finite: int


def search_systems(
    categories: int,
    seed: int = 1,
    points: int = 100_000,
    size: int = 512,
    padding: int = 6,
    filling_rate: float = 0.2,
    threads: int = 1,
) -> Search:
    """Try random systems until `categories` of them fill the frame; the result does not depend on `threads`.

    Args:
        categories: number of systems to find.
        seed: of NumPy's legacy generator, 0 to 2**32 - 1.
        points: number of points per candidate, the first at (0, 0).
        size: width and height of the frame in pixels.
        padding: pixels between the points and the edges of the frame.
        filling_rate: lowest share of the frame's pixels that an accepted system reaches.
        threads: number of candidates tried at a time.

    Raises:
        InputError: numbers out of range, or too many candidates that fail in a row.
    """
    frame = Frame(size, padding)
    _check(categories, points, size, filling_rate)
    systems: list[System] = []
    candidates = not_finite = 0
    progress = Progress("systems", categories)
    draws = random_systems(seed, points)
    with ThreadPoolExecutor(threads) as pool:
        while True:
            batch = list(islice(draws, CANDIDATES_AT_A_TIME))
            outcomes = pool.map(partial(reached_pixels, frame=frame), *zip(*batch, strict=True))
            for (system, _), (reached, finite) in zip(batch, outcomes, strict=True):
                candidates += 1
                not_finite += not finite
                if reached / (size * size) >= filling_rate:
                    systems.append(system)
                    if len(systems) == categories:
                        return Search(systems, candidates, not_finite)
            if candidates > MOST_CANDIDATES_A_CATEGORY * (len(systems) + 1):
                raise InputError(
                    f"search: only {len(systems)} of {candidates:,} candidates reach filling_rate {filling_rate}; "
                    "lower it or raise points"
                )
            if progress.due():
                progress.report(len(systems), f"{candidates:,} candidates tried")


def random_systems(seed: int, points: int) -> Iterator[tuple[System, NDArray[np.float64]]]:
    """Yield candidates endlessly: a system and the numbers (points,) in [0, 1) that choose its maps.

    A system has 2 to 7 maps with coefficients uniform in (-1, 1), and probabilities proportional to |ad - bc|.
    """
    random = np.random.RandomState(seed)
    while True:
        system = np.empty((random.randint(2, 8), 7))
        total = 0.0
        for row in system:
            row[:6] = a, b, c, d, _, _ = random.uniform(-1.0, 1.0, 6)
            row[6] = abs(a * d - b * c)
            total += row[6]
        system[:, 6] /= total
        yield system, random.random_sample(points)


def reached_pixels(system: System, draws: NDArray[np.float64], frame: Frame) -> tuple[int, bool]:
    """Return the number of pixels that a system's path reaches, and whether it stays finite."""
    x, y = walk(system[:, :6], select(np.cumsum(system[:, 6]), draws))
    finite = bool(np.isfinite(x[-1]) and np.isfinite(y[-1]))  # what leaves the range of float64 does not come back
    if finite and all(0 < np.ptp(values) < np.inf for values in (x, y)):
        return count_pixels(x, y, frame.size, frame.padding), True
    columns, rows = pixels(x, y, frame)
    return len(np.unique(rows.astype(np.int64) * frame.size + columns)), finite


def search_fractals(
    categories: int,
    seed: int,
    points: int,
    size: int,
    padding: int,
    filling_rate: float,
    systems: str | Path,
    search: str | Path,
    threads: int = 1,
) -> None:
    """Search, and write the systems found and the number of candidates.

    Args:
        categories: see `search_systems`, as seed, points, size, padding, filling_rate and threads.
        seed: see there.
        points: see there.
        size: see there.
        padding: see there.
        filling_rate: see there.
        systems: output, CSV: class_id, map, a, b, c, d, e, f, probability.
        search: output, CSV of one row: candidates, accepted, not_finite.
        threads: see there.

    Raises:
        InputError: as `search_systems` does.
    """
    found = search_systems(categories, seed, points, size, padding, filling_rate, threads)
    write_systems(systems, found.systems)
    row = {"candidates": found.candidates, "accepted": len(found.systems), "not_finite": found.not_finite}
    with atomic_path(search) as path:
        pd.DataFrame([row]).to_csv(path, index=False)
    logger.info("%s: %s", systems, ", ".join(f"{count:,} {name}" for name, count in row.items()))


def _check(categories: int, points: int, size: int, filling_rate: float) -> None:
    if categories < 1 or points < 2:
        raise InputError(f"search: categories {categories} must be 1 or more, and points {points} 2 or more")
    if not 0 < filling_rate <= points / size**2:
        raise InputError(
            f"search: filling_rate {filling_rate} must lie between 0 and {points / size**2:.3g}, "
            f"what {points:,} points can fill of {size} x {size} pixels"
        )
