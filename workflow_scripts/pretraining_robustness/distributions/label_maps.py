"""Label maps: which superclass each class of a source belongs to."""

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError


class Superclass(NamedTuple):
    """A superclass: its identifier (the label that training sees is its rank) and its readable name."""

    identifier: str
    name: str


LabelMap = Mapping[str, Superclass]
"""Superclass by class_id, in the order of the table it was read from."""


def read_label_map(path: str | Path, key: str, column: str) -> LabelMap:
    """Read a label map from a CSV table.

    Args:
        path: the table, one row a class.
        key: its column with the class_id.
        column: its column with the superclass; a column of that name with `_name` at its end holds the readable name,
            without it a WordNet synset is called by its own name and anything else by its identifier.

    Raises:
        InputError: the table or a column is missing, or a class has two rows or no superclass.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            for needed in (key, column):
                if needed not in columns:
                    raise InputError(f"{path}: there is no column '{needed}'; it has {', '.join(columns)}")
            rows = list(reader)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such table of superclasses; correct label_maps in the config") from None
    mapped: dict[str, Superclass] = {}
    for line, row in enumerate(rows, start=2):
        class_id, superclass = row[key], row[column]
        if not superclass:
            raise InputError(f"{path}: line {line}: class {class_id} has no {column}; give every class one")
        if class_id in mapped:
            raise InputError(f"{path}: line {line}: class {class_id} appears twice; keep one row of it")
        mapped[class_id] = Superclass(superclass, row.get(f"{column}_name") or wordnet.name_or_identifier(superclass))
    return _with_distinct_names(mapped)


def _with_distinct_names(mapped: LabelMap) -> LabelMap:
    """Add the identifier to names that several superclasses have: WordNet has two synsets called food, for one."""
    uses = Counter(superclass.name for superclass in set(mapped.values()))
    return {
        class_id: Superclass(one.identifier, one.name if uses[one.name] == 1 else f"{one.name} ({one.identifier})")
        for class_id, one in mapped.items()
    }


def distribution_label_map(declared: Mapping[str, str] | None, table: str | Path) -> LabelMap | None:
    """Read the label map that a distribution declares (name, key, column), or return None if classes are its labels."""
    return read_label_map(table, declared["key"], declared["column"]) if declared else None
