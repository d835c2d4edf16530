"""Images of a source that are copies of images of a task: near-duplicates, whatever their size and compression.

Images are compared by the correlation of their pixels. Two images of one size correlate with coefficient r, taken
over all pixels and channels after the mean of each image is subtracted; brightness and contrast do not count. Pairs
are screened at 8 x 8 pixels and at 16 x 16, and confirmed by their details: what an image of 32 x 32 pixels has that
its 8 x 8 pixels do not say must correlate by 0.55 or more.

On real images: of 50,000 of Tiny-ImageNet 42 pass both screens against CIFAR-10's 60,000. By eye 4 of them are the same
photograph (details correlate by 0.69 to 0.83) and 38 are skies, seas and fog (0.41 at most). Of 2,400 planted copies
(600 images reduced to 32 pixels by four filters, uncompressed or at JPEG quality 60 to 95) all but one pass the
screens, and the details of those correlate by 0.68 or more. Copies that are mirrored, or cut to 90 % of the side or
less, are not searched for: 0.3 % and 13 % of planted ones passed the screens.

Of 120 drawn images of 64 pixels, copies of 32 pixels by three filters correlate at 16 x 16 by 0.98 or more at JPEG
quality 95 and by 0.936 or more (half of them by 0.985) at quality 60; copies cropped by 3 pixels on two sides by
0.80 or more (half by 0.91), so that these are mostly missed; 200 other images of the same classes by 0.906 at most.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from pretraining_robustness.files import atomic_path
from pretraining_robustness.progress import Progress
from pretraining_robustness.store.read import Store

logger = logging.getLogger(__name__)

COARSE, FINE = 8, 16  # sides at which pairs are screened and confirmed
DETAILED, DETAILS = 32, 0.55  # side at which details are compared, and their lowest correlation
BLOCK = 4096  # images that are compared at once
COLUMNS = ("image", "class_id", "collection", "other", "other_class_id", "correlation")

Vectors = NDArray[np.float32]


def find_copies(
    *,
    images: str | Path,
    table: str | Path,
    names: Sequence[str],
    splits: Sequence[Sequence[str]],
    others: Sequence[str | Path],
    tables: Sequence[str | Path],
    correlation: float,
    copies: str | Path,
) -> None:
    """Write the nearest copy of every image of a source in each other collection, where there is one.

    Args:
        images, table: images.npy and images.parquet of the source's store.
        names: the names of the other collections.
        splits: the splits to search in each of them; all images where none is named.
        others, tables: their stores.
        correlation: the lowest correlation of copies, in (0, 1).
        copies: CSV to write, `COLUMNS`; one row per image of the source and collection with a copy of it.
    """
    source = Store.open(images, table)
    rows = pd.read_parquet(table, columns=["image", "class_id"])
    coarse = vectors(source, np.arange(len(source)), COARSE)
    found = []
    for name, used, path, other_table in zip(names, splits, others, tables, strict=True):
        other = Store.open(path, other_table)
        labelled = pd.read_parquet(other_table)
        compared = np.flatnonzero(labelled["split"].isin(used)) if used else np.arange(len(labelled))
        labelled = labelled[["image", "class_id"]]
        pairs = nearest_copies(source, coarse, other, compared, correlation)
        found += [
            (*rows.iloc[mine], name, *labelled.iloc[theirs], f"{r:.4f}") for mine, (theirs, r) in sorted(pairs.items())
        ]
        where = f"{name}, {', '.join(used)}" if used else name
        logger.info("%d of %d images have a copy in %s (%d images)", len(pairs), len(rows), where, len(compared))
    with atomic_path(copies) as temporary:
        pd.DataFrame(found, columns=list(COLUMNS)).to_csv(temporary, index=False)


def nearest_copies(
    source: Store, coarse: Vectors, other: Store, rows: NDArray[np.integer], correlation: float
) -> dict[int, tuple[int, float]]:
    """Return row and correlation of the nearest copy among `rows`, by the row of the source's image."""
    nearest: dict[int, tuple[int, float]] = {}
    progress = Progress("images", len(rows), 0)
    for start in range(0, len(rows), BLOCK):
        theirs = rows[start : start + BLOCK]
        compared = vectors(other, theirs, COARSE)
        candidates = []
        for first in range(0, len(source), BLOCK):
            near = np.argwhere(coarse[first : first + BLOCK] @ compared.T >= correlation)
            candidates.append(np.stack([near[:, 0] + first, theirs[near[:, 1]]], axis=1))
        pairs = np.concatenate(candidates)
        for part in np.array_split(pairs, max(1, len(pairs) // BLOCK)):
            close = np.vecdot(vectors(source, part[:, 0], FINE), vectors(other, part[:, 1], FINE))
            part, close = part[close >= correlation], close[close >= correlation]
            same = np.vecdot(details(source, part[:, 0]), details(other, part[:, 1])) >= DETAILS
            for (mine, their), r in zip(part[same].tolist(), close[same].tolist(), strict=True):
                if r >= nearest.get(mine, (0, 0.0))[1]:
                    nearest[mine] = (their, r)
        if progress.due():
            progress.report(start + len(theirs))
    return nearest


def vectors(store: Store, rows: NDArray[np.integer], side: int) -> Vectors:
    """Return images at a size as vectors of mean 0 and length 1, (n, 3 x side x side); 0 for images of one colour."""
    return _standardised(_pixels(store, rows, side))


def details(store: Store, rows: NDArray[np.integer]) -> Vectors:
    """Return what images of `DETAILED` pixels have beyond their `COARSE` ones, as such vectors."""
    coarse = _pixels(store, rows, COARSE).reshape(-1, COARSE, COARSE, 3).astype(np.uint8)
    found = _pixels(store, rows, DETAILED)
    for place, one in enumerate(coarse):
        large = Image.fromarray(one).resize((DETAILED, DETAILED), Image.Resampling.BICUBIC)
        found[place] -= np.asarray(large, np.float32).ravel()
    return _standardised(found)


def _pixels(store: Store, rows: NDArray[np.integer], side: int) -> Vectors:
    """Return images at a size, (n, 3 x side x side)."""
    found = np.empty((len(rows), 3 * side * side), np.float32)
    for start in range(0, len(rows), BLOCK):
        pixels = store.read(rows[start : start + BLOCK])
        for place, one in enumerate(pixels, start=start):
            small = Image.fromarray(one).resize((side, side), Image.Resampling.BOX)
            found[place] = np.asarray(small, np.float32).ravel()
    return found


def _standardised(found: Vectors) -> Vectors:
    found -= found.mean(axis=1, keepdims=True)
    length = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(np.divide(found, length, out=np.zeros_like(found), where=length > 1e-3))


def without_copies(
    images: pd.DataFrame, classes: pd.DataFrame, copies: str | Path
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a store's images without those that have a copy elsewhere, and its classes with the remaining numbers.

    The column with_copies keeps the original numbers: which classes are chosen does not depend on copies.
    """
    listed = set(pd.read_csv(copies, dtype=str)["image"])
    kept = images[~images["image"].isin(listed)]
    counts: Any = classes["class_id"].map(kept["class_id"].value_counts()).fillna(0).astype("int64")
    logger.info("%d images are left out as copies", len(images) - len(kept))
    return kept, classes.assign(images=counts, with_copies=classes["images"])
