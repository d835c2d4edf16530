"""ImageNet's 1000 classes in WordNet's hierarchy, and a choice of k of them that is spread over it."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pretraining_robustness.errors import InputError
from pretraining_robustness.miniature.families import Family, families_of

_DATA = Path(__file__).resolve().parents[3] / "data"
_ANIMAL = "animal.n.01"
_ROOT = "entity.n.01"


@dataclass(frozen=True)
class Synset:
    """One synset: its wnid, NLTK-like name, lemmas, and the synsets from the root down to it along first hypernyms."""

    wnid: str
    synset: str
    name: str
    path: tuple[str, ...]


@cache
def _rows() -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for table in ("imagenet_classes.csv", "imagenet_hypernyms.csv"):
        with (_DATA / table).open(newline="") as file:
            rows.update((row["wnid"], row) for row in csv.DictReader(file))
    return rows


@cache
def _synset(wnid: str) -> Synset:
    row = _rows()[wnid]
    first = row["hypernyms"].split()[:1]
    path = (*_synset(first[0]).path, row["synset"]) if first else (row["synset"],)
    return Synset(wnid, row["synset"], row["name"], path)


@cache
def all_classes() -> tuple[Synset, ...]:
    """Return the 1000 classes in order of their index, from data/imagenet_classes.csv."""
    rows = [row for row in _rows().values() if "index" in row]
    return tuple(_synset(row["wnid"]) for row in sorted(rows, key=lambda row: int(row["index"])))


def ancestors_of(classes: list[Synset]) -> list[Synset]:
    """Return the inner synsets on the classes' paths, root first, each once."""
    by_name = {row["synset"]: wnid for wnid, row in _rows().items()}
    names = {name for one in classes for name in one.path[:-1]}
    return sorted((_synset(by_name[name]) for name in names), key=lambda synset: (len(synset.path), synset.wnid))


def family_of(one: Synset) -> tuple[str, Family]:
    """Return the nearest synset on the path that names a family, and that family."""
    named = families_of("imagenet")
    anchor = next(name for name in reversed(one.path) if name in named)
    return anchor, named[anchor][0]


@cache
def _order() -> tuple[Synset, ...]:
    """Order the 1000 classes so that every beginning of the list is spread over the hierarchy.

    Animals and other classes come in ImageNet's proportion (398 to 602). Within each, the parts of the tree that are
    drawn alike take turns in proportion to the square root of their number of classes, so that large ones (118 dogs) do
    not crowd out small ones; within a part, each step goes down the branch that has been taken least for its size.
    """
    groups: dict[bool, dict[str, list[Synset]]] = {True: defaultdict(list), False: defaultdict(list)}
    for one in all_classes():
        groups[_ANIMAL in one.path][_stem(one)].append(one)
    sizes = Counter({animal: sum(map(len, parts.values())) for animal, parts in groups.items()})
    queues = {animal: {stem: _descend(classes) for stem, classes in parts.items()} for animal, parts in groups.items()}
    taken = {animal: Counter[str]() for animal in groups}
    order: list[Synset] = []
    for _ in range(sum(sizes.values())):
        open_ = [animal for animal in queues if any(queues[animal].values())]
        animal = min(open_, key=lambda a: (taken[a].total() + 0.5) / sizes[a])
        parts = {stem: queue for stem, queue in queues[animal].items() if queue}
        stem = min(parts, key=lambda s: ((taken[animal][s] + 0.5) / len(groups[animal][s]) ** 0.5, s))
        taken[animal][stem] += 1
        order.append(parts[stem].pop(0))
    return tuple(order)


# Parts of the tree that take turns in the choice: superclasses in the spirit of BREEDS (Santurkar et al. 2021), and
# what lies between.
_STEMS = frozenset(
    [
        "dog.n.01",
        "mammal.n.01",
        "bird.n.01",
        "reptile.n.01",
        "amphibian.n.03",
        "fish.n.01",
        "arthropod.n.01",
        "invertebrate.n.01",
        "wheeled_vehicle.n.01",
        "conveyance.n.03",
        "container.n.01",
        "furniture.n.01",
        "musical_instrument.n.01",
        "device.n.01",
        "instrumentality.n.03",
        "clothing.n.01",
        "structure.n.01",
        "covering.n.02",
        "food.n.01",
        "food.n.02",
        "plant_part.n.01",
        "entity.n.01",
    ]
)


def _stem(one: Synset) -> str:
    return next(name for name in reversed(one.path) if name in _STEMS)


def _descend(classes: list[Synset]) -> list[Synset]:
    below = Counter(name for one in classes for name in one.path)
    taken: Counter[str] = Counter()
    left = list(classes)
    order = []
    while left:
        one = min(left, key=lambda c: [((taken[name] + 0.5) / below[name], name) for name in c.path])
        left.remove(one)
        order.append(one)
        taken.update(one.path)
    return order


def choose_classes(count: int) -> list[Synset]:
    """Return `count` classes (10 to 1000) spread over the hierarchy, by wnid; a larger choice contains a smaller."""
    if not 10 <= count <= len(all_classes()):
        raise InputError(
            f"imagenet: {count} classes asked of the miniature; give a number from 10 to {len(all_classes())}"
        )
    return sorted(_order()[:count], key=lambda one: one.wnid)
