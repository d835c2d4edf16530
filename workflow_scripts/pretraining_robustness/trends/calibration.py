"""Does a study show what the paper reports? Expectations of single comparisons, held against what came out.

A working pipeline on data with the effect shows it, and one that loads no weights, evaluates the wrong images or learns
from shuffled labels does not: `decisive` expectations are such that a study in which they fail is broken or too small.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.trends.contrasts import APART, EQUIVALENT, UNDECIDED

CALIBRATION_COLUMNS = [
    *("figure", "panel", "paper", "expected", "at_least", "first", "second", "decisive"),
    *("estimate", "low", "high", "p", "margin", "smallest_margin", "raw_estimate", "raw_low", "raw_high"),
    *("shown", "agrees", "reason"),
]


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What the paper reports of a figure, as a comparison that a study makes.

    `expected` is one of: apart (the permutation test rejects one trend for `first` and `second`), higher (OOD scores of
    `first` are above those of `second` at equal ID score, by `at_least` in score units), not_higher (they are not
    higher by the margin of equivalence: their interval ends below it), alike (both are equivalent within the margin),
    rises (OOD scores at equal ID score rise with the number of images over the series of `panel`). `reason` says why a
    study may show something else.
    """

    figure: str
    paper: str
    expected: str
    panel: str = ""
    first: str = ""
    second: str = ""
    at_least: float = 0.0
    decisive: bool = False
    reason: str = ""

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Expectation":
        """Read an entry of the config. Raises InputError for what is missing, too much or unknown."""
        try:
            one = cls(**entry)
        except TypeError as error:
            raise InputError(f"calibration: {error}; an entry has {', '.join(f.name for f in fields(cls))}") from None
        needed = ("panel",) if one.expected == "rises" else ("first", "second")
        if one.expected not in _JUDGES or not all(getattr(one, name) for name in needed):
            raise InputError(
                f"calibration.{one.figure}: `expected: {one.expected}` needs {' and '.join(needed)} and is one of "
                f"{', '.join(_JUDGES)}"
            )
        return one


def calibrate(
    expectations: Sequence[Expectation], comparisons: pd.DataFrame, contrasts: pd.DataFrame, confidence: float
) -> pd.DataFrame:
    """Return a row for each expectation: what the study shows, and whether it agrees with the paper.

    Args:
        expectations: in the order shown.
        comparisons: of all figures (comparisons.COMPARISON_COLUMNS).
        contrasts: likewise (comparisons.CONTRAST_COLUMNS).
        confidence: of the contrasts' intervals, in (0, 1); 1 - confidence is the level of the tests.

    Returns:
        `CALIBRATION_COLUMNS`. estimate, low and high are score units, at equal ID score, of `first` - `second` with the
        simultaneous interval of its panel, or of ten times as many images, for which raw_... are those of the scores
        after the last epoch. p is Holm's of the contrast (of equivalence where `alike` is expected), or that of the
        permutation test or of the trend. Where the study does not make the comparison the numbers are missing, `shown`
        says "not run" and `agrees` is false.
    """
    rows = []
    for one in expectations:
        found = _JUDGES[one.expected](one, comparisons, contrasts, 1 - confidence)
        row = {name: getattr(one, name) for name in CALIBRATION_COLUMNS if hasattr(one, name)}
        rows.append({**row, "shown": "not run", "agrees": False, **found})
    return pd.DataFrame(rows, columns=CALIBRATION_COLUMNS)


