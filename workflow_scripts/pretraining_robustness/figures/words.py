"""Words that captions share."""


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun in singular or plural: "1 run", "1,500 runs"."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital letter and one full stop; nothing stays nothing."""
    return f"{text[0].upper()}{text[1:].rstrip('.')}." if text else ""
