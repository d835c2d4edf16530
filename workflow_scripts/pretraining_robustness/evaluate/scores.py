"""Score tables: one row per checkpoint, test set and metric, the hand-over from evaluation to trends and figures."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.csv_tables import CsvTable, read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.files import atomic_path

logger = logging.getLogger(__name__)

RUN = ["task", "method", "distribution", "architecture", "seed"]
"""The columns that name one fine-tuning run, whose checkpoints are correlated."""

CHECKPOINT = [*RUN, "epoch"]
"""The columns that name one checkpoint."""

KEY = [*CHECKPOINT, "test_set", "metric"]
"""The columns that name one score; no two rows agree in all of them."""

COLUMNS = [*KEY, "score", "low", "high", "images"]
"""`score` in [0, 1] with the ends of its interval, which may be missing, and the number of images of the test set."""

DEFAULT_METHOD = "full"

SCORES = [f"{role}_{metric}" for metric in METRICS for role in ("id", "ood")]
"""The columns of paired scores: each metric on the in-distribution and on the out-of-distribution test set."""

PAIRED_COLUMNS = ["series", *CHECKPOINT, *SCORES]

_TEXT = ["task", "method", "distribution", "architecture", "test_set", "metric"]
_WHOLE = {"seed": 0, "epoch": 0, "images": 1}
_FRACTIONS = ["score", "low", "high"]
_MAY_MISS = ("low", "high")


def series_name(distribution: str, method: str) -> str:
    """Return the name of a series in figures: its distribution, and after an @ how it is fine-tuned if not in full."""
    return distribution if method == DEFAULT_METHOD else f"{distribution}@{method}"


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read and check a score table.

    Returns a frame with exactly `COLUMNS`: text names, whole seed and epoch (from 0) and images, fractions in [0, 1].

    Raises:
        InputError: the file is missing or is not such a table; the message names the file and the first bad row.
    """
    table = read_csv_table(path, what="score table")
    scores = table.frame()
    _check_columns(scores, path)
    for name in _TEXT:
        _refuse(table, scores[name] == "", name, "is empty")
    for name in [*_WHOLE, *_FRACTIONS]:
        numbers = table.numbers(name)
        may_miss = ["", "NA", "NaN", "nan", "None"] if name in _MAY_MISS else []
        missing = scores[name].isin(may_miss)
        _refuse(table, ~np.isfinite(numbers) & ~missing, name, "is not a finite number")
        if name in _WHOLE:
            least = _WHOLE[name]
            _refuse(table, (numbers < least) | (numbers % 1 != 0), name, f"is no whole number >= {least}")
        else:
            _refuse(table, (numbers < 0) | (numbers > 1), name, "is not a fraction in [0, 1]")
        scores[name] = numbers.astype("int64" if name in _WHOLE else "float64")
    _refuse(table, scores.duplicated(KEY), "metric", "appears twice for its checkpoint and test set")
    return scores


def write_scores(path: str | Path, rows: Iterable[Mapping[Any, Any]]) -> None:
    """Write rows of `COLUMNS`, sorted by `KEY`, as CSV."""
    table = pd.DataFrame(list(rows), columns=COLUMNS).sort_values(KEY, ignore_index=True)
    with atomic_path(path) as temporary:
        table.to_csv(temporary, index=False)


def collect_scores(inputs: Sequence[str | Path], output: str | Path) -> None:
    """Join the score tables of several series into one, sorted by `KEY`, and write it as CSV.

    Raises:
        InputError: an input is not a score table, or two rows describe the same score.
    """
    if not inputs:
        raise InputError(f"{output}: no run has scores to collect; give the figure at least one series")
    scores = pd.concat([read_scores(path).assign(_file=str(path)) for path in inputs], ignore_index=True)
    repeated = scores[scores.duplicated(KEY, keep=False)].sort_values(KEY)
    if len(repeated):
        first, second = repeated.iloc[0], repeated.iloc[1]
        where = first["_file"] if first["_file"] == second["_file"] else f"{first['_file']} and {second['_file']}"
        name = "/".join(str(first[column]) for column in KEY)
        raise InputError(f"{where}: the score {name} appears twice; keep one row of it")
    write_scores(output, scores[COLUMNS].to_dict("records"))
    logger.info("collected %d scores of %d runs", len(scores), len(scores[RUN].drop_duplicates()))


def paired_scores(
    scores: pd.DataFrame, pairs: Mapping[str, Mapping[str, str]], where: str | Path = "scores"
) -> pd.DataFrame:
    """Return one row per checkpoint with its scores in and out of distribution (`PAIRED_COLUMNS`).

    Args:
        scores: a score table (`COLUMNS`).
        pairs: for each task the test set `id` and the test set `ood`; rows of other tasks are left out.
        where: names the table in errors.

    Returns:
        Rows sorted by `CHECKPOINT`; `series` is the checkpoint's `series_name`; scores that are not in the table NaN.
        Checkpoints without any score on the pair's test sets are left out.

    Raises:
        InputError: a test set of which the table has no score.
    """
    parts = []
    for task, pair in pairs.items():
        of_task = scores[scores["task"] == task]
        known = sorted(of_task["test_set"].unique())
        for test_set in pair.values():
            if len(of_task) and test_set not in known:
                raise InputError(
                    f"{where}: no scores of {task} on the test set '{test_set}', only on {', '.join(known)}; name one "
                    "of these"
                )
        for role in ("id", "ood"):
            rows = of_task[of_task["test_set"] == pair[role]]
            parts.append(rows[[*CHECKPOINT, "score"]].assign(column=role + "_" + rows["metric"]))
    long = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*CHECKPOINT, "score", "column"])
    wide = long.pivot(index=CHECKPOINT, columns="column", values="score").reindex(columns=SCORES).reset_index()
    wide.columns.name = None
    names = [series_name(*row) for row in zip(wide["distribution"], wide["method"], strict=True)]
    return wide.assign(series=names)[PAIRED_COLUMNS].sort_values(CHECKPOINT, ignore_index=True)


def _check_columns(scores: pd.DataFrame, path: str | Path) -> None:
    if list(scores.columns) != COLUMNS:
        missing = [name for name in COLUMNS if name not in scores.columns]
        unknown = [str(name) for name in scores.columns if name not in COLUMNS]
        wrong = "; ".join(
            f"{words} {', '.join(names)}" for words, names in (("without", missing), ("unknown", unknown)) if names
        )
        raise InputError(f"{path}: columns are {wrong or 'in another order'}; a score table has {','.join(COLUMNS)}")
    if scores.empty:
        raise InputError(f"{path}: holds no checkpoint; remove it to evaluate the run again")


def _refuse(table: CsvTable, bad: pd.Series, column: str, what: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        value = table.columns[column][rows[0]]
        table.refuse(int(rows[0]), f"{column} {value} {what} ({len(rows)} such rows); evaluate the run again")
