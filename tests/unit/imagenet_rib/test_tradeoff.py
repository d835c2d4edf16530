"""RI beside the accuracy on the variant fine-tuned on, and along an interpolation; by hand."""

import pandas as pd
import pytest

from pretraining_robustness.figures.kinds.imagenet_rib.alphas import sweep
from pretraining_robustness.imagenet_rib.tradeoff import tradeoff


def cells(changes: dict[str, dict[str, float]], method: str = "full", held_out: bool = False) -> pd.DataFrame:
    """Cells of a network whose accuracy is 40 % before, by the variants fine-tuned on and tested on."""
    rows = []
    for tuned, row in changes.items():
        for tested, change in row.items():
            key = {"method": method, "distribution": "imagenet", "architecture": "vit", "seed": 0, "epoch": 1}
            key |= {"fine_tuned_on": tuned, "tested_on": tested, "before": 40.0, "after": 40 + change, "change": change}
            rows.append({**key, "counts": tested not in (tuned, "val", "held_out")})
    table = pd.DataFrame(rows)
    return table if held_out else table[table["tested_on"] != "held_out"]


CHANGES = {
    "r": {"val": -9.0, "r": 50.0, "held_out": 20.0, "v2": -4.0, "a": -2.0},
    "v2": {"val": -1.0, "r": -1.0, "held_out": 5.0, "v2": 30.0, "a": 0.0},
}


@pytest.mark.parametrize(("held_out", "own"), [(True, {"r": 60, "v2": 45}), (False, {"r": 90, "v2": 70})])
def test_accuracy_is_of_held_out_images_where_there_are_any(held_out: bool, own: dict[str, float]) -> None:
    found = tradeoff(cells(CHANGES, held_out=held_out)).set_index("fine_tuned_on")
    assert found["RI"].to_dict() == {"r": -3.0, "v2": -0.5}
    assert found["own_after"].to_dict() == own
    assert (found["own_before"] == 40).all()
    assert (found["held_out"] == held_out).all()


def test_a_sweep_starts_with_the_network_before_fine_tuning() -> None:
    half = {tuned: {tested: change / 4 for tested, change in row.items()} for tuned, row in CHANGES.items()}
    table = pd.concat([cells(CHANGES), cells(half, "wise_ft_50"), cells(half, "linear_probe")])
    found = sweep(table, {"wise_ft_50": 0.5, "full": 1.0}).set_index("alpha")
    assert found["mri"].to_dict() == {0.0: 0.0, 0.5: -1.75 / 4, 1.0: -1.75}
    assert found["own"].to_dict() == {0.0: 40.0, 0.5: 50.0, 1.0: 80.0}
