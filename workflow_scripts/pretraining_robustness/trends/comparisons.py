"""Does an intervention matter? Tests of the series of each panel of a figure, and contrasts of their trends.

arXiv 2307.12532 compares trends by eye; its review asks for tests. Here, for each panel: do its series share one trend
(permutation.py, ancova.py beside it), how far apart are they pairwise where all have checkpoints (contrasts.py, with
Holm's correction for the number of pairs), and which difference would have been found. The series are compared among
each other, without the figure's references, and then together with each reference.
"""

import itertools
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import read_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.seeds import named_generator
from pretraining_robustness.trends.ancova import ancova
from pretraining_robustness.trends.blocks import FEWEST_SERIES
from pretraining_robustness.trends.conclusions import conclusion, ranges_in_words, trend_over_sizes
from pretraining_robustness.trends.contrasts import (
    APART,
    DIFFERS,
    EQUIVALENT,
    UNDECIDED,
    FittedSeries,
    contrast,
    judged,
    shared_middle,
)
from pretraining_robustness.trends.ordered import equal_id_trend, last_epoch_trend
from pretraining_robustness.trends.permutation import exchange_of, permutation_test
from pretraining_robustness.trends.points import (
    axis_points,
    few_clusters,
    joined,
    shared_clusters,
    what_was_left_out,
    why_no_trend,
)
from pretraining_robustness.trends.published import read_all_scores
from pretraining_robustness.trends.specification import Panel, TrendFigure

logger = logging.getLogger(__name__)

Row = dict[str, Any]

SERIES = "series"
"""What `compared` says of a comparison of a panel's series among each other; else it names the reference."""

COMPARISON_COLUMNS = [
    *("figure", "panel", "compared", "metric", "scale", "series"),
    *("n_series", "n_runs", "fewest_runs", "n_checkpoints", "n_dropped"),
    *("permutation_p", "permutation_p_height", "permutation_smallest_p", "permutations", "untested"),
    *("ancova_p", "ancova_p_slope", "ancova_p_height", "mixed_p"),
    *("id_score", "largest_difference", "largest_low", "largest_high", "largest_p_holm"),
    *("largest_first", "largest_second", "farthest_end", "detectable_difference"),
    *("differ", "equivalent", "undecided", "cannot_be_compared", "margin"),
    *("ordered", "equal_id_per_tenfold", "equal_id_low", "equal_id_high", "equal_id_p", "equal_id_permutation_p"),
    *("raw_per_tenfold", "raw_low", "raw_high", "raw_page_p", "raw_blocks", "conclusion", "note"),
]
CONTRAST_COLUMNS = [
    *("figure", "panel", "compared", "first", "second", "metric", "scale", "id_score", "first_ood", "second_ood"),
    *("difference", "low", "high", "low_single", "high_single", "p", "p_holm", "p_equivalent", "margin"),
    *("smallest_margin", "verdict", "effect_size", "effect_low", "effect_high", "detectable_difference"),
    *("error", "freedom", "crossed", "clusters", "first_runs", "second_runs"),
    *("first_id_low", "first_id_high", "second_id_low", "second_id_high", "shared", "note"),
]