def check_calibration(table: str | Path, report: str | Path) -> None:
    """Write one line for each expectation of a calibration table.

    Raises:
        InputError: a decisive expectation does not hold; the message names each and what was shown instead.
    """
    rows = pd.read_csv(table, keep_default_na=False, dtype=dict.fromkeys(CALIBRATION_COLUMNS, str))
    lines = [
        f"{'agrees' if row.agrees == 'True' else 'DIFFERS'} {row.figure}: {row.paper} Here: {row.shown}."
        for row in rows.itertuples()
    ]
    failed = rows[(rows["decisive"] == "True") & (rows["agrees"] != "True")]
    if len(failed):
        what = "; ".join(f"{row.figure}, expected {row.expected}: {row.shown}" for row in failed.itertuples())
        raise InputError(
            f"{table}: this study does not show what a working one of its size must ({what}); look for what changed in "
            "data, recipes or code since it last did"
        )
    Path(report).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _apart(one: Expectation, comparisons: pd.DataFrame, contrasts: pd.DataFrame, level: float) -> dict[str, Any]:
    pair = {one.first, one.second}
    rows = comparisons[comparisons["figure"] == one.figure]
    rows = rows[[set(str(names).split("; ")) == pair for names in rows["series"]]]
    contrast = _contrast(one, contrasts)
    if contrast and contrast["verdict"] == APART:
        return {"shown": contrast["shown"]}
    if rows.empty or np.isnan(rows.iloc[0]["permutation_p"]):
        return {}
    p = float(rows.iloc[0]["permutation_p"])
    return {"p": p, "shown": "two trends" if p <= level else UNDECIDED, "agrees": p <= level}


def _contrast(one: Expectation, contrasts: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers and the verdict of `first` - `second`; nothing where the figure does not compare them."""
    rows = contrasts[contrasts["figure"] == one.figure]
    for first, second, sign in ((one.first, one.second, 1), (one.second, one.first, -1)):
        found = rows[(rows["first"] == first) & (rows["second"] == second)]
        if len(found):
            row = found.iloc[0]
            if row["verdict"] == APART:
                return {"verdict": APART, "shown": f"{APART}: {row['note']}"}
            low, high = sorted([sign * float(row["low"]), sign * float(row["high"])])
            numbers = {name: float(row[name]) for name in ("p_holm", "p_equivalent", "margin", "smallest_margin")}
            return {
                **numbers,
                "verdict": row["verdict"],
                "estimate": sign * float(row["difference"]),
                "low": low,
                "high": high,
            }
    return {}


def _pairwise(one: Expectation, comparisons: pd.DataFrame, contrasts: pd.DataFrame, level: float) -> dict[str, Any]:
    found = _contrast(one, contrasts)
    if not found or found["verdict"] == APART:
        return found
    points, margin = 100 * found["estimate"], found["margin"]
    differs, equivalent = found["p_holm"] <= level, found["p_equivalent"] <= level
    higher = f"{'higher' if points > 0 else 'lower'} by {abs(points):.1f} points"
    within = f"{EQUIVALENT} within {100 * margin:g} points"
    shown = [*([higher] if differs else []), *([within] if equivalent else [])]
    agrees = {
        "higher": differs and found["low"] >= 0 and found["estimate"] >= one.at_least,
        "not_higher": found["high"] < margin,
        "alike": equivalent,
    }
    p = found["p_equivalent" if one.expected == "alike" else "p_holm"]
    said = {"shown": ", ".join(shown) or UNDECIDED, "agrees": bool(agrees[one.expected])}
    return {**{name: found[name] for name in _NUMBERS}, "p": p, **said}


_NUMBERS = ("estimate", "low", "high", "margin", "smallest_margin")


def _rises(one: Expectation, comparisons: pd.DataFrame, contrasts: pd.DataFrame, level: float) -> dict[str, Any]:
    rows = comparisons[(comparisons["figure"] == one.figure) & (comparisons["panel"] == one.panel)]
    rows = rows[rows["equal_id_p"].notna()]
    if rows.empty:
        return {}
    row = rows.iloc[0]
    slope, p = float(row["equal_id_per_tenfold"]), float(row["equal_id_p"])
    shown = f"{'rises' if slope > 0 else 'falls'} by {100 * abs(slope):.1f} points for ten times as many images"
    raw = {
        f"raw_{to}": float(row[f"raw_{name}"])
        for to, name in (("estimate", "per_tenfold"), ("low", "low"), ("high", "high"))
    }
    interval = {"estimate": slope, "low": float(row["equal_id_low"]), "high": float(row["equal_id_high"]), "p": p}
    return {**interval, **raw, "shown": shown if p <= level else UNDECIDED, "agrees": p <= level and slope > 0}


_JUDGES = {"apart": _apart, **dict.fromkeys(("higher", "not_higher", "alike"), _pairwise), "rises": _rises}
