"""Batches of stored images on the training device, in an order that depends only on the seed and the step."""

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import cycle, islice, pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pretraining_robustness.seeds import derived_seed
from pretraining_robustness.store.fractal_store import FractalPictures
from pretraining_robustness.store.frame import Frame
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.devices import to_device
from pretraining_robustness.training.fractal_images import FractalImages, bytes_on_device
from pretraining_robustness.training.recipes import Recipe

logger = logging.getLogger(__name__)

# A set is held in main memory if it takes at most this share of the free memory.
RESIDENT_FRACTION = 0.1
# A set is held on a GPU if it leaves this share more free than a step has been measured to need.
HEADROOM = 0.1
BYTES_PER_READ = 64 * 2**20
# Batches that are read ahead: enough to keep a GPU busy during a slow read.
AHEAD = 4


@lru_cache(maxsize=2)
def _order(images: int, seed: int, number: int) -> np.ndarray:
    return np.random.default_rng(derived_seed(seed, "order", number)).permutation(images)


def training_batch(images: int, batch_size: int, seed: int, step: int) -> np.ndarray:
    """Return the positions (0 .. images - 1) of the batch of `step`.

    Steps run through one random permutation of the set after another; the incomplete batch at the end of a permutation
    is dropped. A set smaller than `batch_size` is one batch: every step sees all of it once.
    """
    size = min(batch_size, images)
    number, position = divmod(step, images // size)
    return _order(images, seed, number)[position * size : (position + 1) * size]


class Renderings:
    """A set of which several images are renderings of one original: a pass over the originals shows one of each.

    Args:
        originals: the number of what each image is a rendering of, int (images,), in the order of the set.
    """

    def __init__(self, originals: np.ndarray) -> None:
        _, which, counts = np.unique(originals, return_inverse=True, return_counts=True)
        self._images = np.argsort(which, kind="stable")
        self._counts = counts
        self._first = np.cumsum(counts) - counts

    def __len__(self) -> int:
        return len(self._counts)

    def batch(self, batch_size: int, seed: int, step: int) -> np.ndarray:
        """Return the positions of the batch of `step`, as `training_batch` does: drawn anew in every pass."""
        chosen = training_batch(len(self), batch_size, seed, step)
        number = step // (len(self) // min(batch_size, len(self)))
        return self._images[self._first[chosen] + _draws(len(self), seed, number)[chosen] % self._counts[chosen]]


@lru_cache(maxsize=2)
def _draws(images: int, seed: int, number: int) -> np.ndarray:
    return np.random.default_rng(derived_seed(seed, "rendering", number)).integers(0, 2**62, images)


def consecutive_batches(images: int, batch_size: int) -> list[np.ndarray]:
    """Return positions 0 .. images - 1 in order, `batch_size` at a time, the last batch may be shorter."""
    ends = [*range(0, images, batch_size), images]
    return [np.arange(first, last) for first, last in pairwise(ends)]


def frame_of(recipe: Recipe) -> Frame:
    """Return how a store of image files is read for a recipe, so that `Preparation` only needs to crop the middle."""
    evaluation = recipe.evaluation
    if evaluation.resize is None:
        return Frame(recipe.image_size)
    return Frame(evaluation.resize, evaluation.interpolation, recipe.image_size)


def open_images(
    images: str | Path, table: str | Path, rows: np.ndarray, recipe: Recipe, device: torch.device, threads: int
) -> "ResidentImages | StreamedImages":
    """Open the images of some rows of a store in the form that a recipe's networks see (`frame_of`, `load_images`)."""
    return load_images(Store.open(images, table, threads, frame_of(recipe)), rows, device)


def load_images(store: Store, rows: np.ndarray, device: torch.device) -> "ResidentImages | StreamedImages":
    """Open the images of `rows`: in memory where they fit, else read batch by batch; the batches are the same.

    A GPU's memory is shared with the training, whose need the first batch measures: `MeasuredImages`.
    """
    if device.type == "cuda":
        return MeasuredImages(store, rows, device)
    fits = bytes_held(store, rows) <= RESIDENT_FRACTION * free_memory(device)
    return (ResidentImages if fits else StreamedImages)(store, rows, device)


def bytes_held(store: Store, rows: np.ndarray) -> int:
    """Return how much memory `ResidentImages` takes permanently, in bytes."""
    if isinstance(store.pictures, FractalPictures):
        return bytes_on_device(store.pictures, rows)
    return len(rows) * store.size**2 * 3


def free_memory(device: torch.device) -> int:
    """Return a device's free memory in bytes; half of all memory where the system does not report it (macOS)."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


class ResidentImages:
    """Images held on the device, as uint8 or packed: only positions are copied during training."""

    def __init__(self, store: Store, rows: np.ndarray, device: torch.device) -> None:
        self.device = device
        if isinstance(store.pictures, FractalPictures):
            self.take: Callable[[Tensor], Tensor] = FractalImages(store.pictures, rows, device).take
        else:
            self.take = partial(_take, _read_all(store, rows, device))

    def let_go(self) -> bool:
        """See `StreamedImages`."""
        return False

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield, on the device, each array of positions and its images, uint8 (n, size, size, 3)."""
        for positions in batches:
            on_device = to_device(positions, self.device)
            yield on_device, self.take(on_device)


def _read_all(store: Store, rows: np.ndarray, device: torch.device) -> Tensor:
    images = torch.empty((len(rows), store.size, store.size, 3), dtype=torch.uint8, device=device)
    chunk = max(1, BYTES_PER_READ // (store.size**2 * 3))
    buffer = store.buffer(min(chunk, len(rows)))
    for positions in consecutive_batches(len(rows), chunk):
        images[positions[0] : positions[-1] + 1] = torch.from_numpy(store.read(rows[positions], buffer))
    return images


def _take(images: Tensor, positions: Tensor) -> Tensor:
    """Return the images at positions; a GPU copies eight bytes as fast as one."""
    pixels = images.flatten(1)
    words = pixels.view(torch.int64) if pixels.shape[1] % 8 == 0 else pixels
    return words.index_select(0, positions).view(torch.uint8).view(-1, *images.shape[1:])


class StreamedImages:
    """Images read from the store a few batches ahead, into reused buffers, and copied during the computation."""

    def let_go(self) -> bool:
        """Free memory on the GPU; return False, for nothing is held."""
        return False

    def __init__(self, store: Store, rows: np.ndarray, device: torch.device) -> None:
        self.store, self.rows, self.device = store, rows, device

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield as `ResidentImages.stream` does; a batch is valid until the next one is asked for."""
        slots = cycle([_Slot(self.device) for _ in range(AHEAD + 1)])  # one more for the batch in use
        pending: deque[tuple[np.ndarray, _Slot, Future[Tensor]]] = deque()
        with ThreadPoolExecutor(max_workers=1) as reading:
            for positions, slot in zip(batches, slots, strict=False):
                pending.append((positions, slot, reading.submit(slot.fill, self.store, self.rows[positions])))
                if len(pending) > AHEAD:
                    yield self._arrived(*pending.popleft())
            while pending:
                yield self._arrived(*pending.popleft())

    def _arrived(self, positions: np.ndarray, slot: "_Slot", images: "Future[Tensor]") -> tuple[Tensor, Tensor]:
        return to_device(positions, self.device), slot.hand_over(images.result())


class MeasuredImages(StreamedImages):
    """Images for a GPU: streamed for one batch, then held there if the memory that the batch needed leaves room."""

    def __init__(self, store: Store, rows: np.ndarray, device: torch.device) -> None:
        super().__init__(store, rows, device)
        self._measured = False
        self._resident: ResidentImages | None = None

    def stream(self, batches: Iterable[np.ndarray]) -> Iterator[tuple[Tensor, Tensor]]:
        """See `StreamedImages`."""
        batches = iter(batches)
        if not self._measured:
            torch.cuda.reset_peak_memory_stats(self.device)
            before = torch.cuda.memory_allocated(self.device)
            yield from super().stream(islice(batches, 1))
            self._settle(torch.cuda.max_memory_allocated(self.device) - before)
        while self._resident is not None and (positions := next(batches, None)) is not None:
            on_device = to_device(positions, self.device)
            yield on_device, self._resident.take(on_device)
        yield from super().stream(batches)

    def let_go(self) -> bool:
        """Free the memory of images held on the GPU, which are streamed from the next batch on; False if none are."""
        if self._resident is None:
            return False
        self._resident = None
        torch.cuda.empty_cache()
        logger.warning("a step does not fit beside the images on the GPU: they are read batch by batch from now on")
        return True

    def _settle(self, step: int) -> None:
        """Hold the images on the GPU if they fit in addition to the `step` bytes that the first batch needed."""
        torch.cuda.empty_cache()
        free, needed = torch.cuda.mem_get_info(self.device)[0], bytes_held(self.store, self.rows)
        if needed + (1 + HEADROOM) * step <= free:
            self._resident = ResidentImages(self.store, self.rows, self.device)
        self._measured = True
        where = "held on the GPU" if self._resident else "read batch by batch"
        message = "%d MB of images are %s: a batch needs %d MB and the GPU has %d MB free"
        logger.info(message, needed >> 20, where, step >> 20, free >> 20)


class _Slot:
    """One host buffer (pinned for CUDA) and the event that says when its last copy to the device was done."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.buffer: Tensor | None = None
        self.side_stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self.copied = torch.cuda.Event() if device.type == "cuda" else None

    def fill(self, store: Store, rows: np.ndarray) -> Tensor:
        if self.buffer is None or len(self.buffer) < len(rows):
            shape = (len(rows), store.size, store.size, 3)
            self.buffer = torch.empty(shape, dtype=torch.uint8, pin_memory=self.copied is not None)
        if self.copied is not None:
            self.copied.synchronize()
        images = self.buffer[: len(rows)]
        store.read(rows, images.numpy())
        if self.side_stream is None or self.copied is None:
            return images
        with torch.cuda.stream(self.side_stream):
            on_device = images.to(self.device, non_blocking=True)
            self.copied.record()
        return on_device

    def hand_over(self, images: Tensor) -> Tensor:
        if self.copied is not None:
            current = torch.cuda.current_stream(self.device)
            current.wait_event(self.copied)
            images.record_stream(current)
        return images
