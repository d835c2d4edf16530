"""Table 1: what differs between the pre-training sources, counted from their stores (paper, Table 1)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.errors import InputError
from pretraining_robustness.tables.reading import Files, by_folder, read_columns
from pretraining_robustness.tables.typeset import NOTHING, Column, Made, TypesetTable, typeset

READS = {"classes": "stores/{source}/classes.csv", "copies": "copies/{copied_source}.csv"}

BALANCED_UP_TO = 2.0
"""A source is called class-balanced up to this ratio of the largest to the smallest class, and long-tailed above it.

Ours: the paper (section 4.1) calls ImageNet class-balanced, whose classes have 732 to 1300 images (Russakovsky et al.
2015, Table 2), a ratio of 1.78, and iNaturalist 2017 long-tailed.
"""


_COUNTED = {
    "images": "Training images",
    "classes": "Classes",
    "smallest_class": "Images of the smallest class",
    "median_class": "Images of the median class",
    "largest_class": "Images of the largest class",
    "largest_to_smallest": "Largest to smallest class",
    "gini": "Gini coefficient of the class sizes",
    "class_distribution": "Class distribution",
    "superclasses": "Superclasses that come with the source",
}
_NAMES = {"hierarchy": "Class hierarchy", "expert_labelled": "Labelled by experts"}
_GROUPS = ("Counted from the images of this study", "At full scale, as configured", "Stated by the paper, not counted")
_COPIES = "Images with a copy among the tasks' images"


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of the sources.

    Args:
        files: the table of classes of each store, .../{source}/classes.csv (class_id, name, (superclass), images), and
            lists of images with a copy elsewhere, .../{source}.csv, of the sources where they were looked for.
        table: name, title, note and sources, each with name, label, about (facts that cannot be counted, of any keys)
            paper (images and classes at full scale, or None), and copies_left_out: whether images with a copy are.

    Raises:
        InputError: a file is not such a table, or a source has no image.
    """
    found = by_folder(files["classes"])
    listed = {Path(path).stem: read_frame(path)["image"].nunique() for path in files["copies"]}
    facts = [
        source_facts(found[source["name"]], source) | ({"copies": listed.get(source["name"])} if listed else {})
        for source in table["sources"]
    ]
    frame = pd.DataFrame(facts)
    whole = [name for name in frame if pd.api.types.is_integer_dtype(frame[name].convert_dtypes())]
    return frame.astype(dict.fromkeys(whole, "Int64")), _typeset(facts, table)


def source_facts(classes: str | Path, source: Mapping[str, Any]) -> dict[str, Any]:
    """Count one source from its table of classes. Classes without images are only counted as `empty_classes`."""
    rows = read_columns(classes, {"class_id": str, "images": int}, optional=["superclass"])
    filled = rows[rows["images"] > 0]
    if filled.empty:
        raise InputError(f"{classes}: no class has an image; remove it and run the same command again")
    sizes = filled["images"].to_numpy()
    ratio = sizes.max() / sizes.min()
    return {
        "source": source["name"],
        "label": source["label"],
        "images": int(sizes.sum()),
        "classes": len(sizes),
        "empty_classes": len(rows) - len(filled),
        "smallest_class": int(sizes.min()),
        "median_class": float(np.median(sizes)),
        "largest_class": int(sizes.max()),
        "largest_to_smallest": round(float(ratio), 4),
        "gini": round(gini(sizes), 4),
        "class_distribution": "class-balanced" if ratio <= BALANCED_UP_TO else "long-tailed",
        "superclasses": filled["superclass"].nunique() if "superclass" in filled else None,
        "full_scale_images": source["paper"].get("images"),
        "full_scale_classes": source["paper"].get("classes"),
        **{f"about_{key}": value for key, value in source["about"].items()},
    }


def gini(sizes: np.ndarray) -> float:
    """Return the Gini coefficient of class sizes: 0 if all are equal, towards 1 if one class has nearly all images.

    It is half the mean absolute difference of all pairs of classes, divided by the mean size, here from the sorted
    sizes x_1 <= ... <= x_n as sum((2 i - n - 1) x_i) / (n sum(x_i)) (Damgaard & Weiner 2000, Ecology 81:1139).
    """
    ordered = np.sort(sizes.astype(np.float64))
    number = len(ordered)
    ranks = np.arange(1, number + 1)
    return float(((2 * ranks - number - 1) * ordered).sum() / (number * ordered.sum()))


def _typeset(facts: Sequence[Mapping[str, Any]], table: Mapping[str, Any]) -> TypesetTable:
    counted, full_scale, stated = _GROUPS
    lines = [(counted, heading, name) for name, heading in _COUNTED.items()]
    lines += [(counted, _COPIES, "copies")] if "copies" in facts[0] else []
    lines += [(full_scale, _COUNTED[name], f"full_scale_{name}") for name in ("images", "classes")]
    about = dict.fromkeys(key for source in table["sources"] for key in source["about"])
    lines += [(stated, _NAMES.get(key, key.replace("_", " ").capitalize()), f"about_{key}") for key in about]
    rows = [
        {"group": group, "property": heading, **{fact["source"]: _text(fact, name) for fact in facts}}
        for group, heading, name in lines
    ]
    columns = [Column("property", "", 1.4)]
    columns += [Column(fact["source"], fact["label"]) for fact in facts]
    notes = [
        f"Class-balanced: the largest class has at most {BALANCED_UP_TO:g} times the images of the smallest; "
        "long-tailed: more.",
        "Gini coefficient: 0 if all classes are equally large, towards 1 if one class has nearly all images.",
    ]
    left_out = [source["label"] for source in table["sources"] if source.get("copies_left_out")]
    if "copies" in facts[0]:
        kept = f"pre-training leaves out those of {', '.join(left_out)}" if left_out else "pre-training keeps them"
        notes.append(f"Copies: near-duplicates by the correlation of pixels, included in the counts above; {kept}.")
    empty = [f"{fact['label']}: {fact['empty_classes']:,}" for fact in facts if fact["empty_classes"]]
    if empty:
        notes.append(f"Classes without any image are not counted ({'; '.join(empty)}).")
    return typeset(table, columns, rows, notes)


def _text(fact: Mapping[str, Any], name: str) -> str:
    value = fact.get(name)
    if name == "class_distribution":
        return f"{value} (ratio {_text(fact, 'largest_to_smallest')})"
    if value is None:
        return "none" if name == "superclasses" else NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in ("largest_to_smallest", "gini"):
        return f"{value:,.2f}" if value < 10 else f"{value:,.0f}"
    return f"{value:,.10g}" if isinstance(value, int | float) else str(value)
