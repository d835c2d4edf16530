"""mRI of networks that differ only in their pre-training data, with contrasts: both studies combined."""

from collections.abc import Mapping
from typing import Any

from pretraining_robustness.tables.reading import Files, read_frames
from pretraining_robustness.tables.typeset import Column, Made, typeset
from pretraining_robustness.tables.words import (
    count,
    estimate,
    interval_in_words,
    nothing,
    number,
    p_value,
    records,
)

READS = {
    "means": "imagenet_rib/crossing/{figure}/means.csv",
    "trends": "imagenet_rib/crossing/{figure}/trends.csv",
    "contrasts": "imagenet_rib/crossing/{figure}/contrasts.csv",
}

_COLUMNS = [
    Column("series", "Pre-trained on", 2.2),
    Column("networks", "Networks", 0.7, numeric=True),
    Column("mri", "mRI [interval]", 1.3, "Percentage points", numeric=True),
    Column("contrast", "Minus the first [interval]", 1.4, "Percentage points", numeric=True),
    Column("p", "p (Holm)", 0.7, numeric=True),
    Column("before", "Before", 0.7, "Mean accuracy (%)", numeric=True),
    Column("after", "After", 0.7, "Mean accuracy (%)", numeric=True),
    Column("note", "Result", 3.0),
]
_COUNTINGS = {"all": "", "without_shared_images": ", without shared images"}


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return a group per comparison of `imagenet_rib.crossing`, a row per series.

    It is made from its `means`, `trends` and `contrasts`.

    The others of a panel are compared with its first series, whose row says what was found.
    """
    frames = read_frames(files)
    means, contrasts = frames["means"], frames["contrasts"]
    lines = []
    for comparison in records(frames["trends"]):
        names = {name: comparison[name] for name in ("panel", "method", "counting")}
        group = f"{names['panel']}, {table['methods'][names['method']]}{_COUNTINGS[names['counting']]}"
        own = [row for row in records(means) if all(row[name] == value for name, value in names.items())]
        pairs = {
            row["second"]: row
            for row in records(contrasts)
            if own and row["first"] == own[0]["series"] and all(row[name] == value for name, value in names.items())
        }
        for row in own:
            pair = pairs.get(row["series"])
            against = ""
            if pair:
                value, low, high = (-pair[end] for end in ("difference", "high", "low"))
                against = estimate(value, low, high, sign=True)
            lines.append(
                {
                    **nothing(_COLUMNS, group=group),
                    "series": table["networks"][row["series"]],
                    "networks": count(row["networks"]),
                    "mri": estimate(row["mri"], row["low"], row["high"], sign=True),
                    **({"contrast": against, "p": p_value(pair["p_holm"])} if pair else {}),
                    **{when: number(row[when], 2) for when in ("before", "after")},
                    "note": comparison["conclusion"] if row is own[0] else "",
                }
            )
    notes = [
        f"In brackets: {interval_in_words(table)} over networks, which differ in architecture or seed (Student's t). "
        "p: probability of a difference from the first series of the group at least as large if there were none, "
        "within architectures and seeds, with Holm's correction for all pairs of the group.",
        "mRI: mean change of accuracy on the variants of ImageNet that were not fine-tuned on, unweighted; its formula "
        "is inferred from the published figures (arXiv 2410.21582). This comparison is in neither paper.",
        table["answers"],
    ]
    return means, typeset(table, _COLUMNS, lines, notes)
