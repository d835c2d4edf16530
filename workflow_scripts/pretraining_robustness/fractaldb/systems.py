"""Iterated function systems: random systems of affine maps, one per class, and their table.

A system is a float64 array (maps, 7), one row per map: a, b, c, d, e, f and its probability. A map takes (x, y) to
(a x + b y + e, c x + d y + f).
"""

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path

System = NDArray[np.float64]

COLUMNS = ["a", "b", "c", "d", "e", "f", "probability"]
AGAIN = "make it again with the rule search_fractals"


def class_name(number: int) -> str:
    """Return the name of the class with this number (from 0), as FractalDB writes it: 00042."""
    return f"{number:05d}"


def write_systems(path: str | Path, systems: list[System]) -> None:
    """Write systems as CSV: class_id, map (from 0), then `COLUMNS` with all digits of a float64."""
    table = pd.DataFrame(np.concatenate(systems), columns=COLUMNS)
    table.insert(0, "class_id", [class_name(number) for number, system in enumerate(systems) for _ in system])
    table.insert(1, "map", [place for system in systems for place in range(len(system))])
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def read_systems(path: str | Path) -> list[System]:
    """Read the systems that `write_systems` wrote, to the last bit, in the order of their classes.

    Raises:
        InputError: a missing file, another table, or classes, maps or numbers out of order.
    """
    try:
        # As text, because pandas' parser has not always kept the last bit of a number.
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; {AGAIN}") from None
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        raise InputError(f"{path}: not a table of systems ({error}); {AGAIN}") from error
    missing = [name for name in ("class_id", "map", *COLUMNS) if name not in table]
    if missing or table.empty:
        raise InputError(f"{path}: has {'no column ' + missing[0] if missing else 'no system'}; {AGAIN}")
    for name in ("map", *COLUMNS):
        try:
            table[name] = table[name].to_numpy(str).astype(np.float64)
            fit = bool(np.isfinite(table[name]).all())
        except ValueError:
            fit = False
        if not fit:
            raise InputError(f"{path}: column {name} holds something that is not a finite number; {AGAIN}")
    systems = []
    for number, (class_id, maps) in enumerate(table.groupby("class_id", sort=False)):
        if class_id != class_name(number) or maps["map"].tolist() != list(range(len(maps))):
            raise InputError(f"{path}: class {class_name(number)} is missing, out of order or lacks a map; {AGAIN}")
        if (maps["probability"] < 0).any() or abs(maps["probability"].sum() - 1) > 1e-9:
            raise InputError(f"{path}: the probabilities of class {class_name(number)} do not add up to 1; {AGAIN}")
        systems.append(maps[COLUMNS].to_numpy(np.float64))
    return systems
