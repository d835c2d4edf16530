"""The camera-trap world as iWildCam-WILDS v2.0: images, metadata.csv and categories.csv in one archive."""

import csv
import hashlib
import io
import logging
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from miniature import camera_trap_calendar as calendar
from miniature.camera_species import camera_species
from miniature.camera_trap_world import Camera, Visit, draw_camera
from miniature.formats.archives import add_file, new_tar_gz

_LOG = logging.getLogger(__name__)
_COLUMNS = [
    "split",
    "location_remapped",
    "location",
    "sequence_remapped",
    "seq_id",
    "y",
    "category_id",
    "datetime",
    "filename",
    "image_id",
]
# categories.csv of WILDS marks categories without images by this label.
_UNUSED = 99999


def _made_up_uuid(text: str) -> str:
    return str(UUID(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()))


def _csv_bytes(rows: Sequence[Sequence[object]]) -> bytes:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n").writerows(rows)
    return file.getvalue().encode()


def _categories(classes: int) -> bytes:
    names = ["empty", *(species.name for species in camera_species())]
    return _csv_bytes(
        [["y", "category_id", "name"], *([y if y < classes else _UNUSED, y, name] for y, name in enumerate(names))]
    )


def _metadata(sequences: Sequence[calendar.Sequence], seed: int) -> list[list[object]]:
    """Return a row of metadata.csv for each image, by camera and time; the frames of a burst are a second apart."""
    rows: list[list[object]] = []
    for number, one in enumerate(sequences):
        seq_id = _made_up_uuid(f"sequence {seed}|{number}")
        for frame in range(one.visit.frames):
            image_id = _made_up_uuid(f"image {seed}|{number}|{frame}")
            moment = (one.start + timedelta(seconds=frame)).strftime("%Y-%m-%d %H:%M:%S.%f")
            # The original data count locations and categories in their own way; here an offset stands for that.
            rows.append(
                [
                    one.split,
                    one.camera,
                    one.camera + 100,
                    number,
                    seq_id,
                    one.visit.species,
                    one.visit.species,
                    moment,
                    f"{image_id}.jpg",
                    image_id,
                ]
            )
    return rows


def _draw_all(cameras: list[Camera], visits: list[list[Visit]], threads: int) -> Iterator[list[bytes]]:
    if threads <= 1:
        yield from map(draw_camera, cameras, visits)
        return
    with ProcessPoolExecutor(threads, mp_context=multiprocessing.get_context("fork")) as pool:
        yield from pool.map(draw_camera, cameras, visits)


def draw(
    files: Sequence[str | Path],
    classes: int,
    images: int,
    cameras: int,
    image_size: int,
    seed: int,
    threads: int = 1,
    splits: Mapping[str, float] = calendar.SPLIT_IMAGES,
) -> None:
    """Write iwildcam_v2.0.tar.gz of the camera-trap world; its members lie at the top, as in the original.

    `classes` counts `empty` (class 0); `images` images of `image_size` x `image_size` pixels come from `cameras`
    cameras, shared out to the splits in the proportions of `splits`. The unpacked folder opens with
    `wilds.get_dataset("iwildcam")`. The bytes depend on the arguments except `threads`, the number of processes that
    draw.
    """
    planned = calendar.plan_visits(classes, images, cameras, image_size, seed)
    sequences = calendar.assign_splits(planned, seed, splits)
    rows = _metadata(sequences, seed)
    views = [Camera(seed, number, image_size) for number in range(cameras)]
    visits = [[one.visit for one in sequences if one.camera == number] for number in range(cameras)]
    with new_tar_gz(files[0]) as tar:
        add_file(
            tar,
            "RELEASE_v2.0.txt",
            b"A procedural miniature of iWildCam-WILDS v2.0; it holds no picture of the original.\n",
        )
        add_file(tar, "categories.csv", _categories(classes))
        add_file(tar, "metadata.csv", _csv_bytes([["", *_COLUMNS], *([i, *row] for i, row in enumerate(rows))]))
        pictures = (picture for of_camera in _draw_all(views, visits, threads) for picture in of_camera)
        for row, picture in zip(rows, pictures, strict=True):
            add_file(tar, f"train/{row[8]}", picture)
    _LOG.info("drew %d images of %d classes before %d cameras as iWildCam", len(rows), classes, cameras)
