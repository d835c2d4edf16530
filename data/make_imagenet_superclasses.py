"""Write imagenet_superclasses.csv: the superclass of each ImageNet class at the depths that the paper contracts to.

    PYTHONPATH=workflow_scripts python data/make_imagenet_superclasses.py --to data/imagenet_superclasses.csv

One row a class, by wnid. Columns: wnid, and depth2, depth4, depth5, depth6, depth7, the wnid of its superclass at that
depth by the rule of `pretraining_robustness.wordnet.superclass`, from imagenet_classes.csv and imagenet_hypernyms.csv.
The depths are those of Ramanujan et al. 2023 (arXiv 2307.12532), section 4.2.
"""

import argparse
from pathlib import Path

from pretraining_robustness import wordnet
from pretraining_robustness.files import write_rows

DEPTHS = [2, 4, 5, 6, 7]


def write_superclasses(table: Path) -> None:
    """Write the table described above."""
    names = sorted(wordnet.all_wnids())
    write_rows(
        table,
        [{"wnid": wnid} | {f"depth{depth}": wordnet.superclass(wnid, depth) for depth in DEPTHS} for wnid in names],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the superclasses of ImageNet's classes as a table.")
    parser.add_argument("--to", type=Path, required=True, help="the table to write")
    write_superclasses(parser.parse_args().to)
