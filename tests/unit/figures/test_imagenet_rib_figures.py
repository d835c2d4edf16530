"""Figures of ImageNet-RIB with other sets than ImageNet's: long names, none that share images, one network or two."""

import itertools

import pandas as pd
import pytest

from pretraining_robustness.figures.draw import drawing

TUNED = ["cifar10_1", "cinic10", "cifar10_c"]
FIGURE = {
    **{"name": "fig", "title": "Change of accuracy on every test set", "note": "Made up", "confidence": 0.95},
    "answers": "",
    **{"reference": "cifar10", "tested_on": TUNED, "sharing": [], "methods": {"full": "full fine-tuning"}},
    **{"networks": {"cifar10_full": "CIFAR-10, all 50,000 images"}, "architectures": ["resnet10", "densenet22"]},
    "variants": {
        **{"cifar10": "CIFAR-10", "cifar10_1": "CIFAR-10.1", "cinic10": "CINIC-10, images from ImageNet"},
        "cifar10_c": "CIFAR-10-C, severity 3",
    },
}
NETWORK = {"distribution": "cifar10_full", "method": "full", "epoch": 1}


@pytest.fixture
def cells():
    rows = itertools.product(FIGURE["architectures"], TUNED, ["cifar10", *TUNED])
    named = pd.DataFrame(rows, columns=["architecture", "fine_tuned_on", "tested_on"]).assign(**NETWORK)
    counted = (named["fine_tuned_on"] != named["tested_on"]) & (named["tested_on"] != "cifar10")
    named = named.assign(counts=counted, change=3.0, gained=4.0, lost=1.0, changed=6.0, low=1.0, high=5.0)
    after = 43.0 + named["fine_tuned_on"].map(TUNED.index)
    return named.assign(seeds=1, seed=0, before=40.0, after=after, images=100)


@pytest.fixture
def draw(tmp_path):
    """Draws a kind from its rows."""

    def drawn(rows, kind, **changes):
        rows.to_csv(tmp_path / "rows.csv", index=False)
        return drawing({"rows": tmp_path / "rows.csv"}, {**FIGURE, "kind": kind, **changes})

    return drawn


@pytest.mark.parametrize("kind", ["rib_matrix", "rib_changes"])
def test_long_names_have_room(cells, draw, kind, texts_apart):
    page = draw(cells, kind).page
    texts = [text.replace("\n", " ") for text, _ in texts_apart(page)]
    assert texts.count("CINIC-10, images from ImageNet") >= 2


def test_a_heat_map_has_a_unit_and_a_colour_scale(cells, draw, all_texts):
    page = draw(cells, "rib_matrix").page
    assert "Change of accuracy (percentage points)" in [text for text, _ in all_texts(page)]
    assert [axes.get_label() for axes in page.axes][-1] == "colours"


@pytest.mark.parametrize("networks", [1, 2])
def test_changes_of_a_single_network_use_the_whole_width(cells, draw, networks):
    page = draw(cells, "rib_changes", architectures=FIGURE["architectures"][:networks]).page
    assert len(page.axes) == 3 * networks
    assert max(axes.get_tightbbox().x1 for axes in page.axes) > 0.9 * page.bbox.width


def means(seeds):
    rows = itertools.product(FIGURE["architectures"], ["all", "without_shared_images"])
    named = pd.DataFrame(rows, columns=["architecture", "counting"]).assign(**NETWORK, fine_tuned_on="all", index=2.0)
    ends = {"low": 0.5, "high": 3.5, "low_images": 1.0, "high_images": 3.0, "before": 40.0, "after": 42.0}
    return named.assign(**ends, seeds=seeds)


@pytest.mark.parametrize("seeds", [1, 2])
def test_bars_tell_intervals_over_images_from_those_over_seeds(draw, seeds, all_texts):
    page = draw(means(seeds), "rib_bars").page
    texts = [text for text, _ in all_texts(page)]
    assert any("interval over images" in text for text in texts)
    assert any("interval over images and seeds" in text for text in texts) == (seeds > 1)
    assert any("Mean robustness improvement" in text for text in texts)
    lines = {float(one.get_linewidth()[0]) for axes in page.axes for one in axes.collections}
    assert len(lines) == seeds


def test_nothing_is_said_of_shared_images_where_there_are_none(draw, all_texts):
    drawn = draw(means(1), "rib_bars")
    assert [axes.get_title(loc="left") for axes in drawn.page.axes] == ["All variants"]
    assert "shared" not in drawn.caption
    assert "the variants of CIFAR-10 that a network is fine-tuned on" in drawn.caption
