"""The trends of all series on one scale: slope, intercept, how well the line fits, and what it was fitted to."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.tables.reading import Files
from pretraining_robustness.tables.typeset import Column, Made, TypesetTable, typeset
from pretraining_robustness.tables.words import (
    CLUSTER_ROBUST,
    SCORES,
    count,
    estimate,
    interval_in_words,
    label,
    nothing,
    number,
    records,
)
from pretraining_robustness.trends.fit import TREND_COLUMNS, read_trends

READS = {"trends": "trends.csv"}

_KEY = ["task", "series", "metric"]
_NO_TREND = "no trend: "
_COLUMNS = [
    Column("series", "Series", 2.6),
    Column("figures", "Figures", 1.0),
    Column("slope", "Slope [interval]", 1.05, numeric=True),
    Column("intercept", "Intercept [interval]", 1.05, numeric=True),
    Column("r2", "R squared", 0.7, numeric=True),
    Column("checkpoints", "Checkpoints", 0.85, numeric=True),
    Column("runs", "Runs", 0.5, numeric=True),
    Column("left_out", "Left out", 0.55, numeric=True),
    Column("note", "Note", 2.2),
]
_NOTES = [
    f"{SCORES} A trend is the least-squares line that predicts the OOD from the ID score over the checkpoints of a "
    "series; slope and intercept are in units of the transformed axes.",
    "R squared: share of the variance of the transformed OOD scores that the line explains. Left out: checkpoints "
    "without a score, or with a score of 0 or 1, which these axes cannot show.",
    "A series that several figures show with the same runs has one row. A run is one architecture and seed; its "
    "checkpoints are the epochs of its fine-tuning.",
]


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of the trends, a row per series, task and metric.

    Args:
        files: the trends of all figures (fit.TREND_COLUMNS).
        table: name, title, note, scale (whose trends are shown), labels (readable name of each series), tasks (readable
            name of the task of each figure), and confidence, the level of the intervals in (0, 1).

    Raises:
        InputError: the trends are not such a table.
    """
    (trends,) = files["trends"]
    found = read_trends(trends)
    facts = merge_figures(found[found["scale"] == table["scale"]], table)
    return facts, _typeset(facts, table)


def merge_figures(trends: pd.DataFrame, table: Mapping[str, Any]) -> pd.DataFrame:
    """Return each different trend once, with the figures that show it.

    Trends are the same when task, series and metric, the numbers of checkpoints, runs and left-out checkpoints, and
    slope and intercept (to nine digits) agree; where no line was fitted, when the reason does.

    Returns:
        Columns task, series, label, metric, scale, figures ("fig2; fig4"), then those of `trends` from slope on; rows
        by task, then as the series first come.
    """
    kept: list[dict[str, Any]] = []
    for row in records(trends):
        row["task"] = table["tasks"][row["figure"]]
        same = next((one for one in kept if _same(one, row)), None)
        if same is None:
            kept.append({**row, "label": label(table, row["series"]), "figures": [row["figure"]]})
        elif row["figure"] not in same["figures"]:
            same["figures"].append(row["figure"])
    for row in kept:
        row["figures"] = "; ".join(row["figures"])
    tasks = list(dict.fromkeys(row["task"] for row in kept))
    kept.sort(key=lambda row: tasks.index(row["task"]))
    numbers = TREND_COLUMNS[TREND_COLUMNS.index("slope") :]
    columns = ["task", "series", "label", "metric", "scale", "figures", *numbers]
    return pd.DataFrame(kept, columns=columns)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    exact = [*_KEY, "n_checkpoints", "n_runs", "n_dropped"]
    if any(one[name] != other[name] for name in exact):
        return False
    if np.isnan(one["slope"]) and one["note"] != other["note"]:
        return False
    first, second = ([row["slope"], row["intercept"]] for row in (one, other))
    return bool(np.allclose(first, second, rtol=1e-9, atol=1e-12, equal_nan=True))


def _typeset(facts: pd.DataFrame, table: Mapping[str, Any]) -> TypesetTable:
    rows = records(facts)
    shared = _shared_remarks(rows)
    lines = [
        {
            "group": f"{fact['task']}, {score_metric(fact['metric']).label} on {fact['scale']} axes",
            "series": fact["label"],
            "figures": fact["figures"].replace("; ", ", "),
            "slope": estimate(fact["slope"], fact["slope_low"], fact["slope_high"]),
            "intercept": estimate(fact["intercept"], fact["intercept_low"], fact["intercept_high"]),
            "r2": number(fact["r2"]),
            "checkpoints": count(fact["n_checkpoints"]),
            "runs": count(fact["n_runs"]),
            "left_out": count(fact["n_dropped"]),
            "note": _note(fact, shared),
        }
        for fact in rows
    ]
    if not lines:
        lines = [nothing(_COLUMNS, group="No series", note="not fitted: no figure has a series")]
    interval = (
        f"In brackets: {interval_in_words(table)} {CLUSTER_ROBUST}, with architectures as clusters. The CSV also "
        "holds bootstrap intervals."
    )
    notes = [_NOTES[0], interval, *_NOTES[1:], *(f"For every trend: {remark}." for remark in shared)]
    return typeset(table, _COLUMNS, lines, notes)


def _shared_remarks(rows: list[dict[str, Any]]) -> list[str]:
    """Return the parts of the notes that all fitted trends have, where there are several: these are said once."""
    parts = [row["note"].split("; ") for row in rows if not np.isnan(row["slope"])]
    return [part for part in parts[0] if part and all(part in other for other in parts)] if len(parts) > 1 else []


def _note(fact: Mapping[str, Any], shared: list[str]) -> str:
    if np.isnan(fact["slope"]):
        return f"not fitted: {fact['note'].removeprefix(_NO_TREND) or 'no reason given'}"
    return "; ".join(part for part in fact["note"].split("; ") if part not in shared)
