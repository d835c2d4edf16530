"""The supports of FractalDB's images: the pixels that can be lit, exactly as in the published renderer.

The published renderer (hirokatsukataoka16/FractalDB-Pretrained-ResNet-PyTorch at commit 1b8fb9f, `patch_gray` of
fractal_renderer/make_fractaldb.py with the settings of exe.sh) renders a system under 25 weights. It pastes a random 3
x 3 patch for every point of a path, the later over the earlier, so that each pixel within reach of a point keeps one
bit of the last patch laid over it. The pixels within reach are the support; they are the same for all 10 instances of
a weight, whose bits store/fractal_store.py draws. The path depends on the weight alone, and the maps are chosen by the
same numbers for all weights and classes, so one selection serves the 25 paths of a class.
"""

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.fractaldb.framing import Frame, pixels
from pretraining_robustness.fractaldb.kernels import LANES, MARGIN, extremes, mark, select, walk
from pretraining_robustness.fractaldb.systems import System

# The published fractal_renderer/weights/weights_0.4.csv: each coefficient of all maps is scaled in turn, and once none.
FACTORS = (0.2, 0.6, 1.4, 1.8)
WEIGHTS = np.array(
    [
        [factor if place == scaled else 1.0 for place in range(6)]
        for scaled in range(6)
        for factor in (FACTORS if scaled else (*FACTORS[:2], 1.0, *FACTORS[2:]))
    ]
)
# The seed of every published path.
PATH_SEED = 100


def path_draws(points: int) -> NDArray[np.float64]:
    """Return the numbers (points,) in [0, 1) that choose the maps of every path of `points` points."""
    return np.random.RandomState(PATH_SEED).random_sample(points)


def weighted_maps(system: System) -> NDArray[np.float64]:
    """Return the maps of a system under each of the 25 weights, (maps, 6, LANES); those of further lanes are 0."""
    maps = np.zeros((len(system), 6, LANES))
    maps[:, :, : len(WEIGHTS)] = (system[:, None, :6] * WEIGHTS).transpose(0, 2, 1)
    return maps


def render_supports(system: System, draws: NDArray[np.float64], frame: Frame) -> NDArray[np.uint8]:
    """Return the supports of a system's 25 weighted paths, packed.

    Args:
        system: (maps, 7), see systems.py.
        draws: see `path_draws`.
        frame: the image.

    Returns:
        uint8 (25, ceil(size * size / 8)): one bit per pixel, row by row from the top left of the image, eight per byte
        from the highest bit on, in the order of `numpy.packbits`; the last byte is padded with zeros.
    """
    selection = select(np.cumsum(system[:, 6]), draws)
    maps = weighted_maps(system)
    x, y, lowest_x, highest_x, lowest_y, highest_y = extremes(maps, selection)
    with np.errstate(all="ignore"):
        boxes = np.stack([lowest_x, highest_x - lowest_x, lowest_y, highest_y - lowest_y])
        # Whatever leaves the range of float64 does not come back, so the last point tells.
        plain = np.isfinite(x) & np.isfinite(y) & np.isfinite(boxes).all(axis=0) & (boxes[1::2] > 0).all(axis=0)
    canvases = np.zeros((len(WEIGHTS), frame.size + MARGIN, frame.size + MARGIN), np.uint8)
    boxes = np.where(plain, boxes, [[0.0], [1.0], [0.0], [1.0]])
    mark(maps * plain, selection, boxes, frame.size, frame.padding, canvases)
    for weight in np.flatnonzero(~plain[: len(WEIGHTS)]):
        x, y = walk(np.ascontiguousarray(maps[:, :, weight]), selection)
        columns, rows = pixels(x, y, frame)
        canvases[weight] = 0
        canvases[weight, rows + MARGIN, columns + MARGIN] = 1
    return np.stack([_pack(canvas, frame.size) for canvas in canvases])


def _pack(marks: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return the packed support of one canvas: 3 x 3 pixels for a mark, turned upside down as published.

    Patches are cut off at the right and lower edge.
    """
    rows = marks[:size] | marks[1 : size + 1] | marks[2 : size + 2]
    support = rows[:, :size] | rows[:, 1 : size + 1] | rows[:, 2 : size + 2]
    return np.packbits(support[::-1])
