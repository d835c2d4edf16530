"""What fine-tuning gains on the variant fine-tuned on against what it does to the others."""

import pandas as pd

from pretraining_robustness.imagenet_rib import HELD_OUT
from pretraining_robustness.imagenet_rib.indices import NETWORK, robustness_improvement

GAINED = [*NETWORK, "fine_tuned_on"]


def tradeoff(cells: pd.DataFrame) -> pd.DataFrame:
    """Return RI beside the accuracy on the variant that was fine-tuned on.

    Args:
        cells: the table of `results.compute_indices`.

    Returns:
        `NETWORK`, fine_tuned_on, RI (percentage points), own_before, own_after (percent), held_out: whether they are of
        images of the variant that were held out of fine-tuning; else most of them were trained on. NaN where the images
        fine-tuned on are none that were tested on.
    """
    improvement = robustness_improvement(cells[cells["counts"]])[[*GAINED, "RI"]]
    found = cells["tested_on"] == HELD_OUT
    held_out = bool(found.any())
    own = cells[found if held_out else cells["tested_on"] == cells["fine_tuned_on"]]
    own = own.rename(columns={"before": "own_before", "after": "own_after"})[[*GAINED, "own_before", "own_after"]]
    return improvement.merge(own, how="left", on=GAINED).assign(held_out=held_out)
