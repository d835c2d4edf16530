"""Effective robustness of every network before and after fine-tuning, by the variant tested on."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pretraining_robustness.tables.estimates import count, number, records, typeset
from pretraining_robustness.tables.rib_networks import NETWORK, network_title, rows_shown
from pretraining_robustness.tables.typeset import Column, TypesetTable

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


def effective_table(frames: Mapping[str, pd.DataFrame], table: Mapping[str, Any]) -> tuple[pd.DataFrame, TypesetTable]:
    """Return a group a network and method, a row a variant: means over the other variants fine-tuned on and seeds.

    It is made of `effective` and `lines` of `imagenet_rib.effective`.
    """
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
                    **{"group": group, "tested_on": table["variants"].get(name, name), "note": ""},
                    **{one: number(row[one], 2, sign=one.startswith("effective")) for one in numbers},
                    "extrapolated": f"{count(row['extrapolated'])} of {count(row['cells'])}",
                }
            )
    fits = "; ".join(f"{table['variants'][row['tested_on']]} {row['r_squared']:.2f}" for row in records(lines))
    reference = table["variants"][table["reference"]]
    notes = [
        f"Effective robustness (Taori et al. 2020): accuracy minus what the line of {int(lines['networks'].max())} "
        f"networks trained on ImageNet alone predicts from accuracy on {reference}, on logit axes. R² of the lines: "
        f"{fits}. Two sets: predicted from {reference} and the variant fine-tuned on (after Shi et al. 2023).",
        "After: means over the other variants fine-tuned on and over seeds. Extrapolated: accuracy on "
        f"{reference} after fine-tuning lies outside that of the networks behind the lines. No interval is given: the "
        "lines are uncertain as well, and few networks are behind them.",
    ]
    return facts, typeset(table, _COLUMNS, rows, notes)
