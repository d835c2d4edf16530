"""What a network was pre-trained on and the robustness that fine-tuning costs it: the crossing of two studies.

Ramanujan et al. (arXiv 2307.12532) change the quantity, the label granularity and the source of pre-training data; Hong
et al. (arXiv 2410.21582) compare mRI of published networks, which differ in more than their data. Here mRI is that of
networks which differ in their pre-training data alone. Neither paper made this comparison; its tests are ours, those of
the first study where mRI allows them. A block is an architecture with a seed, which every series has:

- Over growing numbers of images: Page's trend test, and the slope for ten times as many images (trends/ordered.py).
- The same beyond the accuracy before fine-tuning, for a network that is more accurate has more to lose: whether mRI
  follows the number of images more than a line in mean accuracy before predicts (trends/permutation.py).
- Of two series: the mean difference within blocks, averaged within and then over architectures (over seeds where there
  is one architecture), with its t interval, simultaneous over the pairs of a panel as Holm's p is.

All of it takes the test images as given.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.files import write_rows
from pretraining_robustness.imagenet_rib.comparison import ALL
from pretraining_robustness.imagenet_rib.indices import NETWORK
from pretraining_robustness.seeds import named_generator
from pretraining_robustness.trends.blocks import FEWEST_SERIES, mean_over_networks, paired_contrasts, trend_of_blocks
from pretraining_robustness.trends.conclusions import p_in_words
from pretraining_robustness.trends.permutation import permuted_p_values

BLOCK = ["architecture", "seed"]
COMPARISON = ["panel", "method", "counting"]
"""The columns that name one comparison: networks of the series of a panel, and which cells count (see `indices`)."""

MEAN_COLUMNS = [*COMPARISON, "series", "networks", "mri", "low", "high", "before", "after"]
TREND_COLUMNS = [
    *COMPARISON,
    *("ordered", "blocks", "page_p", "per_tenfold", "per_tenfold_low", "per_tenfold_high"),
    *("beyond_accuracy_p", "conclusion"),
]
CONTRAST_COLUMNS = [*COMPARISON, "first", "second", "blocks", "difference", "low", "high", "p", "p_holm"]


def last_epochs(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of each network (`NETWORK` but for the epoch) after its last epoch."""
    return rows[rows["epoch"] == rows.groupby(NETWORK[:-1])["epoch"].transform("max")]


def beyond_accuracy(
    values: pd.DataFrame, before: pd.DataFrame, images: Mapping[str, int], permutations: int, seed: int
) -> float:
    """Return the p value that mRI does not follow the number of images beyond what accuracy before predicts.

    Args:
        values: mRI, one row per block and one column per series.
        before: mean accuracy before fine-tuning, of the same shape.
        images: the number of images (> 0) of each series.
        permutations: at most so many exchanges of residuals between the series of an architecture.
        seed: of the permutations.
    """
    order = [name for name in values.columns if name in images]
    y = values[order].stack()
    x = before[order].stack().reindex(y.index)
    names = y.index.get_level_values(2)
    series, architectures = (
        np.unique(one, return_inverse=True)[1] for one in (names, y.index.get_level_values("architecture"))
    )
    found, _ = permuted_p_values(
        x.to_numpy(dtype=np.float64),
        y.to_numpy(dtype=np.float64),
        series,
        np.arange(len(y)),
        architectures,
        {"size": np.log10([images[name] for name in names])[:, None]},
        permutations=permutations,
        generator=named_generator(seed, "/".join(order)),
    )
    return found["size"]


def cross_with_pretraining(
    *,
    indices: str | Path,
    figure: Mapping[str, Any],
    means: str | Path,
    trends: str | Path,
    contrasts: str | Path,
) -> None:
    """Compare mRI after the last epoch between the series of each panel.

    Args:
        indices: the table of `results.compute_indices`.
        figure: panels ({title, series, ordered_by?}), methods and networks (readable names), images (numbers of
            pre-training images by series), confidence, permutations, seed.
        means: CSV to write (`MEAN_COLUMNS`), one row per series and comparison: mRI (percentage points), mean
            accuracies before and after (percent), over networks.
        trends: CSV to write (`TREND_COLUMNS`), one row per comparison: the tests over numbers of images, where the
            panel orders its series, and what was found in sentences.
        contrasts: CSV to write (`CONTRAST_COLUMNS`), one row per pair of series.
    """
    table = last_epochs(pd.read_csv(indices))
    table = table[table["fine_tuned_on"] == ALL]
    confidence = figure["confidence"]
    rows: dict[str, list[dict[str, Any]]] = {"means": [], "trends": [], "contrasts": []}
    for panel in figure["panels"]:
        for (method, counting), some in table.groupby(["method", "counting"], sort=False):
            if method not in figure["methods"]:
                continue
            key = {"panel": panel["title"], "method": method, "counting": counting}
            wide = {
                column: some.pivot(index=BLOCK, columns="distribution", values=column)
                for column in ("index", "before", "after")
            }
            present = [name for name in panel["series"] if name in wide["index"].columns]
            for name in present:
                mean = mean_over_networks(wide["index"][name], confidence)
                found = {"networks": mean.networks, "mri": mean.value, "low": mean.low, "high": mean.high}
                others = {one: mean_over_networks(wide[one][name], confidence).value for one in ("before", "after")}
                rows["means"].append({**key, "series": name, **found, **others})
            pairs = paired_contrasts(wide["index"][present], confidence)
            rows["contrasts"] += [{**key, **pair} for pair in pairs]
            row: dict[str, Any] = {}
            if "ordered_by" in panel:
                images = {name: figure["images"][name] for name in present if figure["images"].get(name)}
                row = _ordered(wide, images, figure)
            said = conclusion(row, pairs, figure)
            rows["trends"].append({**key, **row, "conclusion": said})
    write_rows(means, rows["means"], MEAN_COLUMNS)
    write_rows(trends, rows["trends"], TREND_COLUMNS)
    write_rows(contrasts, rows["contrasts"], CONTRAST_COLUMNS)


