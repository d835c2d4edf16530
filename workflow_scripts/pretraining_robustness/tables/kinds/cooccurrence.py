"""Table 3: how often an animal and an object are in one image of ImageNet (paper, section 4.3)."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError
from pretraining_robustness.tables.reading import Files, read_columns
from pretraining_robustness.tables.typeset import NOTHING, Column, Made, TypesetTable, typeset

READS = {"counts": "cooccurrence/{table}.csv"}

PAIRS_SHOWN = 10
PAPER_SHARE, PAPER_IMAGES = 0.011, 20_000
"""The paper's own check (section 4.3): 1.1 % of TensorFlow's ImageNet2012 multilabel set, 20K validation images."""

_REAL = "ReaL labels of ImageNet's validation images"
_PAPER = "The paper's check: TensorFlow's ImageNet2012 multilabel set"
_ALL, _LABELLED = "images", "images with any label"
_PAPER_FACT: dict[str, Any] = {
    "label_set": _PAPER,
    "quantity": "both",
    "animal": "",
    "object": "",
    "among": _ALL,
    "images": None,
    "of_images": PAPER_IMAGES,
    "share": PAPER_SHARE,
}
_WORDS = {
    "images": "all images",
    "any_label": "images with any label",
    "animal": "images with an animal",
    "object": "images with an object",
    "both": "images with an animal and an object",
}


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of co-occurrences, with the paper's own number beside ours.

    Args:
        files: what `count_cooccurrence` wrote.
        table: name, title, note, animals (the WordNet synset).

    Raises:
        InputError: the counts are not such a table.
    """
    (counts,) = files["counts"]
    found = read_columns(counts, {"quantity": str, "animal": str, "object": str, "images": int})
    number = found[found["quantity"] != "pair"].set_index("quantity")["images"]
    if set(number.index) != set(_WORDS):
        raise InputError(f"{counts}: its quantities are not {', '.join(_WORDS)}; remove the file to make it again")
    pairs = found[found["quantity"] == "pair"]
    least = pairs["images"].head(PAIRS_SHOWN).min()  # pairs as frequent as the last one are shown, too
    shown = pairs[pairs["images"] >= least]
    facts = [_fact(quantity, int(number[quantity]), int(number["images"])) for quantity in _WORDS]
    facts.append(_fact("both", int(number["both"]), int(number["any_label"]), among=_LABELLED))
    facts.append(_PAPER_FACT)
    facts += [
        _fact("pair", int(images), int(number["images"]), animal=animal, other=other)
        for animal, other, images in zip(shown["animal"], shown["object"], shown["images"], strict=True)
    ]
    return pd.DataFrame(facts).astype({"images": "Int64"}), _typeset(facts, table)


def _fact(
    quantity: str, images: int, of_images: int, animal: str = "", other: str = "", among: str = _ALL
) -> dict[str, Any]:
    names = {"label_set": _REAL, "quantity": quantity, "animal": animal, "object": other, "among": among}
    return {**names, "images": images, "of_images": of_images, "share": round(images / of_images, 6)}


def _typeset(facts: Sequence[Mapping[str, Any]], table: Mapping[str, Any]) -> TypesetTable:
    lines = [
        {
            "group": f"Most frequent pairs, {_REAL}" if fact["quantity"] == "pair" else fact["label_set"],
            "what": f"{fact['animal']} and {fact['object']}" if fact["animal"] else _WORDS[fact["quantity"]],
            "images": NOTHING if fact["images"] is None else f"{fact['images']:,}",
            "of": f"{fact['of_images']:,} {fact['among']}",
            # the paper gives one decimal
            "share": f"{100 * fact['share']:.{1 if fact is _PAPER_FACT else 2}f} %",
        }
        for fact in facts
    ]
    animals = len(wordnet.classes_under(table["animals"]))
    others = len(wordnet.all_wnids()) - animals
    columns = [
        Column("what", "", 2.6),
        Column("images", "Images", 0.8, numeric=True),
        Column("of", "Of", 1.6),
        Column("share", "Share", 0.8, numeric=True),
    ]
    notes = [
        "The two label sets differ in annotators, rules and images (20,000 against all 50,000), so the count on ReaL "
        "labels does not repeat the paper's.",
        f"Animals are the {animals} classes under WordNet's synset {wordnet.synset(table['animals'])} "
        f"({table['animals']}), objects the other {others} classes of ImageNet.",
        "ReaL labels: Beyer et al. 2020, arXiv 2006.07159, any number of classes per image, or none. The paper's "
        "share: Ramanujan et al. 2023, arXiv 2307.12532, section 4.3, which states no number of images with both.",
        "An image with several animals or objects counts in each of their pairs. Pairs that tie with the last one "
        "shown are shown as well.",
    ]
    return typeset(table, columns, lines, notes)
