"""Scoring: predictions become scores with intervals; no network and no GPU is needed."""

import itertools
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pretraining_robustness.evaluate.computed import COMPUTED
from pretraining_robustness.evaluate.intervals import resampled_scores
from pretraining_robustness.evaluate.left_out import jackknife_clusters, scores_without, write_left_out
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.evaluate.predictions import read_predictions
from pretraining_robustness.evaluate.scores import write_scores
from pretraining_robustness.seeds import named_generator
from pretraining_robustness.tasks.splits import class_numbers
from pretraining_robustness.tasks.test_sets import read_test_set

logger = logging.getLogger(__name__)


def score(
    *,
    predictions: str | Path,
    tables: Mapping[str, str | Path],
    task: str,
    method: str,
    distribution: str,
    test_sets: Sequence[Mapping[str, Any]],
    metrics: Sequence[str],
    scores: str | Path,
    left_out: str | Path,
    confidence: float,
    resamples: int,
    seed: int,
) -> None:
    """Score the predictions of a series on every test set.

    Args:
        predictions: Parquet of `predict`.
        tables: images.parquet of each store that a test set is taken from, by the store's name, the task's own first.
        task, method, distribution: whose predictions they are.
        test_sets: {name, store, split, classes, groups, groups_left_out, clusters} each; `groups` is the column of the
            store for worst-group scores (None: no such scores), some of whose values are no group; `clusters` the
            column whose values are resampled (None: images).
        metrics: names (`metrics.METRICS`); those by groups are left out where a test set has none.
        scores: CSV to write, one row per checkpoint, test set and metric (see `scores.COLUMNS`).
        left_out: Parquet to write, the same scores without each cluster (see `left_out.COLUMNS`).
        confidence: of the intervals, in (0, 1): bootstrap percentiles. A worst-group score whose groups are the
            clusters has neither an interval nor a row in `left_out`: a group is drawn or not and never varies.
        resamples: how many; the same clusters are drawn for every checkpoint of a test set.
        seed: of the resampling.

    Raises:
        InputError: predictions of other images, a column that a store lacks.
    """
    store = next(iter(tables))
    numbers = class_numbers(tables[store])
    sets = {}
    for spec in test_sets:
        columns = dict.fromkeys(spec[key] for key in ("groups", "clusters") if spec.get(key))
        own = {**spec, "own": spec["store"] == store}
        sets[spec["name"]] = read_test_set(own, tables[spec["store"]], numbers, list(columns))
    found = read_predictions(predictions, list(sets.values()))
    rows: list[dict[str, Any]] = []
    without: list[dict[str, Any]] = []
    for spec in test_sets:
        test_set = sets[spec["name"]]
        groups = _codes(test_set.columns[spec["groups"]]) if spec.get("groups") else np.zeros_like(test_set.truth)
        if spec.get("groups_left_out"):
            groups[np.isin(test_set.columns[spec["groups"]].astype(str), spec["groups_left_out"])] = -1
        if spec.get("groups") and spec["groups"] == spec.get("clusters"):
            logger.info(
                "%s: groups and clusters are both '%s': worst-group scores have no interval",
                spec["name"],
                spec["groups"],
            )
        clusters = _codes(test_set.columns[spec["clusters"]]) if spec.get("clusters") else None
        units = jackknife_clusters(test_set.name, len(test_set.truth), clusters)
        used = [METRICS[name] for name in metrics if spec.get("groups") or not METRICS[name].grouped]
        for (checkpoint, predicted), metric in itertools.product(sorted(found.items()), used):
            answer = predicted[test_set.name]
            row = {
                **{"task": task, "method": method, "distribution": distribution},
                **{"architecture": checkpoint.architecture, "seed": checkpoint.seed, "epoch": checkpoint.epoch},
                **{"test_set": test_set.name, "metric": metric.name},
            }
            low, high = math.nan, math.nan
            if not metric.grouped or spec["groups"] != spec.get("clusters"):
                generator = named_generator(seed, test_set.name)
                drawn = resampled_scores(
                    metric, test_set.truth, answer, groups, clusters, resamples=resamples, generator=generator
                )
                low, high = map(float, np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]))
                without.append({**row, "without": scores_without(metric, test_set.truth, answer, groups, units)})
            score = COMPUTED[metric.name](test_set.truth, answer, groups)
            rows.append({**row, "score": score, "low": low, "high": high, "images": len(test_set.rows)})
    write_scores(scores, rows)
    write_left_out(left_out, without)
    logger.info("%d scores of %d checkpoints on %s", len(rows), len(found), ", ".join(sets))


def _codes(values: np.ndarray) -> np.ndarray:
    """Return the values of a column as numbers from 0."""
    return np.unique(values, return_inverse=True)[1]
