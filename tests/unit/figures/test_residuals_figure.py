"""Residuals: their numbers against statsmodels and scipy, and that the figure shows them legibly."""

import itertools

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from score_tables import PAIRS, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.kinds.residuals import draw_residual_figure, residual_caption
from pretraining_robustness.figures.line_names import spread
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.fit import fit_trends, read_bands, read_trends
from pretraining_robustness.trends.residuals import (
    baseline_trend,
    changes_sign,
    epoch_effect,
    mean_over_seeds,
    residual_points,
)
from pretraining_robustness.trends.specification import ResidualFigure

FAMILIES = {
    "resnet18": "ResNet",
    "resnet34": "ResNet",
    "resnet50": "ResNet",
    "resnet101": "ResNet",
    "resnext50_32x4d": "ResNeXt",
    "densenet121": "DenseNet",
    "densenet161": "DenseNet",
    "mobilenet_v3_large": "MobileNetV3",
    "alexnet": "AlexNet",
}
FEW = ["resnet50", "densenet121", "alexnet"]
FIGURE = {
    "name": "fig3",
    "kind": "residuals",
    "title": "Residuals from the ImageNet trend over fine-tuning",
    "task_label": "iWildCam-WILDS",
    "scale": "probit",
    "pairs": PAIRS,
    "confidence": 0.95,
    "baseline": "imagenet_full",
    "series": ["imagenet_full"],
    "labels": {
        "imagenet_full": "ImageNet, all 1,281,167 images (here 12,812)",
        "inaturalist_full": "iNaturalist, all 579,184 images (here 5,792)",
    },
    "architectures": {name: f"{family} ({name})" for name, family in FAMILIES.items()},
    "x_label": "Epochs of fine-tuning",
    "y_label": "Residual of the out-of-distribution macro F1 score (iWildCam-WILDS, test split)",
    "note": "Miniature: drawn data and small networks, not the paper's results",
    "not_run": [],
}
BOTH = FIGURE | {"series": ["imagenet_full", "inaturalist_full"]}
TO_AXIS = {"linear": lambda f1: f1, "logit": lambda f1: np.log(f1 / (1 - f1)), "probit": stats.norm.ppf}
TO_F1 = {"linear": lambda y: y, "logit": lambda y: 1 / (1 + np.exp(-y)), "probit": stats.norm.cdf}


def made_up_scores(architectures, epochs=12, seeds=1, distributions=("imagenet_full",)):
    generator = np.random.default_rng(5)
    rows = []
    for distribution, architecture, seed in itertools.product(distributions, architectures, range(seeds)):
        worse = 0.1 * distributions.index(distribution)
        for epoch in range(1, epochs + 1):
            x = -1.0 + 0.08 * epoch + 0.03 * generator.normal()
            f1 = stats.norm.cdf([x, 0.9 * x - 0.3 - worse + 0.08 * generator.normal()])
            rows.append(("iwildcam", distribution, architecture, seed, epoch, *f1, *f1))
    return paired(rows)


def tables(folder, scores, baseline="imagenet_full"):
    paths = [folder / name for name in ("scores.csv", "trends.csv", "bands.csv")]
    write_score_table(scores, paths[0])
    options = {"pairs": PAIRS, "scales": list(SCALES), "resamples": 100, "confidence": 0.95, "seed": 0}
    fit_trends(*paths, figure="fig3", series=[baseline], **options)
    return paths


def arguments(folder, scores, figure=FIGURE):
    _, trends, bands = tables(folder, scores)
    return scores, read_trends(trends), read_bands(bands), figure


# Numbers -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
def test_residuals_are_those_of_statsmodels_mapped_back_with_scipy(tmp_path, scale):
    scores = made_up_scores(FEW)
    points = residual_points(*arguments(tmp_path, scores)[:2], FIGURE | {"scale": scale})
    x, y = TO_AXIS[scale](points["id_macro_f1"]), TO_AXIS[scale](points["ood_macro_f1"])
    fitted = sm.OLS(y, sm.add_constant(x)).fit()
    np.testing.assert_allclose(points["axis_residual"], fitted.resid, atol=1e-9)
    np.testing.assert_allclose(points["predicted_ood_macro_f1"], TO_F1[scale](fitted.fittedvalues), atol=1e-9)
    np.testing.assert_allclose(
        points["residual"], points["ood_macro_f1"] - TO_F1[scale](fitted.fittedvalues), atol=1e-9
    )
    assert points["axis_residual"].mean() == pytest.approx(0, abs=1e-9)  # as the caption says


