"""Decode once: from a raw image collection to one array of images and the tables that say what its rows are."""

import hashlib
import json
import logging
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial as partial_function
from itertools import islice, repeat
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import PIL

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, full_disk_named, require_space
from pretraining_robustness.progress import Progress
from pretraining_robustness.store.decoding import UndecodableError, decode, encode_jpeg
from pretraining_robustness.store.frame import Encoding, Fit, OnUndecodable
from pretraining_robustness.store.partial_store import Entry, PartialStore, npy_header
from pretraining_robustness.store.read import FILE_PLACES, JPEG_PLACES
from pretraining_robustness.store.readers import check_collection, contents, open_collection
from pretraining_robustness.store.readers.raw import RawCollection, RawImage, damaged, said

logger = logging.getLogger(__name__)

# Raised when the layout of what a store holds changes, so that no partial store of another layout is continued.
LAYOUT = 2
IMAGES_PER_TASK = 16
IMAGES_PER_COMMIT = 1024
CHOICES = {"fit": get_args(Fit), "encoding": get_args(Encoding), "on_undecodable": get_args(OnUndecodable)}
LARGEST_SIZE = 4096

Prepared = tuple[Entry, memoryview | bytes]


@dataclass(frozen=True)
class StoreSpec:
    """What a store holds.

    Attributes:
        size: side of the square images in pixels, 1 to `LARGEST_SIZE`.
        fit: "crop" scales the short side and cuts the middle out; "stretch" scales both sides.
        encoding: "uint8" keeps pixels; "jpeg" keeps JPEG files, a tenth of the bytes; "files" keeps the images' own
            files, which are brought to the size that a network asks for when they are read, `size` and `fit` aside.
        on_undecodable: "refuse" stops at an image that does not decode; "skip" lists it and goes on.
    """

    size: int = 32
    fit: Fit = "crop"
    encoding: Encoding = "uint8"
    on_undecodable: OnUndecodable = "refuse"

    def __post_init__(self) -> None:
        for key, choices in CHOICES.items():
            if getattr(self, key) not in choices:
                raise InputError(f"{key} {getattr(self, key)!r} of a store is unknown: choose {' or '.join(choices)}")
        if self.encoding == "files" and self.fit == "stretch":
            raise InputError("encoding 'files' of a store is for images whose middle is cut out; choose uint8 or jpeg")
        if not 1 <= self.size <= LARGEST_SIZE:
            raise InputError(f"size {self.size} of a store must lie between 1 and {LARGEST_SIZE} pixels")


