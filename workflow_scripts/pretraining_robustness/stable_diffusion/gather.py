"""Join the shards of a generated source into one store."""

import csv
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, full_disk_named, require_space, write_rows
from pretraining_robustness.store.partial_store import npy_header

logger = logging.getLogger(__name__)

BYTES_AT_ONCE = 1 << 24


def gather_generated(
    *,
    shard_images: Sequence[str | Path],
    shard_tables: Sequence[str | Path],
    prompts: str | Path,
    images: str | Path,
    table: str | Path,
    classes: str | Path,
    undecodable: str | Path,
) -> None:
    """Write the store that the shards make up, in the memory of one of their tables and 16 MB.

    Args:
        shard_images, shard_tables: outputs of `generate_images`, in order of the shards.
        prompts: CSV of `plan_prompts`; it names the classes.
        images: .npy to write: the images of all shards.
        table: Parquet to write: the shards' rows, numbered through, offsets counted from the beginning.
        classes: CSV to write: class_id, name (CLIP's), images.
        undecodable: CSV to write: only its header, since every generated image can be read.

    Raises:
        InputError: for shards that do not fit together, naming the first one, and for a full disk.
    """
    arrays = [_open(path) for path in shard_images]
    shapes = {array.shape[1:] for array in arrays}
    if len(shapes) != 1:
        raise InputError(f"{shard_images[0]}: the shards hold pictures of different sizes; generate them again")
    header = npy_header((sum(map(len, arrays)), *shapes.pop()))
    require_space(images, len(header) + sum(array.nbytes for array in arrays))
    counts = _gather_tables(arrays, shard_images, shard_tables, Path(table))
    with full_disk_named(images, "the shards are kept"):
        with atomic_path(images) as temporary, open(temporary, "wb") as file:
            file.write(header)
            for array in arrays:
                flat = array.reshape(-1)
                for start in range(0, len(flat), BYTES_AT_ONCE):
                    file.write(flat[start : start + BYTES_AT_ONCE].data)
        _write_classes(prompts, counts, classes)
        with atomic_path(undecodable) as temporary:
            temporary.write_text("image,reason\n", encoding="utf-8")
    logger.info("%s: %d images from %d shards", images, sum(counts.values()), len(arrays))


def _open(path: str | Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except ValueError as error:
        raise InputError(f"{path}: not a shard of generated pictures ({error}); generate it again") from error


def _gather_tables(
    arrays: Sequence[np.ndarray], shard_images: Sequence[str | Path], tables: Sequence[str | Path], path: Path
) -> Counter[str]:
    """Write the joined table and return how many images each class has."""
    counts: Counter[str] = Counter()
    rows = offset = 0
    with full_disk_named(path, "the shards are kept"), atomic_path(path) as temporary:
        writer: pyarrow.parquet.ParquetWriter | None = None
        for array, images, one in zip(arrays, shard_images, tables, strict=True):
            part = pyarrow.parquet.read_table(one)
            numbers = np.arange(rows, rows + len(part), dtype=np.int64)
            is_jpeg = array.ndim == 1
            stored = int(part["length"].to_numpy().sum()) if is_jpeg else len(part)
            if not np.array_equal(part["number"].to_numpy(), numbers) or stored != len(array):
                raise InputError(
                    f"{one}: does not follow the shard before it, or does not belong to {images}: generate the shards "
                    "of one plan again"
                )
            part = part.set_column(part.column_names.index("row"), "row", pyarrow.array(numbers))
            if is_jpeg:
                moved = pyarrow.array(part["offset"].to_numpy() + offset)
                part = part.set_column(part.column_names.index("offset"), "offset", moved)
            counts.update(part["class_id"].to_pylist())
            writer = writer or pyarrow.parquet.ParquetWriter(temporary, part.schema)
            writer.write_table(part)
            rows += len(part)
            offset += array.nbytes
        assert writer is not None
        writer.close()
    return counts


def _write_classes(prompts: str | Path, counts: Counter[str], path: str | Path) -> None:
    with open(prompts, newline="", encoding="utf-8") as file:
        names = {row["class_id"]: row["class_name"] for row in csv.DictReader(file)}
    if unknown := sorted(counts.keys() - names.keys()):
        raise InputError(f"{prompts}: does not name the class {unknown[0]} of the shards; plan the prompts again")
    rows = [{"class_id": class_id, "name": name, "images": counts[class_id]} for class_id, name in names.items()]
    write_rows(path, rows, ["class_id", "name", "images"])
