"""Figures of ImageNet-RIB with other sets than ImageNet's: longer names, none that share images."""

import itertools

import pandas as pd
import pytest

from pretraining_robustness.figures.kinds.imagenet_rib.bars import draw_bars
from pretraining_robustness.figures.kinds.imagenet_rib.matrix import draw_matrix
from pretraining_robustness.figures.kinds.imagenet_rib.panels import draw_accuracy

TUNED = ["cifar10_1", "cinic10", "cifar10_c"]
FIGURE = {
    **{"title": "Change of accuracy on every test set", "note": "Made up", "confidence": 0.95},
    **{"reference": "cifar10", "tested_on": TUNED, "sharing": [], "methods": {"full": "full fine-tuning"}},
    **{"networks": {"cifar10_full": "CIFAR-10, all 50,000 images"}, "architectures": ["resnet10", "densenet22"]},
    "variants": {
        **{"cifar10": "CIFAR-10", "cifar10_1": "CIFAR-10.1", "cinic10": "CINIC-10, images from ImageNet"},
        "cifar10_c": "CIFAR-10-C, severity 3",
    },
}
NETWORK = {"distribution": "cifar10_full", "method": "full", "seeds": 1}


@pytest.fixture
def cells() -> pd.DataFrame:
    rows = itertools.product(FIGURE["architectures"], TUNED, ["cifar10", *TUNED])
    named = pd.DataFrame(rows, columns=["architecture", "fine_tuned_on", "tested_on"]).assign(**NETWORK)
    counted = (named["fine_tuned_on"] != named["tested_on"]) & (named["tested_on"] != "cifar10")
    return named.assign(change=3.0, low=1.0, high=5.0, counts=counted, gained=4.0, lost=1.0, changed=6.0)


def test_long_names_of_variants_have_room(cells, texts_apart) -> None:
    page, _ = draw_matrix(cells, {}, FIGURE)
    texts = [text for text, _ in texts_apart(page)]
    assert texts.count("CINIC-10, images from ImageNet") == 2 + 1  # a row of each network, and the columns


def test_long_names_stay_on_the_page_beside_accuracies(cells, all_texts) -> None:
    page, _ = draw_accuracy(cells.assign(seed=0, before=40.0, after=43.0), {}, FIGURE)
    names = [box for text, box in all_texts(page) if text == "CINIC-10, images\nfrom ImageNet"]
    assert len(names) == 1
    assert names[0].x0 >= 0


def test_nothing_is_said_of_shared_images_where_there_are_none(all_texts) -> None:
    rows = itertools.product(FIGURE["architectures"], ["all", "without_shared_images"])
    means = pd.DataFrame(rows, columns=["architecture", "counting"]).assign(**NETWORK, fine_tuned_on="all", index=2.0)
    ends = {"low": 1.0, "high": 3.0, "low_images": 1.0, "high_images": 3.0, "before": 40.0, "after": 42.0}
    page, caption = draw_bars(means.assign(**ends), {}, FIGURE)
    assert [axes.get_title() for axes in page.axes] == ["All variants"]
    assert not any("shared" in text for text, _ in all_texts(page))
    assert "shared" not in caption
    assert "the variants of CIFAR-10 that a network is fine-tuned on" in caption
