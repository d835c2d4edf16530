"""Captions in the words of a paper: the template beside the module of a kind, filled from the results.

A template is text with Jinja2's marks. Lines of a paragraph are joined, an empty line ends it, and a line that begins
with "- " is an entry of a list, so that a template is broken where it reads best.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pretraining_robustness.figures.words import count, listed, sentence, signed

_KINDS = Path(__file__).parent / "kinds"
_TEMPLATES = Environment(
    loader=FileSystemLoader([_KINDS, _KINDS / "imagenet_rib"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # plain text
)
_TEMPLATES.filters |= {"count": count, "listed": listed, "sentence": sentence, "signed": signed}
_TEMPLATES.filters["variant_of"] = lambda name, shown: shown.variant(name)


def render(template: str, **facts: Any) -> str:
    """Return the caption that a template makes of facts, which it may name; it ends with a newline.

    The filters besides Jinja2's own are those of `words` (count, listed, sentence, signed), and `variant_of`, which
    gives a variant of ImageNet its readable name.
    """
    paragraphs: list[str] = []
    for block in re.split(r"\n[ \t]*\n", _TEMPLATES.get_template(template).render(facts)):
        entries = re.split(r"\n(?=- )", block.strip())
        text = "\n".join(re.sub(r"[ \t\n]+", " ", entry).strip() for entry in entries)
        if text:
            paragraphs.append(text)
    lines = [
        f"{text}\n" if text.startswith("- ") and follows.startswith("- ") else f"{text}\n\n"
        for text, follows in zip(paragraphs, [*paragraphs[1:], ""], strict=True)
    ]
    return "".join(lines).rstrip() + "\n"
