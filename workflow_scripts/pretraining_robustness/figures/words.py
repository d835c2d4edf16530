"""Words that captions share."""

from collections.abc import Sequence


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in singular or plural: "1 run", "1,500 runs"."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital letter and one full stop; nothing stays nothing."""
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def signed(number: float, digits: int = 3) -> str:
    """Return a number with its sign, and zero without one."""
    text = f"{number:+.{digits}f}"
    return text if float(text) else text[1:]
