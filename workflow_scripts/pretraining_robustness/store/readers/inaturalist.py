"""iNaturalist 2017 straight from its tar.gz; nothing is unpacked.

Training and validation images share one tree, and only the annotations tell them apart (visipedia/inat_comp,
2017/README.md), so train2017.json decides what is read.
"""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from pretraining_robustness.acquire.archives import named_faults, read_member, stream_members
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawCollection, RawImage

if TYPE_CHECKING:
    import pandas as pd

TRAIN_ANNOTATIONS = "train2017.json"


class INaturalist(RawCollection):
    """Training images of iNaturalist 2017 in the order of their archive.

    Args:
        archive: train_val_images.tar.gz.
        annotations: train_val2017.zip.

    Raises:
        InputError: for a missing or damaged annotation archive, or annotations that contradict themselves.
    """

    def __init__(self, archive: str | Path, annotations: str | Path) -> None:
        self.archive = Path(archive)
        self.annotations = Path(annotations)
        self.archives = [self.archive, self.annotations]
        if not self.archive.is_file():
            raise InputError(f"{self.archive}: no such file; run the same command again, which fetches it")
        self.categories, self.category_of = read_annotations(self.annotations)

    def __len__(self) -> int:
        return len(self.category_of)

    def classes(self) -> "pd.DataFrame":
        """Return class_id (category number, five digits), name and superclass, ordered by class_id."""
        return self.categories

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the training images from number `start` on, with the attribute `superclass`.

        Raises:
            InputError: for a damaged archive, or training images that it lacks.
        """
        superclass_of = dict(zip(self.categories["class_id"], self.categories["superclass"], strict=True))
        waiting = dict(self.category_of)
        found = 0
        for path, size, file in stream_members(self.archive):
            class_id = waiting.pop(path, None) if file is not None else None
            if class_id is None or file is None:
                continue
            found += 1
            if found > start:
                data = read_member(self.archive, path, size, file)
                yield RawImage(path, class_id, data, {"superclass": superclass_of[class_id]})
        if waiting:
            raise InputError(
                f"{self.archive}: {len(waiting):,} of the {len(self):,} training images of {TRAIN_ANNOTATIONS} are "
                f"missing, first {min(waiting)}: fetch the archive again and check its checksum"
            )


def read_annotations(annotations: str | Path) -> "tuple[pd.DataFrame, dict[str, str]]":
    """Return the table of categories and, for every training image's path, its class_id.

    Raises:
        InputError: for a missing or damaged archive, or an annotation of an image or a category that is not listed.
    """
    import pandas as pd

    document = _read_json(annotations)
    try:
        categories = pd.DataFrame(
            [(class_id(row["id"]), row["name"], row["supercategory"]) for row in document["categories"]],
            columns=["class_id", "name", "superclass"],
        ).sort_values("class_id", ignore_index=True)
        path_of = {row["id"]: str(PurePosixPath(row["file_name"])) for row in document["images"]}
        pairs = [(row["image_id"], class_id(row["category_id"])) for row in document["annotations"]]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{annotations}: {TRAIN_ANNOTATIONS} is not in the form of iNaturalist 2017 ({error})"
        ) from error
    known = set(categories["class_id"])
    category_of: dict[str, str] = {}
    for image, category in pairs:
        if image not in path_of or category not in known or path_of[image] in category_of:
            raise InputError(
                f"{annotations}: {TRAIN_ANNOTATIONS}: the annotation of image {image} with category {category} names "
                "an image or a category that is not listed, or an image for the second time"
            )
        category_of[path_of[image]] = category
    if not category_of:
        raise InputError(f"{annotations}: {TRAIN_ANNOTATIONS} annotates no image")
    return categories, category_of


def class_id(category: int) -> str:
    """Return a category's number as the class_id of the store: five digits."""
    return f"{category:05d}"


def _read_json(annotations: str | Path) -> dict[str, Any]:
    try:
        with named_faults(annotations), zipfile.ZipFile(annotations) as archive:
            names = [name for name in archive.namelist() if PurePosixPath(name).name == TRAIN_ANNOTATIONS]
            if not names:
                raise InputError(f"{annotations}: the archive holds no {TRAIN_ANNOTATIONS}: is it the right one?")
            document = json.loads(archive.read(names[0]))
    except (zipfile.BadZipFile, json.JSONDecodeError) as error:
        raise InputError(f"{annotations}: the archive is damaged ({error}): fetch it again") from error
    if not isinstance(document, dict):
        raise InputError(f"{annotations}: {TRAIN_ANNOTATIONS} is not in the form of iNaturalist 2017")
    return document
