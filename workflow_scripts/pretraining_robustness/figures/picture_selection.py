"""Which images a figure of example images shows: chosen at random, by a seed, without looking."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pretraining_robustness.errors import InputError, missing_keys_named
from pretraining_robustness.figures.words import count
from pretraining_robustness.seeds import named_generator

# What a row of a grouped panel can be, by the words of a specification: its column, and its name as one and as many.
_GROUPS = {
    "label": ("label", "label", "labels"),
    "class": ("class_id", "class", "classes"),
    "superclass": ("superclass", "superclass", "superclasses"),
    "location": ("location", "camera", "cameras"),
}
_NAMES = {"label": "label_name", "class_id": "class_name"}  # the column with the readable names of another column
COLUMNS = ["panel", "group", "row", "image", "class_id", "class_name", "label", "label_name"]


@dataclass(frozen=True)
class PicturePanel:
    """One grid of images.

    Attributes:
        title: its title.
        collection: the source or task whose store holds the images.
        distribution: the pre-training distribution that they are drawn from; None for the whole collection.
        split: the task's split that they are drawn from; None for all.
        group_by: what the rows of the grid have in common: label, class, superclass, location or another column of the
            store's table or the distribution's manifest; None for a plain grid.
        groups: how many groups to show; None for all. Without groups this is not used.
        columns: images in a row.
        rows: rows of a plain grid.
    """

    title: str
    collection: str
    distribution: str | None
    split: str | None
    group_by: str | None
    groups: int | None
    columns: int
    rows: int

    @classmethod
    def from_dict(cls, panel: Mapping[str, Any], figure: Mapping[str, Any]) -> "PicturePanel":
        """Read a panel of `figure`; distribution, split, group_by, groups and rows may be missing or None.

        Raises:
            InputError: a key is missing, or a plain grid does not say how many rows it has.
        """
        with missing_keys_named(figure, f"panel {panel.get('title', '?')}"):
            if not panel.get("group_by") and not panel.get("rows"):
                raise KeyError("rows")
            return cls(
                title=panel["title"],
                collection=panel["collection"],
                distribution=panel.get("distribution"),
                split=panel.get("split"),
                group_by=panel.get("group_by"),
                groups=panel.get("groups"),
                columns=panel["columns"],
                rows=panel.get("rows") or 0,
            )


@dataclass(frozen=True)
class PictureFigure:
    """A figure of example images: its panels, the seed that chooses, and a line that it must show (or "")."""

    name: str
    title: str
    note: str
    seed: int
    panels: list[PicturePanel]

    @classmethod
    def from_dict(cls, figure: Mapping[str, Any]) -> "PictureFigure":
        """Read a specification; `note` may be missing or None.

        Raises:
            InputError: a key is missing.
        """
        with missing_keys_named(figure):
            return cls(
                name=figure["name"],
                title=figure["title"],
                note=figure.get("note") or "",
                seed=figure["seed"],
                panels=[PicturePanel.from_dict(panel, figure) for panel in figure["panels"]],
            )


@dataclass(frozen=True)
class Choice:
    """The images of one panel.

    Attributes:
        panel: the panel.
        images: what is shown, row by row (COLUMNS without panel); `group` is the name of its row, empty in a plain
            grid.
        grid: for each row of the grid its name and how many images it has.
        available: how many images the panel is drawn from.
        groups: how many groups these form.
    """

    panel: PicturePanel
    pictures: pd.DataFrame
    grid: list[tuple[str, int]]
    available: int
    groups: int

    def says(self) -> str:
        """Say how many of how many images and groups are shown, and what is short."""
        shown = len(self.pictures)
        if shown == 0:
            return "no images"
        text = f"{shown:,} of {self.available:,} images" if shown < self.available else f"all {shown:,} images"
        if self.panel.group_by:
            rows = len(self.grid)
            one, many = group_words(self.panel.group_by)
            amount = f"{rows:,} of {self.groups:,}" if rows < self.groups else f"all {rows:,}" if rows > 1 else "1"
            text += f", {amount} {many if self.groups > 1 else one}"
        short = sum(number < self.panel.columns for _, number in self.grid)
        if self.panel.group_by and short:
            text += f"; {count(short, 'row')} with fewer than {self.panel.columns}"
        return text


def group_words(group_by: str) -> tuple[str, str]:
    """Return what a group is called, one and many."""
    _, one, many = _GROUPS.get(group_by, ("", f"value of {group_by}", f"values of {group_by}"))
    return one, many


def choose_pictures(
    panel: PicturePanel, table: pd.DataFrame, classes: pd.DataFrame, manifest: pd.DataFrame | None, seed: int
) -> Choice:
    """Choose a panel's images at random.

    The random numbers depend on `seed` and on what is drawn from (collection, distribution, split) alone, so that no
    panel changes another. Groups are chosen at random, by their names, among those with enough images for a row;
    where these are too few, the largest others follow, so that a panel shows what there is.

    Args:
        panel: what to show.
        table: the store's table, with columns row, image, class_id and others that tell more.
        classes: the store's classes, with columns class_id, name.
        manifest: the distribution's images, with columns image, class_id, class_name, label, label_name; None without
            a distribution.
        seed: of the figure.

    Raises:
        InputError: the panel names a column or a split that there is not, or the manifest an unknown image.
    """
    pool = _pool(panel, table, classes, manifest)
    key = f"{panel.collection}/{panel.distribution or ''}/{panel.split or ''}"
    generator = named_generator(seed, key)
    order = generator.permutation(len(pool))
    if panel.group_by is None:
        pictures = pool.iloc[order[: panel.rows * panel.columns]].assign(group="")
        filled = [min(panel.columns, len(pictures) - start) for start in range(0, len(pictures), panel.columns)]
        return Choice(panel, _shown(pictures), [("", number) for number in filled], len(pool), 0)

    column = _group_column(panel, pool)
    sizes = pool.groupby(column).size()
    names = _group_names(panel.group_by, column, pool)
    grid, parts = [], []
    shuffled = pool.iloc[order]
    for value in _choose_groups(names, sizes, panel, seed):
        rows = shuffled[shuffled[column] == value].head(panel.columns)
        grid.append((names[value], len(rows)))
        parts.append(rows.assign(group=names[value]))
    pictures = pd.concat(parts) if parts else pool.assign(group="")
    return Choice(panel, _shown(pictures), grid, len(pool), len(sizes))


def _pool(
    panel: PicturePanel, table: pd.DataFrame, classes: pd.DataFrame, manifest: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the images that a panel is drawn from, with the names of their classes, in the order of the store."""
    if panel.split is not None:
        if "split" not in table:
            raise InputError(f"panel {panel.title}: {panel.collection} has no splits; leave out 'split'")
        if panel.split not in set(table["split"]):
            splits = ", ".join(sorted(table["split"].unique()))
            raise InputError(f"panel {panel.title}: {panel.split!r} is not a split of {panel.collection}; use {splits}")
        table = table[table["split"] == panel.split]
    if manifest is None:
        names = classes.drop_duplicates("class_id").set_index("class_id")["name"]
        return table.assign(class_name=table["class_id"].map(names))
    unknown = manifest.loc[~manifest["image"].isin(table["image"]), "image"]
    if len(unknown) and panel.split is None:
        raise InputError(
            f"panel {panel.title}: the manifest of {panel.distribution} names {unknown.iloc[0]}, which the store of "
            f"{panel.collection} does not have; make the distribution again"
        )
    extra = [column for column in manifest.columns if column == "image" or column not in table]
    return table.merge(manifest[extra], on="image", validate="one_to_one").sort_values("row", ignore_index=True)


