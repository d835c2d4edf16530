"""ImageNet's 1000 classes in WordNet 3.0's hierarchy: the one reader of the tables that hold it.

A synset is named by its wnid: "n" and its byte offset in WordNet 3.0's data.noun. Tables of the repository's `data/`:
imagenet_classes.csv (the classes) and imagenet_hypernyms.csv (the synsets above them); data/README.md says how they
were made. A synset can have several hypernyms. They are sorted by the synset's name, as NLTK up to 3.8.1 does, and the
first of them decides where a rule follows one path only.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pretraining_robustness.errors import InputError

_DATA = Path(__file__).resolve().parents[2] / "data"
_CLASSES = "imagenet_classes.csv"
_HYPERNYMS = "imagenet_hypernyms.csv"


@dataclass(frozen=True, slots=True)
class _Synset:
    name: str
    lemmas: tuple[str, ...]
    depth: int
    hypernyms: tuple[str, ...]


def all_wnids() -> tuple[str, ...]:
    """Return the wnids of the 1000 classes in order of the class index, which is their alphabetical order."""
    return tuple(_read(_CLASSES))


def name(wnid: str) -> str:
    """Return a synset's readable name: its first lemma ("tench", "great white shark").

    This and every function below raises InputError for a wnid that is neither a class nor above one.
    """
    return _synset(wnid).lemmas[0]


def name_or_identifier(identifier: str) -> str:
    """Return the name of a synset, or the identifier itself if it is none of ImageNet's hierarchy."""
    return name(identifier) if identifier in _read(_CLASSES) or identifier in _read(_HYPERNYMS) else identifier


def lemmas(wnid: str) -> tuple[str, ...]:
    """Return all names of a synset; joined by ", " they are the words of ImageNet's development kit."""
    return _synset(wnid).lemmas


def synset(wnid: str) -> str:
    """Return a synset's name in the convention of NLTK: first lemma, part of speech, number of the sense."""
    return _synset(wnid).name


def depth(wnid: str) -> int:
    """Return the number of edges on the shortest path of hypernyms from a synset up to the root, entity.n.01."""
    return _synset(wnid).depth


def hypernyms(wnid: str) -> tuple[str, ...]:
    """Return the wnids of a synset's direct hypernyms, sorted by their synset names; none for the root."""
    return _synset(wnid).hypernyms


@cache
def first_path(wnid: str) -> tuple[str, ...]:
    """Return the wnids from the root down to a synset, along the first hypernym of each."""
    above = hypernyms(wnid)
    return (*(first_path(above[0]) if above else ()), wnid)


def is_under(wnid: str, ancestor: str | Sequence[str]) -> bool:
    """Say whether `ancestor`, or one of several, is on any path of hypernyms of a synset; a synset is under itself."""
    ancestors = [ancestor] if isinstance(ancestor, str) else ancestor
    for one in ancestors:
        _synset(one)
    return not _upwards(wnid).isdisjoint(ancestors)


def classes_under(ancestor: str | Sequence[str]) -> tuple[str, ...]:
    """Return the wnids of the classes under a synset, or one of several, in order of the class index."""
    return tuple(wnid for wnid in all_wnids() if is_under(wnid, ancestor))


def superclass(wnid: str, depth: int) -> str:
    """Return the synset, at most `depth` edges below the root, that a class belongs to when labels are made coarser.

    From the class the first hypernyms are followed until the shortest path to the root has no more than `depth` edges.
    The 1000 classes then have 5, 17, 37, 85 and 232 superclasses at depths 2, 4, 5, 6 and 7, the numbers of Ramanujan
    et al. 2023 (arXiv 2307.12532), section 4.2. The rule is inferred from their description and these numbers: it is
    the one of Huh et al. 2016 (arXiv 1608.08614; repository minyoungg/wmigftl) with the shortest path as the depth.
    """
    while _synset(wnid).depth > depth:
        wnid = hypernyms(wnid)[0]
    return wnid


@cache
def _read(table: str) -> dict[str, _Synset]:
    with (_DATA / table).open(newline="", encoding="utf-8") as file:
        return {
            row["wnid"]: _Synset(
                row["synset"], tuple(row["name"].split(", ")), int(row["depth"]), tuple(row["hypernyms"].split())
            )
            for row in csv.DictReader(file)
        }


def _synset(wnid: str) -> _Synset:
    found = _read(_CLASSES).get(wnid) or _read(_HYPERNYMS).get(wnid)
    if found is None:
        raise InputError(
            f"'{wnid}' is not a synset of ImageNet's hierarchy: take a wnid of data/{_CLASSES} or {_HYPERNYMS}."
        )
    return found


@cache
def _upwards(wnid: str) -> frozenset[str]:
    return frozenset([wnid]).union(*map(_upwards, hypernyms(wnid)))