def compare_series(
    scores: str | Path | None,
    comparisons: str | Path,
    contrasts: str | Path,
    *,
    figure: Mapping[str, Any],
    permutations: int,
    seed: int,
    margin: float,
    published: list[str | Path] | None = None,
    studies: Mapping[str, str | Path] | None = None,
    left_out: str | Path | None = None,
) -> None:
    """Compare the series of every panel of a figure; write `comparisons` and `contrasts` as CSV.

    `comparisons` (`COMPARISON_COLUMNS`) has a row for each panel's series among each other (`compared` = "series") and
    one for each reference together with them. p values: permutation_p and ancova_p of one trend for all against one for
    each, ..._height of one trend against parallel ones, ..._slope of one slope, mixed_p as ancova_p by a mixed model;
    `untested` are series that no permutation covers.
    largest_... is the pair that differs most at `id_score`, `farthest_end` the end farthest from 0 of all pairs'
    intervals, detectable_difference the largest among the pairs; differ, equivalent, undecided and cannot_be_compared
    count the pairs by verdict. The first row of a panel with `ordered_by` has the trend over its series `ordered` by
    their number of images, in score units for ten times as many: equal_id_... at equal ID score, and raw_... of the
    scores after the last epoch, which rise with anything that improves a network (ordered.py).

    `contrasts` (`CONTRAST_COLUMNS`) has one row per pair; among the series all pairs, with a reference those with it;
    p_holm corrects for the pairs of one comparison (contrasts.judged). Differences are first - second in score units;
    error is their standard error in axis units, which covers test images where `crossed` is 1 and rests on so many
    `clusters` of networks. `shared` is the part of the pair's checkpoints whose ID score lies in the range that both
    cover. Where something cannot be computed the numbers are missing and `note` says why.

    Args:
        scores: a score table with the figure's checkpoints; None where all of them are from elsewhere.
        comparisons: written.
        contrasts: written.
        figure: the specification of a figure of trends as a dict (specification.TrendFigure), with its metric.
        permutations: of the permutation test.
        seed: of the permutations.
        margin: the difference in score units below which two series are equivalent.
        published: tables of published numbers (published.py).
        studies: score tables of other studies by the study's name.
        left_out: the scores without each cluster of the test images (left_out.py); without this table intervals are
            over networks alone.

    Raises:
        InputError: the specification or a table is not what it should be.
    """
    spec = TrendFigure.from_dict(figure)
    if scores is not None:
        _warn_of_small_margin(margin, scores, spec)
    table = read_all_scores(
        scores, spec.metric, spec.pairs, published=published or [], studies=studies, left_out=left_out
    )
    if table["task"].nunique() > 1:
        raise InputError(f"{scores}: holds several downstream tasks; compare series on one: give each task its figure")
    rows: list[Row] = []
    pairs: list[Row] = []
    for panel in spec.panels:
        for compared, names in _sets(panel, spec):
            key = {"figure": spec.name, "panel": panel.title, "compared": compared}
            key |= {"metric": spec.metric.name, "scale": spec.scale.name}
            generator = named_generator(seed, "/".join([panel.title, compared]))
            row, found = _compare(table, names, compared, spec, margin, permutations, generator)
            if panel.ordered_by and compared == _sets(panel, spec)[0][0]:
                row |= _ordered(table, panel, spec, permutations, generator)
                row["conclusion"] = f"{row['conclusion']} {trend_over_sizes(row, spec)}".strip()
            rows.append({**key, **row})
            pairs += [{**key, **pair} for pair in found]
            logger.info("%s, %s: %s", panel.title, compared, row["conclusion"])
    for path, columns, entries in ((comparisons, COMPARISON_COLUMNS, rows), (contrasts, CONTRAST_COLUMNS, pairs)):
        with atomic_path(path) as temporary:
            pd.DataFrame(entries, columns=columns).to_csv(temporary, index=False)


def read_comparisons(path: str | Path) -> pd.DataFrame:
    """Read a table of comparisons as `compare_series` wrote it."""
    return _read(path, COMPARISON_COLUMNS)


def read_contrasts(path: str | Path) -> pd.DataFrame:
    """Read a table of contrasts as `compare_series` wrote it."""
    return _read(path, CONTRAST_COLUMNS)


_TEXT = {
    *("figure", "panel", "compared", "metric", "scale", "series", "first", "second"),
    *("untested", "largest_first", "largest_second", "ordered", "verdict", "conclusion", "note"),
}


def _read(path: str | Path, columns: list[str]) -> pd.DataFrame:
    missing = {name: [""] for name in columns if name not in _TEXT}
    types = {name: str if name in _TEXT else "float64" for name in columns}
    table = pd.read_csv(path, keep_default_na=False, na_values=missing, dtype=types)
    if list(table.columns) != columns:
        raise InputError(f"{path}: columns are not those of this version of the workflow; remove it to compare again")
    return table


def _sets(panel: Panel, spec: TrendFigure) -> list[tuple[str, list[str]]]:
    """Return what is compared in a panel: its series, and each reference with them; never nothing.

    A panel of references alone compares these among each other, and one of a single other series only with them.
    """
    series = [name for name in panel.series if name not in spec.references]
    if not series:
        return [(SERIES, panel.series)]
    with_reference = [(reference, [reference, *series]) for reference in spec.references]
    return [(SERIES, series), *with_reference] if len(series) > 1 or not with_reference else with_reference


