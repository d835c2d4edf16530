"""What is refused of a configuration: where it stands, what is wrong and what to do, with the nearest known name."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

MOST_LISTED = 50  # of more names than these, a message gives the nearest, however far it is


class ConfigError(Exception):
    """Something in a configuration cannot be used.

    Args:
        place: keys and positions that lead to it, for its file and line.
        problem: "what is wrong; what to do".
        key: what the message calls the place; `place` by default.
        rank: of several errors at one depth, that of the lowest rank is told.
    """

    def __init__(
        self, place: Iterable[str | int], problem: str, key: Iterable[str | int] | None = None, rank: int = 1
    ) -> None:
        super().__init__(problem)
        self.place, self.problem, self.rank = tuple(place), problem, rank
        self.key = self.place if key is None else tuple(key)


def known_name(place: Iterable[str | int], name: Any, of: str, names: Iterable[str]) -> None:
    """Raise ConfigError, with the nearest known name, unless `name` is one of `names`, which are all `of` a kind."""
    names, place = list(names), tuple(place)
    if name not in names:
        key = place[:-1] if isinstance(place[-1], int) else place
        raise ConfigError((*place, name), f"'{name}' is not {_article(of)}{nearest(str(name), names)}", key=key)


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the end of a message: the known name that is most like this one, or all of them."""
    names = list(map(str, names))
    if not names:
        return "; there is none, leave it out"
    close = get_close_matches(name, names, n=1, cutoff=0.5 if len(names) < MOST_LISTED else 0)
    return f"; did you mean '{close[0]}'?" if close else f"; known are: {', '.join(names)}."


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