def _ordered(wide: Mapping[str, pd.DataFrame], images: dict[str, int], figure: Mapping[str, Any]) -> dict[str, Any]:
    order = sorted(images, key=images.__getitem__)
    if len(order) < FEWEST_SERIES:
        return {"ordered": "; ".join(order)}
    values = wide["index"][order].dropna()
    trend = trend_of_blocks(values, images, figure["confidence"])
    beyond = math.nan
    if len(values):
        before = wide["before"].loc[values.index, order]
        beyond = beyond_accuracy(values, before, images, figure["permutations"], figure["seed"])
    ends = {"per_tenfold": trend.slope, "per_tenfold_low": trend.low, "per_tenfold_high": trend.high}
    return {
        "ordered": "; ".join(order),
        **{"blocks": trend.blocks, "page_p": trend.p, **ends, "beyond_accuracy_p": beyond},
    }


def conclusion(row: Mapping[str, Any], pairs: Sequence[Mapping[str, Any]], figure: Mapping[str, Any]) -> str:
    """Return what a comparison found in sentences: the trend over numbers of images, then the pairs of series.

    Args:
        row: the tests over numbers of images (`TREND_COLUMNS`); empty where the panel orders nothing.
        pairs: its contrasts (`paired_contrasts`).
        figure: networks (readable names), confidence.
    """
    sentences = _of_trend(row, figure) if row else []
    return " ".join([*sentences, _of_pairs(pairs, figure)])


def _of_trend(row: Mapping[str, Any], figure: Mapping[str, Any]) -> list[str]:
    if "page_p" not in row:
        return ["No trend over the number of pre-training images: too few series to order."]
    if math.isnan(row["page_p"]):
        return [f"No trend over the number of pre-training images can be tested with {row['blocks']} network a size."]
    level, slope = 1 - figure["confidence"], row["per_tenfold"]
    interval = f"{100 * figure['confidence']:g} % CI {row['per_tenfold_low']:+.1f} to {row['per_tenfold_high']:+.1f}"
    test = f"Page's trend test over {row['blocks']} networks at each size, {p_in_words(row['page_p'])}"
    if row["page_p"] <= level:
        verb, meaning = ("rises", "less") if slope > 0 else ("falls", "more")
        first = (
            f"mRI {verb} with the number of pre-training images, by {abs(slope):.1f} points for every tenfold increase "
            f"({interval}; {test}): more pre-training data costs {meaning} robustness in fine-tuning."
        )
    else:
        first = (
            "Whether mRI follows the number of pre-training images is undecided "
            f"({slope:+.1f} points for every tenfold increase, {interval}; {test})."
        )
    p = row["beyond_accuracy_p"]
    if math.isnan(p):
        return [first]
    second = "mRI follows that number" if p <= level else "whether mRI follows that number is undecided"
    return [
        first,
        f"Beyond what mean accuracy before fine-tuning predicts, {second} (permutation test, {p_in_words(p)}).",
        "These intervals and tests are over networks; the test images are taken as given.",
    ]


def _of_pairs(pairs: Sequence[Mapping[str, Any]], figure: Mapping[str, Any]) -> str:
    shown = [pair for pair in pairs if math.isfinite(pair.get("p_holm", math.nan))]
    if not shown:
        return "No two series can be compared: a difference needs two or more architectures or seeds that both have."
    level, confidence = 1 - figure["confidence"], f"{100 * figure['confidence']:g} %"
    pairs_in_words = f"{len(shown)} pair{'s' if len(shown) > 1 else ''} of series"
    found = [pair for pair in shown if pair["p_holm"] <= level]
    if not found:
        farthest = max(abs(pair[end]) for pair in shown for end in ("low", "high"))
        return (
            f"Whether mRI differs is undecided for all of {pairs_in_words}; no simultaneous {confidence} confidence "
            f"interval extends beyond {farthest:.1f} points."
        )
    largest = max(found, key=lambda pair: abs(pair["difference"]))
    first, second, sign = largest["first"], largest["second"], 1
    if largest["difference"] < 0:
        first, second, sign = second, first, -1
    low, high = sorted(sign * largest[end] for end in ("low", "high"))
    names = figure["networks"]
    return (
        f"{len(found)} of {pairs_in_words} differ{'s' if len(found) == 1 else ''} in mRI; most, by "
        f"{abs(largest['difference']):.1f} points, '{names[first]}' above '{names[second]}' "
        f"(simultaneous {confidence} CI {low:.1f} to {high:.1f}, Holm-corrected {p_in_words(largest['p_holm'])})."
    )