def _group_column(panel: PicturePanel, pool: pd.DataFrame) -> str:
    asked = str(panel.group_by)
    known = [asked, _GROUPS.get(asked, (asked,))[0]]
    column = next((name for name in known if name in pool.columns and name != "row"), None)
    if column is None:
        columns = ", ".join(name for name in pool.columns if name not in ("row", "image"))
        raise InputError(
            f"panel {panel.title}: group_by {asked!r} is not a column of {panel.distribution or panel.collection}; "
            f"use one of {columns}"
        )
    return column


def _choose_groups(names: dict[Any, str], sizes: pd.Series, panel: PicturePanel, seed: int) -> list[Any]:
    """Return the groups to show, in the order of their values.

    Each group has a random number that depends on the seed and its own name, and the largest win, so that panels with
    the same groups show the same ones.
    """

    def rank(value: Any) -> tuple[int, str]:
        return -min(int(sizes[value]), panel.columns), hashlib.sha256(f"{seed}/{names[value]}".encode()).hexdigest()

    return sorted(sorted(names, key=rank)[: panel.groups])


def _group_names(group_by: str, column: str, pool: pd.DataFrame) -> dict[Any, str]:
    """Return each group's readable name: the first of a label's or a class's synonyms, "camera 12" for a location."""
    named = _NAMES.get(column, "")
    groups = pool.drop_duplicates(column)
    if named in groups:
        return {value: str(name).split(",")[0] for value, name in zip(groups[column], groups[named], strict=True)}
    values = {value: str(value) for value in groups[column]}
    numbered = all(text[:1].isdigit() for text in values.values())
    return {value: f"{group_words(group_by)[0]} {text}" for value, text in values.items()} if numbered else values


def _shown(pictures: pd.DataFrame) -> pd.DataFrame:
    return pictures.reindex(columns=COLUMNS[1:]).reset_index(drop=True)
