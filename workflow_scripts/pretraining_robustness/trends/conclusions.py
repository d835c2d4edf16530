"""What a comparison of series showed, and what it could not show, in two or three sentences."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

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


def findings(comparisons: Sequence[pd.DataFrame]) -> str:
    """Return what comparisons found, as plain text in lines of at most 100 characters.

    Of each panel it tells what its series have among each other, and what they have against the figure's first
    reference. `comparisons` are tables of figures (comparisons.COMPARISON_COLUMNS).
    """
    paragraphs = []
    for table in comparisons:
        for panel, rows in table.groupby("panel", sort=False):
            text = " ".join(rows["conclusion"].iloc[:2])
            paragraphs.append(textwrap.fill(f"{rows['figure'].iloc[0]}, {panel}: {text}", 100, break_on_hyphens=False))
    return "\n\n".join(paragraphs)


def trend_over_sizes(row: Row, spec: TrendFigure) -> str:
    """Return the sentences on a trend of OOD scores over pre-training sets of growing size (comparisons._ordered)."""
    level, ood = 1 - spec.confidence, f"OOD {spec.metric.short}"
    if "page_p" not in row:
        return f"No trend over the number of pre-training images: {row['ordered'] or 'no series'} are too few to order."
    slope, low, high = (100 * row[f"per_tenfold{end}"] for end in ("", "_low", "_high"))
    interval = f"{spec.confidence * 100:g} % CI"
    test = f"Page's trend test over {row['ordered_blocks']} networks at each size, {p_in_words(row['page_p'])}"
    if row["page_p"] <= level:
        verb, low, high = ("rises", low, high) if slope > 0 else ("falls", -high, -low)
        first = (
            f"After the last epoch, {ood} {verb} with the number of pre-training images, by {abs(slope):.1f} points "
            f"for every tenfold increase ({interval} {low:.1f} to {high:.1f}; {test})"
        )
    else:
        first = (
            f"No trend of {ood} after the last epoch with the number of pre-training images was detected ({slope:+.1f} "
            f"points for every tenfold increase, {interval} {low:+.1f} to {high:+.1f}; {test})"
        )
    p = row["ordered_p_equal_id"]
    verb = "rises" if row["ordered_slope_equal_id"] > 0 else "falls"
    second = f"{ood} {verb} with that number" if p <= level else "no trend was detected"
    return f"{first}. At equal ID {spec.metric.short}, {second} (permutation test, {p_in_words(p)})."


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
