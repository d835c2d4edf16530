"""ImageNet's 1000 classes, and a choice of k of them that is spread over WordNet and keeps superclasses together."""

import csv
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from miniature.families import Family, families_of
from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError

_DATA = Path(__file__).resolve().parents[2] / "data"
_ANIMAL = "animal.n.01"


@dataclass(frozen=True)
class Synset:
    """One synset: its wnid, NLTK-like name, lemmas, and the synsets from the root down to it along first hypernyms."""

    wnid: str
    synset: str
    name: str
    path: tuple[str, ...]


@cache
def _synset(wnid: str) -> Synset:
    path = tuple(map(wordnet.synset, wordnet.first_path(wnid)))
    return Synset(wnid, wordnet.synset(wnid), ", ".join(wordnet.lemmas(wnid)), path)


@cache
def all_classes() -> tuple[Synset, ...]:
    """Return the 1000 classes in order of their index."""
    return tuple(map(_synset, wordnet.all_wnids()))


def ancestors_of(classes: list[Synset]) -> list[Synset]:
    """Return the inner synsets on the classes' paths, root first, each once."""
    wnids = {wnid for one in classes for wnid in wordnet.first_path(one.wnid)[:-1]}
    return sorted(map(_synset, wnids), key=lambda synset: (len(synset.path), synset.wnid))


def family_of(one: Synset) -> tuple[str, Family]:
    """Return the nearest synset on the path that names a family, and that family."""
    named = families_of("imagenet")
    anchor = next(name for name in reversed(one.path) if name in named)
    return anchor, named[anchor][0]


@cache
def breeds() -> dict[str, str]:
    """Return the superclass of each wnid in data/imagenet_breeds.csv."""
    with (_DATA / "imagenet_breeds.csv").open(newline="", encoding="utf-8") as file:
        return {row["wnid"]: row["superclass"] for row in csv.DictReader(file)}


@cache
def _order() -> tuple[Synset, ...]:
    """Order the 1000 classes so that every beginning of the list is spread over the hierarchy and keeps superclasses.

    Animals and other classes come in ImageNet's proportion (398 to 602). Within each, subclasses of `breeds` take turns
    with the rest, two to one, as long as they last, so that a small choice still holds superclasses of three
    subclasses and some of everything else.
    """
    groups = {animal: [one for one in all_classes() if (_ANIMAL in one.path) == animal] for animal in (True, False)}
    queues = []
    for classes in groups.values():
        listed = _three_at_a_time([one for one in classes if one.wnid in breeds()])
        rest = _spread([one for one in classes if one.wnid not in breeds()])
        queues.append(_take_turns([listed, rest], [2, 1]))
    return tuple(_take_turns(queues, list(map(len, queues))))


def _take_turns(queues: Sequence[Sequence[Synset]], weights: Sequence[float]) -> list[Synset]:
    """Merge the queues: each step takes from the one that has given least for its weight; the first one of equals."""
    taken = [0] * len(queues)
    order = []
    while left := [i for i, queue in enumerate(queues) if taken[i] < len(queue)]:
        turn = min(left, key=lambda i: (taken[i] + 0.5) / weights[i])
        order.append(queues[turn][taken[turn]])
        taken[turn] += 1
    return order


def _three_at_a_time(classes: Sequence[Synset]) -> list[Synset]:
    """Order subclasses of `breeds`: three of each superclass, then three more of each."""
    superclasses: dict[str, list[Synset]] = defaultdict(list)
    for one in _spread(classes):
        superclasses[breeds()[one.wnid]].append(one)
    members = [_spread(some, power=1.0) for some in superclasses.values()]  # what is typical first
    rounds = range(0, max(map(len, members)), 3)
    return [one for start in rounds for some in members for one in some[start : start + 3]]


def _spread(classes: Sequence[Synset], power: float = 0.5) -> list[Synset]:
    """Order classes by steps down the hierarchy, each down the branch that has been taken least for its weight.

    The weight is a power of the number of classes below: the square root, so that large branches (118 dogs) do not
    crowd out small ones, or the number itself, so that large ones come first.
    """
    weights = {name: number**power for name, number in Counter(name for one in classes for name in one.path).items()}
    taken: Counter[str] = Counter()
    left = list(classes)
    order = []
    while left:
        one = min(left, key=lambda c: [((taken[name] + 0.5) / weights[name], name) for name in c.path])
        left.remove(one)
        order.append(one)
        taken.update(one.path)
    return order


def choose_classes(count: int, by_wnid: bool = True) -> list[Synset]:
    """Return `count` classes (10 to 1000) spread over the hierarchy; a larger choice contains a smaller.

    They come by wnid, or in the order in which they are chosen.
    """
    if not 10 <= count <= len(all_classes()):
        raise InputError(
            f"imagenet: {count} classes asked of the miniature; give a number from 10 to {len(all_classes())}"
        )
    return sorted(_order()[:count], key=lambda one: one.wnid) if by_wnid else list(_order()[:count])
