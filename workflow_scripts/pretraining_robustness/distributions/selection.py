"""Turn a source into a pre-training distribution: which classes, which images, which labels.

A distribution never copies images: it is an index, rows of the source's store, each with a label. Images are chosen per
class from (seed, class), so that a smaller total is a subset of a larger one (paper, section 4.1).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness import wordnet
from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.distributions.copies import without_copies
from pretraining_robustness.distributions.label_maps import LabelMap, Superclass, distribution_label_map
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import hashed_rank


def make_distribution(
    images: pd.DataFrame, classes: pd.DataFrame, label_map: LabelMap | None, declared: dict[str, Any]
) -> pd.DataFrame:
    """Return the chosen images with their labels, in the order of the store.

    Args:
        images: the store's table, with columns row, image, class_id.
        classes: the store's classes, with columns class_id, name, images.
        label_map: the superclass of each class, or None to train on the classes themselves.
        declared: keys distribution (its name, for messages), source, classes (see `select_classes`), images (total, or
            None for all), balanced (None, "classes" or "superclasses": which of them contribute equally),
            short_classes ("refuse" or "fill"), take (None, or "first": see `select_images`), seed.

    Returns:
        Columns row (int64, into the store), image, class_id, class_name, label (int64, from 0 in order of the
        superclass's or class's identifier), label_name.

    Raises:
        InputError: the source has fewer classes or images than declared, or a class without a superclass.
    """
    classes = classes[classes["images"] > 0]  # a class with only damaged images or copies does not count
    chosen = select_classes(add_superclasses(classes, label_map, declared), declared)
    counts = images_per_class(chosen, declared)
    selected = select_images(images, counts, declared["seed"], first=declared["take"] == "first")
    chosen = chosen.set_index("class_id")
    superclass = chosen["superclass"][counts.index]
    labels = {name: label for label, name in enumerate(sorted(superclass.unique()))}
    return selected.assign(
        class_name=selected["class_id"].map(chosen["name"]),
        label=selected["class_id"].map(superclass.map(labels)).astype("int64"),
        label_name=selected["class_id"].map(chosen["superclass_name"]),
    )[["row", "image", "class_id", "class_name", "label", "label_name"]]


def check_counts(
    sizes: Mapping[str, int], names: Mapping[str, str], superclasses: str | Path | None, declared: dict[str, Any]
) -> None:
    """Raise InputError for a distribution that a source with these class sizes cannot provide.

    Args:
        sizes: number of images of each class by class_id.
        names: readable name of each class.
        superclasses: table that a label map names, or None.
        declared: see `make_distribution`.
    """
    rows = [(class_id, names[class_id], images) for class_id, images in sorted(sizes.items())]
    classes = pd.DataFrame(rows, columns=["class_id", "name", "images"])
    if declared["label_map"] and not superclasses:
        name = declared["label_map"]["name"]
        raise InputError(f"label_maps.{name}: the key 'table' is missing; a folder defines no superclasses")
    label_map = distribution_label_map(declared["label_map"], superclasses) if superclasses else None
    images_per_class(select_classes(add_superclasses(classes, label_map, declared), declared), declared)


def write_distribution(
    table: str | Path,
    classes: str | Path,
    superclasses: str | Path | None,
    declared: dict[str, Any],
    index: str | Path,
    chosen: str | Path,
    manifest: str | Path,
    copies: str | Path | None = None,
) -> None:
    """Make a distribution of a store's images and write it.

    Args:
        table: Parquet of the store's rows.
        classes: CSV of the store's classes.
        superclasses: table that a label map names, or None.
        declared: see `make_distribution`; with `repeated_to`, the images are repeated in the index to so many rows.
        index: output, Parquet: row, label.
        chosen: output, CSV: see `class_table`.
        manifest: output, CSV: every column of `make_distribution` but row.
        copies: CSV of `find_copies` whose images are left out, or None.
    """
    images = pd.read_parquet(table, columns=["row", "image", "class_id"])
    counted = read_frame(classes, whole=["images"])
    if copies is not None:
        images, counted = without_copies(images, counted, copies)
    label_map = distribution_label_map(declared["label_map"], superclasses or classes)
    selected = make_distribution(images, counted, label_map, declared)
    with atomic_path(index) as path:
        total = declared.get("repeated_to", len(selected))
        repeated = selected.iloc[np.resize(np.arange(len(selected)), total)]
        repeated[["row", "label"]].to_parquet(path, index=False)
    with atomic_path(chosen) as path:
        class_table(selected).to_csv(path, index=False)
    with atomic_path(manifest) as path:
        selected.drop(columns="row").to_csv(path, index=False)


def add_superclasses(classes: pd.DataFrame, label_map: LabelMap | None, declared: dict[str, Any]) -> pd.DataFrame:
    """Return the classes with columns superclass, superclass_name; without a label map a class is its own superclass.

    A map may name more classes than the source has. A class that it does not name is refused, unless the distribution
    chooses among the map's superclasses: then it cannot be chosen.
    """
    if label_map is None:
        return classes.assign(superclass=classes["class_id"], superclass_name=classes["name"])
    unnamed = classes.loc[~classes["class_id"].isin(label_map.keys()), "class_id"]
    if len(unnamed) and not _chooses_subclasses(declared):
        raise InputError(
            f"distributions.{declared['distribution']}: its label map has no superclass for class {unnamed.iloc[0]} "
            f"({len(unnamed):,} of {len(classes):,} classes are missing); add them to the table."
        )
    named = classes[~classes["class_id"].isin(unnamed)]
    superclasses: list[Superclass] = [label_map[class_id] for class_id in named["class_id"]]
    return named.assign(
        superclass=[superclass.identifier for superclass in superclasses],
        superclass_name=[superclass.name for superclass in superclasses],
        place=named["class_id"].map({class_id: place for place, class_id in enumerate(label_map)}),
    )


def select_classes(classes: pd.DataFrame, declared: dict[str, Any]) -> pd.DataFrame:
    """Return the declared classes, with a column `siblings`: how many classes its superclass has at ratio 1.

    `declared["classes"]` holds the keys of one of these choices, or none for all classes:
        most_frequent: N; the N classes with the most images, ties by class_id.
        random, at_least: N; the first N in a seeded order, in which classes with `at_least` images come first.
        under or not_under: a WordNet synset (wnid) or several; the classes below them by any path of hypernyms, or the
            others; with `random`, N of these.
        superclasses, subclasses, ratio: superclasses by name, or the first N of the label map (None: all), each with
            its round(ratio x subclasses) largest classes (None: of all that it has), ties in a seeded order.
    """
    choice = {key: value for key, value in declared["classes"].items() if value is not None}
    if _chooses_subclasses(declared):
        return _select_subclasses(classes, choice, declared)
    for key, below in (("under", True), ("not_under", False)):
        if key in choice:
            classes = classes[[wordnet.is_under(one, choice[key]) == below for one in classes["class_id"]]]
    wanted = choice.get("most_frequent") or choice.get("random") or len(classes)
    if wanted > len(classes):
        raise InputError(
            f"distributions.{declared['distribution']}: asks for {wanted:,} classes, "
            f"but {declared['source']} has {len(classes):,}; ask for fewer."
        )
    if "most_frequent" in choice:
        classes = classes.sort_values(["images", "class_id"], ascending=[False, True], kind="stable").head(wanted)
    elif "random" in choice:
        order = _order(declared["seed"], "classes")
        ranked = sorted(classes["class_id"], key=order)
        large = set(classes.loc[classes["images"] >= choice.get("at_least", 0), "class_id"])
        first = [*(one for one in ranked if one in large), *(one for one in ranked if one not in large)]
        classes = classes[classes["class_id"].isin(first[:wanted])]
    if classes.empty:
        raise InputError(
            f"distributions.{declared['distribution']}: {declared['source']} has none of these classes; choose others."
        )
    return classes.assign(siblings=classes.groupby("superclass")["class_id"].transform("size"))


def _chooses_subclasses(declared: dict[str, Any]) -> bool:
    return declared["classes"].get("ratio") is not None


def _select_subclasses(classes: pd.DataFrame, choice: dict[str, Any], declared: dict[str, Any]) -> pd.DataFrame:
    order = _order(declared["seed"], "subclasses")
    parts = []
    for superclass in _superclasses(classes, choice, declared):
        members = classes[classes["superclass"] == superclass]
        siblings = choice.get("subclasses", len(members))
        sizes = members.get("with_copies", members["images"])
        ranked = sorted(zip(-sizes, map(order, members["class_id"]), members["class_id"], strict=True))
        chosen = {class_id for *_, class_id in ranked[: max(1, round(choice["ratio"] * siblings))]}
        parts.append(members[members["class_id"].isin(chosen)].assign(siblings=siblings))
    return pd.concat(parts)


def _superclasses(classes: pd.DataFrame, choice: dict[str, Any], declared: dict[str, Any]) -> list[str]:
    """Return the declared superclasses, which all have enough subclasses."""
    # In the order of the label map's table, which a superclass enters with its first class.
    sizes = classes.sort_values("place").groupby("superclass", sort=False).size()
    needed, wanted = choice.get("subclasses", 1), choice.get("superclasses", len(sizes))
    place = f"distributions.{declared['distribution']}"
    if isinstance(wanted, list):
        for superclass in wanted:
            if superclass not in sizes:
                raise InputError(f"{place}: {declared['source']} has no superclass {superclass}; leave it out.")
            if sizes[superclass] < needed:
                has = f"{declared['source']} has {sizes[superclass]} classes of {superclass}"
                raise InputError(f"{place}: {has}, fewer than the {needed} asked for; lower 'subclasses'.")
        return wanted
    enough = [str(superclass) for superclass in sizes.index[sizes >= needed]]
    if len(enough) < wanted:
        raise InputError(
            f"{place}: asks for {wanted} superclasses with {needed} subclasses each, but {declared['source']} has "
            f"{len(enough)}; lower 'superclasses' or 'subclasses'."
        )
    return enough[:wanted]


def images_per_class(chosen: pd.DataFrame, declared: dict[str, Any]) -> pd.Series:
    """Return how many images each class contributes, indexed by class_id.

    Without `balanced` a total is shared in proportion to the classes' sizes. Balanced by superclasses, each of them
    contributes equally and so do its classes. Balanced by classes, each class contributes equally; where a ratio takes
    only some classes of a superclass, they replace the others, so that labels keep their numbers at every ratio. A
    remainder goes to the first classes of a seeded order. A class that is too small is refused, or contributes all it
    has and the others of its group (superclass or, without a ratio, distribution) the rest.
    """
    chosen = chosen.sort_values("class_id")
    available = chosen.set_index("class_id")["images"]
    total, name = declared["images"], declared["distribution"]
    if total is None:
        return available
    if total > available.sum():
        raise InputError(
            f"distributions.{name}: asks for {total:,} images, but its {len(available):,} classes of "
            f"{declared['source']} have {available.sum():,}; lower 'images'."
        )
    if declared["balanced"] is None:
        counts = _apportion(available, total)
        return counts[counts > 0]
    order = _order(declared["seed"], "remainder")
    quotas = superclass_quotas(chosen, declared)
    parts = []
    for group, quota in quotas.items():
        members = chosen if group is None else chosen[chosen["superclass"] == group]
        sizes = members.set_index("class_id")["images"]
        equal = _share_equally(pd.Series(quota, index=sizes.index), quota, order)
        if (equal > sizes).any():
            equal = _fill(sizes, quota, equal, order, declared)
        parts.append(equal)
    counts = pd.concat(parts).sort_index()
    return counts[counts > 0]


def superclass_quotas(chosen: pd.DataFrame, declared: dict[str, Any]) -> dict[str | None, int]:
    """Return the images of each superclass of a balanced distribution; one quota, named None, where it does not matter.

    `chosen` has columns superclass and siblings (see `select_classes`).
    """
    if declared["balanced"] == "superclasses":
        names = pd.Index(sorted(chosen["superclass"].unique()))
        order = _order(declared["seed"], "remainder")
        equal = _share_equally(pd.Series(declared["images"], index=names), declared["images"], order)
        return {str(name): int(images) for name, images in equal.items()}
    if not _chooses_subclasses(declared):
        return {None: declared["images"]}
    weights = chosen.groupby("superclass")["siblings"].first()
    return {str(name): int(images) for name, images in _apportion(weights, declared["images"]).items()}


def _apportion(weights: pd.Series, total: int) -> pd.Series:
    """Share a total in proportion to weights, by largest remainder."""
    exact = weights * total / weights.sum()
    counts = np.floor(exact).astype(int)
    remainder = (exact - counts).sort_values(ascending=False, kind="stable")
    counts[remainder.index[: total - counts.sum()]] += 1
    return counts


def _share_equally(most: pd.Series, total: int, order: Callable[[str], int]) -> pd.Series:
    """Share a total equally, none above its entry of `most`; the first of the order get one more."""
    counts = pd.Series(0, index=most.index)
    ranked = sorted(most.index, key=order)
    while total:
        open_ = [name for name in ranked if counts[name] < most[name]]
        base = min(total // len(open_), int((most - counts)[open_].min()))
        if base == 0:
            counts[open_[:total]] += 1
            break
        counts[open_] += base
        total -= base * len(open_)
    return counts


def _fill(
    sizes: pd.Series, quota: int, equal: pd.Series, order: Callable[[str], int], declared: dict[str, Any]
) -> pd.Series:
    short = sizes[sizes < equal]
    first = short.index[0]
    facts = (
        f"distributions.{declared['distribution']}: asks for {equal[first]:,} images of class {first}, which has "
        f"{short.iloc[0]:,} ({len(short):,} of {len(sizes):,} classes are too small)"
    )
    if declared["short_classes"] == "refuse":
        raise InputError(f"{facts}; lower 'images', take fewer classes or set 'short_classes: fill'.")
    if sizes.sum() < quota:
        raise InputError(f"{facts}, and all together have {sizes.sum():,} of {quota:,}; lower 'images'.")
    return _share_equally(sizes, quota, order)


def select_images(images: pd.DataFrame, counts: pd.Series, seed: int, first: bool = False) -> pd.DataFrame:
    """Return the first `counts[class_id]` images of each class in a seeded order, sorted by row.

    The order of a class depends on the seed and the class alone: with the same seed a smaller count is a subset. With
    `first` it is the order of the rows.
    """
    rows = []
    for class_id, members in images[images["class_id"].isin(counts.index)].groupby("class_id", sort=True):
        if first:
            order = np.argsort(members["row"].to_numpy(), kind="stable")
        else:
            order = np.random.default_rng(hashed_rank(seed, "images", str(class_id))).permutation(len(members))
        rows.append(members.iloc[order[: counts[class_id]]])
    return pd.concat(rows).sort_values("row", kind="stable").reset_index(drop=True)


def class_table(selected: pd.DataFrame) -> pd.DataFrame:
    """Count the chosen images of each class: columns label, label_name, class_id, class_name, images."""
    keys = ["label", "label_name", "class_id", "class_name"]
    return selected.groupby(keys, sort=True).size().rename("images").reset_index()


def _order(seed: int, purpose: str) -> Callable[[str], int]:
    return lambda name: hashed_rank(seed, purpose, name)
