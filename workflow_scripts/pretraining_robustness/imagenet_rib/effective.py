"""Effective robustness of every cell of ImageNet-RIB: how far it lies above networks trained on ImageNet alone.

Taori et al. 2020 (arXiv 2007.00644), section 2: rho(f) = OOD(f) - beta(ID(f)), where the baseline beta is the
least-squares line of the out-of-distribution accuracy of networks trained on ImageNet alone on their accuracy on
ImageNet's validation images, on logit axes (modestyachts/imagenet-testbed, format_eff_robust). Here there is a line for
each variant of ImageNet. Shi et al. 2023 (arXiv 2302.01381) predict from several in-distribution sets; after
fine-tuning on a variant that variant is one of them, so the second prediction takes both, ImageNet and the variant
fine-tuned on (which formula they use is from memory of the abstract: a linear regression on the same axes).

ImageNet's accuracy is that over all 1,000 classes for every variant, also for those of 200 or 113 classes, where Taori
et al. take the same classes of ImageNet. Neither paper applies effective robustness to ImageNet-RIB; this is ours.
"""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, write_rows
from pretraining_robustness.imagenet_rib.indices import CELL
from pretraining_robustness.trends.axis_scales import Floats, axis_scale
from pretraining_robustness.trends.lines import Line

logger = logging.getLogger(__name__)

WHO = ["distribution", "architecture", "seed"]
FEWEST = 3  # networks of a baseline: two determine a line and say nothing of how well it fits
LINE_COLUMNS = ["tested_on", "networks", "slope", "intercept", "r_squared", "id_low", "id_high"]
POINT_COLUMNS = ["tested_on", *WHO, "id", "ood"]
PREDICTIONS = ("before", "after")


def on_the_axes(percent: Any, images: Any) -> Floats:
    """Return accuracies as fractions that have a place on logit axes: none closer to 0 or 1 than half an image."""
    fractions, half = np.asarray(percent, dtype=np.float64) / 100, 0.5 / np.asarray(images, dtype=np.float64)
    return np.clip(fractions, half, 1 - half)


def effective_robustness_of_cells(
    *,
    cells: str | Path,
    baselines: Sequence[str],
    scale: str,
    reference: str,
    tested_on: Sequence[str],
    effective: str | Path,
    lines: str | Path,
    points: str | Path,
) -> None:
    """Write the effective robustness of every cell before and after fine-tuning.

    Args:
        cells: the table of `results.compute_indices`.
        baselines: distributions whose networks, before fine-tuning, make the baselines.
        scale: name of the scale of the axes.
        reference: ImageNet's validation images.
        tested_on: the variants that have a baseline.
        effective: CSV to write: `CELL`, counts, id_before, id_after, before, after (accuracies in percent),
            predicted_before, predicted_after, effective_before, effective_after, effective_change (percentage points),
            effective_after_two (predicted from ImageNet and the variant fine-tuned on), extrapolated (whether the
            accuracy on ImageNet after fine-tuning lies outside the baseline's own).
        lines: CSV to write (`LINE_COLUMNS`): the line of each variant, on the axes, and the range of its ImageNet
            accuracies in percent.
        points: CSV to write (`POINT_COLUMNS`): the networks behind the lines, in percent.

    Raises:
        InputError: too few networks for a line.
    """
    table, axes = pd.read_csv(cells), axis_scale(scale)
    before = _accuracies_before(table, reference)
    own = before[before.index.get_level_values("distribution").isin(list(baselines))]
    if len(own) < FEWEST:
        raise InputError(
            f"imagenet_rib.effective_robustness.baselines: {len(own)} networks of {', '.join(baselines)} were tested, "
            f"and a baseline needs {FEWEST}; name more distributions"
        )
    sizes = {str(name): int(count) for name, count in table.groupby("tested_on")["images"].max().items()}
    placed = pd.DataFrame({name: on_the_axes(own[name], sizes[name]) for name in map(str, own)}, index=own.index)
    inside = axes.forward(placed[reference].to_numpy())
    fits = {name: Line.fit(inside, axes.forward(placed[name].to_numpy()), axes) for name in tested_on}
    bounds = own[reference].min(), own[reference].max()
    write_rows(
        lines,
        [
            {
                **{"tested_on": name, "networks": len(own), "slope": fit.slope},
                **{"intercept": fit.intercept, "r_squared": fit.r2, "id_low": bounds[0], "id_high": bounds[1]},
            }
            for name, fit in fits.items()
        ],
        LINE_COLUMNS,
    )
    shown = own.melt(id_vars=reference, value_vars=list(tested_on), var_name="tested_on", value_name="ood",
                     ignore_index=False)  # fmt: skip
    with atomic_path(points) as temporary:
        shown.rename(columns={reference: "id"}).reset_index()[POINT_COLUMNS].to_csv(temporary, index=False)
    rows = _cells_with_predictions(table, placed, fits, sizes, reference, bounds)
    with atomic_path(effective) as temporary:
        rows.to_csv(temporary, index=False)
    logger.info("%d cells against %d baseline networks", len(rows), len(own))


def _accuracies_before(cells: pd.DataFrame, reference: str) -> pd.DataFrame:
    """Return the accuracy before fine-tuning of every network (`WHO`) on every test set, in percent."""
    held_out = ~cells["tested_on"].isin([reference]) & ~cells["counts"] & (cells["tested_on"] != cells["fine_tuned_on"])
    known = cells[~held_out].drop_duplicates([*WHO, "tested_on"])
    return known.pivot(index=WHO, columns="tested_on", values="before")


def _cells_with_predictions(
    cells: pd.DataFrame,
    placed: pd.DataFrame,
    fits: Mapping[str, Line],
    sizes: Mapping[str, int],
    reference: str,
    bounds: tuple[float, float],
) -> pd.DataFrame:
    key = [name for name in CELL if name != "tested_on"]
    of_reference = cells[cells["tested_on"] == reference].set_index(key)[list(PREDICTIONS)]
    of_itself = cells[cells["tested_on"] == cells["fine_tuned_on"]].set_index(key)["after"]
    parts = []
    for (tuned, name), some in cells[cells["tested_on"].isin(list(fits))].groupby(["fine_tuned_on", "tested_on"]):
        places = pd.MultiIndex.from_frame(some[key])
        found = some[[*CELL, "counts", *PREDICTIONS]].reset_index(drop=True)
        for when in PREDICTIONS:
            found[f"id_{when}"] = of_reference[when].reindex(places).to_numpy()
            inside = on_the_axes(found[f"id_{when}"], sizes[reference])[:, None]
            found[f"predicted_{when}"] = 100 * fits[str(name)].predict(inside)
            found[f"effective_{when}"] = found[when] - found[f"predicted_{when}"]
        axes = fits[str(name)].scale
        both = Line.fit(
            axes.forward(placed[[reference, tuned]].to_numpy()), axes.forward(placed[name].to_numpy()), axes
        )
        itself = on_the_axes(of_itself.reindex(places), sizes[str(tuned)])
        inside = np.stack([on_the_axes(found["id_after"], sizes[reference]), itself], axis=1)
        alike = tuned == name or len(placed) <= FEWEST  # three parameters leave nothing of three networks
        found["effective_after_two"] = np.nan if alike else found["after"] - 100 * both.predict(inside)
        parts.append(found)
    rows = pd.concat(parts, ignore_index=True)
    rows["effective_change"] = rows["effective_after"] - rows["effective_before"]
    rows["extrapolated"] = (rows["id_after"] < bounds[0]) | (rows["id_after"] > bounds[1])
    return rows.sort_values(CELL, ignore_index=True)
