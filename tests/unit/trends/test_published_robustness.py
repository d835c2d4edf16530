"""Effective robustness of published networks against numpy and scipy on made-up scores."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pretraining_robustness.errors import InputError
from pretraining_robustness.trends.axis_scales import axis_scale
from pretraining_robustness.trends.published_robustness import by_data_set, rank_correlation, reference_line


def test_the_line_is_that_of_the_reference_alone():
    generator = np.random.default_rng(0)
    x = generator.uniform(-0.5, 1.0, 40)
    y = 0.8 * x - 0.3 + 0.01 * generator.normal(size=40)
    table = pd.DataFrame({"id": stats.norm.cdf(x), "ood": stats.norm.cdf(y), "group": "ours"})
    others = pd.DataFrame({"id": [0.5, 0.9], "ood": [0.9, 0.1], "group": "others"})
    line = reference_line(pd.concat([table, others]), "ours", axis_scale("probit"))
    slope, intercept, *_ = stats.linregress(x, y)
    assert (line.slope, line.intercept) == pytest.approx((slope, intercept))
    with pytest.raises(InputError, match="others"):
        reference_line(others, "others", axis_scale("probit"))


def test_means_have_t_intervals_where_there_are_three_networks():
    values = [0.1, 0.2, 0.4, 0.0, 0.1]
    table = pd.DataFrame(
        {"group": "g", "pretrained_on": list("aaabb"), "images": [10.0] * 3 + [20.0] * 2, "robustness": values}
    )
    sets = by_data_set(table, 0.95).set_index("pretrained_on")
    low, high = stats.t.interval(0.95, 2, np.mean(values[:3]), stats.sem(values[:3]))
    assert sets.loc["a", ["mean", "low", "high"]].tolist() == pytest.approx([np.mean(values[:3]), low, high])
    assert sets.loc["b", "networks"] == 2
    assert np.isnan(sets.loc["b", "low"])


def test_data_sets_of_unknown_size_are_not_correlated():
    sets = pd.DataFrame({"images": [1.0, 2.0, 3.0, np.nan, 4.0], "mean": [0.1, 0.3, 0.2, 9.0, 0.4]})
    rho, _, count = rank_correlation(sets)
    assert (rho, count) == (pytest.approx(0.8), 4)
