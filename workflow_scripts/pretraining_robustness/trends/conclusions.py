"""What a comparison of series showed, and what it could not show, in two or three sentences."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pretraining_robustness.trends.contrasts import POWER
from pretraining_robustness.trends.specification import TrendFigure

Row = Mapping[str, Any]


def conclusion(row: Row, pairs: Sequence[Row], compared: str, spec: TrendFigure) -> str:
    """Return the sentences for a caption: the test of one trend, then the contrast that says most.

    That contrast is training from scratch against the largest pre-training set where the comparison has both, else the
    pair that differs most; where nothing was detected it is what the intervals exclude.

    Args:
        row: a comparison (comparisons.COMPARISON_COLUMNS, without `conclusion` and `note`; numbers may be missing).
        pairs: its contrasts (comparisons.CONTRAST_COLUMNS; numbers may be missing).
        compared: "series", or the reference that is among the series.
        spec: the figure.
    """
    count = row["n_series"]
    if "permutation_p" not in row:
        return f"No comparison: {count} of the series {'has' if count == 1 else 'have'} a trend."
    level = 1 - spec.confidence
    p, smallest = row["permutation_p"], row["permutation_smallest_p"]
    shown = [pair for pair in pairs if not math.isnan(pair.get("difference", math.nan))]
    of_scratch = [pair for pair in shown if spec.images.get(pair["first"]) == 0 or spec.images.get(pair["second"]) == 0]
    sentences = [_tested(row, _who(row["series"].split("; "), compared, spec), level)]
    if row["untested"] and not math.isnan(p):
        names = _quoted(row["untested"].split("; "), spec)
        sentences.append(f"The permutation test does not cover {names}: no other series has runs to exchange with.")
    if of_scratch:
        sentences.append(_of_pre_training(max(of_scratch, key=lambda pair: _set_size(pair, spec)), len(pairs), spec))
    elif shown and (math.isnan(p) or smallest > level or p <= level or row.get("largest_p_holm", 1.0) <= level):
        sentences.append(_largest(max(shown, key=lambda pair: abs(pair["difference"])), len(pairs), spec))
    if shown and smallest <= level < p and row.get("largest_p_holm", 1.0) > level:
        sentences.append(_excluded(row, spec))
    return " ".join(sentences)


def _tested(row: Row, who: str, level: float) -> str:
    p, smallest = row["permutation_p"], row["permutation_smallest_p"]
    if math.isnan(p):
        return (
            f"Whether {who} share one trend cannot be tested by permutation: they have no runs that could be "
            "exchanged, or nothing varies."
        )
    if smallest > level:
        return (
            f"There are too few runs to tell whether {who} share one trend: with {row['fewest_runs']} runs in a series "
            f"no permutation test can give a p value below {smallest:.3g}."
        )
    test = f"(permutation test, {p_in_words(p)})."
    if p <= level:
        return f"The hypothesis that {who} share one trend is rejected {test}"
    return f"No difference between the trends of {who} was detected {test}"


def _of_pre_training(pair: Row, pairs: int, spec: TrendFigure) -> str:
    """Return what pre-training does, by a pair of which one series is trained from scratch."""
    from_scratch_first = spec.images.get(pair["first"]) == 0
    name, sign = (pair["second"], -1) if from_scratch_first else (pair["first"], 1)
    difference, low, high = _points(pair, sign)
    ood = f"OOD {spec.metric.short}"
    where = f"at the same ID {spec.metric.short} of {pair['id_score']:.2f}"
    if _p_of(pair) <= 1 - spec.confidence:
        verb = "raises" if difference > 0 else "lowers"
        low, high = (low, high) if difference > 0 else (-high, -low)
        numbers = _in_brackets(low, high, pair, pairs, spec)
        return (
            f"Pre-training on '{spec.label(name)}' {verb} {ood} by {abs(difference):.1f} points over training from "
            f"scratch {where} {numbers}."
        )
    numbers = _in_brackets(low, high, pair, pairs, spec, f"{difference:+.1f} points, ")
    return (
        f"An effect of pre-training on '{spec.label(name)}' on {ood}, against training from scratch {where}, was not "
        f"detected {numbers}."
    )


def _largest(pair: Row, pairs: int, spec: TrendFigure) -> str:
    higher, lower, sign = (
        (pair["first"], pair["second"], 1) if pair["difference"] >= 0 else (pair["second"], pair["first"], -1)
    )
    difference, low, high = _points(pair, sign)
    who = f"OOD {spec.metric.short} is {difference:.1f} points higher for '{spec.label(higher)}' than for"
    where = f"at an ID {spec.metric.short} of {pair['id_score']:.2f}"
    start = f"The largest difference is found {where}, where {who}" if pairs > 1 else f"A{where[1:]}, {who}"
    return f"{start} '{spec.label(lower)}' {_in_brackets(low, high, pair, pairs, spec)}."


def _excluded(row: Row, spec: TrendFigure) -> str:
    return (
        f"At an ID {spec.metric.short} of {row['id_score']:.2f}, no pairwise {spec.confidence * 100:g} % confidence "
        f"interval extends beyond {row['farthest_end'] * 100:.1f} points of OOD {spec.metric.short}; a true difference "
        f"of {row['detectable_difference'] * 100:.1f} points would have been detected with {POWER * 100:g} % power."
    )


def _who(names: list[str], compared: str, spec: TrendFigure) -> str:
    """Return the series in words: all names where they are few."""
    if len(names) < 4:
        return _quoted(names, spec)
    return (
        f"these {len(names)} series"
        if compared == "series"
        else f"'{spec.label(compared)}' and these {len(names) - 1} series"
    )


def _quoted(names: list[str], spec: TrendFigure) -> str:
    labels = [f"'{spec.label(name)}'" for name in names]
    return " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))


def _set_size(pair: Row, spec: TrendFigure) -> tuple[int, float]:
    """Return how many images the larger pre-training set of a pair has; among unknown ones the farther pair is more."""
    return max(spec.images.get(pair[side], 0) for side in ("first", "second")), abs(pair["difference"])


def _points(pair: Row, sign: int) -> tuple[float, float, float]:
    """Return difference, low and high in points, as the sign says: first - second (1) or second - first (-1)."""
    difference, *ends = (100 * sign * pair[name] for name in ("difference", "low", "high"))
    return difference, min(ends), max(ends)


def _p_of(pair: Row) -> float:
    return float(pair.get("p_holm", math.nan))


def _in_brackets(low: float, high: float, pair: Row, pairs: int, spec: TrendFigure, before: str = "") -> str:
    holm = "Holm-corrected " if pairs > 1 else ""
    interval = f"{spec.confidence * 100:g} % CI {low:.1f} to {high:.1f}"
    return f"({before}{interval}, {holm}{p_in_words(_p_of(pair))})"


def p_in_words(value: float) -> str:
    """Return "p = 0.012", "p < 0.001", or "p not defined"."""
    return "p not defined" if math.isnan(value) else f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"
