"""From the bytes of an image file to the square picture that the store keeps."""

import io
import warnings
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

Fit = Literal["crop", "stretch"]

# JPEG quality of a packed store, as in FFCV's published ImageNet configurations.
JPEG_QUALITY = 90


class UndecodableError(Exception):
    """The bytes are no image that Pillow can decode; the message says why."""


def decode(data: bytes, size: int, fit: Fit) -> NDArray[np.uint8]:
    """Return an image file as RGB values of shape (size, size, 3), 0 to 255.

    The pixels are those of torchvision's transforms on a Pillow image: Resize(size) and CenterCrop(size) for "crop",
    Resize((size, size)) for "stretch" (what WILDS does with iWildCam), both bilinear with antialiasing. As in
    torchvision's ImageFolder, an orientation given in EXIF is not applied.

    Raises:
        UndecodableError: when Pillow cannot decode the bytes.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks about metadata, of which nothing is used
            with Image.open(io.BytesIO(data)) as file:
                picture = file.convert("RGB")
    except MemoryError:
        raise
    except UnidentifiedImageError as error:  # Pillow's own words hold an address in memory, another one each time
        raise UndecodableError("UnidentifiedImageError: no image format that Pillow knows") from error
    except Exception as error:  # codecs raise whatever the damage makes them trip over
        raise UndecodableError(f"{type(error).__name__}: {error}") from error
    if fit == "stretch":
        return np.asarray(picture.resize((size, size), Image.Resampling.BILINEAR))
    return np.asarray(_centre_crop(_resize_short_side(picture, size), size))


def encode_jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture of shape (size, size, 3) as a JPEG file of quality `JPEG_QUALITY`."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    return file.getvalue()


def _resize_short_side(picture: Image.Image, size: int) -> Image.Image:
    short = min(picture.size)
    wanted = (size * picture.width // short, size * picture.height // short)
    return picture.resize(wanted, Image.Resampling.BILINEAR)


def _centre_crop(picture: Image.Image, size: int) -> Image.Image:
    left = round((picture.width - size) / 2)
    top = round((picture.height - size) / 2)
    return picture.crop((left, top, left + size, top + size))
