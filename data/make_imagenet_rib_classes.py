"""Write the classes of ImageNet's variants as tables, from the timm package and from ObjectNet's own mapping files.

    PYTHONPATH=workflow_scripts python data/make_imagenet_rib_classes.py --mappings objectnet-1.0/mappings \
        --to data/imagenet_rib

With --laion-c, the path of LAION-C's category_mapping.json, it writes laion_c.csv alone (folder, class_id).

imagenet_a.csv, imagenet_r.csv: class_id, the 200 wnids of each. objectnet.csv: folder, class_id, a row for each class
of each of the 113 folders that have some, in the order of ObjectNet's mapping. objectnet_105.csv: folder, class_id,
the one class that the published code of ImageNet-RIB gives each of these folders (FieteLab/ImageNet-RIB, commit
e0a7e788, lib/dataset/objectnet_dataset.py): the first of a folder's classes, for `wheel` the second, and for eight
folders, whose names it does not find, the class of another folder.
"""

import argparse
import csv
import json
from pathlib import Path

import timm

from pretraining_robustness.files import write_rows

CLASSES = Path(__file__).parent / "imagenet_classes.csv"
# By folder, the number of the ImageNet class.
MISLABELLED = {
    "weight_scale": 732,
    "chair": 508,
    "trash_bin": 531,
    "swimming_trunks": 909,
    "skirt": 588,
    "jeans": 850,
    "binder_closed": 463,
    "iron_for_clothes": 882,
}


def write_classes(mappings: Path, folder: Path) -> None:
    """Write the four tables described above."""
    info = Path(timm.__file__).parent / "data" / "_info"
    for name in ("imagenet_a", "imagenet_r"):
        wnids = (info / f"{name}_synsets.txt").read_text().split()
        write_rows(folder / f"{name}.csv", [{"class_id": wnid} for wnid in wnids])
    with CLASSES.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    wnids = [row["wnid"] for row in rows]
    by_name = {row["name"]: row["wnid"] for row in rows if row["name"] not in ("crane", "maillot")}
    labels = json.loads((mappings / "folder_to_objectnet_label.json").read_text())
    folders = {label: name for name, label in labels.items()}
    names = json.loads((mappings / "objectnet_to_imagenet_1k.json").read_text())
    classes = {folders[label]: [by_name[name] for name in text.split("; ")] for label, text in names.items()}
    pairs = [(name, wnid) for name, some in classes.items() for wnid in some]
    write_rows(folder / "objectnet.csv", [{"folder": name, "class_id": wnid} for name, wnid in pairs])
    published = {name: some[0] for name, some in classes.items()} | {"wheel": classes["wheel"][1]}
    published |= {name: wnids[number] for name, number in MISLABELLED.items()}
    write_rows(folder / "objectnet_105.csv", [{"folder": name, "class_id": wnid} for name, wnid in published.items()])


def write_laion_c(mapping: Path, folder: Path) -> None:
    """Write the classes of LAION-C's superclasses."""
    superclasses = json.loads(mapping.read_text(encoding="utf-8"))
    rows = [{"folder": name, "class_id": wnid} for name, wnids in superclasses.items() for wnid in wnids]
    write_rows(folder / "laion_c.csv", rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the classes of ImageNet's variants as tables.")
    parser.add_argument("--mappings", type=Path, help="ObjectNet's folder of mapping files")
    parser.add_argument("--laion-c", type=Path, help="LAION-C's category_mapping.json")
    parser.add_argument("--to", type=Path, required=True, help="the folder of tables to write")
    arguments = parser.parse_args()
    if arguments.laion_c is not None:
        write_laion_c(arguments.laion_c, arguments.to)
    else:
        write_classes(arguments.mappings, arguments.to)
