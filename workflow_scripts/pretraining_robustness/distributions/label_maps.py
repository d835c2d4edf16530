"""Label maps: which superclass each class of a source belongs to."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pretraining_robustness import wordnet
from pretraining_robustness.csv_tables import read_csv_table


class Superclass(NamedTuple):
    """A superclass: its identifier (the label that training sees is its rank) and its readable name."""

    identifier: str
    name: str


LabelMap = Mapping[str, Superclass]
"""Superclass by class_id, in the order of the table it was read from."""


def read_label_map(path: str | Path, key: str, column: str) -> LabelMap:
    """Read a label map from a CSV table.

    Args:
        path: the table, one row per class.
        key: its column with the class_id.
        column: its column with the superclass; a column of that name with `_name` at its end holds the readable name;
            without it a WordNet synset has its own name and anything else its identifier.

    Raises:
        InputError: the table or a column is missing, or a class has two rows or no superclass.
    """
    table = read_csv_table(path, (key, column), what="table of superclasses")
    mapped: dict[str, Superclass] = {}
    for number, row in enumerate(table.rows()):
        class_id, superclass = unicodedata.normalize("NFC", row[key]), row[column]
        if not superclass:
            table.refuse(number, f"class {class_id} has no {column}; give every class one")
        if class_id in mapped:
            table.refuse(number, f"class {class_id} appears twice; keep one row of it")
        mapped[class_id] = Superclass(superclass, row.get(f"{column}_name") or wordnet.name_or_identifier(superclass))
    return _with_distinct_names(mapped)


def _with_distinct_names(mapped: LabelMap) -> LabelMap:
    """Add the identifier to names that several superclasses have: WordNet has two synsets called food, for example."""
    uses = Counter(superclass.name for superclass in set(mapped.values()))
    return {
        class_id: Superclass(one.identifier, one.name if uses[one.name] == 1 else f"{one.name} ({one.identifier})")
        for class_id, one in mapped.items()
    }


def distribution_label_map(declared: Mapping[str, str] | None, table: str | Path) -> LabelMap | None:
    """Read the label map that a distribution declares (name, key, column), or return None if classes are its labels."""
    return read_label_map(table, declared["key"], declared["column"]) if declared else None
