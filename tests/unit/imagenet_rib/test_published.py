"""What is published of ImageNet-RIB: the numbers in data/ agree with each other and with the paper's worked example."""

from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parents[3] / "data" / "imagenet_rib"


def test_the_worked_example_is_27_sevenths() -> None:
    cells = pd.read_csv(DATA / "published_cells.csv")
    example = cells[cells["from"].str.startswith("worked example")]
    assert len(example) == 7
    assert (example["after"] - example["before"]).mean() == pytest.approx(27 / 7)


def test_mri_is_the_difference_of_the_bars() -> None:
    """The bars are read off to 0.03 each."""
    means = pd.read_csv(DATA / "published.csv")
    assert ((means["after"] - means["before"]) - means["mri"]).abs().max() < 0.03


def test_single_cells_are_of_networks_of_the_headline() -> None:
    assert set(pd.read_csv(DATA / "published_cells.csv")["architecture"]) < set(
        pd.read_csv(DATA / "published.csv")["architecture"]
    )
