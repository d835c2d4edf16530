"""Tables of ImageNet-RIB, kind by kind; RI and mRI of every network."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.imagenet_rib.comparison import ALL
from pretraining_robustness.tables.estimates import estimate, interval_in_words, number, records, typeset
from pretraining_robustness.tables.rib_crossing import crossing_table
from pretraining_robustness.tables.rib_effective import effective_table
from pretraining_robustness.tables.rib_networks import NETWORK, network_title, rows_shown
from pretraining_robustness.tables.rib_published import published_table
from pretraining_robustness.tables.rib_transport import transport_table
from pretraining_robustness.tables.typeset import Column, TypesetTable
from pretraining_robustness.tables.writing import write_table

Frames = Mapping[str, pd.DataFrame]
Make = Callable[[Frames, Mapping[str, Any]], tuple[pd.DataFrame, TypesetTable]]

_COLUMNS = [
    Column("fine_tuned_on", "Fine-tuned on", 1.6),
    Column("all", "All variants", 1.3, "RI (percentage points) [interval]", numeric=True),
    Column("without", "Without shared images", 1.3, "RI (percentage points) [interval]", numeric=True),
    Column("before", "Before", 0.7, "Mean accuracy (%)", numeric=True),
    Column("after", "After", 0.7, "Mean accuracy (%)", numeric=True),
]


def tabulate_rib(
    files: Mapping[str, str | Path], table: Mapping[str, Any], csv: str | Path, html: str | Path, tex: str | Path
) -> None:
    """Write a table of ImageNet-RIB after the last epoch.

    Args:
        files: the tables that it is made of, by the names by which its module calls them.
        table: kind, name, title, note, confidence, sharing (variants of the same images), methods, networks,
            architectures and variants (readable names, in the order shown), and what its module says.
        csv, html, tex: outputs.
    """
    facts, typeset_table = _KINDS[table["kind"]]({name: pd.read_csv(path) for name, path in files.items()}, table)
    write_table(facts, typeset_table, csv, html, tex)


def _indices_table(frames: Frames, table: Mapping[str, Any]) -> tuple[pd.DataFrame, TypesetTable]:
    """Return the table of RI, a group a network and method, its mRI last; of the `means` of `imagenet_rib.results`."""
    facts = rows_shown(frames["means"], table)
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
                    **{"all": cells[0], "without": cells[1], "note": ""},
                    **{when: number(both[0][when], 2) for when in ("before", "after")},
                }
            )
    over = "images and seeds" if len(facts) and facts["seeds"].max() > 1 else "images; other seeds are not in it"
    notes = [
        f"In brackets: {interval_in_words(table)} over {over}. Images are paired before and after; renderings of one "
        "image are one cluster.",
        "RI: mean change of accuracy on the variants that were not fine-tuned on, unweighted. The formula is inferred "
        "from the published figures (arXiv 2410.21582).",
    ]
    columns = [column for column in _COLUMNS if column.name != "without" or table["sharing"]]
    return facts, typeset(table, columns, lines, notes)


_KINDS: dict[str, Make] = {
    "rib": _indices_table,
    "rib_crossing": crossing_table,
    "rib_effective": effective_table,
    "rib_transport": transport_table,
    "rib_published": published_table,
}