def build_store(
    raw: str | Path | Sequence[str | Path] | RawCollection,
    format: str,
    images: str | Path,
    table: str | Path,
    classes: str | Path,
    undecodable: str | Path,
    duplicates: str | Path,
    summary: str | Path,
    state: str | Path,
    splits: Sequence[str] = (),
    options: Mapping[str, Any] | None = None,
    threads: int = 1,
    expected: Mapping[str, int] | None = None,
    **held: Any,
) -> None:
    """Build the store of a collection; the same request gives the same bytes, also after having been killed.

    Args:
        raw: the raw files, in the order of the format's `read_from`, or a collection that is open already.
        format: a key of `formats.FORMATS`, or the name of the open collection's format.
        images: output, .npy of uint8: (images, size, size, 3), or with encoding "jpeg" the bytes of all files in a row.
        table: output, .parquet with one row per image: row, image, class_id, what the reader knows besides, and with
            encoding "jpeg" offset and length in bytes.
        classes: output, .csv: class_id, name, superclass where there is one, images (how many the store holds).
        undecodable: output, .csv: image, reason; only its header when every image decoded.
        duplicates: output, .csv: every stored image whose file has the bytes of an earlier one, the first of those
            (`same_as`), and of both the class_id and, in a task, the split.
        summary: output, .json: images, undecodable, duplicates, passed_over (files left aside, by what they are), and
            contents, the digest of what the reader read; of a folder also its path as `folder`.
        state: folder for the work of unfinished jobs, on the disk of `images`; removed at the end.
        splits: those of which a task must have images.
        options: of the format's reader.
        threads: how many images are decoded at once; Pillow decodes without holding Python's lock.
        expected: {images, classes}, how many there must be; None: any number.
        held: what the store holds, see `StoreSpec`.

    Raises:
        InputError: for a raw collection that is incomplete, damaged or undecodable, an unknown choice, a full disk.
    """
    spec = StoreSpec(**held)
    size, encoding = spec.size, spec.encoding
    collection = raw if isinstance(raw, RawCollection) else open_collection(format, raw, **(options or {}))
    _check_counts(collection, raw, expected)
    check_collection(collection, str(raw), spec.on_undecodable, splits)
    if encoding == "files" and collection.upright:
        raise InputError(f"{raw}: its images may have to be turned, which 'files' does not; choose uint8 or jpeg")
    passed_over = collection.passed_over()
    if passed_over:
        logger.warning("%s: passed over: %s", raw, said(passed_over))
    records = [hashlib.blake2b(record.encode(), digest_size=8).hexdigest() for record in collection.records()]
    header = npy_header((0, size, size, 3) if encoding == "uint8" else (0,))
    started = time.monotonic()
    with PartialStore(state, _request(format, collection, spec), len(header), records) as partial:
        already = len(partial.entries)
        if encoding == "uint8":
            require_space(images, (len(collection) - already) * size * size * 3)
        _fill(partial, collection, spec, threads)
        entries = partial.entries
    stored = [entry for entry in entries if entry.undecodable is None]
    if len(entries) != len(collection) or not stored:
        raise InputError(
            f"{raw}: {len(stored):,} of {len(collection):,} images could be stored: is it the right collection?"
        )
    _check_left(stored, collection, raw, splits)
    _write_tables(entries, collection, spec, Path(table), Path(classes), Path(undecodable))
    repeated = _duplicates(stored)
    counts = {"images": len(stored), "undecodable": len(entries) - len(stored), "duplicates": len(repeated)}
    with full_disk_named(duplicates, "the decoded images are kept"):
        with atomic_path(duplicates) as path:
            repeated.to_csv(path, index=False)
        with atomic_path(summary) as path:
            found = {**counts, "passed_over": dict(passed_over), "contents": contents(format, collection)}
            if isinstance(raw, str):
                found["folder"] = raw
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    array_bytes = sum(entry.length for entry in stored)
    partial.publish((len(stored), size, size, 3) if encoding == "uint8" else (array_bytes,), images)
    shutil.rmtree(state)
    seconds = time.monotonic() - started
    rate = (len(entries) - already) / max(seconds, 1e-9)
    logger.info("%s: %d images, %d do not decode, %.0f images/s", images, len(stored), len(entries) - len(stored), rate)


def _check_counts(collection: RawCollection, raw: object, expected: Mapping[str, int] | None) -> None:
    found = (len(collection), len(collection.classes()))
    if expected is not None and found != (expected["images"], expected["classes"]):
        raise InputError(
            f"{raw}: {found[0]:,} images of {found[1]:,} classes where {expected['images']:,} of "
            f"{expected['classes']:,} are declared: is it another version, or cut short?"
        )


def _check_left(stored: list[Entry], collection: RawCollection, raw: object, splits: Sequence[str]) -> None:
    """Refuse a task if damaged images leave a split empty; warn about classes left empty."""
    kept = {entry.attributes.get("split") for entry in stored}
    lost = next((split for split in splits if kept != {None} and split not in kept), None)
    if lost is not None:
        raise InputError(
            f"{raw}: no image of the split {lost}, on which the study measures, could be decoded; repair some (the log "
            "names them above), or name another split in the task's config"
        )
    empty = sorted((collection.class_counts() or Counter()).keys() - {entry.class_id for entry in stored})
    if empty:
        logger.warning("%s: no image of %d classes could be decoded, first %s", raw, len(empty), empty[0])


def _request(format: str, collection: RawCollection, spec: StoreSpec) -> str:
    """Return a digest of everything that decides the store's bytes."""
    parts = [LAYOUT, PIL.__version__, format, asdict(spec), collection.fingerprint()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _fill(partial: PartialStore, collection: RawCollection, spec: StoreSpec, threads: int) -> None:
    """Bring the rest of the collection into the partial store."""
    already = done = len(partial.entries)
    progress = Progress("images", len(collection), done)
    decoder = partial_function(_prepare_batch, spec=spec, upright=collection.upright)
    records = iter(partial.records[already:] or repeat(""))
    for entry, data in _prepared(collection.images(already), decoder, threads):
        entry = replace(entry, record=next(records))
        if entry.undecodable is not None:
            if spec.on_undecodable == "refuse":
                partial.commit()
                raise damaged(entry.image, entry.undecodable)
            logger.warning("%s is left out: %s", entry.image, entry.undecodable)
        partial.append(entry, data)
        done += 1
        if done % IMAGES_PER_COMMIT == 0:
            partial.commit()
        if progress.due():
            progress.report(done)
    partial.commit()


def _prepared(
    images: Iterator[RawImage], decoder: Callable[[list[RawImage]], list[Prepared]], threads: int
) -> Iterator[Prepared]:
    """Yield every image's entry and bytes in order, decoding on `threads` threads with a bounded number in waiting."""
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[list[Prepared]]] = deque()
        try:
            while batch := list(islice(images, IMAGES_PER_TASK)):
                waiting.append(pool.submit(decoder, batch))
                if len(waiting) > 2 * threads:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _prepare_batch(batch: list[RawImage], spec: StoreSpec, upright: bool) -> list[Prepared]:
    return [_prepare(raw, spec, upright) for raw in batch]


