"""Effective robustness of every series against each baseline, and its relative robustness, a row per series."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.tables.reading import Files
from pretraining_robustness.tables.typeset import Column, Made, TypesetTable, typeset
from pretraining_robustness.tables.words import (
    CLUSTER_ROBUST,
    POINTS,
    SCORES,
    count,
    estimate,
    interval_in_words,
    label,
    nothing,
    records,
)
from pretraining_robustness.trends.effective_robustness import SERIES_COLUMNS

READS = {"series": "effective_robustness/series.csv"}

_KEY = ["task", "series", "metric", "scale"]
_TEXT = [*_KEY, "baseline", "note"]
_COUNTS = ["n_checkpoints", "n_runs", "n_dropped", "n_extrapolated", "n_relative_runs"]
_OF_BASELINE = [
    *("effective_robustness", "low", "high", "p", "error", "freedom", "low_resampled", "high_resampled"),
    *("n_extrapolated", "note"),
]
_SPANNER = "Effective robustness (points) [interval], against"


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of robustness, a row per series and task.

    In the CSV what depends on the baseline is in columns such as effective_robustness_against_scratch.

    Args:
        files: the robustness of series (effective_robustness.SERIES_COLUMNS).
        table: name, title, note, labels (readable name of each series), tasks (readable name of each task), and
            optionally confidence, the level of the intervals in (0, 1).

    Raises:
        InputError: `series` is not such a table.
    """
    (series,) = files["series"]
    found = _read(series)
    baselines = list(dict.fromkeys(found["baseline"]))
    facts = one_row_per_series(found, baselines, table)
    return facts, _typeset(facts, baselines, table)


def one_row_per_series(series: pd.DataFrame, baselines: list[str], table: Mapping[str, Any]) -> pd.DataFrame:
    """Put the baselines of a series side by side.

    Returns:
        Columns task, distribution, label, metric, scale, the columns of `series` that do not depend on the baseline,
        and those that do for each baseline with the ending _against_{baseline}; missing where there is no such row.
        Rows by task, then in the order of the labels.
    """
    same = [name for name in SERIES_COLUMNS if name not in [*_KEY, "baseline", *_OF_BASELINE]]
    rows = series.drop_duplicates(_KEY)[[*_KEY, *same]].reset_index(drop=True)
    rows.insert(2, "label", [label(table, name) for name in rows["series"]])
    for baseline in baselines:
        own = series.loc[series["baseline"] == baseline, [*_KEY, *_OF_BASELINE]]
        names = {name: f"{name}_against_{baseline}" for name in _OF_BASELINE}
        rows = rows.merge(own.rename(columns=names), on=_KEY, how="left", sort=False)
    places = {
        "task": list(dict.fromkeys(rows["task"])),
        "series": list(dict.fromkeys([*table["labels"], *rows["series"]])),
    }
    return rows.sort_values(
        list(places), key=lambda names: names.map(places[str(names.name)].index), kind="stable", ignore_index=True
    )


def _read(path: str | Path) -> pd.DataFrame:
    missing = {name: [""] for name in SERIES_COLUMNS if name not in _TEXT}
    types = {name: str if name in _TEXT else "Int64" if name in _COUNTS else "float64" for name in SERIES_COLUMNS}
    table = pd.read_csv(path, keep_default_na=False, na_values=missing, dtype=types)
    if list(table.columns) != SERIES_COLUMNS:
        raise InputError(f"{path}: columns are not those of this version of the workflow; remove it to make it again")
    return table


def _typeset(facts: pd.DataFrame, baselines: list[str], table: Mapping[str, Any]) -> TypesetTable:
    columns = [
        Column("series", "Series", 2.4),
        *(Column(f"against_{baseline}", label(table, baseline), 1.3, _SPANNER, numeric=True) for baseline in baselines),
        Column("relative", "Relative robustness (points) [interval]", 1.3, numeric=True),
        Column("checkpoints", "Checkpoints", 0.9, numeric=True),
        Column("runs", "Runs", 0.5, numeric=True),
        Column("note", "Note", 2.4),
    ]
    lines = []
    for fact in records(facts):
        task, metric = table["tasks"][fact["task"]], score_metric(fact["metric"]).label
        lines.append(
            {
                "group": f"{task}, {metric}, baselines fitted on {fact['scale']} axes",
                "series": fact["label"],
                **{f"against_{baseline}": _against(fact, baseline) for baseline in baselines},
                "relative": _points(fact["relative_robustness"], fact["relative_low"], fact["relative_high"]),
                "checkpoints": count(fact["n_checkpoints"]),
                "runs": count(fact["n_runs"]),
                "note": _note(fact, baselines, table),
            }
        )
    if not lines:
        note = "not measured: there are no scores or no baseline"
        lines = [nothing(columns, group="No series", note=note)]
    words = interval_in_words(table)
    notes = [
        f"{SCORES} Points: hundredths of a score.",
        "Effective robustness: OOD score minus what the trend of the baseline predicts from the ID score, averaged "
        "over the checkpoints of each run and then over runs. Extrapolated: the checkpoint's ID score lies outside "
        "those of the baseline.",
        "Relative robustness: OOD score minus that of the same architecture, seed and epoch trained from scratch, "
        "averaged in the same way.",
        f"In brackets: {words}; of effective robustness {CLUSTER_ROBUST} that include the uncertainty of the "
        "baseline, of relative robustness from Student's t over runs. Intervals are not corrected for the number of "
        "series. The CSV also holds p values and bootstrap intervals.",
    ]
    return typeset(table, columns, lines, notes)


def _points(value: float, low: float, high: float) -> str:
    return estimate(value, low, high, 1, sign=True, factor=POINTS)


def _against(fact: Mapping[str, Any], baseline: str) -> str:
    value, low, high = (fact[f"{name}_against_{baseline}"] for name in ("effective_robustness", "low", "high"))
    outside = fact[f"n_extrapolated_against_{baseline}"]
    lines = [_points(value, low, high)]
    if not pd.isna(outside) and outside > 0:
        lines.append(f"{count(outside)} of {count(fact['n_checkpoints'])} extrapolated")
    return "\n".join(lines)


def _note(fact: Mapping[str, Any], baselines: list[str], table: Mapping[str, Any]) -> str:
    """Return the notes of all baselines, each once; what does not hold for all of them names its baseline."""
    parts: dict[str, list[str]] = {}
    for baseline in baselines:
        note = fact[f"note_against_{baseline}"]
        for part in note.split("; ") if isinstance(note, str) and note else []:
            parts.setdefault(part, []).append(baseline)
    lines = []
    for part, holders in parts.items():
        which = ", ".join(f"against {label(table, baseline)}" for baseline in holders)
        lines.append(part if len(holders) == len(baselines) else f"{which}: {part}")
    return "\n".join(lines)
