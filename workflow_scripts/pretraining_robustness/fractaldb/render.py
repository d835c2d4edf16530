"""From systems of maps to a store of fractals: packed supports, and the table of the images that they represent."""

import hashlib
import json
import logging
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, file_digest, full_disk_named, require_space
from pretraining_robustness.fractaldb.framing import Frame
from pretraining_robustness.fractaldb.rendering import WEIGHTS, path_draws, render_supports
from pretraining_robustness.fractaldb.systems import class_name, read_systems
from pretraining_robustness.progress import Progress
from pretraining_robustness.store.fractal_store import FLIPS, MOST_INSTANCES
from pretraining_robustness.store.partial_store import Entry, PartialStore, npy_header

logger = logging.getLogger(__name__)

CLASSES_PER_COMMIT = 16


def render_fractals(
    systems: str | Path,
    points: int,
    size: int,
    padding: int,
    instances: int,
    images: str | Path,
    table: str | Path,
    classes: str | Path,
    undecodable: str | Path,
    state: str | Path,
    code: str,
    threads: int = 1,
) -> None:
    """Render every system under every weight; the same request gives the same bytes, even after a kill.

    Args:
        systems: CSV as systems.write_systems writes it.
        points: number of points per path, the first at (0, 0).
        size: width and height of the images in pixels.
        padding: pixels between a path's points and the frame.
        instances: images of each weight before flipping, 1 to `MOST_INSTANCES`.
        images: output, .npy of uint8 (classes * 25, ceil(size * size / 8)): supports as rendering.render_supports packs
            them.
        table: output, .parquet with one row per image: row, image (the name of its file in the published set),
            class_id, weight, instance, flip; row = ((class * 25 + weight) * instances + instance) * 4 + flip.
        classes: output, .csv: class_id, name, images.
        undecodable: output, .csv: image, reason; only its header.
        state: folder for unfinished work, on the disk of `images`; removed at the end.
        code: digest of the code; unfinished work of other code is not resumed.
        threads: number of classes rendered at once.

    Raises:
        InputError: an unusable table of systems, numbers out of range, a full disk.
    """
    frame = Frame(size, padding)
    if points < 2:
        raise InputError(f"render: points {points} must be 2 or more")
    if not 1 <= instances <= MOST_INSTANCES:
        raise InputError(f"render: instances {instances} must lie between 1 and {MOST_INSTANCES}")
    found = read_systems(systems)
    names = [class_name(number) for number in range(len(found))]
    shape = (len(found) * len(WEIGHTS), -(-size * size // 8))
    request = json.dumps([file_digest(systems), points, size, padding, code])
    render = partial(render_supports, draws=path_draws(points), frame=frame)
    started = time.monotonic()
    with (
        PartialStore(state, hashlib.sha256(request.encode()).hexdigest(), len(npy_header(shape))) as partial_store,
        ThreadPoolExecutor(threads) as pool,
    ):
        already = len(partial_store.entries)
        progress = Progress("classes", len(found), already // len(WEIGHTS))
        require_space(images, (shape[0] - already) * shape[1])
        for first in range(already // len(WEIGHTS), len(found), CLASSES_PER_COMMIT):
            last = min(first + CLASSES_PER_COMMIT, len(found))
            rendered = zip(names[first:last], pool.map(render, found[first:last]), strict=True)
            entries = (
                (Entry(f"{name}_{weight:02d}", name, {}, len(support)), support.data)
                for name, supports in rendered
                for weight, support in enumerate(supports)
            )
            for entry, data in islice(entries, max(0, already - first * len(WEIGHTS)), None):
                partial_store.append(entry, data)
            partial_store.commit()
            if progress.due():
                progress.report(last)
    _write_tables(names, instances, Path(table), Path(classes), Path(undecodable))
    partial_store.publish(shape, images)
    shutil.rmtree(state)
    rate = (shape[0] - already) * instances * FLIPS / max(time.monotonic() - started, 1e-9)
    logger.info("%s: %d supports, %.0f pictures/s", images, shape[0], rate)


def picture_table(names: list[str], instances: int) -> pd.DataFrame:
    """Return the table of all images; column `image` is the path to which the published renderer writes it."""
    counts = (len(names), len(WEIGHTS), instances, FLIPS)
    numbers, weights, takes, flips = (part.ravel() for part in np.indices(counts, dtype=np.int32))
    tails = [f"_{weight:02d}_count_{take}_flip{flip}.png" for weight, take, flip in np.ndindex(*counts[1:])]
    return pd.DataFrame(
        {
            "row": np.arange(len(numbers), dtype=np.int64),
            "image": [f"{name}/{name}{tail}" for name in names for tail in tails],
            "class_id": np.array(names, dtype=object)[numbers],
            "weight": weights,
            "instance": takes,
            "flip": flips,
        }
    )


def _write_tables(names: list[str], instances: int, table: Path, classes: Path, undecodable: Path) -> None:
    pictures = len(WEIGHTS) * instances * FLIPS
    with full_disk_named(table, "the rendered supports are kept"):
        with atomic_path(table) as path:
            picture_table(names, instances).to_parquet(path, index=False)
        with atomic_path(classes) as path:
            pd.DataFrame({"class_id": names, "name": names, "images": pictures}).to_csv(path, index=False)
        with atomic_path(undecodable) as path:
            path.write_text("image,reason\n", encoding="utf-8")
