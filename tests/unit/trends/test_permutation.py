"""Exchanges of runs where series do not share their architectures: what is exchanged, level, power, and words."""

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from score_tables import PAIR, paired, write_score_table

from pretraining_robustness.trends.comparisons import compare_series, read_comparisons, read_contrasts
from pretraining_robustness.trends.permutation import exchange, permutation_test


def drawn(generator, series, *, epochs=1, seeds=1, shared=0.1, own=0.03, noise=0.04):
    """x, y, series, runs and architectures of series given as {name: (numbers of architectures, height, shift of ID)}.

    `shared`, `own` and `noise` are the standard deviations of architectures, runs and checkpoints around the line.
    """
    places, errors = 0.5 * generator.normal(size=100), shared * generator.normal(size=100)
    rows, run = [], 0
    for number, (architectures, height, along) in enumerate(series.values()):
        for architecture, _ in itertools.product(architectures, range(seeds)):
            x = places[architecture] + along + 0.1 * generator.normal() + np.sort(0.3 * generator.normal(size=epochs))
            error = errors[architecture] + own * generator.normal() + noise * generator.normal(size=epochs)
            rows += zip(x, 0.7 * x + height + error, *([n] * epochs for n in (number, run, architecture)), strict=True)
            run += 1
    x, y, *groups = np.array(rows).T
    return x, y, *(group.astype(np.int64) for group in groups)


def permuted(given, permutations):
    return permutation_test(*given, permutations=permutations, generator=np.random.default_rng(0))


@pytest.mark.parametrize(
    ("architectures", "lengths", "series", "groups", "by_architecture"),
    [
        ([0, 1, 0, 1], [5, 5, 5, 5], [0, 0, 1, 1], [[[0], [2]], [[1], [3]]], True),
        ([0, 1, 0, 2], [5, 5, 5, 5], [0, 0, 1, 1], [[[0], [2]], [[1], [3]]], False),  # half the runs are shared
        ([0, 1, 0, 1, 2], [5, 5, 5, 5, 5], [0, 0, 1, 1, 1], [[[0], [2]], [[1], [3]]], True),  # 2 exchanges nothing
        ([0, 1, 2, 3], [1, 1, 1, 1], [0, 0, 1, 1], [[[0], [1], [2], [3]]], False),
        ([0, 1, 2, 3], [5, 1, 5, 1], [0, 0, 1, 1], [[[0], [2]], [[1], [3]]], False),
        ([0, 0, 1, 1], [5, 4, 4, 5], [0, 0, 1, 1], [[[1, 0], [2, 3]]], False),  # architectures as a whole
        ([0, 0, 1, 2], [1, 1, 1, 1], [0, 0, 1, 1], [], False),  # two runs of one are not those of two
    ],
)
def test_what_is_exchanged(architectures, lengths, series, groups, by_architecture):
    found = exchange(*map(np.array, (architectures, lengths, series)))
    assert [group.tolist() for group in found.groups] == groups
    assert found.by_architecture == by_architecture


def test_without_shared_architectures_it_is_a_plain_loop_over_all_orders_of_runs():
    """Two runs against three, of two checkpoints each, with one intercept: 5! exchanges, fitted by statsmodels."""
    x, y, series, runs, architectures = drawn(
        np.random.default_rng(1), {"a": (range(2), 0, 0), "b": (range(2, 5), 0.2, 0.3)}, epochs=2
    )
    found = permuted((x, y, series, runs, architectures), 120)
    fitted = sm.OLS(y, sm.add_constant(x)).fit()
    own = np.eye(2)[series]
    full = np.column_stack([own, own * x[:, None]])
    statistics = []
    for order in itertools.permutations(range(5)):
        star = fitted.fittedvalues + fitted.resid.reshape(5, 2)[list(order)].ravel()
        rest, left = sm.OLS(star, sm.add_constant(x)).fit().ssr, sm.OLS(star, full).fit().ssr
        statistics.append((rest - left) / left)
    assert (found.permutations, found.smallest) == (120, 1 / 120)
    assert found.trend == np.mean(np.array(statistics) >= statistics[0] * (1 - 1e-9))


NULLS = {
    "published": ({"a": (range(36), 0, 0), "b": (range(36, 75), 0, 1.0)}, {}),
    "few published": ({"a": (range(4), 0, 0), "b": (range(4, 16), 0, 0.5)}, {}),
    "few of many shared": ({"a": (range(36), 0, 0), "b": (range(33, 70), 0, 0.5)}, {}),
    "seeds": ({"a": (range(6), 0, 0), "b": (range(6, 12), 0, 0.5)}, {"epochs": 5, "seeds": 3}),
    "shared and own": ({"a": (range(9), 0, 0), "b": (range(9), 0, 0.3), "c": (range(9, 17), 0, 0.5)}, {"epochs": 5}),
}


@pytest.mark.parametrize("design", NULLS)
def test_the_level_holds_where_series_moved_along_the_line(design):
    """Rejected at 5 % in 3 to 7.5 % of 400 null studies (95 % of draws: 2.9 to 7.2 %), fewer with Bonferroni."""
    generator = np.random.default_rng(2)
    series, options = NULLS[design]
    found = []
    for _ in range(400):
        test = permutation_test(*drawn(generator, series, **options), permutations=99, generator=generator)
        found.append([test.trend, test.height])
    rejected = (np.array(found) <= 0.05).mean(axis=0)
    assert (rejected <= 0.075).all(), rejected
    assert (rejected >= (0.01 if design == "shared and own" else 0.03)).all(), rejected


