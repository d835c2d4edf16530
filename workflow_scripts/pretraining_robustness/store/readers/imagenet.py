"""ImageNet (ILSVRC2012) straight from its tar of tars; nothing is unpacked.

Layout as in torchvision's datasets/imagenet.py: the archive of the training images holds one tar per class, named by
its WordNet id; the devkit holds data/meta.mat with one record per synset; synsets without children are the classes.
"""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from pretraining_robustness.acquire.archives import named_faults, read_member, stream_members
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.raw import RawCollection, RawImage

if TYPE_CHECKING:
    import pandas as pd

META = "data/meta.mat"
META_FIELDS = ("WNID", "words", "num_children", "num_train_images")


class ImageNet(RawCollection):
    """Training images of ILSVRC2012: classes by WordNet id, the images of a class by name.

    Args:
        archive: ILSVRC2012_img_train.tar.
        devkit: ILSVRC2012_devkit_t12.tar.gz.

    Raises:
        InputError: for a missing, truncated or damaged archive, or a class of the devkit without its tar.
    """

    def __init__(self, archive: str | Path, devkit: str | Path) -> None:
        self.archive = Path(archive)
        self.devkit = Path(devkit)
        self.archives = [self.archive, self.devkit]
        self.synsets = read_devkit(self.devkit)
        self.members = self._members()

    def __len__(self) -> int:
        return int(self.synsets["num_train_images"].sum())

    def classes(self) -> "pd.DataFrame":
        """Return class_id (WordNet id) and name (the synset's words) of every class, ordered by class_id."""
        return self.synsets[["class_id", "name"]]

    def images(self, start: int = 0) -> Iterator[RawImage]:
        """Yield the images from number `start` on; an image is named as it would be once unpacked.

        Raises:
            InputError: for a class with more or fewer images than the devkit counts, or damage.
        """
        passed = 0
        with named_faults(self.archive), tarfile.open(self.archive, mode="r:") as outer:
            for class_id, expected in zip(self.synsets["class_id"], self.synsets["num_train_images"], strict=True):
                if passed + expected > start:
                    yield from self._class_images(outer, class_id, int(expected), max(0, start - passed))
                passed += int(expected)

    def _class_images(self, outer: tarfile.TarFile, class_id: str, expected: int, start: int) -> Iterator[RawImage]:
        with tarfile.open(fileobj=outer.extractfile(self.members[class_id]), mode="r:") as inner:
            members = sorted((member for member in inner if member.isreg()), key=lambda member: member.name)
            if len(members) != expected:
                raise InputError(
                    f"{self.archive}: class {class_id} has {len(members)} images where the devkit counts {expected}: "
                    "fetch the archive again and check its checksum"
                )
            for member in members[start:]:
                image = f"{class_id}/{Path(member.name).name}"
                file = cast(BinaryIO, inner.extractfile(member))
                yield RawImage(image, class_id, read_member(self.archive, image, member.size, file))

    def _members(self) -> dict[str, tarfile.TarInfo]:
        """Return the inner tar of every class."""
        with named_faults(self.archive), tarfile.open(self.archive, mode="r:") as outer:
            members = {Path(member.name).stem: member for member in outer if member.name.endswith(".tar")}
        size = self.archive.stat().st_size
        cut = [name for name, member in members.items() if member.offset_data + member.size > size]
        if cut:
            raise InputError(f"{self.archive}: the archive is truncated inside {cut[0]}.tar: fetch it again")
        missing = sorted(set(self.synsets["class_id"]) - set(members))
        if missing:
            raise InputError(
                f"{self.archive}: {len(missing)} of the devkit's {len(self.synsets)} classes are missing, "
                f"first {missing[0]}: the archive is truncated or not the right one: fetch it again"
            )
        return members


def read_devkit(devkit: str | Path) -> "pd.DataFrame":
    """Return class_id, name and num_train_images of every class in the devkit's meta.mat, ordered by class_id.

    Raises:
        InputError: for an archive without meta.mat or a meta.mat without the fields of `META_FIELDS`.
    """
    import pandas as pd
    from scipy.io import loadmat  # half a second that only this format needs

    for path, size, file in stream_members(devkit):
        if file is not None and path.endswith(META):
            records = loadmat(io.BytesIO(read_member(devkit, path, size, file)), squeeze_me=True).get("synsets")
            break
    else:
        raise InputError(f"{devkit}: the archive holds no {META}: is it the devkit of ILSVRC2012?")
    fields = records.dtype.names if records is not None and records.dtype.names else ()
    lacking = [field for field in META_FIELDS if field not in fields]
    if lacking:
        raise InputError(f"{devkit}: {META} lacks {', '.join(lacking)}: is it the devkit of ILSVRC2012?")
    synsets = pd.DataFrame({field: records[field].ravel().tolist() for field in META_FIELDS})
    synsets = synsets[synsets["num_children"] == 0].rename(columns={"WNID": "class_id", "words": "name"})
    synsets = synsets.astype({"class_id": str, "name": str, "num_train_images": "int64"})
    synsets = synsets[synsets["num_train_images"] > 0]
    return synsets[["class_id", "name", "num_train_images"]].sort_values("class_id", ignore_index=True)
