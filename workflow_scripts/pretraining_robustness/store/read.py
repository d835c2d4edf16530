"""Reading batches from a store at the speed of memory.

New memory costs more than the reading itself (every page of it faults once), so a batch is always read into a buffer
that is used again and again: the same NumPy array, or the array behind a pinned tensor.
"""

import io
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.fractal_store import open_fractals
from pretraining_robustness.store.frame import Frame

# Images of at least this many bytes are read by requests of their own. Reading mapped memory that is not there yet
# brings in what lies around (the read-ahead: megabytes on cloud disks and network file systems), which a random order
# does not use; smaller images share their pages with others, and most are in memory.
REQUESTED_BYTES = 65536


# Columns of the table of a store with the place of an image in its array, by the array's encoding.
JPEG_PLACES = ("offset", "length")
FILE_PLACES = ("file_offset", "file_length")

DEFAULT_FRAME = Frame(256)


class Pictures(Protocol):
    """What a store's array holds: square RGB images of `size` pixels a side, in some encoding."""

    @property
    def encoding(self) -> str:
        """Name of the encoding."""

    @property
    def size(self) -> int:
        """Side of the images in pixels."""

    def __len__(self) -> int: ...

    def read_into(self, rows: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        """Fill out, uint8 (n, size, size, 3), with the images of rows (n,), all of which exist."""


class Store:
    """The images of a store, opened for reading by row.

    Attributes:
        images: in their encoding.
        encoding: "uint8", "jpeg", "files" or "fractal".
        size: side of the square images in pixels.
    """

    def __init__(self, pictures: Pictures | NDArray[np.uint8], threads: int = 1) -> None:
        """Take images as `open` does, or as an array uint8 (n, size, size, 3)."""
        self.pictures: Pictures = PixelPictures(pictures) if isinstance(pictures, np.ndarray) else pictures
        self.encoding = self.pictures.encoding
        self.size = self.pictures.size
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._threads = threads

    @classmethod
    def open(
        cls, images: str | Path, table: str | Path | None = None, threads: int = 1, frame: Frame = DEFAULT_FRAME
    ) -> Self:
        """Open a store.

        Args:
            images: its images.npy; mapped into memory, not read.
            table: its images.parquet; not needed for pixels.
            threads: how many share the reading of a batch. One keeps up with any accelerator on pixels that are in
                memory; image files, fractals, and pixels that come from a disk, gain from more.
            frame: what files are read as; images of other encodings are as they were stored.

        Raises:
            InputError: for files that are not those of a store.
        """
        try:
            # As a plain array, because indexing a memmap makes Python objects at every turn.
            mapped = np.load(images, mmap_mode="r", allow_pickle=False)
            array = np.asarray(mapped)
        except (FileNotFoundError, ValueError) as error:
            raise InputError(
                f"{images}: not the images of a store ({error}); remove it and run the same command again"
            ) from error
        if array.dtype != np.uint8 or array.ndim not in (1, 2, 4):
            raise InputError(
                f"{images}: not the images of a store ({array.dtype}, {array.shape}); "
                "remove it and run the same command again"
            )
        if array.ndim == 4:
            return cls(PixelPictures(array, open(images, "rb"), mapped.offset), threads)
        if table is None:
            what = (
                "image files, and the table that tells their places" if array.ndim == 1 else "fractals, and their table"
            )
            raise InputError(f"{images}: holds {what} was not given")
        import pyarrow.parquet  # a tenth of a second that only these encodings need

        if array.ndim == 2:
            try:
                return cls(open_fractals(array, pyarrow.parquet.read_metadata(table).num_rows), threads)
            except ValueError as error:
                raise InputError(
                    f"{table}: does not belong to {images} ({error}); remove it and run the same command again"
                ) from error
        are_files = FILE_PLACES[0] in pyarrow.parquet.read_schema(table).names
        names = list(FILE_PLACES if are_files else JPEG_PLACES)
        columns = pyarrow.parquet.read_table(table, columns=names)
        places = np.stack([columns[name].to_numpy() for name in names], axis=1)
        if places[-1].sum() != len(array):
            raise InputError(f"{table}: does not belong to {images}; remove it and run the same command again")
        files = PackedFiles(open(images, "rb"), mapped.offset, places)  # noqa: SIM115 (as long as the store)
        return cls(FilePictures(files, frame) if are_files else JpegPictures(files), threads)

    def __len__(self) -> int:
        return len(self.pictures)

    def buffer(self, count: int) -> NDArray[np.uint8]:
        """Return memory for `count` images, its pages already touched: uint8 (count, size, size, 3) of zeros."""
        memory = np.empty((count, self.size, self.size, 3), dtype=np.uint8)
        memory.fill(0)
        return memory

    def read(self, rows: NDArray[np.integer], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Read images by row number, in any order and as often as asked.

        Args:
            rows: (n,) row numbers, 0 to len(self) - 1.
            out: memory for at least n images, as `buffer` gives it; new memory when None, which is much slower.

        Returns:
            The first n images of `out`: uint8 (n, size, size, 3), RGB.

        Raises:
            IndexError: for a row that the store does not have.
            ValueError: for memory that holds fewer images.
        """
        if len(rows) and not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows {rows.min()} to {rows.max()} asked of a store with {len(self)}")
        if out is not None and len(out) < len(rows):
            raise ValueError(f"{len(rows)} rows are more images than the {len(out)} that the memory holds")
        out = (self.buffer(len(rows)) if out is None else out)[: len(rows)]
        if self._pool is None:
            self.pictures.read_into(rows, out)
        else:
            parts = np.array_split(rows, self._threads), np.array_split(out, self._threads)
            list(self._pool.map(self.pictures.read_into, *parts))
        return out


class PixelPictures:
    """Images kept as pixels: uint8 (n, size, size, 3)."""

    encoding = "uint8"

    def __init__(self, pixels: NDArray[np.uint8], file: io.BufferedReader | None = None, offset: int = 0) -> None:
        """Take pixels that are in memory, or those mapped from `file`, in which they start at `offset`."""
        self._pixels = pixels
        self._offset = offset
        self._file = file if file and pixels[:1].nbytes >= REQUESTED_BYTES else None
        self.size = pixels.shape[1]

    def __len__(self) -> int:
        return len(self._pixels)

    def read_into(self, rows: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        """See `Images`."""
        if self._file is not None:
            self._request(rows, out)
            return
        # With the default mode NumPy reads into new memory first; the rows have been checked.
        np.take(self._pixels, rows, axis=0, out=out, mode="clip")

    def _request(self, rows: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        assert self._file is not None
        length = self._pixels[0].nbytes
        for row, image in zip(rows.tolist(), out.reshape(len(out), length), strict=True):
            fill(image.data, self._file, self._offset + row * length, row)


class PackedFiles:
    """Files that lie one behind another in an array: places (n, 2) are the offset and the length of each in bytes.

    Each is read by a request of its own. Mapped memory would bring in its surroundings, too: in random order, from a
    cold disk, 84 to 91 bytes for each one asked, against 1.3 by requests (`benchmarks/cold_reads.py`).
    """

    def __init__(self, file: io.BufferedReader, start: int, places: NDArray[np.int64]) -> None:
        """Take the file in which the array's bytes begin at `start`."""
        self._file, self._start, self._places = file, start, places

    def __len__(self) -> int:
        return len(self._places)

    def read(self, row: int) -> NDArray[np.uint8]:
        """Return the bytes of a file, uint8 (length,); InputError where the array ends within it."""
        offset, length = self._places[row].tolist()
        content = bytearray(length)
        fill(memoryview(content), self._file, self._start + offset, row)
        return np.frombuffer(content, np.uint8)

    def damaged(self, row: int) -> InputError:
        """Return the error for a file that does not decode."""
        return InputError(f"{self._file.name}: image {row} does not decode; remove it and run the same command again")


def fill(out: memoryview, file: io.BufferedReader, start: int, row: int) -> None:
    """Fill `out` with the bytes of a file from `start` on, which are those of image `row`; InputError where it ends."""
    done = 0
    while done < len(out):
        read = os.preadv(file.fileno(), [out[done:]], start + done)
        if read == 0:
            raise InputError(f"{file.name}: ends within image {row}; remove it and run the same command again")
        done += read


class JpegPictures:
    """Images kept as JPEG files.

    OpenCV decodes them, without Python's lock, so that threads share the work, and in three quarters of Pillow's time;
    where it is not installed, Pillow does. Both come with libjpeg-turbo and give the same pixels.
    """

    encoding = "jpeg"

    def __init__(self, files: PackedFiles) -> None:
        self._files = files
        self._decode = _jpeg_decoder()
        self.size = self._image(0).shape[0]

    def __len__(self) -> int:
        return len(self._files)

    def read_into(self, rows: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        """See `Images`."""
        for place, row in enumerate(rows.tolist()):
            out[place] = self._image(row)

    def _image(self, row: int) -> NDArray[np.uint8]:
        image = self._decode(self._files.read(row))
        if image is None:
            raise self._files.damaged(row)
        return image


def _jpeg_decoder() -> Callable[[NDArray[np.uint8]], NDArray[np.uint8] | None]:
    """Return what decodes the bytes of a JPEG file to RGB values (height, width, 3), or to None if they are no such."""
    try:
        cv2 = import_module("cv2")  # by name: environments that only draw images do without it
    except ImportError:
        return _decode_with_pillow
    return partial(cv2.imdecode, flags=cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION)


def _decode_with_pillow(file: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    from PIL import Image

    try:
        return np.asarray(Image.open(io.BytesIO(file.data)))
    except OSError:
        return None


class FilePictures:
    """Image files as they were found, decoded and framed when they are read."""

    encoding = "files"

    def __init__(self, files: PackedFiles, frame: Frame) -> None:
        self._files, self._frame = files, frame
        self.size = frame.size

    def __len__(self) -> int:
        return len(self._files)

    def read_into(self, rows: NDArray[np.integer], out: NDArray[np.uint8]) -> None:
        """See `Images`."""
        from pretraining_robustness.store.decoding import read_framed  # brings Pillow, which only these need

        for place, row in enumerate(rows.tolist()):
            out[place] = read_framed(io.BytesIO(self._files.read(row).data), self._frame)
