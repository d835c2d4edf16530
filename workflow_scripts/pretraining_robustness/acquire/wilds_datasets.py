"""The image classification data sets of the WILDS benchmark, as the wilds package 2.0.0 has them.

Nothing is imported here of the package, which brings torch: the workflow plans with this table. Tests hold the table
equal to the package.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HOME = "https://wilds.stanford.edu/downloads"


@dataclass(frozen=True)
class WildsMetric:
    """A metric of a data set's `eval`: a class of wilds.common.metrics.all_metrics and what it is made with."""

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


ACCURACY = WildsMetric("Accuracy")


@dataclass(frozen=True)
class WildsDataset:
    """What is known of a data set without opening it.

    Attributes:
        version: the newest version, the one that is read.
        url: where the package downloads the archive.
        splits: names of the splits, official split scheme.
        metrics: what `eval` computes of a split, in its order.
        worst_of: metadata fields of which `eval` takes the worst group's accuracy, each with the groups that do not
            count. The store's table has a column of that name.
        domains: where a task is a pair of domains, their names: one to fine-tune on, one to test out of distribution.
    """

    version: str
    url: str
    splits: tuple[str, ...]
    metrics: tuple[WildsMetric, ...] = (ACCURACY,)
    worst_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    domains: tuple[str, ...] = ()


_BUNDLES = "https://worksheets.codalab.org/rest/bundles"

WILDS: dict[str, WildsDataset] = {
    "iwildcam": WildsDataset(
        version="2.0",
        url=f"{_BUNDLES}/0x6313da2b204647e79a14b468131fcd64/contents/blob/",
        splits=("train", "id_val", "id_test", "val", "test"),
        metrics=(ACCURACY, WildsMetric("Recall", {"average": "macro"}), WildsMetric("F1", {"average": "macro"})),
    ),
    "fmow": WildsDataset(
        version="1.1",
        url=f"{_BUNDLES}/0xaec91eb7c9d548ebb15e1b5e60f966ab/contents/blob/",
        splits=("train", "id_val", "id_test", "val", "test"),
        worst_of={"year": (), "region": ("Other",)},
    ),
    "camelyon17": WildsDataset(
        version="1.0",
        url=f"{_BUNDLES}/0xe45e15f39fb54e9d9e919556af67aabe/contents/blob/",
        splits=("train", "id_val", "val", "test"),
        worst_of={"slide": ()},
    ),
    "rxrx1": WildsDataset(
        version="1.0",
        url=f"{_BUNDLES}/0x6b7a05a3056a434498f0bb1252eb8440/contents/blob/",
        splits=("train", "id_test", "val", "test"),
        worst_of={"cell_type": ()},
    ),
    "domainnet": WildsDataset(
        version="1.0",
        url=f"{_BUNDLES}/0x0b8ca76eef384b98b879d0c8c4681a32/contents/blob/",
        splits=("train", "id_test", "val", "test"),
        worst_of={"category": ()},
        domains=("clipart", "infograph", "painting", "quickdraw", "real", "sketch"),
    ),
}


def wilds_folder(dataset: str) -> str:
    """Return the name of a data set's folder, inside the folder that the package calls `root_dir`."""
    return f"{dataset}_v{WILDS[dataset].version}"


def release_file(dataset: str) -> str:
    """Return the name of the file in a data set's folder by which the package knows that the folder is whole."""
    return f"RELEASE_v{WILDS[dataset].version}.txt"
