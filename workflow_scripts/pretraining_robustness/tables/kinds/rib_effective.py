"""Effective robustness of every network before and after fine-tuning, by the variant tested on."""

from collections.abc import Mapping
from typing import Any

from pretraining_robustness.tables.imagenet_rib import NETWORK, network_title, rows_shown
from pretraining_robustness.tables.reading import Files, read_frames
from pretraining_robustness.tables.typeset import Column, Made, typeset
from pretraining_robustness.tables.words import count, number, records

READS = {"effective": "imagenet_rib/effective.csv", "lines": "imagenet_rib/lines.csv"}

_COLUMNS = [
    Column("tested_on", "Tested on", 1.6),
    Column("before", "Before", 0.8, "Accuracy (%)", numeric=True),
    Column("after", "After", 0.8, "Accuracy (%)", numeric=True),
    Column("effective_before", "Before", 0.8, "Effective robustness (percentage points)", numeric=True),
    Column("effective_after", "After", 0.8, "Effective robustness (percentage points)", numeric=True),
    Column("effective_after_two", "After, two sets", 0.9, "Effective robustness (percentage points)", numeric=True),
    Column("extrapolated", "Extrapolated cells", 0.9, numeric=True),
]
_MEAN = "Mean of the variants"


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return a group per network and method, a row per variant: means over fine-tuning variants and seeds.

    It is made from `effective` and `lines` of `imagenet_rib.effective`.
    """
    frames = read_frames(files)
    cells, lines = frames["effective"], frames["lines"]
    used = rows_shown(cells[cells["counts"]], table)
    numbers = [column.name for column in _COLUMNS[1:-1]]
    grouped = used.groupby([*NETWORK, "tested_on"], observed=True)
    facts = grouped[numbers].mean()
    facts["extrapolated"], facts["cells"] = grouped["extrapolated"].sum(), grouped.size()
    facts = facts.reset_index()
    rows = []
    for network, some in facts.groupby(NETWORK, observed=True):
        group = network_title(network, table)
        found = {row["tested_on"]: row for row in records(some)}
        means, sums = some[numbers].mean(), some[["extrapolated", "cells"]].sum()
        found[_MEAN] = {str(name): value for name, value in [*means.items(), *sums.items()]}
        for name in (*table["tested_on"], _MEAN):
            if name not in found:
                continue
            row = found[name]
            rows.append(
                {
                    **{"group": group, "tested_on": table["variants"].get(name, name)},
                    **{one: number(row[one], 2, sign=one.startswith("effective")) for one in numbers},
                    "extrapolated": f"{count(row['extrapolated'])} of {count(row['cells'])}",
                }
            )
    fits = "; ".join(f"{table['variants'][row['tested_on']]} {row['r_squared']:.2f}" for row in records(lines))
    reference = table["variants"][table["reference"]]
    notes = [
        f"Effective robustness (Taori et al. 2020): accuracy minus what the line of {int(lines['networks'].max())} "
        f"networks trained only on ImageNet predicts from accuracy on {reference}, on logit axes. R² of the lines: "
        f"{fits}. Two sets: predicted from {reference} and the variant fine-tuned on (after Shi et al. 2023).",
        "After: means over the other variants fine-tuned on and over seeds. Extrapolated: accuracy on "
        f"{reference} after fine-tuning lies outside that of the networks behind the lines. No intervals are given, "
        "because the lines themselves rest on few networks.",
        table["answers"],
    ]
    return facts, typeset(table, _COLUMNS, rows, notes)
