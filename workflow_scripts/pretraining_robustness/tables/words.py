"""How tables of statistics word their numbers: estimates with intervals, p values and what is missing."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pretraining_robustness.tables.typeset import NOTHING, Column

POINTS = 100
"""A score of 1 is 100 points."""
SCORES = (
    "ID: in-distribution. OOD: out-of-distribution. F1: harmonic mean of precision and recall, here averaged over "
    "classes."
)
CLUSTER_ROBUST = (
    "from CR2 standard errors (cluster-robust, with a bias reduction for few clusters; Bell & McCaffrey 2002)"
)


def number(value: float, digits: int = 2, sign: bool = False, factor: float = 1) -> str:
    """Return `factor` times the value with `digits` decimals, if `sign` with a + where it is positive.

    What is missing is a dash; what rounds to 0 has no sign.
    """
    if math.isnan(value):
        return NOTHING
    rounded = round(value * factor, digits)
    return f"{rounded:+.{digits}f}" if sign and rounded else f"{rounded + 0.0:.{digits}f}"


def estimate(value: float, low: float, high: float, digits: int = 2, sign: bool = False, factor: float = 1) -> str:
    """Return a value and, on a second line, its interval in brackets; without the interval where it is missing."""
    if math.isnan(value) or math.isnan(low) or math.isnan(high):
        return number(value, digits, sign, factor)
    ends = ", ".join(number(end, digits, sign, factor) for end in (low, high))
    return f"{number(value, digits, sign, factor)}\n[{ends}]"


def p_value(value: float) -> str:
    """Return a p value with three decimals."""
    return NOTHING if math.isnan(value) else f"{value:.3f}" if value >= 0.0005 else "< 0.001"


def count(value: float) -> str:
    """Return a whole number, or a dash where it is missing."""
    return NOTHING if pd.isna(value) else f"{int(value):,}"


def label(table: Mapping[str, Any], name: str) -> str:
    """Return the readable name of a series: what `table["labels"]` calls it, or its own name."""
    return str(table["labels"].get(name, name))


def interval_in_words(table: Mapping[str, Any]) -> str:
    """Return "95 % confidence interval", with the level `table["confidence"]`."""
    return f"{100 * table['confidence']:g} % confidence interval"


def records(facts: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dicts."""
    return [{str(name): value for name, value in row.items()} for row in facts.to_dict("records")]


def nothing(columns: Sequence[Column], **said: str) -> dict[str, str]:
    """Return a row of dashes that says why there is nothing."""
    return {**dict.fromkeys([column.name for column in columns], NOTHING), **said}
