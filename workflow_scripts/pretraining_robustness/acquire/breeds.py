"""Superclasses of ImageNet by the rule of BREEDS (Santurkar, Tsipras and Madry 2021, arXiv 2008.04859).

BREEDS rearranges WordNet so that nodes at one level are about equally specific. The rearranged hierarchy is three files
of MadryLab/BREEDS-Benchmarks, folder imagenet_class_hierarchy/modified, read here at commit
f83be509107e89f41dde0e4e8e7f8be051fbb891. Ramanujan et al. 2023 (arXiv 2307.12532, section 4.4.2) take 16 superclasses
with 12 subclasses each; level 3 with 12 subclasses is what gives 16. Which 12 they took is not in their main text:
those of the rule's own default seed, 2, are taken here.
"""

import csv
import json
import logging
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows

_LOG = logging.getLogger(__name__)
_ROOT = "n00001740"  # entity


class Subclass(NamedTuple):
    """A class chosen for a superclass; both with their first name. Not every superclass is a WordNet synset."""

    superclass: str
    superclass_name: str
    wnid: str
    name: str


def select_breeds(
    class_hierarchy: str | Path,
    node_names: str | Path,
    class_info: str | Path,
    level: int = 3,
    subclasses: int = 12,
    seed: int = 2,
) -> list[Subclass]:
    """Choose as many subclasses for each superclass of a level, as MadryLab's package does without a split.

    The rule is that of MadryLab/robustness (robustness/tools/breeds_helpers.py, commit 0dad37c, `get_superclasses` with
    split=None): the level of a node is the length of the longest path to it from the root, among the nodes that have a
    class below them. In alphabetical order, each node of the level with enough classes below it draws `subclasses` of
    them, sorted, without replacement, all from one stream of random numbers (numpy's RandomState, whose streams numpy
    does not change: NEP 19).

    Args:
        class_hierarchy: text file, a line "parent child" for each edge.
        node_names: text file, a line "node<tab>names" for each node; names are separated by ", ".
        class_info: JSON file, a list of [index, wnid, names] for each class.
        level: edges from the root to a superclass.
        subclasses: how many classes each superclass gets; superclasses with fewer are left out.
        seed: of the random numbers, 0 or more.

    Returns:
        The subclasses, sorted by superclass and wnid.

    Raises:
        InputError: a file is not in its format, or the edges form a circle.
    """
    parents = _read_parents(Path(class_hierarchy))
    names = _read_names(Path(node_names))
    classes = _read_classes(Path(class_info))
    try:
        downwards = list(TopologicalSorter(parents).static_order())
    except CycleError as error:
        raise InputError(f"{class_hierarchy}: {error.args[1][0]} is below itself; fetch the file again") from None
    below: dict[str, set[str]] = {node: set() for node in downwards}
    for node in reversed(downwards):
        if node in classes:
            below[node].add(node)
        for parent in parents.get(node, ()):
            below[parent] |= below[node]
    levels = {_ROOT: 0}
    for node in downwards:
        above = [levels[parent] for parent in parents.get(node, ()) if parent in levels]
        if above and below[node]:
            levels[node] = 1 + max(above)

    rng = np.random.RandomState(seed)
    chosen: list[Subclass] = []
    for superclass in sorted(node for node in levels if levels[node] == level and len(below[node]) >= subclasses):
        drawn = rng.choice(sorted(below[superclass]), subclasses, replace=False)
        superclass_name = names.get(superclass, superclass)
        chosen += [Subclass(superclass, superclass_name, str(wnid), classes[wnid]) for wnid in sorted(drawn)]
    return chosen


def write_breeds(chosen: Iterable[Subclass], table: str | Path) -> None:
    """Write a table with the columns superclass, superclass_name, wnid, name."""
    write_rows(table, (one._asdict() for one in chosen), Subclass._fields)


def confirm_breeds(
    class_hierarchy: str | Path,
    node_names: str | Path,
    class_info: str | Path,
    committed: str | Path,
    table: str | Path,
) -> None:
    """Choose the subclasses from the published hierarchy and write them, if the committed table holds the same.

    Raises:
        InputError: as `select_breeds`; or the committed table differs, with its first line that does.
    """
    chosen = select_breeds(class_hierarchy, node_names, class_info)
    with Path(committed).open(newline="", encoding="utf-8") as file:
        found = [tuple(row) for row in csv.reader(file)]
    expected = [Subclass._fields, *map(tuple, chosen)]
    for line in range(max(len(found), len(expected))):
        has, gives = (",".join(rows[line]) if line < len(rows) else "nothing" for rows in (found, expected))
        if has != gives:
            raise InputError(
                f"{committed}: line {line + 1} holds {has}, where the hierarchy in {class_hierarchy} gives {gives}; "
                "restore the table, or make it anew with data/make_imagenet_breeds.py."
            )
    write_breeds(chosen, table)
    superclasses = len({one.superclass for one in chosen})
    _LOG.info("%d superclasses with %d subclasses agree with %s", superclasses, len(chosen), committed)


def _read_parents(path: Path) -> dict[str, list[str]]:
    parents: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        edge = line.split()
        if len(edge) != 2:
            raise InputError(f"{path}: line {number} is not 'parent child'; fetch the file again")
        parents.setdefault(edge[1], []).append(edge[0])
    return parents


def _read_names(path: Path) -> dict[str, str]:
    pairs = (line.partition("\t") for line in path.read_text(encoding="utf-8").splitlines())
    return {node: names.split(", ")[0] for node, _, names in pairs}


def _read_classes(path: Path) -> dict[str, str]:
    try:
        return {wnid: names.split(", ")[0] for _, wnid, names in json.loads(path.read_text(encoding="utf-8"))}
    except (ValueError, TypeError, AttributeError):
        raise InputError(f"{path}: is not a JSON list of [index, wnid, names]; fetch the file again") from None
