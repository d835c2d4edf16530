"""How many series a panel can tell apart: as many as figures/style.py has looks for."""

from collections.abc import Sequence

from pretraining_robustness.errors import InputError

MOST_REFERENCES = 2  # besides scratch
MOST_SERIES = 6
SCRATCH = "scratch"


def check_panels(panels: Sequence[Sequence[str]], references: Sequence[str]) -> None:
    """Raise InputError if a figure has more references, or a panel more other series, than can be told apart."""
    _refuse_too_many("references besides scratch", [name for name in references if name != SCRATCH], MOST_REFERENCES)
    for panel in panels:
        own = [name for name in dict.fromkeys(panel) if name not in (*references, SCRATCH)]
        _refuse_too_many("series in a panel besides the references", own, MOST_SERIES)


def _refuse_too_many(what: str, names: list[str], most: int) -> None:
    if len(names) > most:
        raise InputError(
            f"figures: {len(names)} {what} ({', '.join(names)}), but only {most} can be told apart; use more panels"
        )
