"""From the bytes of an image file to the square image that the store keeps."""

import io
import warnings
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

from pretraining_robustness.store.frame import Fit, Frame

# JPEG quality of a packed store, as in FFCV's published ImageNet configurations.
JPEG_QUALITY = 90
# Bytes of text in a PNG (a generator's prompt and settings) up to which its pixels are read; Pillow's limit is 1 MiB.
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 1 << 28


class UndecodableError(Exception):
    """The bytes are no image that Pillow can decode; the message says why."""


def decode(data: bytes, size: int, fit: Fit, upright: bool = False) -> NDArray[np.uint8]:
    """Return an image file as RGB values of shape (size, size, 3), 0 to 255.

    The pixels are those of torchvision's transforms on a Pillow image: Resize(size) and CenterCrop(size) for "crop",
    Resize((size, size)) for "stretch" (what WILDS does with iWildCam), both bilinear with antialiasing. Grey values of
    16 bits lose the lower 8, as Pillow does with 16 bits a colour; transparent parts lie on white; CMYK becomes RGB by
    Pillow's formula; of several frames or pages the first is taken. An orientation given in EXIF is applied if
    `upright`; torchvision's ImageFolder does not.

    Raises:
        UndecodableError: when Pillow cannot decode the bytes, for values that have no place between 0 and 255
            (floating point, more than 16 bits, and 16 bits of which the upper 4 are not used), and for one of 16 bits
            that stands for transparency.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about metadata, of which nothing is used
            with Image.open(io.BytesIO(data)) as file:
                sixteen_bits = any(";16" in str(tile.args) for tile in file.tile)  # before the pixels are read
                if upright:
                    _turn(file)
                picture = _rgb(file, sixteen_bits)
    except (MemoryError, UndecodableError):
        raise
    except UnidentifiedImageError as error:  # Pillow's own words hold an address in memory, another one each time
        raise UndecodableError("UnidentifiedImageError: no image format that Pillow knows") from error
    except Exception as error:  # codecs raise whatever the damage makes them trip over
        raise UndecodableError(f"{type(error).__name__}: {error}") from error
    if fit == "stretch":
        return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
    return np.asarray(_centre_crop(_resize_short_side(picture, size, "bilinear"), size, size))


def read_framed(file: io.BytesIO, frame: Frame) -> NDArray[np.uint8]:
    """Return an image file that decodes as RGB values of shape (size, size, 3), 0 to 255.

    With Pillow's own arithmetic, so that what torchvision and timm make of the file is equal to the byte.
    """
    with warnings.catch_warnings(), Image.open(file) as opened:
        warnings.simplefilter("ignore")
        resized = _resize_short_side(_rgb(opened, sixteen_bits=False), frame.size, frame.interpolation)
    return np.asarray(_centre_crop(resized, frame.size, frame.middle or frame.size))


def _turn(picture: Image.Image) -> None:
    """Turn an image as its EXIF orientation says, if there is one that can be read."""
    with suppress(Exception):  # what is wrong with the pixels is raised when they are converted
        ImageOps.exif_transpose(picture, in_place=True)


def _rgb(picture: Image.Image, sixteen_bits: bool) -> Image.Image:
    if sixteen_bits and isinstance(picture.info.get("transparency"), int | tuple):
        raise UndecodableError("one of its colours of 16 bits stands for transparency: save it with 8 bits")
    if picture.mode == "F":
        raise UndecodableError("its pixels are floating-point numbers, whose range nothing tells: save it with 8 bits")
    if picture.mode.startswith("I"):
        picture = _eight_bits(np.asarray(picture))
    elif sixteen_bits:
        _require_upper_bits(max(high for _, high in _extrema(picture)) or 1)  # 0 may have been up to 255
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return picture.convert("RGB")


def _eight_bits(values: NDArray[np.integer]) -> Image.Image:
    """Return grey values 0 to 65535 as 0 to 255."""
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 0xFFFF:
        raise UndecodableError(f"its grey values run from {low} to {high}, which is more than 16 bits: save it with 8")
    _require_upper_bits(high / 0x100)
    return Image.fromarray((values >> 8).astype(np.uint8))


def _extrema(picture: Image.Image) -> list[tuple[int, int]]:
    """Return the lowest and the highest value of each band but the transparency."""
    bands = zip(picture.getbands(), picture.split(), strict=True)
    return [band.getextrema() for name, band in bands if name not in "Aa"]  # type: ignore[misc]


def _require_upper_bits(high: float) -> None:
    """Refuse values of 16 bits, here as 0 to 255, that are none but the lower 12 bits: nearly black."""
    if 0 < high < 0x10:
        raise UndecodableError(
            "its values have 16 bits, of which the upper 4 are not used: save it with 8 bits, scaled"
        )


def encode_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image of shape (size, size, 3) as a JPEG file of quality `JPEG_QUALITY`."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _resize_short_side(picture: Image.Image, size: int, interpolation: str) -> Image.Image:
    short = min(picture.size)
    wanted = (size * picture.width // short, size * picture.height // short)
    return picture.resize(wanted, Image.Resampling[interpolation.upper()])


def _centre_crop(picture: Image.Image, size: int, middle: int) -> Image.Image:
    around = round((size - middle) / 2)
    left = round((picture.width - middle) / 2) - around
    top = round((picture.height - middle) / 2) - around
    return picture.crop((left, top, left + size, top + size))
