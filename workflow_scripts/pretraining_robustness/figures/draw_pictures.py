"""From stores and manifests to a figure of example pictures with its files."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.output import save_figure
from pretraining_robustness.figures.picture_figure import draw_picture_figure
from pretraining_robustness.figures.picture_selection import (
    COLUMNS,
    Choice,
    PictureFigure,
    choose_pictures,
    group_words,
)
from pretraining_robustness.figures.words import sentence
from pretraining_robustness.store.read import Store

logger = logging.getLogger(__name__)

_TEXT = ["image", "class_id", "class_name", "name", "label_name"]


def draw_pictures(
    images: Sequence[str | Path],
    tables: Sequence[str | Path],
    classes: Sequence[str | Path],
    manifests: Sequence[str | Path],
    specification: Mapping[str, Any],
    pdf: str | Path,
    png: str | Path,
    table: str | Path,
    caption: str | Path,
) -> None:
    """Choose the pictures of a figure at random, draw them and list them.

    Writes a PDF, a 300 dpi PNG, the exact list of pictures as CSV (picture_selection.COLUMNS) and the caption as text.
    The same inputs give the same bytes.

    Args:
        images: images.npy of the store of each panel.
        tables: images.parquet of the store of each panel.
        classes: classes.csv of the store of each panel.
        manifests: manifest.csv of each panel that names a distribution, in the order of these panels.
        specification: picture_selection.PictureFigure as a dict.
        pdf: where to write.
        png: where to write.
        table: where to write.
        caption: where to write.

    Raises:
        InputError: the specification does not fit itself or the stores, or a file is not what it should be.
    """
    spec = PictureFigure.from_dict(specification)
    if not spec.panels:
        raise InputError(f"figure {spec.name}: has no panels to show; give it one or leave the figure out")
    files = iter(manifests)
    choices, pixels = [], []
    for panel, image_file, table_file, class_file in zip(spec.panels, images, tables, classes, strict=True):
        manifest = _read_csv(next(files)) if panel.distribution else None
        rows = pd.read_parquet(table_file)
        choice = choose_pictures(panel, rows, _read_csv(class_file), manifest, spec.seed)
        logger.info("%s: %s", panel.title, choice.says())
        choices.append(choice)
        pixels.append(Store.open(image_file, table_file).read(choice.pictures["row"].to_numpy(np.int64)))
    save_figure(
        draw_picture_figure(spec, choices, pixels),
        picture_list(choices),
        picture_caption(spec, choices),
        pdf=pdf,
        png=png,
        table=table,
        caption=caption,
    )
    logger.info("drew %s", pdf)


def picture_list(choices: Sequence[Choice]) -> pd.DataFrame:
    """Return every picture of a figure in the order shown: picture_selection.COLUMNS; `row` is that in the store."""
    parts = [choice.pictures.assign(panel=choice.panel.title) for choice in choices]
    listed = pd.concat(parts, ignore_index=True)[COLUMNS]
    return listed.assign(label=listed["label"].astype("Int64"))


def picture_caption(spec: PictureFigure, choices: Sequence[Choice]) -> str:
    """Return the caption: what each panel shows, of how many, and how it was chosen."""
    where = "Panels, from left to right and top to bottom: " if len(choices) > 1 else ""
    panels = "; ".join(map(_describe, choices))
    how = f"Pictures were drawn uniformly at random without replacement (seed {spec.seed}) and not chosen by eye."
    some = [choice.panel.group_by for choice in choices if choice.panel.group_by and len(choice.grid) < choice.groups]
    if some:
        many = " or ".join(dict.fromkeys(group_words(group_by)[1] for group_by in some))
        how += f" Where not all {many} are shown, they were drawn at random among those with enough pictures for a row."
    return (
        " ".join(text for text in (sentence(spec.title), f"{where}{panels}.", how, sentence(spec.note)) if text) + "\n"
    )


def _describe(choice: Choice) -> str:
    panel = choice.panel
    place = f"distribution {panel.distribution}" if panel.distribution else f"collection {panel.collection}"
    split = f", split {panel.split}" if panel.split else ""
    return f"{panel.title} ({place}{split}): {choice.says()}"


def _read_csv(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such table; make it first") from None