def test_single_runs_exchanged_in_place_of_architectures_would_find_too_much():
    """Why an architecture is exchanged with all its seeds: these are correlated."""
    generator, found = np.random.default_rng(3), []
    series, options = NULLS["seeds"]
    for _ in range(150):
        x, y, of, runs, _ = drawn(generator, series, **options)
        found.append(permutation_test(x, y, of, runs, runs, permutations=99, generator=generator).height)
    assert np.mean(np.array(found) <= 0.05) > 0.15


def test_series_that_no_joint_exchange_connects_are_tested_in_pairs():
    apart = {"a": (range(8), 0, 0), "b": (range(8), 0, 0), "c": (range(8, 16), 1.0, 0)}
    given = drawn(np.random.default_rng(4), apart, epochs=3)
    series = given[2]
    found = permuted(given, 199)
    assert (found.trend, found.smallest, found.permutations) == (3 / 200, 3 / 200, 3 * 199)
    assert found.untested == ()
    shorter = (series != 2) | (np.arange(len(series)) % 3 > 0)  # c has other numbers of checkpoints: exchanges nothing
    alone = permuted([values[shorter] for values in given], 199)
    assert alone.untested == (2,)
    pair = series != 2
    only_pair = permuted([values[pair] for values in given], 199)
    assert (alone.trend, alone.height) == (only_pair.trend, only_pair.height)


def compare_published(tmp_path, groups, own=None):
    """Compare groups of published models given as (x, y, group names) on probit axes."""
    x, y, names = groups
    table = pd.DataFrame({"model": [f"m{n}" for n in range(len(x))], "id": stats.norm.cdf(x), "ood": stats.norm.cdf(y)})
    table.assign(group=names).to_csv(tmp_path / "published.csv", index=False)
    paths = [tmp_path / name for name in ("scores.csv", "comparisons.csv", "contrasts.csv")]
    if own is not None:
        write_score_table(own, paths[0])
    series = [*dict.fromkeys([] if own is None else own["distribution"]), *dict.fromkeys(names)]
    figure = {
        "name": "f",
        "title": "F",
        "task_label": "T",
        "scale": "probit",
        "band": "architectures",
        "confidence": 0.95,
    }
    figure |= {"references": [], "panels": [{"title": "P", "series": series}], "x_label": "ID", "y_label": "OOD"}
    compare_series(
        None if own is None else paths[0],
        *paths[1:],
        figure=figure | {"pairs": {"iwildcam": PAIR}},
        permutations=999,
        seed=0,
        margin=0.02,
        published=[tmp_path / "published.csv"],
    )
    return read_comparisons(paths[1]).iloc[0], read_contrasts(paths[2])


def test_published_models_far_apart_are_told_apart(tmp_path):
    """36 against 39 models, each with its own architecture, one group 0.4 above the other on probit axes."""
    x, y, series, *_ = drawn(np.random.default_rng(5), {"a": (range(36), 0, 0), "b": (range(36, 75), -0.4, 0.3)})
    row, contrasts = compare_published(tmp_path, (x, y, np.array(["CLIP", "ImageNet"])[series]))
    assert row["permutation_p"] == row["permutation_p_height"] == row["permutation_smallest_p"] == 1 / 1000
    assert row[["ancova_p_height", "mixed_p"]].max() < 1e-6
    assert contrasts["p"][0] < 1e-12
    assert row["conclusion"] == (
        "The hypothesis that 'CLIP' and 'ImageNet' share one trend is rejected (permutation test, p = 0.001). "
        f"OOD macro F1 is {100 * row['largest_difference']:.1f} points higher for 'CLIP' than for 'ImageNet' at the "
        f"same ID macro F1 of {row['id_score']:.2f} (95 % CI {100 * row['largest_low']:+.1f} to "
        f"{100 * row['largest_high']:+.1f}, p < 0.001)."
    )
    assert row["note"] == ""


def test_published_models_beside_runs_of_several_epochs_are_said_to_be_untested(tmp_path):
    generator = np.random.default_rng(6)
    x, y, series, _, architectures = drawn(generator, {"a": (range(8), 0, 0), "b": (range(8), 0, 0)}, epochs=3)
    own = pd.DataFrame({"task": "iwildcam", "distribution": np.array(["a", "b"])[series]})
    own = own.assign(architecture=[f"net{n}" for n in architectures], seed=0, epoch=np.tile([1, 2, 3], 16))
    scores = {"id_macro_f1": stats.norm.cdf(x), "ood_macro_f1": stats.norm.cdf(y)}
    x, y, *_ = drawn(generator, {"c": (range(20), -1.0, 0)})
    row, _ = compare_published(tmp_path, (x, y, ["Elsewhere"] * 20), paired(own.assign(**scores)))
    assert row["untested"] == "Elsewhere"
    assert "The permutation test does not cover 'Elsewhere'" in row["conclusion"]
    assert "higher for 'b' than for 'Elsewhere'" in row["conclusion"] or "for 'a' than for" in row["conclusion"]
    assert row["largest_p_holm"] < 1e-4