def _compare(
    table: pd.DataFrame,
    names: list[str],
    compared: str,
    spec: TrendFigure,
    margin: float,
    permutations: int,
    generator: np.random.Generator,
) -> tuple[Row, list[Row]]:
    placed = {name: axis_points(table[table["series"] == name], spec.scale, spec.metric) for name in names}
    reasons = {name: why_no_trend(points, spec.metric) for name, points in placed.items()}
    fitted = [FittedSeries.fit(name, points) for name, points in placed.items() if not reasons[name]]
    notes = [f"{name}: no trend: {reason}" for name, reason in reasons.items() if reason]
    notes += [f"{name}: {text}" for name, points in placed.items() for text in what_was_left_out(points, spec.metric)]
    row: Row = {
        "series": "; ".join(one.name for one in fitted),
        "n_series": len(fitted),
        "n_runs": sum(one.points.n_runs for one in fitted),
        "fewest_runs": min((one.points.n_runs for one in fitted), default=0),
        "n_checkpoints": sum(len(one.points.x) for one in fitted),
        "n_dropped": sum(points.out_of_place + points.missing for points in placed.values()),
    }
    architectures = {name for one in fitted for name in one.points.architectures}
    if len(architectures) == 1:
        notes.append(f"all runs are of one architecture, {architectures.pop()}: what is found holds for it alone")
    without_reference = compared != SERIES and compared not in [one.name for one in fitted]
    pairs: list[Row] = []
    if len(fitted) < 2 or without_reference:
        notes.append("no comparison: fewer than two series with a trend")
    else:
        row |= _tests(fitted, permutations, generator)
        if np.isnan(row["permutation_p"]):
            notes.append("no permutation test: no runs of two series can be exchanged, or nothing varies")
        pairs = _contrasts(fitted, compared, spec, margin, notes)
        row |= _summary(pairs, margin)
    row["conclusion"] = conclusion(row, pairs, compared, spec)
    return {**row, "note": "; ".join(dict.fromkeys(notes))}, pairs


def _tests(fitted: list[FittedSeries], permutations: int, generator: np.random.Generator) -> Row:
    x, y, series, runs, architectures = joined([one.points for one in fitted])
    exact = permutation_test(x, y, series, runs, architectures, permutations=permutations, generator=generator)
    one_intercept = not exchange_of(series, runs, architectures).by_architecture
    parametric = ancova(x, y, series, runs, np.zeros_like(architectures) if one_intercept else architectures)
    return {
        "permutation_p": exact.trend,
        "permutation_p_height": exact.height,
        "permutation_smallest_p": exact.smallest,
        "permutations": exact.permutations,
        "untested": "; ".join(fitted[number].name for number in exact.untested),
        "ancova_p": parametric.trend,
        "ancova_p_slope": parametric.slope,
        "ancova_p_height": parametric.height,
        "mixed_p": parametric.mixed,
    }


def _ordered(
    table: pd.DataFrame, panel: Panel, spec: TrendFigure, permutations: int, generator: np.random.Generator
) -> Row:
    """Return the columns of the trend over a panel's series by their number of images; nothing with too few series."""
    images = {name: spec.images[name] for name in panel.series if spec.images.get(name)}
    placed = {name: axis_points(table[table["series"] == name], spec.scale, spec.metric) for name in images}
    images = {name: count for name, count in images.items() if not why_no_trend(placed[name], spec.metric)}
    if len(images) < FEWEST_SERIES:
        return {"ordered": "; ".join(images)}
    order = sorted(images, key=images.__getitem__)
    last = last_epoch_trend(table, images, spec.metric, spec.confidence)
    given = [placed[name] for name in order], [images[name] for name in order]
    equal = equal_id_trend(*given, spec.scale, spec.confidence, permutations=permutations, generator=generator)
    return {
        "ordered": "; ".join(order),
        **{"equal_id_per_tenfold": equal.slope, "equal_id_low": equal.low, "equal_id_high": equal.high},
        **{"equal_id_p": equal.p, "equal_id_permutation_p": equal.permutation_p},
        **{"raw_per_tenfold": last.slope, "raw_low": last.low, "raw_high": last.high},
        **{"raw_page_p": last.p, "raw_blocks": last.blocks},
    }


