"""Generate one shard of a source's images straight into the store's format; a killed job goes on where it was."""

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import PIL
import pyarrow
import pyarrow.parquet
import torch
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, full_disk_named, require_space, write_rows
from pretraining_robustness.progress import Progress
from pretraining_robustness.stable_diffusion.pipeline import load_pipeline
from pretraining_robustness.stable_diffusion.sampling import PromptEmbeddings, Sampler
from pretraining_robustness.stable_diffusion.settings import Settings
from pretraining_robustness.stable_diffusion.shards import shard_range
from pretraining_robustness.store.decoding import encode_jpeg
from pretraining_robustness.store.partial_store import Entry, PartialStore, npy_header
from pretraining_robustness.training.devices import training_device

logger = logging.getLogger(__name__)


def generate_images(
    *,
    plan: str | Path,
    model: str | Path,
    images: str | Path,
    table: str | Path,
    metrics: str | Path,
    settings: Mapping[str, Any],
    shards: int,
    shard: int,
    state: str | Path,
    code: str,
    threads: int = 1,
) -> None:
    """Generate the images of one shard; the same request gives the same images, also after having been killed.

    Args:
        plan: Parquet of `image_plan.plan_prompts`: what each image is.
        model: folder of a Stable Diffusion pipeline, see `pipeline.load_pipeline`.
        images: .npy to write, uint8: (images, size, size, 3), or with encoding "jpeg" the bytes of all files in a row.
        table: Parquet to write, one row per image: row (within the shard) and the columns of the plan; with encoding
            "jpeg" also offset and length in bytes, within the shard.
        metrics: CSV to write, one row: shard, images, resumed (of them by earlier attempts), seconds,
            images_per_second (of this attempt, without loading), batch_size (the last one), peak_gpu_memory_mb,
            scheduler, steps, guidance, precision and device.
        settings: see `settings.Settings`.
        shards: number of contiguous parts that the plan's images are split into.
        shard: which one, from 0.
        state: folder for the work of unfinished jobs, on the disk of `images`; removed at the end. At most the batch
            in work is lost.
        code: digest of the generating code; work of other code is not continued.
        threads: of the CPU.

    Raises:
        InputError: for unusable settings, a missing model, a shard that does not exist, a full disk.
    """
    wanted = Settings.read(settings)
    rows = read_part(plan, shards, shard, wanted.batch_size)
    device = training_device(threads)
    header = npy_header(_shape(wanted, 0))
    request = _request(rows, model, wanted, code)
    with PartialStore(state, request, len(header)) as partial:
        resumed = len(partial.entries)
        if wanted.encoding == "uint8":
            require_space(images, (len(rows) - resumed) * wanted.size**2 * 3)
        measured = _fill(partial, rows, model, wanted, device)
    _write_table(rows, [entry.length for entry in partial.entries], wanted, table)
    who = {"shard": shard, "images": len(rows), "resumed": resumed}
    used = {key: getattr(wanted, key) for key in ("scheduler", "steps", "guidance", "precision")}
    write_rows(metrics, [who | measured | used | {"device": _device_name(device)}])
    size = sum(entry.length for entry in partial.entries)
    partial.publish(_shape(wanted, len(rows) if wanted.encoding == "uint8" else size), images)
    shutil.rmtree(state)


def read_part(plan: str | Path, shards: int, shard: int, batch_size: int) -> pyarrow.Table:
    """Return the plan's rows of one shard."""
    every = pyarrow.parquet.read_table(plan)
    numbers = shard_range(len(every), shards, shard, batch_size)
    part = every.slice(numbers.start, len(numbers))
    if part["number"].to_pylist() != list(numbers):
        raise InputError(f"{plan}: does not number its images from 0 on; plan the prompts again")
    return part


def _fill(
    partial: PartialStore, rows: pyarrow.Table, model: str | Path, settings: Settings, device: torch.device
) -> dict[str, Any]:
    """Generate what the partial store lacks, batch by batch, and return what was measured."""
    done = already = len(partial.entries)
    # A batch is generated whole even if its first images are there: another composition would change its bytes.
    first = already - already % settings.batch_size
    left = {name: rows[name].to_pylist()[first:] for name in ("image", "class_id", "prompt", "seed")}
    seconds, batch_size = 0.0, settings.batch_size
    if done < len(rows):
        pipeline = load_pipeline(model, settings, device)
        sampler = Sampler(pipeline, PromptEmbeddings(pipeline, left["prompt"], device), settings, device)
        progress = Progress("images", len(rows), already)
        started = time.perf_counter()
        for start in range(first, len(rows), settings.batch_size):
            batch = slice(start - first, start - first + settings.batch_size)
            pictures = sampler.generate(left["prompt"][batch], left["seed"][batch])
            names = zip(left["image"][batch], left["class_id"][batch], strict=True)
            for number, ((image, class_id), pixels) in enumerate(zip(names, pictures, strict=True), start):
                if number < already:
                    continue
                data = _encoded(pixels, settings)
                partial.append(Entry(image, class_id, {}, len(data)), data)
            partial.commit()
            done = len(partial.entries)
            seconds = time.perf_counter() - started
            if progress.due() or done == len(rows):
                progress.report(done)
        batch_size = sampler.batch_size
    return {
        "seconds": round(seconds, 3),
        "images_per_second": round((done - already) / seconds, 3) if seconds else 0.0,
        "batch_size": batch_size,
        "peak_gpu_memory_mb": torch.cuda.max_memory_allocated(device) / 2**20 if device.type == "cuda" else 0.0,
    }


def _encoded(pixels: NDArray[np.uint8], settings: Settings) -> bytes | memoryview:
    return encode_jpeg(pixels) if settings.encoding == "jpeg" else pixels.data.cast("B")


def _shape(settings: Settings, length: int) -> tuple[int, ...]:
    return (length, settings.size, settings.size, 3) if settings.encoding == "uint8" else (length,)


def _request(rows: pyarrow.Table, model: str | Path, settings: Settings, code: str) -> str:
    """Return a digest of everything that decides the shard's bytes; a model's files enter by name, size and time."""
    plan = [rows[name].to_pylist() for name in ("image", "class_id", "prompt", "seed")]
    files = [path for path in sorted(Path(model).rglob("*")) if path.is_file()] if Path(model).is_dir() else []
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    versions = [PIL.__version__, torch.__version__, diffusers.__version__]
    parts = [plan, str(model), stamps, asdict(settings), versions, code]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _write_table(rows: pyarrow.Table, lengths: Sequence[int], settings: Settings, path: str | Path) -> None:
    numbers = np.arange(len(rows), dtype=np.int64)
    written = rows.add_column(0, "row", pyarrow.array(numbers))
    if settings.encoding == "jpeg":
        ends = np.cumsum(np.array(lengths, dtype=np.int64))
        written = written.append_column("offset", pyarrow.array(ends - np.array(lengths, dtype=np.int64)))
        written = written.append_column("length", pyarrow.array(np.array(lengths, dtype=np.int64)))
    with full_disk_named(path, "the pictures made are kept"), atomic_path(path) as temporary:
        pyarrow.parquet.write_table(written.replace_schema_metadata(), temporary)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "processor"
