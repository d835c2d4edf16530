"""How fast FractalDB is searched and rendered, against a plain rendition of the published code in the same process.

    make benchmark-fractaldb OPTIONS="--fractals 20 --rounds 5"     speeds on one core, in a few minutes
    make benchmark-fractaldb OPTIONS="--full FOLDER --threads 2"     the whole of FractalDB-1k first, in FOLDER

The plain rendition goes through candidates and pictures as hirokatsukataoka16/FractalDB-Pretrained-ResNet-PyTorch does
at commit 1b8fb9f: points in Python, one by one; a patch made of its mask and pasted with Pillow for every point. It
writes no PNG files, which cost the published code another 30 ms a picture; neither does ours. Ours are the kernels of
the pipeline, with compiled code at hand, and its ways of reading pictures. Images are counted as FractalDB counts them,
a thousand a system: 25 weights, 10 instances, 4 flips. All run on one thread, in turn, several times round; what is
written are medians of processor time, which other work on the machine disturbs least, and the load there was. The whole
set is compared with the known numbers when it is made.
"""

import argparse
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pandas as pd
import torch
from machine import machine
from PIL import Image

from pretraining_robustness.files import write_rows
from pretraining_robustness.fractaldb.framing import Frame
from pretraining_robustness.fractaldb.kernels import extremes, select
from pretraining_robustness.fractaldb.render import render_fractals
from pretraining_robustness.fractaldb.rendering import WEIGHTS, path_draws, render_supports, weighted_maps
from pretraining_robustness.fractaldb.search import (
    random_systems,
    reached_pixels,
    search_fractals,
    search_systems,
)
from pretraining_robustness.fractaldb.systems import System, read_systems
from pretraining_robustness.store.fractal_store import FLIPS, FractalPictures
from pretraining_robustness.store.read import Store
from pretraining_robustness.training.batches import ResidentImages

REPOSITORY = Path(__file__).parent.parent

POINTS, FRAME, INSTANCES = 200_000, Frame(362, 6), 10  # exe.sh
SEARCH_POINTS, SEARCH_FRAME = 100_000, Frame(512, 6)
MINIATURE = Frame(36, 1)
IMAGES_A_SYSTEM = len(WEIGHTS) * INSTANCES * FLIPS
BATCH = 64
RESULTS = REPOSITORY / "benchmarks" / "results" / "fractaldb.csv"


