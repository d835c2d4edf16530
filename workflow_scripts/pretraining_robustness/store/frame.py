"""How an image file is read: what square of it, resized how; and the choices of how a store keeps it."""

from dataclasses import dataclass
from typing import Literal

Fit = Literal["crop", "stretch"]
Encoding = Literal["uint8", "jpeg", "files"]
OnUndecodable = Literal["refuse", "skip"]


@dataclass(frozen=True)
class Frame:
    """The square of `size` pixels that an image is read as: its short side resized to that, the middle cut out.

    interpolation: of the resizing, with antialiasing: bilinear or bicubic.
    middle: size of the middle of which is cut out again what torchvision's CenterCrop(middle) cuts out of the resized
        image. Without it the square itself is what CenterCrop(size) cuts out, and its middle may lie a pixel apart.
    """

    size: int
    interpolation: str = "bilinear"
    middle: int | None = None
