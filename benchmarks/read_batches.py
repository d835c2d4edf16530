"""How fast training batches come from the store, against torchvision's ImageFolder and DataLoader on the same JPEGs.

One run measures all of them one after another, several times round, on synthetic photographs of some 500 x 350 pixels
and 78 kB (ImageNet's files have 110 kB on average), and writes the medians:

    make benchmark-read_batches OPTIONS="--images 2048 --rounds 5"

The peer's batches are cropped at random, flipped and normalised floats; the store's are uint8 pictures of 256 pixels,
which the training loop crops, flips and normalises on its own device. To show what that leaves out, one row of the peer
stops before the floats, and two rows of the store crop, flip (alike for a batch) and normalise here as well. Rates are
for one core (DataLoader has one worker, PyTorch and the store one thread), with all files in the system's memory.

A second table is of a store that is not in memory, as ImageNet's 252 GB rarely are: how many bytes come from the disk
for each that a batch in random order asks for, by requests (as the store reads) and by mapped memory (as it did).

A third table is of JPEG files alone, by OpenCV (as the store decodes them) and by Pillow (as it did): processor time
for a picture, which a busy machine hardly changes, and the fastest round on one thread and on two.
"""

import argparse
import io
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import PIL
import torch
import torchvision
from machine import machine
from numpy.typing import NDArray
from PIL import Image
from torchvision import transforms

from pretraining_robustness.files import write_rows
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.decoding import encode_jpeg
from pretraining_robustness.store.read import JpegPictures, Store, _decode_with_pillow

BATCH = 256
STORE_SIZE = 256
CROP_SIZE = 224
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
ANCHOR = "ImageFolder + DataLoader"
RESULTS = Path(__file__).parent / "results" / "read_batches.csv"
COLD_RESULTS = RESULTS.with_name("cold_reads.csv")
JPEG_RESULTS = RESULTS.with_name("jpeg_decoding.csv")
JPEG_ROUND = 64  # pictures of a round: short, so that many fall between what else the machine does


def write_photographs(folder: Path, count: int) -> int:
    """Write synthetic JPEGs into class folders and return their mean size in bytes."""
    random = np.random.default_rng(0)
    total = 0
    for number in range(count):
        width, height = (500, int(random.integers(333, 376)))[:: 1 if number % 4 else -1]
        stream = io.BytesIO()
        Image.fromarray(synthetic_photograph(random, width, height)).save(stream, "JPEG", quality=94)
        place = folder / f"class_{number % 8}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number:05d}.jpg").write_bytes(stream.getvalue())
        total += stream.tell()
    return total // count


def peer(folder: Path, floats: bool) -> Callable[[], int]:
    """Return a pass over torchvision's ImageFolder through a DataLoader with one worker."""
    steps = [transforms.RandomResizedCrop(CROP_SIZE), transforms.RandomHorizontalFlip()]
    if floats:
        steps += [transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
    else:
        steps += [transforms.PILToTensor()]
    data = torchvision.datasets.ImageFolder(str(folder), transforms.Compose(steps))
    loader = torch.utils.data.DataLoader(data, BATCH, shuffle=True, num_workers=1)
    return lambda: sum(len(images) for images, _ in loader)


def shuffled(count: int) -> Iterator[NDArray[np.int64]]:
    """Yield the row numbers of a random order in batches."""
    order = np.random.default_rng().permutation(count)
    return (order[start : start + BATCH] for start in range(0, count, BATCH))


def store_pass(store: Store) -> Callable[[], int]:
    """Return a pass over the store in a new random order, into one buffer."""
    buffer = store.buffer(BATCH)
    return lambda: sum(len(store.read(rows, buffer)) for rows in shuffled(len(store)))


def augmented_pass(store: Store) -> Callable[[], int]:
    """Return a pass over the store with random crop, flip and normalisation of each batch on this processor."""
    buffer = store.buffer(BATCH)
    floats = torch.zeros(BATCH, 3, CROP_SIZE, CROP_SIZE).contiguous(memory_format=torch.channels_last)
    random = np.random.default_rng(0)
    mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (MEAN, DEVIATION))

    def augment(pictures: NDArray[np.uint8]) -> torch.Tensor:
        left, top = random.integers(0, STORE_SIZE - CROP_SIZE + 1, 2)
        crop = torch.from_numpy(pictures[:, top : top + CROP_SIZE, left : left + CROP_SIZE]).permute(0, 3, 1, 2)
        crop = crop.flip(3) if random.random() < 0.5 else crop
        return floats[: len(crop)].copy_(crop).sub_(mean).div_(deviation)

    return lambda: sum(len(augment(store.read(rows, buffer))) for rows in shuffled(len(store)))


