"""Which figure is drawn for which part of a hierarchy, where such things are seen, and how their traits are narrowed.

The tables beside this module hold the choices, all of them ours:
    families.csv                 family, figure, the kinds of place it is seen in (scenery.PLACES), how far it may be
                                 turned (radians), its traits
    families_of_hierarchies.csv  the family of an ImageNet synset and of all below it that have no nearer one; the
                                 families that an iNaturalist super category's orders take in turn
Traits read "name value; name low..high; name one|another": a number, a range, or names to choose from.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

from miniature.drawing import (
    animals_with_spine,
    animals_without_spine,
    buildings,
    clothes,
    food_and_plants,
    furniture,
    household,
    instruments,
    mammals,
    vehicles,
)
from miniature.drawing.pen import Pen
from miniature.drawing.traits import Setting, Traits

Figure = Callable[[Pen, Traits, Random], None]

_HERE = Path(__file__).parent
_MODULES = (
    mammals,
    animals_with_spine,
    animals_without_spine,
    vehicles,
    buildings,
    furniture,
    household,
    instruments,
    clothes,
    food_and_plants,
)


@dataclass(frozen=True)
class Family:
    """A figure, the kinds of place it is seen in, how far it may be turned (radians), and its narrowed traits."""

    name: str
    figure: Figure
    places: tuple[str, ...]
    turn: float
    settings: dict[str, Setting]


def read_table(name: str) -> list[dict[str, str]]:
    """Return the rows of a table beside this module."""
    with (_HERE / name).open(newline="") as file:
        return list(csv.DictReader(file))


def figure_named(name: str) -> Figure:
    """Return the figure that one of the drawing modules defines under this name."""
    figure: Figure = next(vars(module)[name] for module in _MODULES if name in vars(module))
    return figure


def parse_settings(text: str) -> dict[str, Setting]:
    """Return the settings of traits from their text in a table."""
    settings: dict[str, Setting] = {}
    for part in filter(None, text.split("; ")):
        name, _, value = part.partition(" ")
        low, dots, high = value.partition("..")
        try:
            settings[name] = (float(low), float(high if dots else low))
        except ValueError:
            settings[name] = tuple(value.split("|"))
    return settings


@cache
def families() -> dict[str, Family]:
    """Return all families by name."""
    return {
        row["family"]: Family(
            row["family"],
            figure_named(row["figure"]),
            tuple(row["places"].split()),
            float(row["turn"]),
            parse_settings(row["traits"]),
        )
        for row in read_table("families.csv")
    }


@cache
def families_of(collection: str) -> dict[str, tuple[Family, ...]]:
    """Return the families of each named node of `imagenet` (synsets) or `inaturalist` (super categories)."""
    return {
        row["node"]: tuple(families()[name] for name in row["families"].split())
        for row in read_table("families_of_hierarchies.csv")
        if row["collection"] == collection
    }
