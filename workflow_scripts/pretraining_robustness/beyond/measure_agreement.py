"""From predictions to tables of agreement: the lines of every series, and OOD accuracy as estimated without labels."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.beyond.agreement import Answered, aline_d, aline_s, compare_lines, pairs_of
from pretraining_robustness.beyond.answers import ROLES, Images, read_answers, read_images
from pretraining_robustness.beyond.confidence import calibration_error, thresholded_accuracy
from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.predictions import Checkpoint
from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.blocks import mean_over_networks
from pretraining_robustness.trends.cluster_robust import Estimates
from pretraining_robustness.trends.contrasts import Contrast, judged

logger = logging.getLogger(__name__)

ESTIMATES = {"as_id": "ID accuracy", "aline_s": "ALine-S", "aline_d": "ALine-D", "atc": "ATC"}
"""What OOD accuracy is estimated by, with readable names; `atc` needs the confidence of predictions."""


def measure_agreement(
    *,
    predictions: Sequence[str | Path],
    tables: Mapping[str, str | Path],
    task: str,
    series: Sequence[str],
    test_sets: Sequence[Mapping[str, Any]],
    pair: Mapping[str, str],
    estimates: Sequence[str],
    confidence: float,
    margin: float,
    lines: str | Path,
    checkpoints: str | Path,
    pairs: str | Path,
) -> None:
    """Write the lines of accuracy and agreement of each series, its checkpoints with estimates, and its pairs.

    Args:
        predictions: Parquet of `predict`, of each series.
        tables, test_sets, pair: see `answers.read_images`.
        task: of which they are.
        series: their names.
        estimates: of OOD accuracy (`ESTIMATES`).
        confidence: of intervals, in (0, 1).
        margin: the difference of heights, in score units, below which both lines are equivalent.
        lines: CSV, one row per series: slope and intercept of both lines on probit axes, `steeper` (the agreements'
            slope minus the accuracies') with its interval, what `contrasts.judged` says of the agreements' height minus
            the accuracies' at the series' mean ID accuracy, and of each estimate the mean absolute error with its
            interval over architectures; expected calibration errors with `atc`.
        checkpoints: CSV, one row per checkpoint: accuracies and estimates.
        pairs: CSV, one row per pair: agreement in and out of distribution.

    Raises:
        InputError: a series of one architecture, predictions of other images or without confidence.
    """
    images = read_images(tables, test_sets, pair)
    rows, contrasts, of_checkpoints, of_pairs = [], [], [], []
    for name, path in zip(series, predictions, strict=True):
        found, answers = read_answers(path, images)
        row, contrast, places, pair_rows = _lines(path, name, found, answers, images, confidence)
        table = _estimated(path, found, answers, images, estimates, places, pair_rows)
        for one in estimates:
            error = (table[one] - table["ood"]).abs()
            mean = mean_over_networks(error.set_axis(_blocks(table)), confidence)
            row |= {f"{one}_error": mean.value, f"{one}_error_low": mean.low, f"{one}_error_high": mean.high}
        for column in [one for one in ("id_calibration_error", "ood_calibration_error") if one in table]:
            row[column] = table[column].mean()
        rows.append({"task": task, "series": name, **row})
        contrasts.append(contrast)
        of_checkpoints.append(table.assign(series=name))
        of_pairs.append(pair_rows.assign(series=name))
        logger.info("%s: %d checkpoints, %d pairs", name, len(found), len(pair_rows))
    verdicts = judged(contrasts, confidence, margin)
    for target, frame in (
        (lines, pd.DataFrame([{**row, **verdict} for row, verdict in zip(rows, verdicts, strict=True)])),
        (checkpoints, pd.concat(of_checkpoints)),
        (pairs, pd.concat(of_pairs)),
    ):
        with atomic_path(target) as temporary:
            frame.to_csv(temporary, index=False)


def _blocks(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[["architecture", "seed"]])


def _lines(
    path: str | Path,
    name: str,
    found: list[Checkpoint],
    answers: Mapping[str, np.ndarray],
    images: Mapping[str, Images],
    confidence: float,
) -> tuple[dict[str, Any], Contrast, np.ndarray, pd.DataFrame]:
    """Return what is said of both lines of a series, the contrast of their heights, and the pairs with their rows."""
    architectures = [one.architecture for one in found]
    if len(set(architectures)) < 2:
        raise InputError(
            f"{path}: the series {name} has one architecture, so it has no pairs whose agreement could be measured; "
            "leave it out of the figure, or add architectures to runs.architectures"
        )
    pairs = pairs_of([(one.architecture, one.seed) for one in found])
    counted = [
        Answered.count(answers[role], images[role].test_set.truth, images[role].clusters, pairs) for role in ROLES
    ]
    compared = compare_lines(counted[0], counted[1], pairs, architectures)
    steeper, variance, freedom = (np.array([value]) for value in compared.steeper)
    low, high = Estimates(steeper, variance, freedom).interval(confidence)
    row = {
        **{"architectures": len(set(architectures)), "checkpoints": len(found), "pairs": len(pairs)},
        **dict(zip(("accuracy_slope", "accuracy_intercept"), compared.accuracy, strict=True)),
        **dict(zip(("agreement_slope", "agreement_intercept"), compared.agreement, strict=True)),
        **{"steeper": steeper[0], "steeper_low": low[0], "steeper_high": high[0]},
    }
    columns = [one.column() for one in found]
    table = {
        **{"first": [columns[one] for one in pairs[:, 0]], "second": [columns[one] for one in pairs[:, 1]]},
        **{role: one.agreement() for role, one in zip(ROLES, counted, strict=True)},
    }
    return row, compared.contrast, pairs, pd.DataFrame(table)


def _estimated(
    path: str | Path,
    found: list[Checkpoint],
    answers: Mapping[str, np.ndarray],
    images: Mapping[str, Images],
    estimates: Sequence[str],
    places: np.ndarray,
    pairs: pd.DataFrame,
) -> pd.DataFrame:
    """Return the checkpoints of a series with their accuracies and the estimates of that out of distribution."""
    correct = {role: answers[role] == images[role].test_set.truth for role in ROLES}
    accuracy = {role: one.mean(axis=1) for role, one in correct.items()}
    agreement = [pairs[role].to_numpy() for role in ROLES]
    table = pd.DataFrame([vars(one) for one in found]).assign(**accuracy)
    made = {
        "as_id": accuracy["id"],
        "aline_s": aline_s(accuracy["id"], agreement[0], agreement[1]),
        "aline_d": aline_d(accuracy["id"], agreement[0], agreement[1], places),
    }
    table = table.assign(**{name: made[name] for name in estimates if name in made})
    if "atc" in estimates:
        _, sure = read_answers(path, images, "confidence")
        each = range(len(found))
        table["atc"] = [thresholded_accuracy(correct["id"][k], sure["id"][k], sure["ood"][k]) for k in each]
        for role in ROLES:
            table[f"{role}_calibration_error"] = [calibration_error(correct[role][k], sure[role][k]) for k in each]
    return table
