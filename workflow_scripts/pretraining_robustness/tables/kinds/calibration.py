"""What the paper reports of each figure and what this study shows, side by side."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pretraining_robustness.tables.reading import Files
from pretraining_robustness.tables.typeset import Column, Made, typeset
from pretraining_robustness.tables.words import (
    CLUSTER_ROBUST,
    POINTS,
    SCORES,
    estimate,
    interval_in_words,
    label,
    nothing,
    number,
    p_value,
    records,
)
from pretraining_robustness.trends.calibration import Expectation, calibrate
from pretraining_robustness.trends.comparisons import read_comparisons, read_contrasts

READS = {
    "comparisons": "comparisons/{figure}.csv",
    "contrasts": "comparisons/{figure}_contrasts.csv",
}

_EXPECTED = {
    "apart": "two trends",
    "higher": "first higher",
    "not_higher": "first not higher by the margin",
    "alike": "equivalent",
    "rises": "rises with the number of images, at equal ID score",
}
_COLUMNS = [
    Column("paper", "The paper reports", 2.7),
    Column("compared", "Compared here", 2.4),
    Column("expected", "Expected", 1.0),
    Column("shown", "Shown", 1.3),
    Column("estimate", "At equal ID score (points) [interval]", 1.3, numeric=True),
    Column("raw", "Raw, last epoch (points) [interval]", 1.2, numeric=True),
    Column("p", "p", 0.75, numeric=True),
    Column("margin", "Smallest margin (points)", 0.8, numeric=True),
    Column("agrees", "Agrees", 0.75),
    Column("note", "If not, why", 2.0),
]
_NOTES = [
    f"{SCORES} Points: hundredths of a score. At equal ID score: the difference between the OOD scores of two trends, "
    "or their change for ten times as many images. Raw: the change of the OOD score after the last epoch for ten times "
    "as many images, which rises with anything that improves a network and is no measure of robustness.",
    "p: from the permutation test for two trends, from two one-sided tests where equivalence is expected, otherwise "
    "from the t test; those of pairs are corrected by Holm's method for the pairs of their comparison. Undecided: "
    "neither a difference nor equivalence is shown. Smallest margin: at which both would be equivalent.",
    "*: a working pipeline must show this on data with the effect; `snakemake calibration` fails if it does not.",
]


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of expectations, a row each, by figure; the CSV has `calibration.CALIBRATION_COLUMNS`.

    Args:
        files: what `compare_series` wrote for each figure with an expectation.
        table: name, title, note, expectations (calibration.Expectation as dicts), confidence, labels (readable name of
            each series) and figures (title of each).

    Raises:
        InputError: an input is not such a table, or an expectation is not one.
    """
    facts = calibrate(
        [Expectation.from_dict(entry) for entry in table["expectations"]],
        pd.concat(map(read_comparisons, files["comparisons"]), ignore_index=True),
        pd.concat(map(read_contrasts, files["contrasts"]), ignore_index=True),
        table["confidence"],
    )
    intervals = (
        f"In brackets: {interval_in_words(table)} {CLUSTER_ROBUST}, over architectures and test images; simultaneous "
        "for the pairs of a comparison."
    )
    lines = [_line(fact, table) for fact in records(facts)]
    lines = lines or [nothing(_COLUMNS, group="No figure", note="nothing is expected")]
    return facts, typeset(table, _COLUMNS, lines, [*_NOTES, intervals])


def _line(fact: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, str]:
    pair = " against ".join(label(table, fact[place]) for place in ("first", "second") if fact[place])
    least = f" by {POINTS * fact['at_least']:g} points" if fact["at_least"] else ""
    return {
        "group": f"{fact['figure']}: {table['figures'][fact['figure']]}",
        "paper": fact["paper"] + ("*" if fact["decisive"] else ""),
        "compared": pair or fact["panel"],
        "expected": _EXPECTED[fact["expected"]] + least,
        "shown": fact["shown"],
        "estimate": estimate(fact["estimate"], fact["low"], fact["high"], 1, sign=True, factor=POINTS),
        "raw": estimate(fact["raw_estimate"], fact["raw_low"], fact["raw_high"], 1, sign=True, factor=POINTS),
        "p": p_value(fact["p"]),
        "margin": number(fact["smallest_margin"], 1, factor=POINTS),
        "agrees": "yes" if fact["agrees"] else "no",
        "note": "" if fact["agrees"] else fact["reason"],
    }