def plain_path(system: list[list[float]], draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points of a path, gone through one by one."""
    thresholds = np.cumsum([row[6] for row in system]).tolist()
    x = y = 0.0
    xs, ys = [x], [y]
    for step in range(len(draws) - 1):
        for j in range(len(thresholds)):
            if draws[step] <= thresholds[j]:
                a, b, c, d, e, f, _ = system[j]
                x, y = x * a + y * b + e, x * c + y * d + f
                break
        xs.append(x)
        ys.append(y)
    return np.array(xs), np.array(ys)


def plain_pixels(values: np.ndarray, frame: Frame) -> np.ndarray:
    """Return the columns or rows of finite points."""
    values = values - min(values.min(), 0.0)
    return np.uint16(values / (values.max() - values.min()) * float(frame.size - 2 * frame.padding) + frame.padding)


def plain_picture(system: System, draws: np.ndarray) -> list[Image.Image]:
    """Return one instance of a system in its four flips, drawn patch by patch."""
    columns, rows = (plain_pixels(values, FRAME) for values in plain_path(system.tolist(), draws))
    image = Image.new("RGB", (FRAME.size, FRAME.size))
    for column, row in zip(columns, rows, strict=True):
        mask = f"{random.randrange(1, 512):09b}"
        patch, colour = np.zeros((3, 3, 3), np.uint8), np.array([127, 127, 127])
        for i in range(3):
            for j in range(3):
                patch[i, j, :] = colour * int(mask[i * 3 + j])
        image.paste(Image.fromarray(patch), (int(column) + 1, int(row) + 1))
    image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    upside_down = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    mirrored = (turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for turned in (image, upside_down))
    return [image, upside_down, *mirrored]


def plain_candidate(system: System, draws: np.ndarray) -> int:
    """Return how many pixels a finite candidate of the search reaches."""
    columns, rows = (plain_pixels(values, SEARCH_FRAME) for values in plain_path(system.tolist(), draws))
    image = np.array(Image.new("RGB", (SEARCH_FRAME.size, SEARCH_FRAME.size)))
    for i in range(len(columns)):
        image[rows[i], columns[i], :] = 127, 127, 127
    return int(np.count_nonzero(image[:, :, 0]))


def seconds(function: Callable[[], object]) -> tuple[float, float]:
    """Return how long a call takes, and how much processor time of all threads."""
    started, begun = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - started, time.process_time() - begun


def make_all(folder: Path, threads: int) -> list[tuple[str, float, str, str]]:
    """Search and render FractalDB-1k in `folder`; return what was measured of it, and what is known of it."""
    systems, search = folder / "systems.csv", folder / "search.csv"
    searching = seconds(
        lambda: search_fractals(
            1000, 1, SEARCH_POINTS, SEARCH_FRAME.size, SEARCH_FRAME.padding, 0.2, systems, search, threads=1
        )
    )
    files = [folder / name for name in ("images.npy", "images.parquet", "classes.csv", "undecodable.csv")]
    rendering = seconds(
        lambda: render_fractals(
            systems, POINTS, FRAME.size, FRAME.padding, INSTANCES, *files, folder / "unfinished", "", threads
        )
    )
    counts = pd.read_csv(search).iloc[0]
    found = read_systems(systems)
    draws = path_draws(POINTS)
    diverging = 0
    for system in found:
        ends = extremes(weighted_maps(system), select(np.cumsum(system[:, 6]), draws))[:2]
        diverging += int((~np.isfinite(ends)).any(axis=0).sum())
    supports = np.load(files[0], mmap_mode="r")
    coverage = np.concatenate([np.bitwise_count(part).sum(axis=1) for part in np.array_split(supports, 100)])
    coverage = coverage / FRAME.size**2
    rate = 100 * counts["accepted"] / counts["candidates"]
    return [
        ("search of FractalDB-1k, 1 thread", searching[0], "s", f"{searching[1]:.0f} s of processor time"),
        (f"rendering of FractalDB-1k, {threads} threads", rendering[0], "s", f"{rendering[1]:.0f} s of processor time"),
        ("candidates tried", int(counts["candidates"]), "", "known: 42,655"),
        ("candidates accepted", rate, "%", "known: 2.34 %"),
        ("candidates not finite", int(counts["not_finite"]), "", "known: 1,612"),
        ("paths that diverge", diverging, "of 25,000", "known: 1,141"),
        ("median coverage of a support", 100 * float(np.median(coverage)), "%", "known: 37 %"),
        ("95th percentile of coverage", 100 * float(np.quantile(coverage, 0.95)), "%", "known: 58 %"),
        ("supports with less than 1 % coverage", 100 * float((coverage < 0.01).mean()), "%", "known: 5.2 %"),
        ("supports with less than 0.1 % coverage", 100 * float((coverage < 0.001).mean()), "%", "known: 0.2 %"),
        ("size of images.npy", files[0].stat().st_size / 1e6, "MB", ""),
        ("size of images.parquet", files[1].stat().st_size / 1e6, "MB", ""),
    ]


def reading_passes(
    systems: list[System], frame: Frame, points: int, name: str
) -> dict[str, tuple[int, Callable[[], object]]]:
    """Return how many pictures of some systems two passes read, one with NumPy and one with torch, and the passes."""
    draws = path_draws(points)
    supports = np.concatenate([render_supports(system, draws, frame) for system in systems])
    store = Store(FractalPictures(supports, INSTANCES))
    rows = np.random.default_rng(0).permutation(len(store))[: 40 * BATCH if frame is MINIATURE else 4 * BATCH]
    batches = np.split(np.arange(len(rows)), len(rows) // BATCH)
    buffer = store.buffer(BATCH)
    resident = ResidentImages(store, rows, torch.device("cpu"))
    return {
        f"reading with NumPy, {name}": (len(rows), lambda: [store.read(rows[batch], buffer) for batch in batches]),
        f"drawing with torch, {name}": (len(rows), lambda: sum(len(images) for _, images in resident.stream(batches))),
    }


def speeds(fractals: int, rounds: int) -> list[tuple[str, float, str, str]]:
    """Return the speeds of all parts on one core."""
    torch.set_num_threads(1)
    systems = search_systems(fractals).systems
    draws = path_draws(POINTS)
    candidates = list(islice(random_systems(2, SEARCH_POINTS), 100))
    finite = [candidate for candidate in candidates if reached_pixels(*candidate, SEARCH_FRAME)[1]]
    supports = np.concatenate([render_supports(system, draws, FRAME) for system in systems])
    pictures = Store(FractalPictures(supports, INSTANCES))
    buffer = pictures.buffer(INSTANCES)
    readings = reading_passes(systems, FRAME, POINTS, "362 px") | reading_passes(systems, MINIATURE, 20_000, "36 px")
    instances, firsts = np.arange(INSTANCES) * FLIPS, range(0, len(pictures), INSTANCES * FLIPS)
    times: dict[str, list[float]] = {}

    def measure(name: str, count: float, function: Callable[..., object], *arguments: Any) -> None:
        times.setdefault(name, []).append(seconds(lambda: function(*arguments))[1] / count)

    for number in range(rounds):
        measure("plain picture", FLIPS, plain_picture, systems[number % len(systems)], draws)
        measure("support", len(systems), lambda: [render_supports(system, draws, FRAME) for system in systems])
        measure("instances", len(systems), lambda: [pictures.read(first + instances, buffer) for first in firsts])
        measure("plain candidate", 1, plain_candidate, *finite[number])
        measure("candidate", 100, lambda: [reached_pixels(*candidate, SEARCH_FRAME) for candidate in candidates])
        measure("numbers", 100, lambda: list(islice(random_systems(2, SEARCH_POINTS), 100)))
        for name, (images, reading) in readings.items():
            measure(name, images, reading)
    median = {name: statistics.median(values) for name, values in times.items()}
    plain = 1 / median["plain picture"]
    support = IMAGES_A_SYSTEM / median["support"]
    whole = IMAGES_A_SYSTEM / (median["support"] + median["instances"])
    ours = median["candidate"] + median["numbers"]
    return [
        ("plain rendition: pictures", plain, "images/s per core", f"{FLIPS / plain:.2f} s a rendering"),
        ("supports alone", support, "images/s per core", f"{support / plain:,.0f} x the plain rendition"),
        ("supports and all instances", whole, "images/s per core", f"{whole / plain:,.0f} x the plain rendition"),
        ("support of one path", 1e9 * median["support"] / len(WEIGHTS) / POINTS, "ns a point", "limit: 1.5 to 2"),
        ("plain rendition: candidates", 1e3 * median["plain candidate"], "ms a candidate", ""),
        ("candidates", 1e3 * ours, "ms a candidate", f"{median['plain candidate'] / ours:,.0f} x the plain rendition"),
        *((name, 1 / median[name], "images/s per core", f"batches of {BATCH}") for name in readings),
    ]


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--full", type=Path)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--fractals", type=int, default=20)
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    load = os.getloadavg()[0]
    measured = []
    with tempfile.TemporaryDirectory() as folder:
        search_fractals(1, 1, 1000, 32, 3, 0.1, Path(folder, "systems.csv"), Path(folder, "search.csv"))  # compiles
        render_supports(read_systems(Path(folder, "systems.csv"))[0], path_draws(1000), FRAME)
    if options.full:
        measured += make_all(options.full, options.threads)
    measured += speeds(options.fractals, options.rounds)
    fixed = {
        "fractals": options.fractals,
        "rounds": options.rounds,
        "load": f"{load:.1f} before the run",
        "machine": machine(),
        "versions": f"Python {platform.python_version()}, NumPy {np.__version__}, numba {numba.__version__}, "
        f"torch {torch.__version__}",
    }
    rows = [
        {"what": what, "value": float(f"{value:.4g}") if value < 1000 else round(value), "unit": unit, "note": note}
        | fixed
        for what, value, unit, note in measured
    ]
    for row in rows:
        print(f"{row['what']:42} {row['value']:>12,} {row['unit']:18} {row['note']}")
    write_rows(RESULTS, rows)


if __name__ == "__main__":
    main()
