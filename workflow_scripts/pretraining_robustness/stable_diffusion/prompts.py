"""The 80 prompt templates and 1000 class names of CLIP, keyed by ImageNet's class index.

They stand in data/clip_templates.csv and data/clip_class_names.csv as open_clip has them (data/README.md). The paper
draws from "80 diverse prompts per ImageNet class" of CLIP (arXiv 2307.12532, section 4.5). Two names, "missile" and
"sunglasses", each belong to two classes: a name is no key, the class index is.
"""

import csv
import difflib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError

_DATA = Path(__file__).resolve().parents[3] / "data"
PLACEHOLDER = "{}"


def _column(table: str, column: str) -> tuple[str, ...]:
    with (_DATA / table).open(newline="", encoding="utf-8") as file:
        return tuple(row[column] for row in csv.DictReader(file))


@cache
def templates() -> tuple[str, ...]:
    """Return the 80 templates, each with `PLACEHOLDER` where the class name goes."""
    return _column("clip_templates.csv", "text")


@cache
def class_names() -> dict[str, str]:
    """Return CLIP's name of each of the 1000 wnids, in order of the class index."""
    table = "clip_class_names.csv"
    return dict(zip(_column(table, "wnid"), _column(table, "name"), strict=True))


@cache
def class_indices() -> dict[str, int]:
    """Return the class index (0 to 999) of each wnid."""
    return {wnid: index for index, wnid in enumerate(wordnet.all_wnids())}


def prompt(template: int, class_name: str) -> str:
    """Return the prompt of a template (0 to 79) for a class name."""
    return templates()[template].replace(PLACEHOLDER, class_name)


def chosen_templates(wanted: Sequence[int | str] | None) -> tuple[int, ...]:
    """Return the numbers of the wanted templates, ascending; all 80 for None.

    A template is named by its number or by its text with {} for the class ("a photo of a {}.").

    Raises InputError for an empty list, a template that is not one of the 80, and one named twice.
    """
    known = templates()
    if wanted is None:
        return tuple(range(len(known)))
    numbers = [_template_number(one) for one in wanted]
    if not numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"templates: {list(wanted)} must name at least one template, and each once")
    return tuple(sorted(numbers))


def _template_number(wanted: int | str) -> int:
    known = templates()
    if isinstance(wanted, str) and wanted in known:
        return known.index(wanted)
    if isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted < len(known):
        return wanted
    near = difflib.get_close_matches(str(wanted), known, n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"give a number from 0 to {len(known) - 1}"
    raise InputError(f"templates: {wanted!r} is not one of CLIP's {len(known)} templates; {hint}")


def read_classes(path: str | Path) -> list[str]:
    """Return the wnids in a table's column class_id or wnid, in order of the class index.

    Raises InputError for a table that has neither column, no row, a class twice or one that is not of ImageNet.
    """
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    column = next((name for name in ("class_id", "wnid") if rows and name in rows[0]), None)
    if column is None:
        raise InputError(f"{path}: has no rows with a column class_id or wnid to name ImageNet's classes")
    wnids = [row[column] for row in rows]
    known = class_indices()
    strange = [wnid for wnid in wnids if wnid not in known]
    if strange or len(set(wnids)) < len(wnids):
        what = f"'{strange[0]}' is not one of ImageNet's 1000 classes" if strange else "names a class twice"
        raise InputError(f"{path}: {what}; the column {column} must hold wnids such as n01440764, each once")
    return sorted(wnids, key=known.__getitem__)
