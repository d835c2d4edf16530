"""Score tables: one row per checkpoint, test set and metric, the hand-over from evaluation to trends and figures."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

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
    numeric = [*_WHOLE, *_FRACTIONS]
    try:
        # Only numbers may be missing values: a distribution called "NA" or "null" is a name.
        scores = pd.read_csv(
            path,
            dtype=dict.fromkeys(_TEXT, str),
            keep_default_na=False,
            na_values={name: ["", "NA", "NaN", "nan", "None"] for name in numeric},
        )
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such score table; evaluate the run first") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path}: not a readable CSV table ({error}); remove it to evaluate again") from None
    _check_columns(scores, path)
    _check_values(scores, path)
    _refuse(scores, scores.duplicated(KEY), path, "metric", "appears twice for its checkpoint and test set")
    return scores.astype({**dict.fromkeys(_WHOLE, "int64"), **dict.fromkeys(_FRACTIONS, "float64")})


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


def _check_values(scores: pd.DataFrame, path: str | Path) -> None:
    for name in _TEXT:
        _refuse(scores, scores[name] == "", path, name, "is empty")
    for name in [*_WHOLE, *_FRACTIONS]:
        present = scores[name].notna() if name in _MAY_MISS else np.ones(len(scores), dtype=bool)
        numeric = pd.api.types.is_numeric_dtype(scores[name]) or not present.any()
        if not numeric or pd.api.types.is_bool_dtype(scores[name]):
            numbers = pd.to_numeric(scores[name], errors="coerce")
            _refuse(scores, numbers.isna() & present, path, name, "is not a number")
            raise InputError(f"{path}: column {name} does not hold numbers; write it as decimal numbers")
        _refuse(scores, ~np.isfinite(scores[name].astype("float64")) & present, path, name, "is not a finite number")
    for name, least in _WHOLE.items():
        _refuse(scores, (scores[name] < least) | (scores[name] % 1 != 0), path, name, f"is no whole number >= {least}")
    for name in _FRACTIONS:
        _refuse(scores, (scores[name] < 0) | (scores[name] > 1), path, name, "is not a fraction in [0, 1]")


def _refuse(scores: pd.DataFrame, bad: Iterable[bool], path: str | Path, column: str, what: str) -> None:
    rows = np.flatnonzero(np.asarray(bad))
    if len(rows):
        value = scores[column].iloc[rows[0]]
        # Line 1 of the file is its header.
        raise InputError(
            f"{path}: line {rows[0] + 2}: {column} {value} {what} ({len(rows)} such rows); evaluate the run again"
        )
