"""Effective robustness of cells: exact on made-up networks, and as expected of published ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from pretraining_robustness.errors import InputError
from pretraining_robustness.imagenet_rib.effective import effective_robustness_of_cells, on_the_axes
from pretraining_robustness.trends.axis_scales import axis_scale
from pretraining_robustness.trends.lines import Line

LOGIT = axis_scale("logit")

# Published accuracies in percent (rwightman/pytorch-image-models, results; ResNet-50: modestyachts/imagenet-testbed).
TRAINED_ON_IMAGENET = {  # ImageNet, -V2, -R, -Sketch
    "resnet50": (76.13, 63.33, 36.17, 24.09),
    "vit_base_patch16_224.augreg_in1k": (79.154, 66.34, 38.140, 27.973),
    "vit_base_patch16_224.sam_in1k": (80.246, 68.37, 40.113, 27.717),
}
LAION_2B = (85.488, 75.79, 68.703, 55.426)
LAION_2B_AFTER_R = (47.1, 36.4, np.nan, 29.5)  # fine-tuned on ImageNet-R; the paper's radar figure


def test_published_networks_lie_where_they_are_known_to() -> None:
    """ImageNet-V2 is on the line for networks of any pre-training; LAION-2B's are far above that of ImageNet-R."""
    known = on_the_axes(list(TRAINED_ON_IMAGENET.values()), 10_000)
    above = {}
    for place, name in enumerate(("v2", "r", "sketch"), start=1):
        fit = Line.fit(LOGIT.forward(known[:, 0]), LOGIT.forward(known[:, place]), LOGIT)
        for when, network in (("before", LAION_2B), ("after", LAION_2B_AFTER_R)):
            above[name, when] = network[place] - 100 * fit.predict(np.array([[network[0] / 100]]))[0]
    assert abs(above["v2", "before"]) < 2
    assert above["r", "before"] > 15
    assert above["sketch", "before"] > 15
    # What fine-tuning on ImageNet-R leaves on Sketch is still far above what the accuracy on ImageNet predicts.
    assert above["sketch", "after"] > 10


def cells(networks: int) -> pd.DataFrame:
    """Networks on exact lines on logit axes, and one more that lies 7 points above them after fine-tuning on `r`."""
    rows = []
    for number in range(networks + 1):
        own = number < networks
        id_before = 0.4 + 0.05 * number
        accuracies = {"val": (id_before, 0.5)}
        for name, (slope, intercept) in {"v2": (0.9, -0.3), "r": (1.2, -1.0), "a": (0.5, -2.0)}.items():
            line = [special.expit(slope * special.logit(x) + intercept) for x in (id_before, 0.5)]
            accuracies[name] = (line[0], line[1] + (0 if own else 0.07))
        for name, (before, after) in accuracies.items():
            key = {"method": "full", "distribution": "imagenet" if own else "web", "architecture": f"n{number}"}
            key |= {"seed": 0, "epoch": 1, "fine_tuned_on": "r", "tested_on": name, "images": 10**9}
            rows.append({**key, "before": 100 * before, "after": 100 * after, "counts": name in ("v2", "a")})
    return pd.DataFrame(rows)


def test_networks_on_the_line_have_none_and_others_their_height(tmp_path: Path) -> None:
    table = cells(4)
    table.to_csv(tmp_path / "cells.csv", index=False)
    files = {name: tmp_path / f"{name}.csv" for name in ("effective", "lines", "points")}
    told = {"baselines": ["imagenet"], "scale": "logit", "reference": "val", "tested_on": ["v2", "r", "a"]}
    effective_robustness_of_cells(cells=tmp_path / "cells.csv", **told, **files)
    found = pd.read_csv(files["effective"]).set_index(["distribution", "tested_on"])
    assert found["effective_before"].abs().max() < 1e-6
    assert found.loc["imagenet", "effective_after"].abs().max() < 1e-6
    assert found.loc["web", "effective_after"].tolist() == pytest.approx([7, 7, 7])
    assert found["effective_after_two"].isna().groupby("tested_on").all().to_dict() == {
        "v2": False,
        "r": True,
        "a": False,
    }
    line = pd.read_csv(files["lines"]).set_index("tested_on").loc["v2"]
    x = special.logit(table[(table["tested_on"] == "val") & (table["distribution"] == "imagenet")]["before"] / 100)
    y = special.logit(table[(table["tested_on"] == "v2") & (table["distribution"] == "imagenet")]["before"] / 100)
    independent = stats.linregress(x.to_numpy(), y.to_numpy())
    assert line["slope"] == pytest.approx(independent.slope)
    assert line["r_squared"] == pytest.approx(independent.rvalue**2)
    assert not found.loc["imagenet", "extrapolated"].any()


def test_two_networks_make_no_baseline(tmp_path: Path) -> None:
    cells(2).to_csv(tmp_path / "cells.csv", index=False)
    files = {name: tmp_path / f"{name}.csv" for name in ("effective", "lines", "points")}
    told = {"baselines": ["imagenet"], "scale": "logit", "reference": "val", "tested_on": ["v2", "r", "a"]}
    with pytest.raises(InputError, match="2 networks of imagenet were tested, and a baseline needs 3"):
        effective_robustness_of_cells(cells=tmp_path / "cells.csv", **told, **files)


def test_accuracies_of_0_and_100_have_a_place() -> None:
    assert on_the_axes([0, 50, 100], 100).tolist() == [0.005, 0.5, 0.995]