def test_the_line_of_other_architectures_does_not_use_the_one_shown(tmp_path):
    scores = made_up_scores(FEW)
    points = residual_points(*arguments(tmp_path, scores)[:2], FIGURE)
    x, y = TO_AXIS["probit"](points["id_macro_f1"]), TO_AXIS["probit"](points["ood_macro_f1"])
    for name in FEW:
        own = points["architecture"] == name
        fitted = sm.OLS(y[~own], sm.add_constant(x[~own])).fit()
        predicted = stats.norm.cdf(fitted.predict(sm.add_constant(x[own])))
        np.testing.assert_allclose(points.loc[own, "residual_from_others"], points.loc[own, "ood_macro_f1"] - predicted)


@pytest.mark.parametrize(("drift", "least", "most"), [(0.0, 0, 0.075), (0.003, 0.9, 1)])
def test_an_effect_of_the_epoch_is_found_and_its_false_alarms_are_rare(drift, least, most):
    """400 studies of 9 architectures x 12 epochs; residuals of one architecture are correlated over its epochs."""
    generator = np.random.default_rng(0)
    index = pd.MultiIndex.from_product([["imagenet_full"], list(FAMILIES), range(1, 13)])
    names = index.to_frame(index=False, name=["series", "architecture", "epoch"])
    found = 0
    for _ in range(400):
        walks = 0.005 * generator.normal(size=(9, 12)).cumsum(axis=1) + 0.02 * generator.normal(size=(9, 1))
        effect = epoch_effect(names.assign(residual_from_others=walks.ravel() + drift * names["epoch"]), 0.95)
        assert (effect.p <= 0.05) == (not effect.low <= 0 <= effect.high)
        found += effect.p <= 0.05
    assert least <= found / 400 <= most


def test_another_distribution_is_measured_against_the_baselines_trend(tmp_path):
    scores = made_up_scores(FEW, distributions=("imagenet_full", "inaturalist_full"))
    points = residual_points(*arguments(tmp_path, scores)[:2], BOTH)
    assert list(points["distribution"].unique()) == BOTH["series"]
    x, y = TO_AXIS["probit"](points["id_macro_f1"]), TO_AXIS["probit"](points["ood_macro_f1"])
    own = points["distribution"] == "imagenet_full"
    fitted = sm.OLS(y[own], sm.add_constant(x[own])).fit()
    np.testing.assert_allclose(points["axis_residual"], y - fitted.predict(sm.add_constant(x)), atol=1e-9)
    assert points.loc[~own, "residual"].mean() < -0.01


def test_a_checkpoint_without_a_place_has_no_residual_and_is_counted(tmp_path, all_texts):
    scores = made_up_scores(FEW)
    scores.loc[[3, 20], "ood_macro_f1"] = [0.0, 1.0]
    given = arguments(tmp_path, scores)
    points = residual_points(*given[:2], FIGURE)
    assert (~points["drawn"]).sum() == points["residual"].isna().sum() == 2
    assert len(points) == len(scores)
    footer = " ".join(text.replace("\n", " ") for text, _ in all_texts(draw_residual_figure(*given)))
    assert "Not shown: 2 checkpoints with an F1 of 0 or 1" in footer
    assert (
        "2 checkpoints with an F1 of 0 or 1 cannot be placed on these axes and have no residual."
        in residual_caption(*given)
    )
    linear = residual_points(*given[:2], FIGURE | {"scale": "linear"})
    assert linear["drawn"].all()


def test_lines_are_means_over_seeds_and_change_sign_or_not():
    points = pd.DataFrame(
        [
            ("d", "a", 0, 1, 0.3),
            ("d", "a", 1, 1, 0.1),
            ("d", "a", 0, 2, -0.1),
            ("d", "b", 0, 1, 0.1),
            ("d", "b", 0, 2, 0.2),
        ],
        columns=["series", "architecture", "seed", "epoch", "residual"],
    )
    lines = mean_over_seeds(points)
    np.testing.assert_allclose(lines["residual"], [0.2, -0.1, 0.1, 0.2])
    assert lines["seeds"].tolist() == [2, 1, 1, 1]
    assert changes_sign(lines).to_dict() == {("d", "a"): True, ("d", "b"): False}


