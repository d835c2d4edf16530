"""RI and mRI of every network of ImageNet-RIB, after the last epoch."""

from collections.abc import Mapping
from typing import Any

from pretraining_robustness.imagenet_rib.comparison import ALL
from pretraining_robustness.tables.imagenet_rib import NETWORK, network_title, rows_shown
from pretraining_robustness.tables.reading import Files, read_frames
from pretraining_robustness.tables.typeset import Column, Made, typeset
from pretraining_robustness.tables.words import estimate, interval_in_words, number, records

READS = {"means": "imagenet_rib/means.csv"}

_COLUMNS = [
    Column("fine_tuned_on", "Fine-tuned on", 1.6),
    Column("all", "All variants", 1.3, "RI (percentage points) [interval]", numeric=True),
    Column("without", "Without shared images", 1.3, "RI (percentage points) [interval]", numeric=True),
    Column("before", "Before", 0.7, "Mean accuracy (%)", numeric=True),
    Column("after", "After", 0.7, "Mean accuracy (%)", numeric=True),
]


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of RI by network and method, the mRI of each last.

    Args:
        files: `means` of `imagenet_rib.results`.
        table: name, title, note, confidence, sharing (variants of the same images), methods, networks, architectures
            and variants (readable names, in the order shown).
    """
    facts = rows_shown(read_frames(files)["means"], table)
    order = [*table["variants"], ALL]
    lines = []
    for network, rows in facts.groupby(NETWORK, observed=True):
        seeds = int(rows["seeds"].max())
        group = f"{network_title(network, table)}, {seeds} seed{'s' if seeds > 1 else ''}"
        for tuned in order:
            found = {row["counting"]: row for row in records(rows[rows["fine_tuned_on"] == tuned])}
            if "all" not in found:
                continue
            both = [found[counting] for counting in ("all", "without_shared_images")]
            cells = [estimate(one["index"], one["low"], one["high"], sign=True) for one in both]
            lines.append(
                {
                    "group": group,
                    "fine_tuned_on": "mRI (mean)" if tuned == ALL else table["variants"][tuned],
                    **{"all": cells[0], "without": cells[1]},
                    **{when: number(both[0][when], 2) for when in ("before", "after")},
                }
            )
    over = "images and seeds" if len(facts) and facts["seeds"].max() > 1 else "images of one seed"
    notes = [
        f"In brackets: {interval_in_words(table)} over {over}. Images are paired before and after; renderings of one "
        "image are one cluster.",
        "RI: mean change of accuracy on the variants that were not fine-tuned on, unweighted. The formula is inferred "
        "from the published figures (arXiv 2410.21582).",
    ]
    notes.append(table["answers"])
    columns = [column for column in _COLUMNS if column.name != "without" or table["sharing"]]
    return facts, typeset(table, columns, lines, notes)
