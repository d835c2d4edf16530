"""Write imagenet_breeds.csv: 16 superclasses of ImageNet with 12 subclasses each, by the rule of BREEDS.

    PYTHONPATH=workflow_scripts python data/make_imagenet_breeds.py --hierarchy FOLDER --to data/imagenet_breeds.csv

FOLDER holds class_hierarchy.txt, node_names.txt and dataset_class_info.json of MadryLab/BREEDS-Benchmarks, folder
imagenet_class_hierarchy/modified, commit f83be509107e89f41dde0e4e8e7f8be051fbb891. They have no licence that lets us
keep a copy here. Rule and columns: `pretraining_robustness.acquire.breeds.select_breeds`.
"""

import argparse
from pathlib import Path

from pretraining_robustness.acquire.breeds import select_breeds, write_breeds

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write BREEDS' superclasses and subclasses as a table.")
    parser.add_argument("--hierarchy", type=Path, required=True, help="folder with the three files")
    parser.add_argument("--to", type=Path, required=True, help="the table to write")
    arguments = parser.parse_args()
    files = ("class_hierarchy.txt", "node_names.txt", "dataset_class_info.json")
    write_breeds(select_breeds(*(arguments.hierarchy / name for name in files)), arguments.to)
