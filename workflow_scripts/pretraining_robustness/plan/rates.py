"""The table of rates: milliseconds per image, gigabytes and numbers of images, measured or estimated."""

from pathlib import Path

import pandas as pd

from pretraining_robustness.errors import InputError


class Rates:
    """The table of rates; `unknown` names those that were asked for and are not in it."""

    def __init__(self, path: str | Path) -> None:
        table = pd.read_csv(path)
        keys = zip(table["quantity"], table["name"], strict=True)
        self.values: dict[tuple[str, str], float] = dict(zip(keys, table["value"].astype(float), strict=True))
        self.unknown: set[str] = set()

    def __call__(self, quantity: str, name: str) -> float:
        """Return a rate; 0 where none is known."""
        if (quantity, name) not in self.values:
            self.unknown.add(f"{quantity}, {name}")
        return self.values.get((quantity, name), 0.0)

    def of(self, quantity: str) -> dict[str, float]:
        """Return all rates of a quantity, by lower-case name."""
        return {name.lower(): value for (kind, name), value in self.values.items() if kind == quantity}

    def images(self, task: str) -> float:
        """Return the images of all splits of a task."""
        named = [name for quantity, name in self.values if quantity == "images" and name.startswith(f"{task} ")]
        return sum(self("images", name) for name in named or [task])

    def card(self, name: str) -> float:
        """Return the time of a GPU relative to an H100's. Raises InputError for a GPU without a rate."""
        if name.lower() not in self.of("card"):
            known = ", ".join(name for quantity, name in self.values if quantity == "card")
            raise InputError(
                f"config plan.card: '{name}' has no rate; take one of {known}, or add it to data/rates.csv"
            )
        return self.of("card")[name.lower()]
