"""Grids of example images, pixel by pixel: what a resampling viewer would blur or alias is resampled here, once."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.captions import render
from pretraining_robustness.figures.fonts import own_look
from pretraining_robustness.figures.output import Drawing, Files, all_files
from pretraining_robustness.figures.page import FULL_WIDTH, MARGIN, Page, make_page
from pretraining_robustness.figures.picture_selection import (
    COLUMNS,
    Choice,
    PictureFigure,
    choose_pictures,
    group_words,
)
from pretraining_robustness.figures.style import PNG_DOTS_PER_INCH
from pretraining_robustness.figures.text import LINE, SMALL, clip, height, width, wrap, wrap_words
from pretraining_robustness.store.read import Store

READS = {
    "images": "stores/{collection}/images.npy",
    "tables": "stores/{collection}/images.parquet",
    "classes": "stores/{collection}/classes.csv",
    "manifests": "distributions/{distribution}/manifest.csv",
}

logger = logging.getLogger(__name__)

Pictures = NDArray[np.uint8]

# Inches.
_LARGEST, _SMALLEST = 0.8, 0.38  # side of an image
_TALLEST = 8.2  # all grids of a page, one above the other
_BETWEEN, _BETWEEN_ROWS, _GAP, _NAME_GAP = 0.3, 0.22, 0.02, 0.07
_WIDEST_NAME, _NARROWEST_PAGE = 0.95, 4.2
_TITLE = 9  # points
_PAPER = 255
_TEXT = ["image", "class_id", "class_name", "name", "label_name"]


@dataclass(frozen=True)
class Layout:
    """How many panels are side by side, and the side of an image in dots of the printed page."""

    across: int
    cell: int


def draw(files: Files, figure: Mapping[str, Any]) -> Drawing:
    """Choose the images of a figure at random and draw them; its table is the list of them.

    Args:
        files: images, tables and classes: those of the store of each panel; manifests: of each panel that names a
            distribution, in the order of these panels.
        figure: picture_selection.PictureFigure as a dict.

    Raises:
        InputError: the specification does not fit itself or the stores, or a file is not what it should be.
    """
    spec = PictureFigure.from_dict(figure)
    if not spec.panels:
        raise InputError(f"figure {spec.name}: has no panels to show; give it one or leave the figure out")
    manifests = iter(all_files(files, "manifests"))
    stores = (all_files(files, name) for name in ("images", "tables", "classes"))
    choices, pixels = [], []
    for panel, image_file, table_file, class_file in zip(spec.panels, *stores, strict=True):
        manifest = _read_csv(next(manifests)) if panel.distribution else None
        choice = choose_pictures(panel, pd.read_parquet(table_file), _read_csv(class_file), manifest, spec.seed)
        logger.info("%s: %s", panel.title, choice.says())
        choices.append(choice)
        pixels.append(Store.open(image_file, table_file).read(choice.pictures["row"].to_numpy(np.int64)))
    return Drawing(draw_picture_figure(spec, choices, pixels), picture_list(choices), picture_caption(spec, choices))


def draw_picture_figure(spec: PictureFigure, choices: Sequence[Choice], pixels: Sequence[Pictures]) -> Figure:
    """Draw the panels side by side if their images stay large enough, else in several rows.

    Args:
        spec: the figure.
        choices: what each panel shows.
        pixels: of each panel, in the order of its choice: uint8 (images, side, side, 3), RGB.
    """
    with own_look():
        layout = lay_out(choices)
        rows = [
            range(start, min(start + layout.across, len(choices))) for start in range(0, len(choices), layout.across)
        ]
        widths = [_grid_size(choice, layout.cell)[0] / PNG_DOTS_PER_INCH for choice in choices]
        heads = [_head(choice, size) for choice, size in zip(choices, widths, strict=True)]
        above = [max(height(heads[i][0], _TITLE) + height(heads[i][1], SMALL) for i in row) + 0.06 for row in rows]
        below = [max(_grid_size(choices[i], layout.cell)[1] for i in row) / PNG_DOTS_PER_INCH for row in rows]
        contents = sum(above) + sum(below) + (len(rows) - 1) * _BETWEEN_ROWS
        lefts, right = _left_edges(choices, widths, layout.across)
        page_width = max(right + MARGIN, _NARROWEST_PAGE)
        footer = [f"Drawn at random with seed {spec.seed}; the CSV file beside this figure lists every image."]
        page = make_page(_whole_dots(page_width), contents, spec.title, footer, spec.note, whole_dots=PNG_DOTS_PER_INCH)
        top = page.top
        for row, head, grid in zip(rows, above, below, strict=True):
            for i in row:
                _draw_panel(page, choices[i], pixels[i], heads[i], lefts[i], top, top - head, layout.cell)
            top -= head + grid + _BETWEEN_ROWS
    return page.figure


def lay_out(choices: Sequence[Choice]) -> Layout:
    """Put all panels side by side if that leaves their images large enough, else half of them, else one a row.

    If no layout does, the one with the largest images is taken.
    """
    count = len(choices)
    layouts = [Layout(across, _cell(choices, across)) for across in dict.fromkeys((count, -(-count // 2), 1))]
    enough = [layout for layout in layouts if layout.cell >= _SMALLEST * PNG_DOTS_PER_INCH]
    return enough[0] if enough else max(layouts, key=lambda layout: layout.cell)


def mosaic(choice: Choice, pixels: Pictures, cell: int) -> Pictures:
    """Return a panel's images as one image on white: uint8 (height, width, 3), each `cell` dots wide and high."""
    step = cell + _dots(_GAP)
    across, down = _grid_size(choice, cell)
    canvas = np.full((down, across, 3), _PAPER, dtype=np.uint8)
    place = 0
    for row, (_, count) in enumerate(choice.grid):
        for column in range(count):
            top, left = row * step, column * step
            canvas[top : top + cell, left : left + cell] = resize(pixels[place], cell)
            place += 1
    return canvas


