"""The crossing of pre-training data with mRI: exact tests of made-up networks, and that a test keeps its level."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats

from pretraining_robustness.imagenet_rib.crossing import (
    beyond_accuracy,
    cross_with_pretraining,
)
from pretraining_robustness.trends.blocks import mean_over_networks, paired_contrasts

IMAGES = {"all": 1_000_000, "some": 100_000, "few": 10_000, "fewest": 1_000}
BLOCKS = [("resnet", 0), ("resnet", 1), ("densenet", 0)]
FIGURE: dict[str, Any] = {
    "panels": [
        {"title": "Quantity", "series": list(IMAGES), "ordered_by": "images"},
        {"title": "Source", "series": ["all", "fractals"]},
    ],
    "methods": {"full": "full fine-tuning"},
    "networks": {**{name: f"{count:,} images" for name, count in IMAGES.items()}, "fractals": "fractals"},
    "images": IMAGES,
    "confidence": 0.95,
    "permutations": 1000,
    "seed": 0,
}


def indices(mri: dict[tuple[str, str, int], float]) -> pd.DataFrame:
    """The table of indices of networks (series, architecture, seed) with these mRI."""
    rows = []
    for (series, architecture, seed), value in mri.items():
        for counting, tuned in itertools.product(("all", "without_shared_images"), ("v2", "all")):
            key = {"method": "full", "distribution": series, "architecture": architecture, "seed": seed, "epoch": 6}
            shown = {"index": value if tuned == "all" else 99.0, "low": 0.0, "high": 0.0, "before": 40.0}
            rows.append({**key, "counting": counting, "fine_tuned_on": tuned, **shown, "after": 40 + value})
    return pd.DataFrame(rows)


def test_a_trend_and_contrasts_of_exactly_known_size(tmp_path: Path) -> None:
    """mRI falls by 1.9 points for ten times as many images in one architecture and by 2.1 in the other."""
    bases = dict(zip(BLOCKS, (1.0, 3.0, -4.0), strict=True))
    slopes = {"resnet": -1.9, "densenet": -2.1}
    mri = {
        (name, *block): base + slopes[block[0]] * np.log10(count)
        for block, base in bases.items()
        for name, count in IMAGES.items()
    }
    mri |= {
        ("fractals", *block): mri["all", *block] + 5 + jitter
        for block, jitter in zip(BLOCKS, (-1, 1, 0.5), strict=True)
    }
    indices(mri).to_csv(tmp_path / "indices.csv", index=False)
    paths = {name: tmp_path / f"{name}.csv" for name in ("means", "trends", "contrasts")}
    cross_with_pretraining(indices=tmp_path / "indices.csv", figure=FIGURE, **paths)
    trends = pd.read_csv(paths["trends"]).set_index(["panel", "counting"])
    row = trends.loc["Quantity", "all"]
    assert row["ordered"] == "fewest; few; some; all"
    assert row["per_tenfold"] == pytest.approx(-2)
    # All three networks are in the opposite order, one of 24^3 equally likely triples; the test is two-sided.
    assert row["page_p"] == pytest.approx(2 / 24**3)
    assert "mRI falls with the number of pre-training images, by 2.0 points" in row["conclusion"]
    assert "more pre-training data costs more robustness" in row["conclusion"]
    assert pd.isna(trends.loc["Source", "all"]["page_p"])

    contrast = pd.read_csv(paths["contrasts"]).query("panel == 'Source' and counting == 'all'").iloc[0]
    by_architecture = [-5.5, -5.0]  # the two seeds of resnet are averaged before densenet joins them
    assert contrast["difference"] == pytest.approx(np.mean(by_architecture))
    assert contrast["p"] == pytest.approx(stats.ttest_1samp([-5.0, -5.5], 0).pvalue)
    means = pd.read_csv(paths["means"]).query("panel == 'Quantity' and counting == 'all'").set_index("series")
    assert means.loc["all", "mri"] == pytest.approx(np.mean([np.mean([1, 3]), -4]) - 12)
    assert means.loc["all", "networks"] == 3


def test_seeds_of_one_architecture_are_a_paired_t_test_with_holm() -> None:
    random = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([["resnet"], range(5)], names=["architecture", "seed"])
    values = pd.DataFrame(random.normal([0, 1, 4], size=(5, 3)), index=index, columns=["a", "b", "c"])
    pairs = {(one["first"], one["second"]): one for one in paired_contrasts(values, 0.95)}
    p = {pair: stats.ttest_rel(values[pair[0]], values[pair[1]]).pvalue for pair in pairs}
    assert {pair: one["p"] for pair, one in pairs.items()} == pytest.approx(p)
    ranked = sorted(p, key=p.__getitem__)
    corrected = np.maximum.accumulate([min(1, (3 - rank) * p[pair]) for rank, pair in enumerate(ranked)])
    assert [pairs[pair]["p_holm"] for pair in ranked] == pytest.approx(corrected.tolist())


def test_one_network_has_a_mean_and_no_interval(tmp_path: Path) -> None:
    one = pd.Series([-3.0], index=pd.MultiIndex.from_tuples([("resnet", 0)], names=["architecture", "seed"]))
    mean = mean_over_networks(one, 0.95)
    assert (mean.value, mean.networks) == (-3, 1)
    assert np.isnan([mean.low, mean.high, mean.p]).all()
    indices({(name, "resnet", 0): -1.0 for name in IMAGES}).to_csv(tmp_path / "indices.csv", index=False)
    paths = {name: tmp_path / f"{name}.csv" for name in ("means", "trends", "contrasts")}
    cross_with_pretraining(indices=tmp_path / "indices.csv", figure=FIGURE, **paths)
    said = pd.read_csv(paths["trends"])["conclusion"]
    assert "can be tested with 1 network a size" in said[0]
    assert "needs two or more architectures or seeds" in said[0]


def test_beyond_accuracy_keeps_its_level_and_sees_an_effect() -> None:
    """Accuracy before grows with the images and lowers mRI; that alone is no effect of the number of images."""
    random = np.random.default_rng(0)
    index = pd.MultiIndex.from_tuples([("resnet", 0), ("densenet", 0), ("vit", 0)], names=["architecture", "seed"])
    sizes = np.log10(list(IMAGES.values()))
    found, seen = 0, 0
    for trial in range(200):
        before = pd.DataFrame(10 * sizes + random.normal(0, 6, (3, 4)), index=index, columns=list(IMAGES))
        noise = random.normal(0, 1, (3, 4)) + random.normal(0, 5, (3, 1))
        found += beyond_accuracy(noise - 0.3 * before, before, IMAGES, 199, trial) <= 0.05
        seen += beyond_accuracy(noise - 0.3 * before - 3 * sizes, before, IMAGES, 199, trial) <= 0.05
    assert found / 200 < 0.09
    assert seen / 200 > 0.5


def test_what_the_miniature_showed_is_found(repository: Path, tmp_path: Path) -> None:
    """Of 24 networks of a whole run: more, finer labelled and more natural pre-training data cost more robustness."""
    study = yaml.safe_load((repository / "data/studies/imagenet_rib_miniature.yaml").read_text(encoding="utf-8"))
    panels = study["figures"]["fig_rib_crossing"]["panels"]
    names = {name: name for panel in panels for name in panel["series"]}
    images = {"imagenet_full": 12812, "imagenet_150k": 1500, "imagenet_25k": 250, "imagenet_5k": 50}
    paths = {name: tmp_path / f"{name}.csv" for name in ("means", "trends", "contrasts")}
    figure = {**FIGURE, "panels": panels, "networks": names, "images": images}
    cross_with_pretraining(indices=repository / "benchmarks/results/imagenet_rib_miniature.csv", figure=figure, **paths)
    quantity = pd.read_csv(paths["trends"]).iloc[0]
    assert quantity["page_p"] < 0.01
    assert quantity["per_tenfold_high"] < -2
    contrasts = pd.read_csv(paths["contrasts"]).set_index(["first", "second"])
    for pair in (("imagenet_full", "imagenet_depth_2"), ("imagenet_150k", "fractaldb_150k")):
        assert contrasts.loc[pair, "high"] < 0
        assert contrasts.loc[pair, "p_holm"] < 0.05
