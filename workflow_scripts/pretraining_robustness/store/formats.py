"""The formats of images, each said once: who reads it, what files it has, what it is made from.

A source or a task of the config names one of `SOURCES` or `TASKS`. Nothing of the readers is imported here, because the
workflow plans with this table; `store/readers/` opens what a format is read from.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: of the format.
        reader: "module:name" below store/readers of what opens the raw files; empty where a rule of its own makes the
            store.
        read_from: what the reader is given, in its order.
        folder: of the archives below the resources, by which `downloads` calls them; formats of the same archives
            share one.
        archives: their names, in the order in which the reader takes them.
        unpacked: the file of the unpacked archive that the reader takes instead of it, below the folder.
        drawn_by: module of `miniature.formats` that draws a miniature of them.
        made_from: keys that a source of this format needs in the config, because its images are made, not decoded.
        of: the sections of the config where it may stand.
        called: its name there, where that is another one.
        own: whether it is data of the user's own, which is never drawn and which no scale changes.
        weights: whether only the weights of networks, or their scores, can be had, and no image.
        synsets: whether its classes are synsets of WordNet, or may be.
        prompted: whether a diffusion model can be asked for its classes.
    """

    name: str
    reader: str = ""
    read_from: tuple[str, ...] = ()
    folder: str = ""
    archives: tuple[str, ...] = ()
    unpacked: str = ""
    drawn_by: str = ""
    made_from: tuple[str, ...] = ()
    of: tuple[str, ...] = ("sources",)
    called: str = ""
    own: bool = False
    weights: bool = False
    synsets: bool = False
    prompted: bool = False

    @property
    def files(self) -> list[str]:
        """What the reader takes, below the resources."""
        return [f"{self.folder}/{name}" for name in ([self.unpacked] if self.unpacked else self.archives)]

    @property
    def small(self) -> bool:
        """Whether its archives hold small images and need no account."""
        return self.drawn_by == _TINY

    @property
    def module(self) -> str:
        """The file of its reader below workflow_scripts, for the digest of what a store is made by."""
        return f"pretraining_robustness/store/readers/{self.reader.partition(':')[0]}.py"

    def open(self, *paths: Any, **options: Any) -> Any:
        """Open the raw files, which `read_from` lists, with the reader."""
        module, _, name = self.reader.partition(":")
        return getattr(import_module(f"pretraining_robustness.store.readers.{module}"), name)(*paths, **options)


_TASKS, _TINY = ("tasks",), "tiny_images"
_TINY_IMAGENET = {"tiny-imagenet-200.zip": "the archive"}
_CIFAR10 = {"cifar-10-binary.tar.gz": "the archive of the binary version"}
_CIFAR10_1 = {
    "cifar10.1_v6_data.npy": "the array of the images",
    "cifar10.1_v6_labels.npy": "the array of the labels",
}


def _tiny(name: str, reader: str, archives: dict[str, str], folder: str = "", **more: Any) -> Format:
    """Return a format of small images, whose archives lie in a folder of its name or of another format."""
    return Format(name, reader, tuple(archives.values()), folder or name, tuple(archives), drawn_by=_TINY, **more)


_ALL = (
    Format(
        "imagenet",
        "imagenet:ImageNet",
        ("the archive of the training images", "the archive of the devkit"),
        "imagenet",
        ("ILSVRC2012_img_train.tar", "ILSVRC2012_devkit_t12.tar.gz"),
        drawn_by="imagenet_archive",
        synsets=True,
        prompted=True,
    ),
    Format(
        "inaturalist",
        "inaturalist:INaturalist",
        ("the archive of the images", "the archive of the annotations"),
        "inaturalist",
        ("train_val_images.tar.gz", "train_val2017.zip"),
        drawn_by="inaturalist_archive",
    ),
    Format(
        "class_folders",
        "class_folders:ClassFolders",
        ("the folder of class folders",),
        called="folder",
        own=True,
        synsets=True,
        prompted=True,
    ),
    Format(
        "image_text",
        "image_text:open_image_text",
        ("the folder of images and captions, or its table",),
        own=True,
        synsets=True,
    ),
    Format("fractaldb", made_from=("search", "render")),
    Format("stable_diffusion", made_from=("prompts", "model", "generate", "recognised_by"), synsets=True),
    Format("published", made_from=("pretrained",), weights=True),
    Format("imagenet_variant", made_from=("variant",)),
    Format(
        "iwildcam",
        "metadata_folder:IWildCam",
        ("the unpacked folder or its metadata.csv",),
        "iwildcam",
        ("iwildcam_v2.0.tar.gz",),
        unpacked="iwildcam_v2.0/metadata.csv",
        drawn_by="iwildcam_archive",
        of=_TASKS,
    ),
    Format(
        "domainnet",
        "domainnet:DomainNet",
        ("the unpacked folder or a file in it",),
        "domainnet",
        ("domainnet_v1.0.tar.gz",),
        unpacked="domainnet_v1.0/RELEASE_v1.0.txt",
        drawn_by="domainnet_archive",
        of=_TASKS,
    ),
    Format(
        "metadata_folder",
        "metadata_folder:open_task_folder",
        ("the folder or its metadata.csv",),
        of=_TASKS,
        called="folder",
        own=True,
    ),
    Format("wilds", of=_TASKS, own=True),
    Format("published_scores", of=_TASKS, called="published", weights=True),
    _tiny("tiny_imagenet", "tiny_imagenet:TinyImageNet", _TINY_IMAGENET, synsets=True, prompted=True),
    _tiny("tiny_imagenet_validation", "tiny_imagenet:TinyImageNetValidation", _TINY_IMAGENET, folder="tiny_imagenet"),
    _tiny("cifar10", "cifar:Cifar10", _CIFAR10, of=_TASKS),
    _tiny("cifar10_training", "cifar:Cifar10Training", _CIFAR10, folder="cifar10"),
    _tiny("cifar100", "cifar:Cifar100", {"cifar-100-binary.tar.gz": "the archive of the binary version"}),
    _tiny("cifar10_1", "cifar:Cifar10v1", _CIFAR10_1),
    _tiny("cifar10_2", "cifar:Cifar10v2", {"cifar102_test.npz": "the archive of the test images"}),
    _tiny("cinic10", "cinic10:Cinic10", {"CINIC-10.tar.gz": "the archive"}),
    _tiny("cifar10_c", "cifar:Cifar10C", {"CIFAR-10-C.tar": "the archive"}),
)

FORMATS = {form.name: form for form in _ALL}
SOURCES = {form.called or form.name: form for form in _ALL if "sources" in form.of}
TASKS = {form.called or form.name: form for form in _ALL if "tasks" in form.of}
# Small images whose archives need no account: Tiny-ImageNet, CIFAR and the shifted test sets of CIFAR-10.
TINY_IMAGES = {form.name: form for form in _ALL if form.small}
