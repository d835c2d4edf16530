"""RI and mRI: the paper's worked example, the identity that ties them, and intervals that know copies."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import COLUMNS
from pretraining_robustness.imagenet_rib.indices import (
    accuracy_changes,
    counted,
    mean_robustness_improvement,
    mean_variance_of_sums,
    robustness_improvement,
)

VARIANTS = ["v2", "a", "r", "sketch", "objectnet", "cartoon", "drawing", "c"]
TASKS = {f"rib_{name}": name for name in VARIANTS}
SHARING = ["cartoon", "drawing", "c"]


def score_table(before: dict[str, float], after: dict[tuple[str, str], float]) -> pd.DataFrame:
    """A long score table of one network: percent before by variant, percent after by (fine-tuned on, tested on)."""
    rows = []
    for task, variant in TASKS.items():
        cells = {(0, name): value for name, value in before.items()}
        cells |= {(1, tested): value for (tuned, tested), value in after.items() if tuned == variant}
        for (epoch, name), percent in cells.items():
            run = [task, "full", "imagenet", "vit", 0, epoch, name, "accuracy", percent / 100]
            rows.append([*run, np.nan, np.nan, 1000])
    return pd.DataFrame(rows, columns=COLUMNS)


def test_the_papers_worked_example() -> None:
    """ViT-B/16 of ImageNet-1K with AugReg, fine-tuned on ImageNet-R: seven differences, of which 27/7 is the mean."""
    before = {"v2": 66, "a": 15, "r": 38, "sketch": 28, "objectnet": 26, "cartoon": 66, "drawing": 39, "c": 56}
    after = {"v2": 59, "a": 21, "r": 99, "sketch": 47, "objectnet": 32, "cartoon": 61, "drawing": 51, "c": 52}
    cells = accuracy_changes(score_table(before, {("r", name): value for name, value in after.items()}), TASKS)
    used = cells[counted(cells, VARIANTS)]
    assert used.set_index("tested_on")["change"].round(6).to_dict() == {
        **{"v2": -7, "a": 6, "sketch": 19, "objectnet": 6},
        **{"cartoon": -5, "drawing": 12, "c": -4},
    }
    assert robustness_improvement(used)["RI"].tolist() == [pytest.approx(27 / 7)]
    assert mean_robustness_improvement(used, VARIANTS).empty  # seven rows are missing


@pytest.fixture
def cells() -> pd.DataFrame:
    random = np.random.default_rng(0)
    before = dict(zip(VARIANTS, random.uniform(10, 90, 8), strict=True))
    after = {(tuned, tested): random.uniform(10, 90) for tuned in VARIANTS for tested in VARIANTS}
    return accuracy_changes(score_table(before, after), TASKS)


def test_mri_and_the_mean_before_give_the_mean_after(cells: pd.DataFrame) -> None:
    mean = mean_robustness_improvement(cells[counted(cells, VARIANTS)], VARIANTS).iloc[0]
    matrix = cells.pivot(index="fine_tuned_on", columns="tested_on", values="after").to_numpy()
    others = ~np.eye(8, dtype=bool)
    assert mean["before"] == pytest.approx(cells.drop_duplicates("tested_on")["before"].mean())
    assert mean["after"] == pytest.approx(matrix[others].mean())
    assert mean["mRI"] + mean["before"] == pytest.approx(mean["after"])
    # Also where a variant is tested on and not fine-tuned on: the accuracy before is that of the cells that count.
    fewer = [name for name in VARIANTS if name != "objectnet"]
    some = cells[counted(cells, VARIANTS) & cells["fine_tuned_on"].isin(fewer)]
    mean = mean_robustness_improvement(some, fewer).iloc[0]
    assert mean["after"] - mean["before"] == pytest.approx(mean["mRI"])
    assert mean["before"] != pytest.approx(cells.drop_duplicates("tested_on")["before"].mean())


def test_without_variants_that_share_images_only_cells_within_them_are_left_out(cells: pd.DataFrame) -> None:
    kept = cells[counted(cells, VARIANTS, SHARING, without_sharing=True)]
    assert robustness_improvement(kept).set_index("fine_tuned_on")["test_sets"].to_dict() == {
        name: 5 if name in SHARING else 7 for name in VARIANTS
    }


def test_a_network_that_was_not_tested_before_is_refused() -> None:
    scores = score_table({}, {("r", "v2"): 50.0})
    with pytest.raises(InputError, match="rib_r: vit from imagenet has no accuracy on v2 before fine-tuning"):
        accuracy_changes(scores, TASKS)


def test_renderings_of_one_image_vary_together() -> None:
    """The variance of a sum of two means is that of independent means, but of one doubled where the images are one."""
    random = np.random.default_rng(1)
    values = random.normal(size=500)
    names = np.arange(500)
    alone = values.var(ddof=1) / 500
    same = mean_variance_of_sums({"x": (values, names), "y": (values, names)})
    apart = mean_variance_of_sums({"x": (values, names), "y": (values, names + 1000)})
    assert same == pytest.approx(4 * alone)
    assert apart == pytest.approx(2 * alone)
