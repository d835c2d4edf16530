"""Points from elsewhere on the same axes: published numbers, and the score tables of other studies.

Published numbers come as a CSV table with one row per model: model,id,ood,group. `id` and `ood` are fractions in [0, 1]
of the metric that the figure shows, or `id_percent` and `ood_percent` percentages of it; `group` is the series that the
model belongs to. Nothing is known of how its runs were made, so each model counts as a run of its own with one
checkpoint.

A score table of another study of this pipeline (scores.csv) needs no conversion: its distributions become the series
"study/distribution".
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pretraining_robustness.csv_tables import CsvTable, read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.left_out import with_left_out
from pretraining_robustness.evaluate.metrics import Metric
from pretraining_robustness.evaluate.scores import DEFAULT_METHOD, PAIRED_COLUMNS, SCORES, paired_scores, read_scores

PUBLISHED_COLUMNS = ["model", "id", "ood", "group"]


def read_published(path: str | Path) -> pd.DataFrame:
    """Read and check a table of published numbers: `PUBLISHED_COLUMNS`, then its other columns as text.

    Raises:
        InputError: the file is missing or is not such a table; the message names the file and the first bad line.
    """
    named = read_csv_table(path, what="table of published numbers").columns
    percent = {"id_percent", "ood_percent"} <= set(named)
    columns = {name: f"{name}_percent" if percent and name in ("id", "ood") else name for name in PUBLISHED_COLUMNS}
    read = read_csv_table(path, list(columns.values()), what="table of published numbers")
    if not len(read):
        raise InputError(f"{path}: holds no model; write one row per model: {','.join(PUBLISHED_COLUMNS)}")
    table = read.frame().rename(columns={column: name for name, column in columns.items()})
    table = table[[*PUBLISHED_COLUMNS, *(name for name in table.columns if name not in PUBLISHED_COLUMNS)]]
    for name in ("model", "group"):
        _refuse(read, table[name].str.strip() == "", f"{name} is empty; name it")
    for name in ("id", "ood"):
        numbers = read.numbers(columns[name])
        _refuse(read, ~np.isfinite(numbers), f"{columns[name]} is not a number; write one such as 0.47 or, in %, 47")
        outside = (numbers < 0) | (numbers > (100 if percent else 1))
        allowed = (
            "[0, 100]" if percent else "[0, 1]; name the columns id_percent and ood_percent if these are percentages"
        )
        _refuse(read, outside, f"{columns[name]} is not in {allowed}")
        table[name] = numbers / 100 if percent else numbers
    _refuse(read, table.duplicated(["group", "model"]), "the model appears twice in its group; keep one row of it")
    return table


def published_scores(table: pd.DataFrame, task: str, metric: Metric) -> pd.DataFrame:
    """Return published numbers as paired scores: each model a run (architecture = model, seed 0) with one checkpoint.

    The series is the group; scores of other metrics are NaN.
    """
    rows = pd.DataFrame({"task": task, "distribution": table["group"], "architecture": table["model"]})
    rows = rows.assign(series=rows["distribution"], method=DEFAULT_METHOD, seed=0, epoch=1)
    rows = rows.assign(**dict.fromkeys(SCORES, np.nan))
    return rows.assign(**{metric.id_column: table["id"], metric.ood_column: table["ood"]})[PAIRED_COLUMNS]


def read_all_scores(
    scores: str | Path | None,
    metric: Metric,
    pairs: Mapping[str, Mapping[str, str]],
    *,
    published: Sequence[str | Path] = (),
    studies: Mapping[str, str | Path] | None = None,
    left_out: str | Path | None = None,
) -> pd.DataFrame:
    """Return the paired scores of a study's own table, with the points from elsewhere joined to them.

    Args:
        scores: the study's own table; with others it must be of one downstream task, and theirs of this task are taken.
            None where all points are from elsewhere; then they are of the one task of `pairs`.
        metric: what published numbers measure.
        pairs: for each task the test set `id` and the test set `ood` (see `scores.paired_scores`).
        published: tables of published numbers.
        studies: score tables of other studies by the study's name.
        left_out: the study's own scores without each cluster (left_out.py), which become the columns `WITHOUT`; None
            where they are not needed.

    Raises:
        InputError: a table is not what it should be, is not of this task, or repeats the name of a series.
    """
    own = pd.DataFrame(columns=PAIRED_COLUMNS) if scores is None else paired_scores(read_scores(scores), pairs, scores)
    if left_out:
        own = with_left_out(own, left_out, metric.name, pairs)
    if not published and not studies:
        return own
    if own["task"].nunique() > 1:
        raise InputError(f"{scores}: holds several downstream tasks; give one task when other studies join it")
    task = str(own["task"].iloc[0]) if len(own) else next(iter(pairs))
    parts, names = [own] if len(own) else [], set(own["series"])
    extra = [(path, published_scores(read_published(path), task, metric)) for path in published]
    extra += [(path, _of_study(path, name, task, pairs[task])) for name, path in (studies or {}).items()]
    for path, part in extra:
        repeated = sorted(names & set(part["series"]))
        if repeated:
            raise InputError(f"{path}: the series {repeated[0]} exists already; give it another name")
        names |= set(part["series"])
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _of_study(path: str | Path, name: str, task: str, pair: Mapping[str, str]) -> pd.DataFrame:
    table = read_scores(path)
    rows = table[table["task"] == task]
    if rows.empty:
        tasks = ", ".join(sorted(table["task"].unique()))
        raise InputError(f"{path}: holds no scores on {task}, only on {tasks}; take a study of the same task")
    paired = paired_scores(rows, {task: pair}, path)
    return paired.assign(series=name + "/" + paired["series"])


def _refuse(table: CsvTable, bad: pd.Series, what: str) -> None:
    rows = np.flatnonzero(bad.to_numpy())
    if len(rows):
        table.refuse(int(rows[0]), f"model {table.columns['model'][rows[0]]}: {what}")
