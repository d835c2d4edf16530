"""Check a distribution against its declaration, independently of the code that made it; a failed check stops the run.

The checks read the manifest and share no code with selection.py.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness import wordnet
from pretraining_robustness.csv_tables import read_frame
from pretraining_robustness.distributions.label_maps import LabelMap, distribution_label_map
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows


@dataclass(frozen=True)
class Promise:
    """One check of a distribution: what was expected and found, and the first row of the manifest that fails it."""

    promise: str
    expected: str
    found: str
    kept: bool
    row: str = ""


def check_promises(
    manifest: pd.DataFrame,
    declared: Mapping[str, Any],
    classes: pd.DataFrame,
    label_map: LabelMap | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
    copies: pd.DataFrame | None = None,
) -> list[Promise]:
    """Return every check of `declared` with what the manifest shows.

    Args:
        manifest: columns image, class_id, label, one row per image.
        declared: as for `selection.make_distribution`.
        classes: the source's classes, columns class_id, images.
        label_map: as for `selection.make_distribution`.
        others: manifests of the distributions that this one declares a relation to, by relation: nested_in,
            classes_nested_in, same_images_per_label_as.
        copies: images that no distribution of the source may contain, columns image, class_id.
    """
    if copies is not None:
        left_out = copies.drop_duplicates("image")["class_id"].value_counts()
        classes = classes.assign(images=classes["images"] - classes["class_id"].map(left_out).fillna(0))
    classes = classes[classes["images"] > 0]
    return [
        *_sound(manifest, classes),
        *_totals(manifest, declared),
        *_labels(manifest, declared, classes, label_map),
        *_choice(manifest, declared, classes),
        *_balance(manifest, declared, classes),
        *_relations(manifest, others or {}),
        *_without_copies(manifest, copies),
    ]


def demand_kept(promises: list[Promise], distribution: str) -> None:
    """Raise InputError for the first failed check."""
    for promise in promises:
        if not promise.kept:
            row = f" ({promise.row})" if promise.row else ""
            raise InputError(
                f"distributions.{distribution}: broken promise '{promise.promise}': expected {promise.expected}, "
                f"found {promise.found}{row}; the manifest lists its images."
            )


def write_promises(
    manifest: str | Path,
    classes: str | Path,
    superclasses: str | Path | None,
    others: Mapping[str, str | Path],
    declared: Mapping[str, Any],
    promises: str | Path,
    copies: str | Path | None = None,
) -> None:
    """Check the manifest in a file and write the checks as CSV, one column per attribute of `Promise`.

    Args:
        manifest: CSV, as `selection.write_distribution` writes it.
        classes: CSV of the source's classes.
        superclasses: table that a label map names, or None.
        others: manifests by relation, see `check_promises`.
        declared: as for `selection.make_distribution`.
        promises: output.
        copies: CSV of the images that are left out as copies, or None.

    Raises:
        InputError: a check failed, or a label map names no superclass.
    """
    label_map = distribution_label_map(declared["label_map"], superclasses or classes)
    tables = {name: read_frame(path, whole=["label"]) for name, path in others.items()}
    own, source = read_frame(manifest, whole=["label"]), read_frame(classes, whole=["images"])
    left_out = None if copies is None else read_frame(copies)
    found = check_promises(own, declared, source, label_map, tables, left_out)
    demand_kept(found, declared["distribution"])
    write_rows(promises, map(asdict, found))


def _sound(manifest: pd.DataFrame, classes: pd.DataFrame) -> Iterator[Promise]:
    yield _none("no image twice", manifest, manifest["image"].duplicated())
    yield _none("every class is one of the source", manifest, ~manifest["class_id"].isin(classes["class_id"]))
    labels = manifest["label"].unique()
    yield _equal("labels from 0 without a gap", len(labels) - 1, int(manifest["label"].max()))
    first = manifest.groupby("class_id")["label"].transform("first")
    yield _none("one label for each class", manifest, manifest["label"] != first)


def _totals(manifest: pd.DataFrame, declared: Mapping[str, Any]) -> Iterator[Promise]:
    if declared["images"] is not None:
        yield _equal("images", declared["images"], len(manifest))


def _labels(
    manifest: pd.DataFrame, declared: Mapping[str, Any], classes: pd.DataFrame, label_map: LabelMap | None
) -> Iterator[Promise]:
    if label_map is None:
        order = sorted(manifest["class_id"].unique())
        yield _none("classes are labels", manifest, manifest["label"] != manifest["class_id"].map(order.index))
        return
    superclass = manifest["class_id"].map({one: label_map[one].identifier for one in label_map})
    expected = {label_map[one].identifier for one in classes["class_id"] if one in label_map}
    if declared["classes"].get("superclasses") is None:
        yield _equal("superclasses of the source that have a label", len(expected), manifest["label"].nunique())
    chosen = sorted(superclass.dropna().unique())
    rank = superclass.map({name: label for label, name in enumerate(chosen)})
    yield _none("every class has the label of its superclass", manifest, manifest["label"] != rank)


def _choice(manifest: pd.DataFrame, declared: Mapping[str, Any], classes: pd.DataFrame) -> Iterator[Promise]:
    choice = {key: value for key, value in declared["classes"].items() if value is not None}
    found = manifest["class_id"].nunique()
    for key in ("most_frequent", "random"):
        if key in choice:
            yield _equal("classes", min(choice[key], declared["images"] or len(manifest)), found)
    for key, below in (("under", True), ("not_under", False)):
        if key in choice:
            ids = {one: wordnet.is_under(one, choice[key]) == below for one in classes["class_id"]}
            if "random" not in choice:
                yield _equal(f"classes {key.replace('_', ' ')} {choice[key]}", sum(ids.values()), found)
            yield _none(f"only classes {key.replace('_', ' ')} {choice[key]}", manifest, ~manifest["class_id"].map(ids))
    if "ratio" in choice:
        wanted = choice.get("superclasses")
        if wanted is not None:
            number = len(wanted) if isinstance(wanted, list) else wanted
            yield _equal("superclasses", number, manifest["label"].nunique())
        if "subclasses" in choice:
            number = max(1, round(choice["ratio"] * choice["subclasses"]))
            per_label = manifest.groupby("label")["class_id"].transform("nunique")
            yield _none(f"{number} subclasses in each superclass", manifest, per_label != number)


def _balance(manifest: pd.DataFrame, declared: Mapping[str, Any], classes: pd.DataFrame) -> Iterator[Promise]:
    if declared["balanced"] is None:
        return
    by_label = declared["balanced"] == "superclasses" or declared["classes"].get("ratio") is not None
    per_class = manifest.groupby("class_id").agg(images=("image", "size"), label=("label", "first")).reset_index()
    group = per_class["label"] if by_label else pd.Series(0, index=per_class.index)
    most = per_class.groupby(group)["images"].transform("max")
    small = per_class["images"] < most - 1
    if declared["short_classes"] == "fill":
        small &= per_class["images"] < per_class["class_id"].map(classes.set_index("class_id")["images"])
    within = " within a superclass" if by_label else ""
    but = ", except those that gave all they have" if declared["short_classes"] == "fill" else ""
    unequal = manifest["class_id"].isin(per_class.loc[small, "class_id"])
    yield _none(f"classes equal in size{within}, but for one image{but}", manifest, unequal)
    if declared["balanced"] == "superclasses":
        per_label = manifest.groupby("label")["image"].transform("size")
        yield _none("superclasses equal in size, but for one image", manifest, per_label < per_label.max() - 1)


def _relations(manifest: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> Iterator[Promise]:
    for relation, other in others.items():
        if relation == "nested_in":
            yield _none("images of the distribution it is nested in", manifest, ~manifest["image"].isin(other["image"]))
        if relation == "classes_nested_in":
            strange = ~manifest["class_id"].isin(other["class_id"])
            yield _none("classes of the distribution its classes are nested in", manifest, strange)
        if relation == "same_images_per_label_as":
            mine, theirs = (table.groupby("label_name").size() for table in (manifest, other))
            different = mine.ne(theirs.reindex(mine.index)) if len(mine) == len(theirs) else mine > 0
            wrong = manifest["label_name"].isin(different.index[different])
            yield _none("as many images of each label as the distribution it is compared with", manifest, wrong)


def _without_copies(manifest: pd.DataFrame, copies: pd.DataFrame | None) -> Iterator[Promise]:
    if copies is not None:
        yield _none("no image with a copy elsewhere", manifest, manifest["image"].isin(copies["image"]))


def _equal(promise: str, expected: int, found: int) -> Promise:
    return Promise(promise, f"{expected:,}", f"{found:,}", expected == found)


def _none(promise: str, manifest: pd.DataFrame, breaks: pd.Series) -> Promise:
    """No row of the manifest may fail the check."""
    rows = np.flatnonzero(breaks.to_numpy(dtype=bool))
    if len(rows) == 0:
        return Promise(promise, "no exception", "no exception", True)
    first = manifest.iloc[rows[0]]
    # Line 1 of the manifest is its header.
    row = f"first in line {rows[0] + 2}: image {first['image']}, class {first['class_id']}, label {first['label']}"
    return Promise(promise, "no exception", f"{len(rows):,} rows", False, row)
