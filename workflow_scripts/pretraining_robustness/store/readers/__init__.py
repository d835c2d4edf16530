"""Readers of raw image collections: each yields labelled image files in an order that never changes."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.store.formats import FORMATS
from pretraining_robustness.store.readers.raw import RawCollection, damaged


def open_collection(format: str, raw: str | Path | Sequence[str | Path], **options: Any) -> RawCollection:
    """Open the raw files of a collection; `raw` holds the paths that the format is `read_from`.

    `options` are those of the format's reader.

    Raises:
        InputError: for an unknown format, another number of paths, and whatever the reader finds wrong.
    """
    readable = [name for name, known in FORMATS.items() if known.reader]
    if format not in readable:
        raise InputError(f"format {format!r} of a store is unknown: choose one of {', '.join(readable)}")
    roles = FORMATS[format].read_from
    paths = [Path(raw)] if isinstance(raw, str | Path) else [Path(path) for path in raw]
    if len(paths) != len(roles):
        raise InputError(f"format {format!r} is read from {' and '.join(roles)}, but {len(paths)} paths were given")
    collection: RawCollection = FORMATS[format].open(*paths, **options)
    return collection


def contents(format: str, collection: RawCollection) -> str:
    """Return a digest of what a collection was read from: names, sizes and times of files, what tables say of them.

    It decides whether a store is made again; the path of the folder and what is passed over in it do not.
    """
    digest = hashlib.sha256(format.encode())
    for line in (*collection.fingerprint(), *collection.records()):
        digest.update(line.encode() + b"\0")
    return digest.hexdigest()[:16]


def check_collection(
    collection: RawCollection,
    path: str,
    on_undecodable: str,
    splits: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> None:
    """Raise InputError for what can be known of an open collection before an image is decoded.

    That is one of `splits` without images, a task (which has splits) of one class, one of `columns` that its table has
    not, and an image with a fault where those are not to be skipped.
    """
    present = Counter(getattr(collection, "splits", ()))
    missing = next((split for split in splits if present and split not in present), None)
    if missing is not None:
        counts = ", ".join(f"{split} {count:,}" for split, count in present.items())
        raise InputError(
            f"{path}: no image has the split {missing}, on which the study measures; there are: {counts}; give images "
            "that split, or name another one in the task's config"
        )
    known = [*getattr(collection, "attributes", ()), "split", "y", "class_id", "image"]
    lacking = next((column for column in columns if column not in known), None)
    if lacking is not None:
        raise InputError(
            f"{path}: its table has no column {lacking}, by which the task's config groups images; it has "
            f"{', '.join(known)}; add it, or name another one"
        )
    counts_of_classes = collection.class_counts()
    if splits and counts_of_classes is not None and len(counts_of_classes) == 1:
        raise InputError(f"{path}: all images of this task are of one class; give images of two or more")
    faults = collection.faults()
    if faults and on_undecodable != "skip":
        image, fault = next(iter(faults.items()))
        raise damaged(image, fault, len(faults))