def _prepare(raw: RawImage, spec: StoreSpec, upright: bool) -> Prepared:
    fault = raw.fault
    if not fault:
        try:
            pixels = decode(raw.data, spec.size, spec.fit, upright)
        except UndecodableError as error:
            fault = f"the image does not decode ({error}): repair or remove it"
    if fault:
        return Entry(raw.image, raw.class_id, raw.attributes, 0, fault), b""
    data: bytes | memoryview = raw.data
    if spec.encoding != "files":
        data = encode_jpeg(pixels) if spec.encoding == "jpeg" else np.ascontiguousarray(pixels).data.cast("B")
    digest = hashlib.blake2b(raw.data, digest_size=8).hexdigest()
    return Entry(raw.image, raw.class_id, raw.attributes, len(data), digest=digest), data


def _duplicates(stored: list[Entry]) -> pd.DataFrame:
    """Return the images whose file has the bytes of an earlier one; warn about pairs across classes or splits."""
    first: dict[str, Entry] = {}
    pairs = [(entry, first.setdefault(entry.digest, entry)) for entry in stored]
    pairs = [(entry, earlier) for entry, earlier in pairs if entry is not earlier]
    columns = {
        "image": [entry.image for entry, _ in pairs],
        "same_as": [earlier.image for _, earlier in pairs],
        "class_id": [entry.class_id for entry, _ in pairs],
        "class_id_of_same": [earlier.class_id for _, earlier in pairs],
    }
    for name in ("split",) if stored and "split" in stored[0].attributes else ():
        columns |= {
            name: [str(entry.attributes[name]) for entry, _ in pairs],
            f"{name}_of_same": [str(earlier.attributes[name]) for _, earlier in pairs],
        }
    table = pd.DataFrame(columns)
    for what, other in (("class_id", "classes"), ("split", "splits")):
        if what in table and (apart := int((table[what] != table[f"{what}_of_same"]).sum())):
            logger.warning("%d images have the bytes of one in other %s; duplicates.csv lists them", apart, other)
    if pairs:
        logger.info("%d images have the bytes of an earlier one", len(pairs))
    return table


def _write_tables(
    entries: list[Entry], collection: RawCollection, spec: StoreSpec, table: Path, classes: Path, undecodable: Path
) -> None:
    stored = [entry for entry in entries if entry.undecodable is None]
    columns: dict[str, Any] = {
        "row": np.arange(len(stored), dtype=np.int64),
        "image": [entry.image for entry in stored],
        "class_id": [entry.class_id for entry in stored],
    }
    for key in stored[0].attributes:
        columns[key] = [entry.attributes[key] for entry in stored]
    if spec.encoding != "uint8":
        lengths = np.array([entry.length for entry in stored], dtype=np.int64)
        names = JPEG_PLACES if spec.encoding == "jpeg" else FILE_PLACES
        columns |= dict(zip(names, (np.cumsum(lengths) - lengths, lengths), strict=True))
    counts = Counter(columns["class_id"])
    class_table = collection.classes()
    class_table["images"] = [counts[class_id] for class_id in class_table["class_id"]]
    faults = [(entry.image, entry.undecodable) for entry in entries if entry.undecodable is not None]
    with full_disk_named(table, "the decoded images are kept"):
        with atomic_path(table) as path:
            pd.DataFrame(columns).to_parquet(path, index=False)
        with atomic_path(classes) as path:
            class_table.to_csv(path, index=False)
        with atomic_path(undecodable) as path:
            pd.DataFrame(faults, columns=["image", "reason"]).to_csv(path, index=False)
