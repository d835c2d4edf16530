"""The inner loops, compiled by numba: choosing maps, walking paths, and marking the pixels that they reach.

All are plain IEEE 754 double precision without contraction or reassociation, operation by operation in the order of
the published code, since one rounding elsewhere moves a chaotic path; hence no `fastmath`. Compiled code is kept in
NUMBA_CACHE_DIR if that is set, else beside this file, else in the user's cache folder; where none is writable, every
process compiles anew, in some 5 seconds. All kernels are in this file, because numba judges by its modification time
whether compiled code is still valid.
"""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Paths that are walked side by side: four registers of AVX-512, a power of two, so that no loop has a remainder.
LANES = 32
# Points whose pixels are computed before they are marked: few enough for the first-level cache.
BLOCK = 128
# A patch lies 1 to 3 pixels right of and below its point, so a canvas of marks has that margin at its left and top.
MARGIN = 3


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile with numba, keeping the compiled code where a folder is writable."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError:  # neither this folder nor the user's cache folder can be written
        return numba.njit(nogil=True, error_model="numpy")(function)


@compiled
def select(cumulative: Floats, draws: Floats) -> NDArray[np.uint8]:
    """Return for each draw the first map whose cumulated probability is no less; the number of maps if none is."""
    selection = np.zeros(len(draws), np.uint8)
    for probability in cumulative:
        for i in range(len(draws)):
            selection[i] += draws[i] > probability
    return selection


@compiled
def walk(maps: Floats, selection: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return x and y (each as long as `selection`) of the path from (0, 0) through maps (n, 6).

    The last selection is not used. A selection of n, which rounding of the probabilities can cause, does not move.
    """
    xs, ys = np.empty(len(selection)), np.empty(len(selection))
    x = y = 0.0
    xs[0] = ys[0] = 0.0
    for i in range(1, len(selection)):
        if selection[i - 1] < len(maps):
            a, b, c, d, e, f = maps[selection[i - 1]]
            x, y = x * a + y * b + e, x * c + y * d + f
        xs[i], ys[i] = x, y
    return xs, ys


@compiled
def count_pixels(x: Floats, y: Floats, size: int, padding: int) -> int:
    """Return how many pixels of a frame the points (x, y) reach; None of them may be infinite, nor the extent 0."""
    low_x, low_y = x.min(), y.min()
    range_x, range_y = x.max() - low_x, y.max() - low_y
    scale, offset = float(size - 2 * padding), float(padding)
    places = np.empty(len(x), np.int32)
    for i in range(len(x)):
        column = np.int32((x[i] - low_x) / range_x * scale + offset)
        row = np.int32((y[i] - low_y) / range_y * scale + offset)
        places[i] = row * np.int32(size) + column
    canvas = np.zeros(size * size, np.uint8)
    count = 0
    for place in places:
        count += 1 - canvas[place]
        canvas[place] = 1
    return count


# The two kernels below keep their state in one array and index it by constants. Only then does the compiler see that
# nothing overlaps and vectorise the loops over lanes, which makes them several times as fast.


@compiled
def extremes(maps: Floats, selection: NDArray[np.uint8]) -> Floats:
    """Return last x, last y, lowest x, highest x, lowest y and highest y, (6, LANES), of one path per lane.

    maps: (n, 6, LANES); the maps of all lanes are chosen by the same selection, as in `walk`.
    """
    numbers = maps.reshape(-1)
    state = np.zeros(6 * LANES)
    for i in range(len(selection) - 1):
        if selection[i] < len(maps):
            first = selection[i] * np.uint64(6 * LANES)
            chosen = numbers[first : first + np.uint64(6 * LANES)]
            for k in range(LANES):
                x, y = state[k], state[LANES + k]
                next_x = x * chosen[k] + y * chosen[LANES + k] + chosen[4 * LANES + k]
                next_y = x * chosen[2 * LANES + k] + y * chosen[3 * LANES + k] + chosen[5 * LANES + k]
                state[k], state[LANES + k] = next_x, next_y
                state[2 * LANES + k] = next_x if next_x < state[2 * LANES + k] else state[2 * LANES + k]
                state[3 * LANES + k] = next_x if next_x > state[3 * LANES + k] else state[3 * LANES + k]
                state[4 * LANES + k] = next_y if next_y < state[4 * LANES + k] else state[4 * LANES + k]
                state[5 * LANES + k] = next_y if next_y > state[5 * LANES + k] else state[5 * LANES + k]
    return state.reshape(6, LANES)


@compiled
def mark(
    maps: Floats, selection: NDArray[np.uint8], boxes: Floats, size: int, padding: int, canvases: NDArray[np.uint8]
) -> None:
    """Set the pixels of each lane's canvas (size + MARGIN, size + MARGIN) that its path reaches to 1.

    The point at column p and row q is set at [lane, q + MARGIN, p + MARGIN]. There may be fewer canvases than lanes.

    maps: (n, 6, LANES), as in `extremes`.
    boxes: (4, LANES): lowest x, extent of x, lowest y, extent of y, of paths that stay finite; no extent may be 0.
    """
    numbers, box = maps.reshape(-1), boxes.reshape(-1)
    side = np.int32(size + MARGIN)
    corner = np.int32(MARGIN) * side + np.int32(MARGIN)
    scale, offset = float(size - 2 * padding), float(padding)
    state = np.zeros(2 * LANES)
    places = np.empty(BLOCK * LANES, np.int32)
    for start in range(0, len(selection), BLOCK):
        points = min(BLOCK, len(selection) - start)
        for i in range(points):
            here = places[i * LANES : (i + 1) * LANES]
            for k in range(LANES):
                column = np.int32((state[k] - box[k]) / box[LANES + k] * scale + offset)
                row = np.int32((state[LANES + k] - box[2 * LANES + k]) / box[3 * LANES + k] * scale + offset)
                here[k] = row * side + column + corner
            if selection[start + i] < len(maps):
                first = selection[start + i] * np.uint64(6 * LANES)
                chosen = numbers[first : first + np.uint64(6 * LANES)]
                for k in range(LANES):
                    x, y = state[k], state[LANES + k]
                    state[k] = x * chosen[k] + y * chosen[LANES + k] + chosen[4 * LANES + k]
                    state[LANES + k] = x * chosen[2 * LANES + k] + y * chosen[3 * LANES + k] + chosen[5 * LANES + k]
        for lane in range(len(canvases)):
            canvas = canvases[lane].reshape(-1)
            for i in range(points):
                canvas[places[i * LANES + lane]] = 1
