"""Counting animals and objects in the validation images of ImageNet, by their ReaL labels.

The labels are those of Beyer et al. 2020 ("Are we done with ImageNet?", arXiv 2006.07159): ReaL, any number of classes
for each of the 50,000 validation images of ILSVRC2012. The package timm carries them as a table of JSON.
"""

import json
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows

REAL_LABELS = "data/_info/imagenet_real_labels.json"
IMAGES = 50_000
COLUMNS = ("quantity", "animal", "object", "images")


def real_labels_file() -> Path:
    """Find the ReaL labels in the installed package timm, without importing it (and with it torch).

    Raises:
        InputError: timm is not installed or does not carry the labels.
    """
    spec = find_spec("timm")
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        if (path := Path(folder, REAL_LABELS)).is_file():
            return path
    raise InputError(f"timm/{REAL_LABELS}: not found; install the package timm, which carries the ReaL labels")


def read_real_labels(path: str | Path, images: int = IMAGES) -> list[list[int]]:
    """Read the labels: for each validation image, in order of their names, a list of class indices (0 to 999).

    Raises:
        InputError: the file is not such a list of `images` lists.
    """
    try:
        labels = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); install timm again") from None
    if not isinstance(labels, list) or len(labels) != images:
        raise InputError(f"{path}: not a list of {images:,} lists of class indices; install timm again")
    return labels


def cooccurrences(labels: Sequence[Sequence[int]], animals: str) -> list[dict[str, Any]]:
    """Count images with animals, with objects and with both.

    Args:
        labels: class indices of each image.
        animals: WordNet synset; classes under it are animals and all others objects.

    Returns:
        Rows with keys quantity, animal, object, images: one each for the quantities images (all of them), any_label,
        animal, object, both, and one row `pair` for every pair of an animal and an object (names of classes) that
        share an image, the most frequent first and equally frequent ones in order of the class index.
    """
    wnids = wordnet.all_wnids()
    under = set(wordnet.classes_under(animals))
    is_animal = [wnid in under for wnid in wnids]
    sets = [set(image) for image in labels]
    with_animal = [{label for label in image if is_animal[label]} for image in sets]
    with_object = [image - found for image, found in zip(sets, with_animal, strict=True)]
    both = list(zip(with_animal, with_object, strict=True))
    counts = {
        "images": len(sets),
        "any_label": sum(map(bool, sets)),
        "animal": sum(map(bool, with_animal)),
        "object": sum(map(bool, with_object)),
        "both": sum(bool(some and others) for some, others in both),
    }
    pairs = Counter(pair for some, others in both for pair in product(some, others))
    ordered = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    names = [wordnet.name(wnid) for wnid in wnids]
    rows = [(quantity, "", "", number) for quantity, number in counts.items()]
    rows += [("pair", names[animal], names[other], number) for (animal, other), number in ordered]
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def count_cooccurrence(labels: str | Path, animals: str, counts: str | Path) -> None:
    """Write `cooccurrences` of the ReaL labels in the file `labels` as CSV."""
    rows = cooccurrences(read_real_labels(labels), animals)
    write_rows(counts, rows, COLUMNS)
