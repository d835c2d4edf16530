"""Write tiny_imagenet_classes.csv: Tiny-ImageNet's 200 classes and their superclasses at four depths of WordNet.

    PYTHONPATH=workflow_scripts python data/make_tiny_imagenet_classes.py --wnids wnids.txt --to data/tiny_imagenet_classes.csv

wnids.txt is the one of tiny-imagenet-200.zip; the list here is that of the nbdt package (0.0.4,
nbdt/wnids/TinyImagenet200.txt). All 200 are among ImageNet's 1000 classes. One row a class, by wnid. Columns: wnid, name,
and depth4, depth5, depth6, depth7, the wnid of its superclass by the rule of `pretraining_robustness.wordnet.superclass`.
"""  # noqa: E501

import argparse
from collections.abc import Iterable
from pathlib import Path

from pretraining_robustness import wordnet
from pretraining_robustness.files import write_rows

DEPTHS = [4, 5, 6, 7]


def write_classes(wnids: Iterable[str], table: Path) -> None:
    """Write the table described above."""
    write_rows(
        table,
        [
            {"wnid": wnid, "name": ", ".join(wordnet.lemmas(wnid))}
            | {f"depth{depth}": wordnet.superclass(wnid, depth) for depth in DEPTHS}
            for wnid in sorted(wnids)
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write Tiny-ImageNet's classes and their superclasses as a table.")
    parser.add_argument("--wnids", type=Path, required=True, help="wnids.txt of the archive")
    parser.add_argument("--to", type=Path, required=True, help="the table to write")
    arguments = parser.parse_args()
    write_classes(arguments.wnids.read_text(encoding="utf-8").split(), arguments.to)
