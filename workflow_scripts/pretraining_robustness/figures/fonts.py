"""The settings that figures are drawn with, and fonts for letters that their own font lacks."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import matplotlib as mpl
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from pretraining_robustness.figures.style import SETTINGS

BOXES = "Last Resort"  # the family of matplotlib's font that has a box for every letter

logger = logging.getLogger(__name__)


@contextmanager
def own_look() -> Iterator[None]:
    """Draw with these settings and matplotlib's own for all others, whatever a matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


@cache
def letters_of(path: str) -> frozenset[str]:
    """Return the letters that a font file has."""
    try:
        return frozenset(map(chr, get_font(path).get_charmap()))
    except (OSError, RuntimeError):  # a file that FreeType cannot open is no help
        return frozenset()


@cache
def missing(text: str) -> frozenset[str]:
    """Return the letters of a text that the figures' own font lacks."""
    own = letters_of(str(findfont(FontProperties())))
    return frozenset(letter for letter in text if letter.isprintable() and not letter.isspace()) - own


@cache
def fallbacks(letters: frozenset[str]) -> tuple[str, ...]:
    """Return the families of installed fonts that together have as many of these letters as any, the best first."""
    families: list[str] = []
    upright = [font for font in fontManager.ttflist if font.style == "normal"] if letters else []
    fonts = {font.fname: font.name for font in upright if not font.name.startswith(BOXES)}
    while letters and fonts:
        best = max(sorted(fonts), key=lambda path: len(letters & letters_of(path)))
        if not letters & letters_of(best):
            break
        families.append(fonts[best])
        letters = letters - letters_of(best)
    return tuple(families)


def families(text: str) -> list[str]:
    """Return the figures' own font and, for letters that it lacks, installed ones that have them."""
    return [*FontProperties().get_family(), *fallbacks(missing(text))]


def warn_of_missing_letters(texts: Iterable[str]) -> None:
    """Say in one line, in the log and to the user, which letters no installed font has; they are drawn as boxes."""
    lacking = frozenset().union(*map(missing, texts))
    for family in fallbacks(lacking):
        lacking -= letters_of(findfont(FontProperties(family=[family])))
    if lacking:
        line = (
            f"no installed font has the letters {' '.join(sorted(lacking))}, which are drawn as boxes; install a font "
            "that has them (Debian: fonts-noto-cjk, fonts-noto-core) and draw the figure again, or write the label in "
            "others"
        )
        logger.warning(line)
        print(f"WARNING: {line}", file=sys.stderr)
