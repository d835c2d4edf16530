"""What a comparison of series showed, and what it could not show, in a few sentences (docs/statistics.md)."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pretraining_robustness.trends.contrasts import APART, DIFFERS, EQUIVALENT, POWER
from pretraining_robustness.trends.points import FEW_CLUSTERS
from pretraining_robustness.trends.specification import TrendFigure

Row = Mapping[str, Any]


def conclusion(row: Row, pairs: Sequence[Row], compared: str, spec: TrendFigure) -> str:
    """Return the sentences for a caption: the test of one trend, the contrast that says most, and all verdicts.

    That contrast is training from scratch against the largest pre-training set where the comparison has both, else the
    pair that differs most.

    Args:
        row: a comparison (comparisons.COMPARISON_COLUMNS, without `conclusion` and `note`; numbers may be missing).
        pairs: its contrasts (comparisons.CONTRAST_COLUMNS; numbers may be missing).
        compared: "series", or the reference that is among the series.
        spec: the figure.
    """
    count = row["n_series"]
    if "permutation_p" not in row:
        return f"No comparison: {count} of the series {'has' if count == 1 else 'have'} a trend."
    shown = [pair for pair in pairs if pair["verdict"] != APART]
    names = row["series"].split("; ")
    sentences = []
    if shown:
        sentences.append(_tested(row, _who(names, compared, spec), 1 - spec.confidence))
        if row["untested"] and not math.isnan(row["permutation_p"]):
            untested = _quoted(row["untested"].split("; "), spec)
            sentences.append(
                f"The permutation test does not cover {untested}: no other series has runs to exchange with."
            )
        of_scratch = [pair for pair in shown if _from_scratch(pair, spec)]
        chosen = max(of_scratch or shown, key=lambda pair: _importance(pair, spec))
        sentences.append(_of_pair(chosen, len(shown), bool(of_scratch), spec))
        if len(shown) > 1:
            sentences.append(_verdicts(row, len(shown), spec))
    sentences += [_apart(pair, spec) for pair in pairs if pair["verdict"] == APART]
    fewest = min((pair["clusters"] for pair in shown), default=FEW_CLUSTERS)
    if fewest < FEW_CLUSTERS:
        sentences.append(f"The intervals rest on only {fewest} clusters of networks.")
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
    """Return the sentences on a trend over pre-training sets of growing size (comparisons._ordered).

    The first is on robustness, at equal ID score, the second on raw scores.
    """
    level, ood = 1 - spec.confidence, f"OOD {spec.metric.short}"
    if "equal_id_p" not in row:
        return f"No trend over the number of pre-training images: {row['ordered'] or 'no series'} are too few to order."
    tenfold = "points for every tenfold increase"
    slope, low, high = (100 * row[f"equal_id_{end}"] for end in ("per_tenfold", "low", "high"))
    numbers = f"({spec.confidence * 100:g} % CI {low:+.1f} to {high:+.1f}, {p_in_words(row['equal_id_p'])})"
    where = f"At equal ID {spec.metric.short}"
    if row["equal_id_p"] <= level:
        verb = "more" if slope > 0 else "less"
        first = f"{where}, {ood} changes by {slope:+.1f} {tenfold} of the pre-training images {numbers}: {verb} robust."
    else:
        first = (
            f"{where}, whether {ood} changes with the number of pre-training images is undecided: {slope:+.1f} "
            f"{tenfold} {numbers}."
        )
    slope, low, high = (100 * row[f"raw_{end}"] for end in ("per_tenfold", "low", "high"))
    second = (
        f"Raw {ood} after the last epoch changes by {slope:+.1f} {tenfold} ({spec.confidence * 100:g} % CI {low:+.1f} "
        f"to {high:+.1f}; Page's trend test over {row['raw_blocks']} networks at each size, "
        f"{p_in_words(row['raw_page_p'])}), which is no measure of robustness."
    )
    return f"{first} {second}"


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
    return f"Whether {who} share one trend is undecided {test}"


def _of_pair(pair: Row, pairs: int, of_scratch: bool, spec: TrendFigure) -> str:
    """Return the difference of a pair, its interval, and what it shows."""
    first, second, sign = pair["first"], pair["second"], 1
    if spec.images.get(first) == 0 if of_scratch else pair["difference"] < 0:
        first, second, sign = second, first, -1
    level, points = 1 - spec.confidence, 100 * sign * pair["difference"]
    low, high = sorted(100 * sign * pair[end] for end in ("low", "high"))
    interval = (
        f"{'simultaneous ' if pairs > 1 else ''}{spec.confidence * 100:g} % CI {low:+.1f} to {high:+.1f}, "
        f"{'Holm-corrected ' if pairs > 1 else ''}{p_in_words(float(pair['p_holm']))}"
        if math.isfinite(low)
        else "no interval: nothing is left to estimate an error from"
    )
    ood, where = f"OOD {spec.metric.short}", f"at the same ID {spec.metric.short} of {pair['id_score']:.2f}"
    one, other = f"'{spec.label(first)}'", f"'{spec.label(second)}'"
    margin, p_equivalent = f"{100 * pair['margin']:g} points", float(pair["p_equivalent"])
    if of_scratch:
        one, other = f"pre-training on {one}", "training from scratch"
    if pair["verdict"] == DIFFERS:
        text = f"{ood} is {abs(points):.1f} points higher for {one} than for {other} {where} ({interval})"
        if of_scratch:
            verb = "raises" if points > 0 else "lowers"
            text = f"{one} {verb} {ood} by {abs(points):.1f} points over {other} {where} ({interval})"
        text += f", less than the margin of {margin}" if p_equivalent <= level else ""
    elif pair["verdict"] == EQUIVALENT:
        text = (
            f"{one} and {other} are equivalent within {margin} of {ood} {where} ({points:+.1f} points, {interval}; two "
            f"one-sided tests, {p_in_words(p_equivalent)})"
        )
    else:
        needed = math.ceil(1000 * pair["smallest_margin"]) / 10 if math.isfinite(low) else math.nan
        more = "" if math.isnan(needed) else f"; equivalence would need a margin of {needed:.1f} points"
        text = (
            f"whether {one} and {other} differ in {ood} {where} is undecided ({points:+.1f} points, {interval}{more})"
        )
    if pairs > 1 and not of_scratch:
        text = f"the pair farthest apart: {text}"
    return f"{text[0].upper()}{text[1:]}."


def _verdicts(row: Row, pairs: int, spec: TrendFigure) -> str:
    """Return how many pairs differ, are equivalent, and are undecided."""
    return (
        f"Of {pairs} pairs {row['differ']} {'differs' if row['differ'] == 1 else 'differ'}, {row['equivalent']} "
        f"{'is' if row['equivalent'] == 1 else 'are'} equivalent within {100 * row['margin']:g} points and "
        f"{row['undecided']} {'is' if row['undecided'] == 1 else 'are'} undecided; no interval extends beyond "
        f"{row['farthest_end'] * 100:.1f} points, and a true difference of {row['detectable_difference'] * 100:.1f} "
        f"points would have been found with {POWER * 100:g} % power by a test of one pair."
    )


def _apart(pair: Row, spec: TrendFigure) -> str:
    names = _quoted([pair["first"], pair["second"]], spec)
    return f"{names} cannot be compared: no ID {spec.metric.short} in common ({ranges_in_words(pair)})."


def ranges_in_words(pair: Row) -> str:
    """Return the ranges of the ID scores of a pair."""
    return " against ".join(
        f"{pair[f'{one}_id_low']:.2f} to {pair[f'{one}_id_high']:.2f}" for one in ("first", "second")
    )


def _from_scratch(pair: Row, spec: TrendFigure) -> bool:
    return spec.images.get(pair["first"]) == 0 or spec.images.get(pair["second"]) == 0


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


def _importance(pair: Row, spec: TrendFigure) -> tuple[int, float]:
    """Return how many images the larger pre-training set of a pair with scratch has, then how far apart the pair is."""
    images = max(spec.images.get(pair[side], 0) for side in ("first", "second")) if _from_scratch(pair, spec) else 0
    return images, abs(pair["difference"])


def p_in_words(value: float) -> str:
    """Return "p = 0.012", "p < 0.001", or "p not defined"."""
    return "p not defined" if math.isnan(value) else f"p = {value:.3f}" if value >= 0.001 else "p < 0.001"
