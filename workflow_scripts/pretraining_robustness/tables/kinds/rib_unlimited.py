"""Accuracy on variants that have only some of ImageNet's classes: among their own classes, and among all."""

from collections.abc import Mapping
from typing import Any

from pretraining_robustness.imagenet_rib import UNLIMITED
from pretraining_robustness.tables.imagenet_rib import NETWORK, network_title, rows_shown
from pretraining_robustness.tables.reading import Files, read_frames
from pretraining_robustness.tables.typeset import Column, Made, typeset
from pretraining_robustness.tables.words import number, records

READS = {"cell_means": "imagenet_rib/cell_means.csv"}

_OWN, _ALL = "Among its own classes (%)", "Among all classes (%)"
_COLUMNS = [
    Column("variant", "Tested on", 1.6),
    Column("before", "Before", 0.8, _OWN, numeric=True),
    Column("after", "After", 0.8, _OWN, numeric=True),
    Column("before_unlimited", "Before", 0.8, _ALL, numeric=True),
    Column("after_unlimited", "After", 0.8, _ALL, numeric=True),
]
_WHEN = ["before", "after"]


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return a group per network and method, a row per limited variant: means over the other fine-tuning variants.

    It is made from `cell_means` of `imagenet_rib.results`.
    """
    cells = rows_shown(read_frames(files)["cell_means"], table)
    names = {UNLIMITED.format(name): name for name in table["limited"]}
    key = [*NETWORK, "fine_tuned_on", "variant"]
    unlimited = cells[cells["tested_on"].isin(list(names))]
    unlimited = unlimited.assign(variant=unlimited["tested_on"].map(names))[[*key, *_WHEN]]
    both = cells[cells["counts"]].assign(variant=lambda rows: rows["tested_on"])
    both = both.merge(unlimited, on=key, suffixes=("", "_unlimited"))
    numbers = [column.name for column in _COLUMNS[1:]]
    facts = both.groupby([*NETWORK, "variant"], observed=True)[numbers].mean().reset_index()
    rows = [
        {
            **{"group": network_title(network, table), "variant": table["variants"][row["variant"]]},
            **{name: number(row[name], 2) for name in numbers},
        }
        for network, some in facts.groupby(NETWORK, observed=True)
        for row in records(some)
    ]
    note = "After: means over the other variants fine-tuned on and over seeds. RI and mRI are of the answers among a "
    return facts, typeset(table, _COLUMNS, rows, [table["answers"], f"{note}variant's own classes."])