# Figure --------------------------------------------------------------------------------------------------------------

CASES = {
    "few": (FEW, 1, FIGURE),
    "six, three seeds": (list(FAMILIES)[3:], 3, FIGURE),
    "two distributions": (FEW, 1, BOTH),
    "nine": (list(FAMILIES), 1, FIGURE),
    "nine, two seeds, two distributions": (list(FAMILIES), 2, BOTH),
}


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """A case, the arguments that draw it, and its page."""
    architectures, seeds, figure = CASES[request.param]
    scores = made_up_scores(architectures, seeds=seeds, distributions=tuple(figure["series"]))
    given = arguments(tmp_path_factory.mktemp("case"), scores, figure)
    return CASES[request.param], given, draw_residual_figure(*given)


@pytest.fixture
def nine(tmp_path):
    return arguments(tmp_path, made_up_scores(FAMILIES))


def test_no_text_meets_another_or_leaves_the_page(case, texts_apart):
    _, _, page = case
    boxes = texts_apart(page)
    assert len(boxes) > 15
    assert FIGURE["note"] in [text for text, _ in boxes]


def test_every_architecture_is_drawn_once_a_distribution_and_named(case, all_texts):
    (architectures, seeds, figure), given, page = case
    texts = " ".join(text.replace("\n", " ") for text, _ in all_texts(page))
    expected = mean_over_seeds(residual_points(*given[:2], figure))
    drawn = [line for axes in page.axes for line in axes.lines if line.get_label() in figure["architectures"].values()]
    assert len(drawn) == len(architectures) * len(figure["series"])
    for architecture in architectures:
        mine = [line for line in drawn if line.get_label() == figure["architectures"][architecture]]
        for line, distribution in zip(mine, figure["series"], strict=True):
            rows = expected[(expected["architecture"] == architecture) & (expected["series"] == distribution)]
            np.testing.assert_allclose(line.get_xydata(), rows[["epoch", "residual"]])
        assert architecture in texts
        assert FAMILIES[architecture] in texts
    for axes in page.axes:
        low, high = axes.get_ylim()
        assert low == -high
        assert any(np.all(np.asarray(line.get_ydata()) == 0) for line in axes.lines)
        looks = [(line.get_color(), line.get_marker()) for line in axes.lines if line in drawn]
        assert len({colour for colour, _ in looks}) == len({marker for _, marker in looks}) == len(looks)
        single = [points for points in axes.collections if isinstance(points, mpl.collections.PathCollection)]
        assert bool(single) == (seeds > 1 and len(looks) > 0)


def test_many_architectures_are_shown_by_family_beside_all_others_in_grey(nine):
    page = draw_residual_figure(*nine)
    titles = [axes.get_title(loc="left") for axes in page.axes]
    assert titles == ["All architectures", "ResNet", "ResNeXt", "DenseNet", "MobileNetV3", "AlexNet"]
    for axes, own in zip(page.axes, (0, 4, 1, 2, 1, 1), strict=True):
        assert sum(line.get_color() == "0.72" for line in axes.lines) == 9 - own
    by_epoch = mean_over_seeds(residual_points(*nine[:2], FIGURE)).groupby("epoch")["residual"]
    (band,) = page.axes[0].collections
    corners = pd.DataFrame(band.get_paths()[0].vertices, columns=["epoch", "residual"]).groupby("epoch")["residual"]
    np.testing.assert_allclose(corners.max(), by_epoch.mean() + by_epoch.std())
    np.testing.assert_allclose(corners.min(), by_epoch.mean() - by_epoch.std())
    assert {axes.get_ylabel() for axes in page.axes} == {""}


