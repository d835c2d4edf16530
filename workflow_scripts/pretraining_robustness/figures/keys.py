"""Reading a figure's plain dict: a missing key is the user's mistake and named as such."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pretraining_robustness.errors import InputError


@contextmanager
def missing_keys_named(figure: Mapping[str, Any], part: str = "") -> Iterator[None]:
    """Turn a KeyError into an InputError that names the figure, the part of it that is read, and the key."""
    try:
        yield
    except KeyError as error:
        where = f"figure {figure.get('name', '?')}{part and f', {part}'}"
        raise InputError(f"{where}: the key {error} is missing; add it") from None
