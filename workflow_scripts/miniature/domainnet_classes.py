"""The categories of DomainNet that the object world can draw, in the order in which a miniature takes them.

domainnet_classes.csv holds the choice, all of it ours:
    category   as DomainNet spells it
    number     its place in DomainNet's list of 345, counted from 1 as the names of the original's image files count
               (wilds 2.0.0, domainnet_dataset.py, DOMAIN_NET_CATEGORIES)
    wnid       the synset of ImageNet's hierarchy whose traits it has, so that the miniature ImageNet's classes there
               look alike
    family     the family that is drawn (families.csv)
    traits     what is narrowed further, written as in families.csv, so that the shape alone tells the category
"""

from dataclasses import dataclass, replace
from functools import cache

from miniature.families import families, families_of, parse_settings, read_table
from miniature.object_world import ObjectClass
from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError


@dataclass(frozen=True)
class Category:
    """A category: its name, its number in DomainNet's list (1 to 345), and what is drawn for it."""

    name: str
    number: int
    drawn: ObjectClass


@cache
def all_categories() -> tuple[Category, ...]:
    """Return every category that can be drawn; every beginning of the list has a variety of shapes."""
    return tuple(map(_category, read_table("domainnet_classes.csv")))


def choose_categories(count: int) -> list[Category]:
    """Return the first `count` categories of the table, by their numbers.

    Raises:
        InputError: for fewer than 2, or more than the table has.
    """
    if not 2 <= count <= len(all_categories()):
        raise InputError(
            f"domainnet: {count} classes asked of the miniature; give a number from 2 to {len(all_categories())}"
        )
    return sorted(all_categories()[:count], key=lambda one: one.number)


def _category(row: dict[str, str]) -> Category:
    path = tuple(map(wordnet.synset, wordnet.first_path(row["wnid"])))
    named = families_of("imagenet")
    anchor = next(place for place in reversed(range(len(path))) if path[place] in named)
    family = families()[row["family"]]
    narrowed = replace(family, settings={**family.settings, **parse_settings(row["traits"])})
    return Category(row["category"], int(row["number"]), ObjectClass(row["category"], narrowed, path[anchor:]))
