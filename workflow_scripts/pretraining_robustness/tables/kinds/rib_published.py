"""What the paper (arXiv 2410.21582) publishes of ImageNet-RIB, beside what the same network shows here."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pretraining_robustness.imagenet_rib.comparison import ALL
from pretraining_robustness.tables.reading import Files, read_frames
from pretraining_robustness.tables.typeset import Column, Made, typeset
from pretraining_robustness.tables.words import number, records

READS = {
    "means": "imagenet_rib/means.csv",
    "cell_means": "imagenet_rib/cell_means.csv",
    "published": "config",
    "published_cells": "config",
}

_HERE = "Here"
_PAPER = "Published"
_COLUMNS = [
    Column("tested_on", "Tested on", 1.8),
    Column("paper_before", "Before", 0.8, _PAPER, numeric=True),
    Column("paper_after", "After", 0.8, _PAPER, numeric=True),
    Column("paper_change", "Change", 0.8, _PAPER, numeric=True),
    Column("here_before", "Before", 0.8, _HERE, numeric=True),
    Column("here_after", "After", 0.8, _HERE, numeric=True),
    Column("here_change", "Change", 0.8, _HERE, numeric=True),
    Column("apart", "Here minus published", 0.9, "Change", numeric=True),
]
_KEY = ["architecture", "method"]
_MEAN = "Mean of the others (RI)"


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return mean accuracies and mRI of published networks, then single cells; a dash where this study has none.

    It is made from `published` (architecture, method, before, after, mri, rows: the number of
    variants fine-tuned on) and `published_cells` (architecture, method,
    fine_tuned_on, tested_on, before, after, from), and of `means` and `cell_means` of `imagenet_rib.results`.
    """
    frames = read_frames(files)
    means, cells = frames["means"], frames["cell_means"]
    means = means[means["counting"] == "all"].rename(columns={"index": "change"})
    headline = frames["published"].rename(columns={"mri": "change"}).assign(fine_tuned_on=ALL, tested_on=ALL)
    ours = means[means["fine_tuned_on"] == ALL].assign(tested_on=ALL)
    single = frames["published_cells"].assign(change=lambda rows: rows["after"] - rows["before"])
    counted = single[single["tested_on"].isin(list(table["tested_on"]))]
    whole = {len(table["tested_on"]) - 1}  # the mean is RI where all other variants are published
    per_row = counted.groupby([*_KEY, "fine_tuned_on", "from"])
    ri = per_row[["before", "after", "change"]].mean()[per_row.size().isin(whole)].reset_index().assign(tested_on=ALL)
    published = pd.concat([headline.assign(**{"from": "headline figure, read to 0.03"}), single, ri])
    here = pd.concat([ours, means[means["fine_tuned_on"] != ALL].assign(tested_on=ALL), cells])
    key = [*_KEY, "fine_tuned_on", "tested_on"]
    numbers = ["before", "after", "change"]
    last = here[here["epoch"] == here.groupby([*_KEY, "distribution"])["epoch"].transform("max")]
    last = last.groupby(key)[numbers].mean().reset_index()
    facts = published[[*key, "from", "rows", *numbers]].merge(
        last, how="left", on=key, suffixes=("_published", "_here")
    )
    rows_here = means[means["fine_tuned_on"] != ALL].groupby(_KEY)["fine_tuned_on"].nunique().rename("rows_here")
    facts = facts.merge(rows_here.reset_index(), how="left", on=_KEY)
    lines = []
    for row in records(facts):
        others = row["fine_tuned_on"] == ALL and row["rows"] != row["rows_here"]
        lines.append(
            {
                "group": _heading(row, table),
                "tested_on": _tested(row, table),
                **{f"paper_{name}": number(row[f"{name}_published"], 2, sign=name == "change") for name in numbers},
                **{f"here_{name}": number(row[f"{name}_here"], 2, sign=name == "change") for name in numbers},
                "apart": "" if others else number(row["change_here"] - row["change_published"], 2, sign=True),
            }
        )
    other = facts[(facts["rows"] != facts["rows_here"]) & facts[["rows", "rows_here"]].notna().all(axis=1)]
    counts = {f"{row['rows']:.0f} variants fine-tuned on, here over {row['rows_here']:.0f}" for row in records(other)}
    notes = [
        "Accuracies in percent, changes in percentage points. Published numbers are read off figures of arXiv "
        "2410.21582 as far as these allow; that they are of full fine-tuning, and their architecture in the headline, "
        "is inferred. ObjectNet was published with eight of its classes mislabelled.",
        "Here: the same published weights, fine-tuned and tested by this pipeline; means over seeds. The "
        "miniature has other networks and data and cannot be compared.",
        table["answers"],
        *(f"Published mRI is a mean over {one}, so that the two are not subtracted." for one in sorted(counts)),
    ]
    return facts, typeset(table, _COLUMNS, lines, notes)


def _heading(row: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    method = table["methods"].get(row["method"], row["method"])
    if row["fine_tuned_on"] == ALL:
        return f"mRI and mean accuracies, {method} ({row['from']})"
    tuned = table["variants"].get(row["fine_tuned_on"], row["fine_tuned_on"])
    return f"{row['architecture']}, {method}, fine-tuned on {tuned} ({row['from']})"


def _tested(row: Mapping[str, Any], table: Mapping[str, Any]) -> str:
    if row["fine_tuned_on"] == ALL:
        return str(row["architecture"])
    return _MEAN if row["tested_on"] == ALL else str(table["variants"].get(row["tested_on"], row["tested_on"]))
