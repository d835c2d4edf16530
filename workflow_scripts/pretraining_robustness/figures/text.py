"""Text on a page: broken into lines that fit, and high as it will be."""

from matplotlib.font_manager import FontProperties, findfont, get_font

from pretraining_robustness.figures.fonts import fallbacks, missing

LINE = 1.45 / 72
"""Height of a line of text in inches, for each point of font size."""

TITLE_SIZE = 10
TITLE_FONT = FontProperties(weight="bold", size=TITLE_SIZE)
SMALL = 7
"""Points; of notes and footers, the smallest text of a figure."""

_FINE = 1200  # dots per inch for measuring text without rounding to pixels

Font = float | FontProperties


def wrap(text: str, inches: float, font: Font) -> list[str]:
    """Break a name into lines that fit a width, at a bracket if that is enough, else between words.

    `font` is a size in points or a font. A word that is wider than `inches` has a line of its own.
    """
    before, bracket, after = text.partition(" (")
    if width(text, font) > inches and bracket and max(width(before, font), width(f"({after}", font)) <= inches:
        return [before, f"({after}"]
    return wrap_words(text, inches, font)


def wrap_words(text: str, inches: float, font: Font) -> list[str]:
    """Break a text into lines that fit a width, at its spaces but not at those that are non-breaking."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, font) > inches:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def clip(lines: list[str], most: int, inches: float, font: Font) -> list[str]:
    """Return at most `most` lines, each within a width; what is cut off leaves an ellipsis."""
    kept = lines[:most]
    if len(lines) > most:
        kept[-1] += " …"
    return [line if width(line, font) <= inches else _shorten(line, inches, font) for line in kept]


def width(text: str, font: Font) -> float:
    """Return the width of one line of text in inches."""
    properties = font if isinstance(font, FontProperties) else FontProperties(size=font)
    others = [findfont(FontProperties(family=[family])) for family in fallbacks(missing(text))]
    glyphs = get_font([findfont(properties), *others])
    glyphs.set_size(properties.get_size_in_points(), _FINE)
    glyphs.set_text(text, 0.0)
    return glyphs.get_width_height()[0] / 64 / _FINE  # FreeType measures in 1/64 of a dot


def fitting_size(text: str, inches: float, size: float, weight: str = "normal") -> float:
    """Return the largest font size, in points and at most `size`, at which one line of text fits a width."""
    return size * min(1.0, inches / width(text, FontProperties(weight=weight, size=size)))


def height(lines: list[str], size: float) -> float:
    """Return the height of lines of text in inches; `size` in points."""
    return len(lines) * size * LINE


def _shorten(line: str, inches: float, font: Font) -> str:
    line = line.removesuffix(" …")
    while len(line) > 1 and width(f"{line}…", font) > inches:
        line = line[:-1].rstrip()
    return f"{line}…"
