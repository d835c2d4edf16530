"""The one exception that means: the user's input is wrong, and here is what to do."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is one line that names the file or the config key, what is wrong with it and what to do about it.
    Line breaks of what it quotes become blanks; blanks of a name stay as they are.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(line.strip() for line in message.splitlines()))


@contextmanager
def missing_keys_named(figure: Mapping[str, Any], part: str = "") -> Iterator[None]:
    """Turn a KeyError into an InputError that names the figure, the part of it that is read, and the key."""
    try:
        yield
    except KeyError as error:
        where = f"figure {figure.get('name', '?')}{part and f', {part}'}"
        raise InputError(f"{where}: the key {error} is missing; add it") from None
