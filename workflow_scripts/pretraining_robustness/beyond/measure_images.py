"""From predictions to tables of gains and losses by image and class, and of images on which the line turns over."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.beyond.answers import read_answers, read_images
from pretraining_robustness.beyond.turned import FARTHEST, Mean, crossed_mean, gains, matched, turn_over
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import named_generator
from pretraining_robustness.trends.multiplicity import holm

DRAWS = 500
FEWEST_ARCHITECTURES = 4
"""Two choose the images on which the line turns over, two judge."""


def measure_images(
    *,
    predictions: Sequence[str | Path],
    tables: Mapping[str, str | Path],
    task: str,
    series: Sequence[str],
    test_sets: Sequence[Mapping[str, Any]],
    pair: Mapping[str, str],
    size: int,
    confidence: float,
    margin: float,
    images: str | Path,
    classes: str | Path,
    summary: str | Path,
    checkpoints: str | Path,
) -> None:
    """Compare two series image by image out of distribution, at equal ID accuracy (`turned.matched`).

    Args:
        predictions: Parquet of `predict`, of both series.
        tables, test_sets, pair: see `answers.read_images`.
        task, series: names; the first series minus the second is shown.
        size: how many images to choose (`turned.turn_over`), of checkpoints of both series.
        confidence, margin: of intervals and equivalence.
        images: CSV, one row per OOD image: row, class, cluster, gain (-1..1), chosen.
        classes: CSV, one row per class: its training images, OOD images, gain with interval, Holm's p.
        summary: CSV of one row: mean gain with verdict, its change for ten times as many training images of a class,
            and what `turned.Turned` says.
        checkpoints: CSV: series, architecture, id, ood, on the chosen images, whether it judges.

    Raises:
        InputError: no two checkpoints of one architecture have nearly equal ID accuracy; too few architectures.
    """
    found = read_images(tables, test_sets, pair)
    each = [read_answers(path, found) for path in predictions]
    whose = [[one.architecture for one in named] for named, _ in each]
    inside, outside = ([answers[role] == found[role].test_set.truth for _, answers in each] for role in ("id", "ood"))
    accuracy = [one.mean(axis=1) for one in inside]
    pairs = matched(accuracy[0], accuracy[1], whose[0], whose[1])
    if not pairs:
        ranges = " and ".join(f"{one.min():.3f} to {one.max():.3f}" for one in accuracy)
        raise InputError(
            f"{predictions[0]}: {series[0]} and {series[1]} have no ID accuracy in common ({ranges}; at most "
            f"{FARTHEST} apart within an architecture); compare other series"
        )
    every = [*whose[0], *whose[1]]
    if len(set(every)) < FEWEST_ARCHITECTURES:
        raise InputError(
            f"{predictions[0]}: {len(set(every))} architectures; {FEWEST_ARCHITECTURES} are needed, half of which "
            "choose images and half judge; add some to runs.architectures"
        )
    names, won = gains(outside[0], outside[1], pairs, whose[0])
    ood = found["ood"]
    truth, count = ood.test_set.truth, len(ood.test_set.truth)
    mean = crossed_mean(won, np.full(count, 1 / count), ood.clusters)
    by_class = _by_class(won, truth, ood.clusters, next(iter(tables.values())), confidence)
    slope = _slope(won, truth, by_class, ood.clusters)
    turned = turn_over(
        np.concatenate(accuracy),
        np.concatenate(outside),
        every,
        min(size, count),
        draws=DRAWS,
        confidence=confidence,
        generator=named_generator(0, f"images/{task}/{series[0]}/{series[1]}"),
    )
    chosen = np.isin(np.arange(count), turned.chosen)
    row = {
        **{"first": series[0], "second": series[1], "architectures": len(names), "pairs": len(pairs), "images": count},
        **_told("gain", mean, confidence),
        "verdict": _verdict(mean, confidence, margin),
        **_told("per_tenfold", slope, confidence),
        **{"chosen": len(turned.chosen), "found_r": turned.found, "judged_r": turned.judged, "judged_low": turned.low},
        **{"judged_high": turned.high, "everywhere_r": turned.everywhere, "chance_r": float(turned.by_chance.mean())},
        **{"p_search": turned.p, "turns_over": turned.high < 0},
    }
    judges = sorted(set(every))[1::2]
    of_checkpoints = pd.DataFrame(
        {
            **{"series": [name for name, one in zip(series, whose, strict=True) for _ in one], "architecture": every},
            **{"id": np.concatenate(accuracy), "ood": np.concatenate([one.mean(axis=1) for one in outside])},
            "on_chosen": np.concatenate([one[:, chosen].mean(axis=1) for one in outside]),
            "judges": [name in judges for name in every],
        }
    )
    of_images = {"row": ood.test_set.rows, "class": truth, "cluster": ood.clusters, "gain": won.mean(axis=0)}
    for path, frame in (
        (images, pd.DataFrame({**of_images, "chosen": chosen})),
        (classes, by_class),
        (summary, pd.DataFrame([row])),
        (checkpoints, of_checkpoints),
    ):
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False)


def _told(name: str, mean: Mean, confidence: float) -> dict[str, float]:
    low, high = mean.interval(confidence)
    return {name: mean.value, f"{name}_low": low, f"{name}_high": high, f"{name}_p": mean.p}


def _verdict(mean: Mean, confidence: float, margin: float) -> str:
    """Return the verdict of a single comparison, in the words of `trends.contrasts`."""
    low, high = mean.interval(2 * confidence - 1)
    if mean.p <= 1 - confidence:
        return "differs"
    return "equivalent" if -margin < low and high < margin else "undecided"


def _by_class(
    won: np.ndarray, truth: np.ndarray, clusters: np.ndarray, table: str | Path, confidence: float
) -> pd.DataFrame:
    """Return the gain of each class of the OOD images, with the number of its training images."""
    stored = pd.read_parquet(table, columns=["class_id", "y", "split"])
    trained = stored[stored["split"] == "train"]["y"].value_counts()
    named = stored.drop_duplicates("y").set_index("y")["class_id"]
    rows = []
    for one in np.unique(truth):
        mine = truth == one
        mean = crossed_mean(won, mine / mine.sum(), clusters)
        number = {"class": int(one), "class_id": named[one], "train_images": int(trained.get(one, 0))}
        rows.append({**number, "images": int(mine.sum()), **_told("gain", mean, confidence)})
    table_of = pd.DataFrame(rows)
    return table_of.assign(gain_p_holm=holm(table_of["gain_p"].tolist()))


def _slope(won: np.ndarray, truth: np.ndarray, classes: pd.DataFrame, clusters: np.ndarray) -> Mean:
    """Return how the gain of a class changes for ten times as many training images, each class counted once."""
    shown = classes[classes["train_images"] > 0]
    x = np.log10(shown["train_images"].to_numpy())
    apart = x - x.mean()
    weights = np.zeros(len(truth))
    for one, weight, images in zip(shown["class"], apart / max(apart @ apart, 1e-12), shown["images"], strict=True):
        weights[truth == one] = weight / images
    return crossed_mean(won, weights, clusters)
