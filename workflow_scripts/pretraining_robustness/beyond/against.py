"""Somebody's own numbers against a measured line: how far above or below they are, and whether that is chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.trends.axis_scales import Floats, axis_scale
from pretraining_robustness.trends.cluster_robust import Estimates
from pretraining_robustness.trends.contrasts import APART, DIFFERS, Contrast, judged
from pretraining_robustness.trends.published import read_published

SCALE = axis_scale("probit")


@dataclass(frozen=True)
class KnownLine:
    """A row of a table of lines (`trends.baselines.LINE_COLUMNS`)."""

    row: Mapping[str, Any]

    def heights(self, x: Floats) -> Estimates:
        """Return the heights of the line at x in axis units."""
        row = self.row
        variance = row["intercept_error"] ** 2 + 2 * x * row["covariance"] + (x * row["slope_error"]) ** 2
        return Estimates(row["intercept"] + row["slope"] * x, variance, np.full(x.shape, row["freedom"]))


@dataclass(frozen=True)
class Standing:
    """How numbers stand against a line: `models` has a row per model, `groups` a row per group with its verdict."""

    line: KnownLine
    models: pd.DataFrame
    groups: pd.DataFrame
    confidence: float

    def words(self) -> str:
        """Return a sentence per group."""
        return "\n".join(_sentence(group, self.line, self.confidence) for group in self.groups.to_dict("records"))


def stand_against(
    *, lines: Sequence[str | Path], table: str | Path | None, line: str | None, confidence: float, margin: float
) -> Standing:
    """Compare a table of numbers with a line on probit axes.

    Args:
        lines: tables of lines; later ones add to earlier ones.
        table: CSV of `published.PUBLISHED_COLUMNS`; a column `architecture` says which models are one cluster, else
            each is its own.
        line: its name.
        confidence: of intervals, in (0, 1).
        margin: the difference in score units below which a group is on the line.

    Raises:
        InputError: a key is not given, the line is not known, or the table is not one.
    """
    for key, value in (("table", table), ("line", line)):
        if not value:
            example = "--config 'table=my.csv' 'line=published/imagenet_sketch/ImageNet-1k'"
            raise InputError(f"config {key}: not given; write snakemake --cores 1 against {example}")
    assert table is not None
    assert line is not None
    known = KnownLine(_row_of(lines, line))
    models = read_published(table)
    models["inside"] = models["id"].between(known.row["id_low"], known.row["id_high"])
    models["line_ood"] = SCALE.inverse(known.heights(SCALE.forward(models["id"].to_numpy())).value)
    models["above"] = models["ood"] - models["line_ood"]
    rows = [compared(str(name), part, known) for name, part in models.groupby("group", sort=False)]
    contrasts = [contrast for _, contrast in rows if contrast is not None]
    verdicts = iter(judged(contrasts, confidence, margin))
    groups = [{**row, **(next(verdicts) if contrast else {"verdict": APART})} for row, contrast in rows]
    return Standing(known, models, pd.DataFrame(groups), confidence)


def _row_of(lines: Sequence[str | Path], name: str) -> Mapping[str, Any]:
    known = pd.concat([pd.read_csv(path) for path in lines], ignore_index=True)
    known = known[known["scale"] == SCALE.name]
    found = known[known["name"] == name]
    if found.empty:
        near = get_close_matches(name, list(known["name"]), n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known['name'])}"
        raise InputError(f"config line: '{name}' is not a line of {lines[0]}; {hint}")
    return dict(found.iloc[-1])


def compared(name: str, models: pd.DataFrame, line: KnownLine) -> tuple[dict[str, Any], Contrast | None]:
    """Return what is counted of a group, and its contrast with the line where they share ID scores."""
    placed = SCALE.representable(models["id"].to_numpy()) & SCALE.representable(models["ood"].to_numpy())
    used = models[placed & models["inside"]]
    clusters = used["architecture"] if "architecture" in used else used["model"]
    row = {"group": name, "models": len(models), "used": len(used), "clusters": clusters.nunique()}
    if used.empty:
        return row, None
    x, y = SCALE.forward(used["id"].to_numpy()), SCALE.forward(used["ood"].to_numpy())
    above = y - line.heights(x).value
    means = pd.DataFrame({"x": x, "above": above}).groupby(clusters.to_numpy()).mean()
    count, at = len(means), means["x"].mean()
    height = line.heights(np.array([at]))
    own, free = float(means["above"].var(ddof=1)) / count, count - 1
    if count == 1:  # scatters as the line's own networks do
        own, free = line.row["deviation"] ** 2, max(line.row["n_clusters"] - 2, 1)
    variance = float(height.variance[0]) + own
    squares = float(height.variance[0]) ** 2 / line.row["freedom"] + own**2 / free
    apart, base = float(means["above"].mean()), float(height.value[0])
    freedom = variance**2 / squares if squares > 0 else float("nan")
    row["id_score"] = float(SCALE.inverse(np.array([at]))[0])
    spread = float(above.std()) or float("nan")
    return row, Contrast((base + apart, base), apart, variance**0.5, freedom, spread, SCALE)


def _sentence(group: Mapping[Any, Any], line: KnownLine, confidence: float) -> str:
    name = f"{group['group']} against {line.row['name']}"
    reach = f"{line.row['id_low']:.3f} to {line.row['id_high']:.3f}"
    if group["verdict"] == APART:
        return f"{name}: cannot be compared: no ID score in common; the line rests on ID scores of {reach}."
    interval = f"{confidence * 100:g} % CI {100 * group['low']:.1f} to {100 * group['high']:.1f}"
    where = "above" if group["difference"] > 0 else "below"
    if not np.isfinite(group["low"]):
        verdict, interval = "undecided", "no interval: the line has no error"
    elif group["verdict"] == DIFFERS:
        small = ", less than the margin" if group["p_equivalent"] <= 1 - confidence else ""
        verdict = f"{where} the line{small}"
    elif group["verdict"] == "equivalent":
        verdict = f"on the line, equivalent within {100 * group['margin']:g} points"
    else:
        verdict = f"undecided; equivalent only within {100 * group['smallest_margin']:.1f} points"
    left = group["models"] - group["used"]
    notes = [
        f"{left} of {group['models']} models are outside its ID scores of {reach} and left out" if left else "",
        "one network, taken to scatter as those of the line do" if group["clusters"] == 1 else "",
    ]
    told = f"{name}: {100 * group['difference']:+.1f} points ({interval}; over networks): {verdict}."
    return " ".join([told, *(f"{note[0].upper()}{note[1:]}." for note in notes if note)])
