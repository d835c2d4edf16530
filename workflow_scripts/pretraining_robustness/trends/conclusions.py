"""One sentence on what a comparison of series showed, and on what it could not show."""

import math
from collections.abc import Mapping
from typing import Any

from pretraining_robustness.trends.contrasts import POWER
from pretraining_robustness.trends.specification import TrendFigure


def conclusion(row: Mapping[str, Any], compared: str, spec: TrendFigure) -> str:
    """Return the sentence for a caption.

    Args:
        row: a comparison (comparisons.COMPARISON_COLUMNS, without `conclusion` and `note`; numbers may be missing).
        compared: "series", or the reference that is among the series.
        spec: the figure.
    """
    count = row["n_series"]
    if "permutation_p" not in row:
        return f"No comparison: {count} of the series {'has' if count == 1 else 'have'} a trend."
    who = _who(row["series"].split("; "), compared, spec)
    p, smallest, level = row["permutation_p"], row["permutation_smallest_p"], 1 - spec.confidence
    if math.isnan(p):
        return f"Whether {who} share one trend cannot be tested: no architecture has comparable runs of two of them."
    if smallest > level:
        runs = row["fewest_runs"]
        start = (
            f"Too few runs to tell whether {who} share one trend: with {runs} runs in a series no permutation test can "
            f"give a p value below {smallest:.3g}"
        )
        return f"{start}{_seen(row, spec)}."
    if p <= level:
        return f"That {who} share one trend is rejected (permutation p = {_p(p)}){_seen(row, spec)}."
    start = f"No difference between the trends of {who} was detected (permutation p = {_p(p)})"
    if row.get("largest_p_holm", 1.0) <= level:
        return f"{start}{_seen(row, spec)}."
    if "farthest_end" in row:
        start += (
            f"; at an ID {spec.metric.label} of {row['id_score']:.2f} no pairwise {spec.confidence * 100:g} % "
            f"interval reaches beyond {_points(row['farthest_end'])} of OOD {spec.metric.label}, and true "
            f"differences of {_points(row['detectable_difference'])} would be found with {POWER * 100:g} % "
            "power"
        )
    return f"{start}."


def _who(names: list[str], compared: str, spec: TrendFigure) -> str:
    """Return the series in words: all names where they are few."""
    if len(names) < 4:
        labels = [f"'{spec.label(name)}'" for name in names]
        return " and ".join([", ".join(labels[:-1]), labels[-1]])
    return (
        f"these {len(names)} series"
        if compared == "series"
        else f"'{spec.label(compared)}' and these {len(names) - 1} series"
    )


def _seen(row: Mapping[str, Any], spec: TrendFigure) -> str:
    """Return the largest difference and its interval, as the second half of a sentence."""
    if "largest_difference" not in row:
        return ""
    difference, low, high = (row[f"largest_{part}"] * 100 for part in ("difference", "low", "high"))
    first, second = (spec.label(row[f"largest_{part}"]) for part in ("first", "second"))
    return (
        f"; at an ID {spec.metric.label} of {row['id_score']:.2f} the largest difference is {difference:+.1f} "
        f"points of OOD {spec.metric.label} [{low:+.1f}, {high:+.1f}], '{first}' against '{second}' (p = "
        f"{_p(row['largest_p_holm'])} with Holm's correction)"
    )


def _points(score: float) -> str:
    return f"{score * 100:.1f} points"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else "below 0.001" if not math.isnan(value) else "not defined"
