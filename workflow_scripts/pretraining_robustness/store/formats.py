"""The formats in which collections of images come: their archives, and what draws a miniature of them.

Nothing is imported here, since the workflow plans with this table. Addresses and checksums of archives stand in the
config, under `downloads`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """A format of a source or a task whose archives are drawn or downloaded.

    Attributes:
        folder: of the archives below the resources; formats that read the same archives share one.
        archives: their names, in the order in which the reader takes them.
        drawn_by: module of `miniature.formats`.
        unpacked: the file of the unpacked archive that the reader takes in place of it, below the folder.
    """

    folder: str
    archives: tuple[str, ...]
    drawn_by: str
    unpacked: str | None = None

    @property
    def files(self) -> list[str]:
        """What the reader takes, below the resources."""
        return [f"{self.folder}/{name}" for name in ([self.unpacked] if self.unpacked else self.archives)]


_TINY = "tiny_images"

FORMATS = {
    "imagenet": Format("imagenet", ("ILSVRC2012_img_train.tar", "ILSVRC2012_devkit_t12.tar.gz"), "imagenet_archive"),
    "inaturalist": Format("inaturalist", ("train_val_images.tar.gz", "train_val2017.zip"), "inaturalist_archive"),
    "iwildcam": Format("iwildcam", ("iwildcam_v2.0.tar.gz",), "iwildcam_archive", "iwildcam_v2.0/metadata.csv"),
    "domainnet": Format(
        "domainnet", ("domainnet_v1.0.tar.gz",), "domainnet_archive", "domainnet_v1.0/RELEASE_v1.0.txt"
    ),
    "tiny_imagenet": Format("tiny_imagenet", ("tiny-imagenet-200.zip",), _TINY),
    "tiny_imagenet_validation": Format("tiny_imagenet", ("tiny-imagenet-200.zip",), _TINY),
    "cifar10": Format("cifar10", ("cifar-10-binary.tar.gz",), _TINY),
    "cifar10_training": Format("cifar10", ("cifar-10-binary.tar.gz",), _TINY),
    "cifar100": Format("cifar100", ("cifar-100-binary.tar.gz",), _TINY),
    "cifar10_1": Format("cifar10_1", ("cifar10.1_v6_data.npy", "cifar10.1_v6_labels.npy"), _TINY),
    "cifar10_2": Format("cifar10_2", ("cifar102_test.npz",), _TINY),
    "cinic10": Format("cinic10", ("CINIC-10.tar.gz",), _TINY),
    "cifar10_c": Format("cifar10_c", ("CIFAR-10-C.tar",), _TINY),
}
# Small images whose archives need no account: Tiny-ImageNet, CIFAR and the shifted test sets of CIFAR-10.
TINY_IMAGES = {name: format for name, format in FORMATS.items() if format.drawn_by == _TINY}