def resize(picture: Pictures, side: int) -> Pictures:
    """Resample a square image to `side` dots.

    A larger one is reduced with a filter against aliasing. A smaller one keeps its pixels visible as squares: it is
    enlarged to the next whole multiple without smoothing and then reduced by averaging areas.
    """
    own = picture.shape[0]
    image = Image.fromarray(picture)
    if own >= side:
        return np.asarray(image.resize((side, side), Image.Resampling.LANCZOS))
    multiple = own * -(-side // own)
    return np.asarray(
        image.resize((multiple, multiple), Image.Resampling.NEAREST).resize((side, side), Image.Resampling.BOX)
    )


def _cell(choices: Sequence[Choice], across: int) -> int:
    """Return the largest side of an image, in dots, with which `across` panels side by side fit the page."""
    above = [choices[column::across] for column in range(across)]  # panels above each other
    names = sum(max(map(_names_width, panels)) for panels in above)
    columns = sum(max(choice.panel.columns for choice in panels) for panels in above)
    beside = [choices[start : start + across] for start in range(0, len(choices), across)]
    rows = sum(max(max(len(choice.grid), 1) for choice in panels) for panels in beside)
    room = FULL_WIDTH - 2 * MARGIN - (across - 1) * _BETWEEN - names - (columns - across) * _GAP
    return int(min(_LARGEST, room / columns, _TALLEST / rows - _GAP) * PNG_DOTS_PER_INCH)


def _grid_size(choice: Choice, cell: int) -> tuple[int, int]:
    """Return the width and height of a panel's images in dots."""
    gap, rows = _dots(_GAP), max(len(choice.grid), 1)
    return choice.panel.columns * (cell + gap) - gap, rows * (cell + gap) - gap


def _left_edges(choices: Sequence[Choice], widths: Sequence[float], across: int) -> tuple[list[float], float]:
    """Return the left edge of each panel's images, alike in panels above each other, and the right edge of all."""
    names = [max(map(_names_width, choices[column::across])) for column in range(across)]
    grids = [max(widths[column::across]) for column in range(across)]
    edges, left = [], MARGIN
    for name, grid in zip(names, grids, strict=True):
        edges.append(_whole_dots(left + name))
        left = edges[-1] + grid + _BETWEEN
    return [edges[place % across] for place in range(len(choices))], left - _BETWEEN


def _draw_panel(
    page: Page,
    choice: Choice,
    pixels: Pictures,
    head: tuple[list[str], list[str]],
    left: float,
    head_top: float,
    top: float,
    cell: int,
) -> None:
    across, down = (size / PNG_DOTS_PER_INCH for size in _grid_size(choice, cell))
    bottom = _whole_dots(top - down)
    top = bottom + down
    title, says = head
    page.write(left, head_top, "\n".join(title), fontsize=_TITLE, va="top", ha="left")
    says_top = head_top - height(title, _TITLE)
    page.write(left, says_top, "\n".join(says), fontsize=SMALL, color="0.35", va="top", ha="left")
    axes = page.add_axes(left, bottom, across, down, label=choice.panel.title)
    axes.set_axis_off()
    axes.imshow(mosaic(choice, pixels, cell), interpolation="none", aspect="auto")
    step = (cell + _dots(_GAP)) / PNG_DOTS_PER_INCH
    side = cell / PNG_DOTS_PER_INCH
    for row, (name, _) in enumerate(choice.grid):
        middle = top - row * step - side / 2
        lines = _name_lines(name, side)
        page.write(left - _NAME_GAP, middle, "\n".join(lines), fontsize=SMALL, va="center", ha="right")


def _head(choice: Choice, inches: float) -> tuple[list[str], list[str]]:
    return wrap(choice.panel.title, inches, _TITLE), wrap_words(choice.says(), inches, SMALL)


def _names_width(choice: Choice) -> float:
    """Return the room for the names of a panel's rows; none in a plain grid."""
    lines = [line for name, _ in choice.grid for line in _name_lines(name, _SMALLEST)]
    widest = max((width(line, SMALL) for line in lines), default=0.0)
    return widest + _NAME_GAP if widest else 0.0


def _name_lines(name: str, side: float) -> list[str]:
    fit = max(1, int(side / (SMALL * LINE)))
    return clip(wrap(name, _WIDEST_NAME, SMALL), fit, _WIDEST_NAME, SMALL) if name else []


def _dots(inches: float) -> int:
    return round(inches * PNG_DOTS_PER_INCH)


def _whole_dots(inches: float) -> float:
    return _dots(inches) / PNG_DOTS_PER_INCH


def picture_list(choices: Sequence[Choice]) -> pd.DataFrame:
    """Return every image of a figure in the order shown: picture_selection.COLUMNS; `row` is that in the store."""
    parts = [choice.pictures.assign(panel=choice.panel.title) for choice in choices]
    listed = pd.concat(parts, ignore_index=True)[COLUMNS]
    return listed.assign(label=listed["label"].astype("Int64"))


def picture_caption(spec: PictureFigure, choices: Sequence[Choice]) -> str:
    """Return the caption: what each panel shows, of how many, and how it was chosen."""
    some = [choice.panel.group_by for choice in choices if choice.panel.group_by and len(choice.grid) < choice.groups]
    not_all = list(dict.fromkeys(group_words(group_by)[1] for group_by in some))
    return render("pictures.jinja", spec=spec, choices=choices, not_all=not_all)


def _read_csv(path: str | Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such table; make it first") from None
