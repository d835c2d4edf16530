"""RI and mRI of every network of ImageNet-RIB."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.imagenet_rib.comparison import ALL
from pretraining_robustness.tables.estimates import estimate, interval_in_words, number, records, typeset
from pretraining_robustness.tables.typeset import Column
from pretraining_robustness.tables.writing import write_table

_COLUMNS = [
    Column("fine_tuned_on", "Fine-tuned on", 1.6),
    Column("all", "All variants", 1.3, "RI (percentage points) [interval]", numeric=True),
    Column("without", "Without shared images", 1.3, "RI (percentage points) [interval]", numeric=True),
    Column("before", "Before", 0.7, "Mean accuracy (%)", numeric=True),
    Column("after", "After", 0.7, "Mean accuracy (%)", numeric=True),
]


def tabulate_rib(
    indices: str | Path, table: Mapping[str, Any], csv: str | Path, html: str | Path, tex: str | Path
) -> None:
    """Write the table of RI after the last epoch, a group a network, its mRI last.

    Args:
        indices: the table of `results.compute_indices`.
        table: name, title, note, confidence, methods, networks and variants (readable names, in the order shown).
        csv, html, tex: outputs.
    """
    facts = pd.read_csv(indices)
    key = ["method", "distribution", "architecture", "seed"]
    facts = facts[facts["epoch"] == facts.groupby(key)["epoch"].transform("max")]
    order = [*table["variants"], ALL]
    lines = []
    for names, rows in facts.groupby(key):
        method, distribution, architecture, seed = names
        group = f"{table['networks'][distribution]}, {architecture}, {table['methods'][method]}, seed {seed}"
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
                    **{"all": cells[0], "without": cells[1], "note": ""},
                    **{when: number(both[0][when], 2) for when in ("before", "after")},
                }
            )
    notes = [
        f"In brackets: {interval_in_words(table)} over images, paired before and after; renderings of one image are "
        "one cluster. Seeds are not in it.",
        "RI: mean change of accuracy on the variants that were not fine-tuned on, unweighted. The formula is inferred "
        "from the published figures (arXiv 2410.21582).",
    ]
    write_table(facts, typeset(table, _COLUMNS, lines, notes), csv, html, tex)