def test_a_baseline_without_trend_is_said_in_the_figure(tmp_path, all_texts):
    given = arguments(tmp_path, made_up_scores(FEW[:1]))
    reason = f"'{FIGURE['labels']['imagenet_full']}' has no trend: a single run says nothing about other runs"
    assert f"no residuals to show: {reason}" in [
        text.replace("\n", " ") for text, _ in all_texts(draw_residual_figure(*given))
    ]
    assert f"{reason}, so there are no residuals." in residual_caption(*given)
    assert not residual_points(*given[:2], FIGURE)["drawn"].any()


def test_a_figure_without_checkpoints_says_so(tmp_path, all_texts):
    given = arguments(tmp_path, made_up_scores(FEW, distributions=("another",)))
    assert "no checkpoints to show" in [text for text, _ in all_texts(draw_residual_figure(*given))]
    assert "has no trend: no checkpoints" in residual_caption(*given)


def test_a_trend_that_was_not_fitted_is_no_crash():
    trend = baseline_trend(pd.DataFrame(columns=["series", "scale"]), ResidualFigure.from_dict(FIGURE))
    assert trend["note"] == "no trend: not fitted"


# Names at the ends of lines ------------------------------------------------------------------------------------------


def test_names_are_moved_as_little_as_possible():
    generator = np.random.default_rng(1)
    for _ in range(20):
        places = np.sort(generator.uniform(0.2, 0.8, 6))[::-1]
        heights = generator.uniform(0.02, 0.1, 6)
        moved = np.array(spread(places.tolist(), heights.tolist()))
        gaps = -np.diff(moved) - (heights[1:] + heights[:-1]) / 2
        assert gaps.min() > -1e-9
        assert moved[0] + heights[0] / 2 <= 1 + 1e-9
        assert moved[-1] - heights[-1] / 2 >= -1e-9
    np.testing.assert_allclose(spread([0.5, 0.5, 0.3], [0.2, 0.2, 0.1]), [37 / 60, 25 / 60, 16 / 60])
    np.testing.assert_allclose(spread([0.5, 0.5, 0.2], [0.2, 0.2, 0.1]), [0.6, 0.4, 0.2])
    assert spread([], []) == []


# Caption and files ---------------------------------------------------------------------------------------------------


def test_the_caption_gives_the_numbers_and_claims_no_more(nine):
    caption = residual_caption(*nine)
    points = residual_points(*nine[:2], FIGURE)
    changing = sum(line.min() < 0 < line.max() for _, line in points.groupby("architecture")["residual"])
    assert f"range from {points['residual'].min():+.3f} to {points['residual'].max():+.3f} in F1" in caption
    assert f"{changing} of 9 architectures change sign" in caption
    assert "108 checkpoints of 9 architectures with 1 seed" in caption
    assert "partly by construction: the trend was fitted to these same checkpoints" in caption
    assert "Whether residuals depend on the architecture is not tested here" in caption
    others, effect = points["residual_from_others"], epoch_effect(points, 0.95)
    assert f"range from {others.min():+.3f} to {others.max():+.3f}, with mean" in caption
    assert f"residuals change by {effect.slope:+.4f} per epoch" in caption
    assert "t test of the slopes of 9 architectures" in caption
    assert "depend on the epoch is undecided" in caption
    one = points.loc[points["architecture"] == "alexnet", "residual"]
    assert f"- AlexNet (alexnet): mean {one.mean():+.3f}, from {one.min():+.3f} to {one.max():+.3f}" in caption


def test_files_have_every_checkpoint_and_the_same_bytes_twice(tmp_path, write_figure):
    files = dict(zip(("scores", "trends", "bands"), tables(tmp_path, made_up_scores(FEW)), strict=True))
    contents = []
    for folder in ("first", "second"):
        contents.append([path.read_bytes() for path in write_figure(tmp_path / folder, files, FIGURE)])
    assert contents[0] == contents[1]
    listed = pd.read_csv(tmp_path / "first/fig3.csv")
    assert len(listed) == 36
    assert listed["residual"].equals(listed["ood_macro_f1"] - listed["predicted_ood_macro_f1"])


def test_a_missing_key_is_named(tmp_path):
    figure = {key: value for key, value in FIGURE.items() if key != "baseline"}
    with pytest.raises(InputError, match="figure fig3: the key 'baseline' is missing"):
        draw_residual_figure(*arguments(tmp_path, made_up_scores(FEW), figure))