def _contrasts(
    fitted: list[FittedSeries], compared: str, spec: TrendFigure, margin: float, notes: list[str]
) -> list[Row]:
    """Return the contrasts of all pairs, or of those with the reference, at one ID score if all share one."""
    pairs = list(itertools.combinations(fitted, 2))
    if compared != SERIES:
        pairs = [(second, first) for first, second in pairs if first.name == compared]
    together = shared_middle(fitted)
    if np.isnan(together):
        notes.append("the series share no ID score: each pair is compared in the middle of its own range")
    rows: list[Row] = []
    found = []
    for first, second in pairs:
        x = shared_middle([first, second]) if np.isnan(together) else together
        row: Row = {"first": first.name, "second": second.name, "margin": margin, **_ranges(first, second, spec)}
        row |= {"first_runs": first.points.n_runs, "second_runs": second.points.n_runs, "note": ""}
        rows.append(row)
        if np.isnan(x):
            row |= {"verdict": APART, "note": f"no ID score in common: {ranges_in_words(row)}"}
            continue
        row["id_score"] = float(spec.scale.inverse(np.array([x]))[0])
        row["crossed"] = int(first.points.moved is not None and second.points.moved is not None)
        row["clusters"] = len(np.unique(np.concatenate(shared_clusters(first.points, second.points))))
        row["note"] = "; ".join(few_clusters(row["clusters"], "clusters of networks"))
        found.append((row, contrast(first, second, x, spec.scale)))
    for (row, _), numbers in zip(found, judged([one for _, one in found], spec.confidence, margin), strict=True):
        row |= numbers
    return rows


def _ranges(first: FittedSeries, second: FittedSeries, spec: TrendFigure) -> Row:
    """Return the ranges of the ID scores of a pair, and the part of its checkpoints in the range that both cover."""
    ends = {place: (one.points.x.min(), one.points.x.max()) for place, one in (("first", first), ("second", second))}
    low, high = max(low for low, _ in ends.values()), min(high for _, high in ends.values())
    places = np.concatenate([first.points.x, second.points.x])
    scores = {place: spec.scale.inverse(np.array(pair)) for place, pair in ends.items()}
    row = {f"{place}_id_{end}": float(scores[place][at]) for place in scores for at, end in enumerate(("low", "high"))}
    return {**row, "shared": float(((low <= places) & (places <= high)).mean())}


def _warn_of_small_margin(margin: float, scores: str | Path, spec: TrendFigure) -> None:
    """Log that a margin is less than one test image, as it may be in a small study: nothing can be equivalent then."""
    table = read_scores(scores)
    tested = [pair["ood"] for pair in spec.pairs.values()]
    images = int(table.loc[table["test_set"].isin(tested), "images"].max())
    if margin < 1 / images:
        logger.warning(
            "comparisons.margin: %g is less than one of the %d images of %s: hardly any data could show that two "
            "series are as close; raise it, or test more images",
            *(margin, images, ", ".join(tested)),
        )


def _summary(pairs: list[Row], margin: float) -> Row:
    """Return the columns of a comparison that are read off its pairs."""
    table = pd.DataFrame(pairs, columns=CONTRAST_COLUMNS)
    counts = table["verdict"].value_counts()
    columns = {DIFFERS: "differ", EQUIVALENT: "equivalent", UNDECIDED: "undecided", APART: "cannot_be_compared"}
    row: Row = {"margin": margin, **{column: int(counts.get(verdict, 0)) for verdict, column in columns.items()}}
    table = table.dropna(subset=["difference"])
    if table.empty:
        return row
    numbers = table[["difference", "low", "high", "detectable_difference"]].to_numpy(dtype=np.float64)
    largest = table.iloc[int(np.abs(numbers[:, 0]).argmax())]
    return row | {
        "id_score": largest["id_score"],
        "largest_difference": largest["difference"],
        "largest_low": largest["low"],
        "largest_high": largest["high"],
        "largest_p_holm": largest["p_holm"],
        "largest_first": largest["first"],
        "largest_second": largest["second"],
        "farthest_end": float(np.abs(numbers[:, 1:3]).max()),
        "detectable_difference": float(numbers[:, 3].max()),
    }
