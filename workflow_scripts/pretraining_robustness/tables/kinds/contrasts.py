"""Does an intervention matter? The tests of every panel of every figure, and the differences of its pairs of series."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.tables.reading import Files
from pretraining_robustness.tables.typeset import Column, Made, TypesetTable, typeset
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
from pretraining_robustness.trends.comparisons import (
    COMPARISON_COLUMNS,
    CONTRAST_COLUMNS,
    SERIES,
    read_comparisons,
    read_contrasts,
)
from pretraining_robustness.trends.contrasts import POWER

READS = {
    "comparisons": "comparisons/{figure}.csv",
    "contrasts": "comparisons/{figure}_contrasts.csv",
}

_KEY = ["figure", "panel", "compared"]
_OF_COMPARISON = ["permutation_p", "permutation_smallest_p", "permutations", "conclusion", "comparison_note"]
_OOD = "OOD score (points)"
_COLUMNS = [
    Column("first", "First", 2.1),
    Column("second", "Second", 2.1),
    Column("id", "ID score (points)", 0.75, numeric=True),
    Column("first_ood", "First", 0.65, _OOD, numeric=True),
    Column("second_ood", "Second", 0.65, _OOD, numeric=True),
    Column("difference", "Difference [interval]", 1.25, _OOD, numeric=True),
    Column("detectable", "Smallest detectable", 0.95, _OOD, numeric=True),
    Column("p", "p (Holm)", 0.7, numeric=True),
    Column("verdict", "Verdict", 0.9),
    Column("effect", "Effect size [interval]", 1.25, numeric=True),
    Column("note", "Note", 1.6),
]


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of comparisons, a row per pair of series, by figure, panel and what is compared.

    In the CSV each pair stands with the test of its comparison; a comparison without pairs has a row of its own.

    Args:
        files: what `compare_series` wrote for each figure, in the order shown.
        table: name, title, note, figures (title of each figure), labels (readable name of each series), and
            confidence, the level of the intervals in (0, 1).

    Raises:
        InputError: an input is not such a table, or two panels of a figure have one title.
    """
    tests = _joined([read_comparisons(path) for path in files["comparisons"]], COMPARISON_COLUMNS)
    pairs = _joined([read_contrasts(path) for path in files["contrasts"]], CONTRAST_COLUMNS)
    for figure, panel, _ in tests.loc[tests.duplicated(_KEY), _KEY].itertuples(index=False):
        raise InputError(f"figures.{figure}: two panels are called {panel!r}; give each its own title")
    tests = tests.rename(columns={"note": "comparison_note"})
    facts = tests[[*_KEY, "metric", "scale", *_OF_COMPARISON]].merge(
        pairs.drop(columns=["metric", "scale"]), on=_KEY, how="left", sort=False
    )
    facts = facts.astype(dict.fromkeys(["permutations", "first_runs", "second_runs"], "Int64"))
    for place in ("first", "second"):
        names = [label(table, name) if isinstance(name, str) else None for name in facts[place]]
        facts.insert(list(facts.columns).index(place) + 1, f"{place}_label", names)
    return facts, _typeset(facts, table)


def _joined(tables: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))


