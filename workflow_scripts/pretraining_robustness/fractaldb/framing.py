"""From the points of a path to pixels: FractalDB's bounding box, its frame, and its rule for paths that diverge.

The rules are those of `__rescale` in hirokatsukataoka16/FractalDB-Pretrained-ResNet-PyTorch at commit 1b8fb9f
(fractal_renderer/ifs_function.py and param_search/ifs_simple.py, which agree).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError

# A path that overflows loses this many points before its first NaN. From coefficients of at most 1.8 a path needs 689
# steps to overflow, so there are always that many points.
CUT_BEFORE_NAN = 100
LARGEST_SIZE = 4096


@dataclass(frozen=True)
class Frame:
    """A square image of `size` x `size` pixels whose points keep `padding` pixels from its edges.

    Raises:
        InputError: a frame without room for points.
    """

    size: int
    padding: int

    def __post_init__(self) -> None:
        if not 8 <= self.size <= LARGEST_SIZE:
            raise InputError(f"size {self.size} of a fractal must lie between 8 and {LARGEST_SIZE} pixels")
        if not 1 <= self.padding < self.size // 2:
            raise InputError(
                f"padding {self.padding} of a fractal of {self.size} pixels must lie between 1 and {self.size // 2 - 1}"
            )


def pixels(
    x: NDArray[np.float64], y: NDArray[np.float64], frame: Frame
) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
    """Return columns and rows of the points of any path from (0, 0), even if it diverges.

    This is the plain form of what kernels.py does fast for finite paths. The path ends `CUT_BEFORE_NAN` points before
    its first x that is NaN, or its first y if no x is. What is left is stretched to the frame, x and y separately.
    Coordinates that are still not finite (infinities, or no extent at all) become 0, as a cast makes them on x86 CPUs,
    and as the published images therefore show.
    """
    end = len(x)
    for values in (x, y):
        if np.isnan(values).any():
            end = int(np.isnan(values).argmax()) - CUT_BEFORE_NAN
            break
    return _pixels(x[:end], frame), _pixels(y[:end], frame)


def _pixels(values: NDArray[np.float64], frame: Frame) -> NDArray[np.uint16]:
    with np.errstate(all="ignore"):
        shifted = values - values.min()  # at most 0, the start of every path
        inside = shifted / (shifted.max() - shifted.min()) * float(frame.size - 2 * frame.padding) + frame.padding
    return np.where(np.isfinite(inside), inside, 0).astype(np.uint16)
