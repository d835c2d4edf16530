"""Refuse, while planning, a distribution that its source cannot provide, and say why in numbers at the paper's scale.

Planning knows what the config declares: numbers of images and classes, the range of class sizes, and the tables of
superclasses. Everything else is checked when the distribution is made.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pretraining_robustness import wordnet
from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.distributions.label_maps import read_label_map
from pretraining_robustness.errors import InputError

Locate = Callable[[str], Path]
"""Path of a table that the config names."""


def check_feasible(name: str, config: Mapping[str, Any], locate: Locate) -> None:
    """Raise InputError if the source of distribution `name` cannot provide what it declares."""
    try:
        _check(name, config, locate)
    except InputError as error:
        raise InputError(f"config distributions.{name}: {error}") from None


def _check(name: str, config: Mapping[str, Any], locate: Locate) -> None:
    declared = config["distributions"][name]
    source = config["sources"][declared["source"]]
    label_map = config["label_maps"][declared["labels"]] if "labels" in declared else None
    choice = declared.get("classes", {})
    for synsets in (choice[key] for key in ("under", "not_under") if key in choice):
        wordnet.classes_under(synsets)  # refuses names that are not synsets
    superclasses = superclass_sizes(label_map, locate) if label_map else {}
    if "ratio" in choice:
        _check_subclasses(choice, superclasses)
    classes = number_of_classes(source, choice, superclasses)
    images, sizes = declared.get("images"), source.get("class_sizes")
    if images is None or classes is None:
        return
    if images < classes and declared.get("balanced"):
        raise _refusal(f"asks for {images:,} images of {classes:,} classes, fewer than one each", "ask for more")
    if sizes:
        _check_class_sizes(declared, images, classes, sizes)
    if label_map and "counts" in label_map:
        _check_superclass_sizes(declared, read_counts(locate(label_map["counts"])))


def superclass_sizes(label_map: Mapping[str, Any], locate: Locate) -> dict[str, int]:
    """Return the number of classes of each superclass of a label map, from its table or its table of counts."""
    if "table" in label_map:
        table = read_label_map(locate(label_map["table"]), label_map.get("key", "class_id"), label_map["column"])
        return dict(Counter(superclass.identifier for superclass in table.values()))
    if "counts" in label_map:
        return {name: classes for name, (classes, _) in read_counts(locate(label_map["counts"])).items()}
    return {}


def number_of_classes(source: Mapping[str, Any], choice: Mapping[str, Any], sizes: Mapping[str, int]) -> int | None:
    """Return how many classes a choice takes at the paper's scale, or None where only the data can tell."""
    if "ratio" in choice:
        if not sizes:
            return None
        wanted = choice.get("superclasses")
        names = wanted if isinstance(wanted, list) else list(sizes)[:wanted]
        return sum(round(choice["ratio"] * choice.get("subclasses", sizes[name])) for name in names)
    for key in ("most_frequent", "random"):
        if key in choice:
            return int(choice[key])
    if {"under", "not_under"} & set(choice) and source["format"] not in ("imagenet", "stable_diffusion"):
        return None  # a folder may have any of ImageNet's classes
    if "under" in choice:
        return len(wordnet.classes_under(choice["under"]))
    if "not_under" in choice:
        return len(wordnet.all_wnids()) - len(wordnet.classes_under(choice["not_under"]))
    return source.get("classes")


def read_counts(path: Path) -> dict[str, tuple[int, int]]:
    """Return classes and training images of each superclass from a table with its name in the first column."""
    table = read_csv_table(path, what="table of counts")
    counts = {}
    for number, values in enumerate(zip(*table.columns.values(), strict=True)):
        if len(values) < 3 or not (values[1].isdecimal() and values[2].isdecimal()):
            table.refuse(number, "its first three columns should be a name and two whole numbers, classes and images")
        counts[values[0]] = (int(values[1]), int(values[2]))
    return counts


def _check_subclasses(choice: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
    wanted, subclasses, ratio = choice.get("superclasses"), choice.get("subclasses"), choice["ratio"]
    if not sizes:
        return
    if isinstance(wanted, list):
        unknown = next((superclass for superclass in wanted if superclass not in sizes), None)
        if unknown is not None:
            raise _refusal(f"there is no superclass '{unknown}'", f"known are: {', '.join(sizes)}")
        short = [superclass for superclass in wanted if sizes[superclass] < (subclasses or 1)]
        enough = len(wanted) - len(short)
    else:
        short = [superclass for superclass in sizes if sizes[superclass] < (subclasses or 1)]
        enough = len(sizes) - len(short)
        wanted = range(wanted if wanted is not None else len(sizes))
    if enough < len(wanted):
        what = f"{len(wanted)} superclasses with {subclasses or 1} subclasses each"
        example = f" ({short[0]} has {sizes[short[0]]})" if short else ""
        raise _refusal(f"asks for {what}, but {enough} of {len(sizes)} have as many{example}", "ask for fewer")
    smallest = subclasses or min(sizes[superclass] for superclass in (wanted if isinstance(wanted, list) else sizes))
    if round(ratio * smallest) < 1:
        raise _refusal(f"a ratio of {ratio:g} of {smallest} subclasses selects none", "raise 'ratio'")


def _check_class_sizes(declared: Mapping[str, Any], images: int, classes: int, sizes: Mapping[str, int]) -> None:
    fewest, most, share = sizes["fewest"], sizes["most"], -(-images // classes)
    if images > classes * most:
        facts = f"asks for {images:,} images of {classes:,} classes, which have at most {most:,} each"
        raise _refusal(facts, "lower 'images' or take more classes")
    large = declared.get("classes", {}).get("at_least", fewest)
    if declared.get("balanced") and share > large and declared.get("short_classes") != "fill":
        facts = f"asks for {share:,} images of each of {classes:,} classes, some of which have only {fewest:,}"
        raise _refusal(facts, "lower 'images', set 'at_least' or 'short_classes: fill'")


def _check_superclass_sizes(declared: Mapping[str, Any], counts: Mapping[str, tuple[int, int]]) -> None:
    choice, images = declared.get("classes", {}), declared["images"]
    wanted = choice.get("superclasses")
    names = wanted if isinstance(wanted, list) else list(counts)
    weights = {
        superclass: 1 if declared.get("balanced") == "superclasses" else counts[superclass][0] for superclass in names
    }
    if declared.get("balanced") is None:
        return
    for superclass in names:
        share = round(images * weights[superclass] / sum(weights.values()))
        if share > counts[superclass][1]:
            facts = (
                f"{superclass} has {counts[superclass][1]:,} images, but its part of {images:,} over {len(names)} "
                f"superclasses is {share:,}"
            )
            raise _refusal(facts, "lower 'images', leave it out or set 'balanced: classes'")


def _refusal(facts: str, remedy: str) -> InputError:
    return InputError(f"{facts}; {remedy}.")