def _typeset(facts: pd.DataFrame, table: Mapping[str, Any]) -> TypesetTable:
    lines = [{"group": _heading(fact, table), **_cells(fact, table)} for fact in records(facts)]
    if not lines:
        lines = [nothing(_COLUMNS, group="No panel", note="not compared: no figure has a panel of series")]
    notes = [
        f"{SCORES} Points: hundredths of a score. Difference: first minus second trend at the named ID score, "
        "where all series compared (otherwise the pair) have checkpoints.",
        f"In brackets: simultaneous {interval_in_words(table)} {CLUSTER_ROBUST}, with architectures as clusters, or "
        "runs where there is a single one, and over the clusters of the test images. They agree with the p values "
        "beside them; the CSV has those of single pairs, too.",
        "Verdict: differs where Holm's p is below the level; else equivalent where two one-sided tests show that the "
        "difference is smaller than the margin; else undecided. The CSV has the smallest margin at which a pair would "
        "be equivalent.",
        "p (Holm): probability of a difference at least as large if there were none, corrected for the number of pairs "
        "of the comparison by Holm's method (Holm 1979).",
        "Effect size: the difference on the transformed axes in standard deviations of single checkpoints around their "
        f"trends. Smallest detectable: the true difference that a test of a single pair, without Holm's correction, "
        f"would find with {POWER * 100:g} % power.",
        "Permutation p: of the hypothesis that all series compared share one trend; whole runs are exchanged within "
        "their architecture, or between architectures where the series share none. Smallest attainable: the smallest "
        "p that so many runs and permutations allow.",
        *_axes(facts),
    ]
    return typeset(table, _COLUMNS, lines, notes)


def _axes(facts: pd.DataFrame) -> list[str]:
    """Return a note on the metric and the axes of the trends, naming the figures of each where there are several."""
    figures: dict[tuple[str, str], list[str]] = {}
    for fact in records(facts.drop_duplicates(["metric", "scale", "figure"])):
        figures.setdefault((fact["metric"], fact["scale"]), []).append(fact["figure"])
    lines = []
    for (metric, scale), names in figures.items():
        where = f" of {', '.join(names)}" if len(figures) > 1 else ""
        lines.append(f"The trends{where} are those of the {score_metric(metric).label} on {scale} axes.")
    return lines


def _heading(fact: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    """Return what is compared and, on a second line, the outcome: permutation test, conclusion, what was left out."""
    places = [f"{fact['figure']}: {table['figures'][fact['figure']]}", fact["panel"]]
    who = "all pairs of series" if fact["compared"] == SERIES else f"against {label(table, fact['compared'])}"
    p, smallest = fact["permutation_p"], fact["permutation_smallest_p"]
    test = f"Permutation p = {p_value(p)} (smallest attainable {smallest:.3g}).".replace("= <", "<")
    sentences = ["No permutation test." if np.isnan(p) else test, fact["conclusion"]]
    if _compared(fact) and fact["comparison_note"]:
        sentences.append(f"Note: {_readable(fact['comparison_note'], table)}.")
    return f"{' | '.join(filter(None, [*places, who]))}.\n{' '.join(sentences)}"


def _cells(fact: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, str]:
    if not _compared(fact):
        note = f"not compared: {_readable(fact['comparison_note'], table) or 'no reason given'}"
        return nothing(_COLUMNS, note=note)
    missing = "not compared: " if np.isnan(fact["difference"]) else ""
    return {
        "first": fact["first_label"],
        "second": fact["second_label"],
        "id": number(fact["id_score"], 1, factor=POINTS),
        "first_ood": number(fact["first_ood"], 1, factor=POINTS),
        "second_ood": number(fact["second_ood"], 1, factor=POINTS),
        "difference": estimate(fact["difference"], fact["low"], fact["high"], 1, sign=True, factor=POINTS),
        "detectable": number(fact["detectable_difference"], 1, factor=POINTS),
        "p": p_value(fact["p_holm"]),
        "verdict": fact["verdict"],
        "effect": estimate(fact["effect_size"], fact["effect_low"], fact["effect_high"], sign=True),
        "note": f"{missing}{fact['note']}",
    }


def _compared(fact: Mapping[str, Any]) -> bool:
    """Whether the row is a pair; a comparison that could not be made has a row without one."""
    return isinstance(fact["first"], str)


def _readable(note: str, table: Mapping[str, Any]) -> str:
    """Return the note of a comparison with the readable names of the series that its parts begin with."""
    parts = [part.partition(": ") for part in note.split("; ")]
    return "; ".join(f"{label(table, name)}{colon}{rest}" for name, colon, rest in parts)