def bytes_from_disk() -> int:
    """Return how many bytes this process has had read from disks (proc(5))."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def cold_reads(folder: Path, images: int, rounds: int) -> list[dict[str, object]]:
    """Measure batches of random rows of a store of which nothing is in memory, by requests and by mapped memory."""
    path = folder / "cold.npy"
    picture = np.random.default_rng(0).integers(0, 256, (STORE_SIZE, STORE_SIZE, 3), dtype=np.uint8)
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, (images, *picture.shape))
    for row in range(images):
        pixels[row] = picture
    pixels.flush()
    del pixels
    seen: dict[str, list[tuple[float, float]]] = {"requests": [], "mapped memory": []}
    for number in range(rounds * 2):
        how = list(seen)[number % 2]
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        store = Store.open(path) if how == "requests" else Store(np.asarray(np.load(path, mmap_mode="r")))
        rows = np.random.default_rng(number // 2).permutation(images)[:BATCH]
        buffer = store.buffer(BATCH)
        before, started = bytes_from_disk(), time.perf_counter()
        store.read(rows, buffer)
        seconds = time.perf_counter() - started
        seen[how].append(((bytes_from_disk() - before) / buffer.nbytes, len(rows) / seconds))
        del store
    read_ahead = [path.read_text().strip() for path in Path("/sys/block").glob("*/queue/read_ahead_kb")]
    return [
        {
            "what": f"{BATCH} random pictures of {STORE_SIZE} pixels from disk, by {how}",
            "bytes_read_for_each_asked": round(statistics.median(ratio for ratio, _ in values), 2),
            "most": round(max(ratio for ratio, _ in values), 2),
            "images_per_second_one_thread": round(statistics.median(rate for _, rate in values)),
            "images": images,
            "rounds": rounds,
            "read_ahead_kb": max(map(int, read_ahead), default=0),
            "machine": machine(),
        }
        for how, values in seen.items()
    ]


def synthetic_photograph(random: np.random.Generator, width: int, height: int) -> NDArray[np.uint8]:
    """Return smooth colours with grain."""
    shapes = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    picture = np.asarray(shapes.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    return (picture + random.integers(-12, 13, picture.shape, dtype=np.int16)).clip(0, 255).astype(np.uint8)


def jpeg_decoding(rounds: int) -> list[dict[str, object]]:
    """Measure both decoders of a packed store in turn, on one thread and on two."""
    random = np.random.default_rng(0)
    files = [encode_jpeg(synthetic_photograph(random, STORE_SIZE, STORE_SIZE)) for _ in range(JPEG_ROUND)]
    lengths = np.array([len(file) for file in files])
    places = np.stack([np.cumsum(lengths) - lengths, lengths], axis=1)
    rows = np.arange(JPEG_ROUND)
    stores, answers = {}, []
    for decoder in ("OpenCV", "Pillow"):
        for threads in (1, 2):
            pictures = JpegPictures(np.frombuffer(b"".join(files), np.uint8), places, "benchmark")
            if decoder == "Pillow":
                pictures._decode = _decode_with_pillow
            stores[decoder, threads] = Store(pictures, threads)
            answers.append(stores[decoder, threads].read(rows))
    assert all(np.array_equal(answer, answers[0]) for answer in answers)
    buffer = answers[0]
    seen: dict[tuple[str, int], list[tuple[float, float]]] = {key: [] for key in stores}
    for _ in range(rounds):
        for key, store in stores.items():
            processor, started = time.process_time(), time.perf_counter()
            store.read(rows, buffer)
            seen[key].append((time.perf_counter() - started, time.process_time() - processor))
    return [
        {
            "decoder": decoder,
            "threads": threads,
            "processor_microseconds_a_picture": round(statistics.median(used for _, used in values) / JPEG_ROUND * 1e6),
            "fastest_round_images_per_second": round(JPEG_ROUND / min(seconds for seconds, _ in values)),
            "pictures_are_equal": True,
            "size": STORE_SIZE,
            "rounds": rounds,
            "machine": machine(),
        }
        for (decoder, threads), values in seen.items()
    ]


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--images", type=int, default=2048)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--cold", action="store_true", help="only the second table")
    arguments.add_argument("--jpeg", action="store_true", help="only the third table")
    options = arguments.parse_args()
    torch.set_num_threads(1)
    jpeg = jpeg_decoding(40 * options.rounds)
    for line in jpeg:
        print(line)
    write_rows(JPEG_RESULTS, jpeg)
    if options.jpeg:
        return
    with tempfile.TemporaryDirectory() as temporary:
        cold = cold_reads(Path(temporary), 2 * options.images, options.rounds)
    for line in cold:
        print(line)
    write_rows(COLD_RESULTS, cold)
    if options.cold:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        mean_bytes = write_photographs(folder / "photographs", options.images)
        stores = {}
        build_rates = {}
        for encoding in ("uint8", "jpeg"):
            out = folder / encoding
            files = ("images.npy", "images.parquet", "classes.csv", "undecodable.csv", "duplicates.csv", "summary.json")
            names = [out / name for name in files]
            started = time.perf_counter()
            build_store(
                folder / "photographs", "class_folders", *names, state=out / "unfinished",
                size=STORE_SIZE, encoding=encoding,
            )  # fmt: skip
            build_rates[encoding] = options.images / (time.perf_counter() - started)
            stores[encoding] = Store.open(names[0], names[1])
        passes = {
            ANCHOR: peer(folder / "photographs", floats=True),
            "ImageFolder + DataLoader, uint8": peer(folder / "photographs", floats=False),
            "store, uint8": store_pass(stores["uint8"]),
            "store, JPEG files": store_pass(stores["jpeg"]),
            "store, uint8, with crop, flip, normalisation": augmented_pass(stores["uint8"]),
            "store, JPEG files, with crop, flip, normalisation": augmented_pass(stores["jpeg"]),
        }
        rates: dict[str, list[float]] = {name: [] for name in passes}
        for _ in range(options.rounds):
            for name, one_pass in passes.items():
                started = time.perf_counter()
                images = one_pass()
                rates[name].append(images / (time.perf_counter() - started))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    anchor = medians[ANCHOR]
    fixed = {
        "images": options.images,
        "mean_bytes": mean_bytes,
        "rounds": options.rounds,
        "machine": machine(),
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}, NumPy {np.__version__}",
    }
    rows = [
        {
            "what": name,
            "images_per_second_per_core": round(medians[name]),
            "slowest_round": round(min(values)),
            "fastest_round": round(max(values)),
            "ratio_to_image_folder": round(medians[name] / anchor, 1),
        }
        | fixed
        for name, values in rates.items()
    ]
    for encoding, rate in build_rates.items():
        rows.append({"what": f"building the store, {encoding}", "images_per_second_per_core": round(rate)} | fixed)
    for row in rows:
        rate, ratio = row["images_per_second_per_core"], row.get("ratio_to_image_folder", "")
        print(f"{row['what']:52} {rate:>8} images/s per core   {ratio} x")
    write_rows(RESULTS, rows)


if __name__ == "__main__":
    main()
