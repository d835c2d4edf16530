"""Score tables: one row a checkpoint, the hand-over from evaluation to trends and figures."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path

logger = logging.getLogger(__name__)

CHECKPOINT = ["task", "distribution", "architecture", "seed", "epoch"]
"""The columns that name one checkpoint; no two rows agree in all of them."""

RUN = ["task", "distribution", "architecture", "seed"]
"""The columns that name one fine-tuning run, whose checkpoints are correlated."""

SCORES = ["id_macro_f1", "ood_macro_f1", "id_accuracy", "ood_accuracy"]
"""Fractions in [0, 1], on the in-distribution (id_test) and the out-of-distribution (test) split; see metric.py."""

COLUMNS = [*CHECKPOINT, *SCORES]
_TEXT = ["task", "distribution", "architecture"]
_WHOLE = {"seed": 0, "epoch": 1}


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read and check a score table.

    Returns a frame with exactly `COLUMNS`: text names, whole seed (from 0) and epoch (from 1), scores in [0, 1].

    Raises:
        InputError: the file is missing or is not such a table; the message names the file and the first bad row.
    """
    numeric = [*_WHOLE, *SCORES]
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
    return scores.astype({**dict.fromkeys(_WHOLE, "int64"), **dict.fromkeys(SCORES, "float64")})


def collect_scores(inputs: Sequence[str | Path], output: str | Path) -> None:
    """Join the score tables of single runs into one, sorted by `CHECKPOINT`, and write it as CSV.

    Raises:
        InputError: an input is not a score table, or two rows describe the same checkpoint.
    """
    if not inputs:
        raise InputError(f"{output}: no run has scores to collect; give the figure at least one series")
    tables = [read_scores(path).assign(_file=str(path)) for path in inputs]
    scores = pd.concat(tables, ignore_index=True).sort_values(CHECKPOINT, ignore_index=True)
    repeated = scores[scores.duplicated(CHECKPOINT, keep=False)]
    if len(repeated):
        first, second = repeated.iloc[0], repeated.iloc[1]
        where = first["_file"] if first["_file"] == second["_file"] else f"{first['_file']} and {second['_file']}"
        raise InputError(f"{where}: the checkpoint {_describe(first)} appears twice; keep one row of it")
    with atomic_path(output) as temporary:
        scores[COLUMNS].to_csv(temporary, index=False)
    logger.info("collected %d checkpoints of %d runs", len(scores), len(scores[RUN].drop_duplicates()))


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
    for name in [*_WHOLE, *SCORES]:
        if not pd.api.types.is_numeric_dtype(scores[name]) or pd.api.types.is_bool_dtype(scores[name]):
            numbers = pd.to_numeric(scores[name], errors="coerce")
            _refuse(scores, numbers.isna(), path, name, "is not a number")
            raise InputError(f"{path}: column {name} does not hold numbers; write it as decimal numbers")
        _refuse(scores, ~np.isfinite(scores[name]), path, name, "is not a finite number")
    for name, least in _WHOLE.items():
        _refuse(scores, (scores[name] < least) | (scores[name] % 1 != 0), path, name, f"is no whole number >= {least}")
    for name in SCORES:
        _refuse(scores, (scores[name] < 0) | (scores[name] > 1), path, name, "is not a fraction in [0, 1]")


def _refuse(scores: pd.DataFrame, bad: Iterable[bool], path: str | Path, column: str, what: str) -> None:
    rows = np.flatnonzero(np.asarray(bad))
    if len(rows):
        value = scores[column].iloc[rows[0]]
        # Line 1 of the file is its header.
        raise InputError(
            f"{path}: line {rows[0] + 2}: {column} {value} {what} ({len(rows)} such rows); evaluate the run again"
        )


def _describe(row: pd.Series) -> str:
    return "/".join(str(row[name]) for name in CHECKPOINT)
