"""Metrics: those of wilds, as sklearn and pencil and paper have them, and the counts behind their intervals."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.computed import COMPUTED
from pretraining_robustness.evaluate.intervals import resampled_scores
from pretraining_robustness.evaluate.left_out import jackknife_clusters, scores_without
from pretraining_robustness.evaluate.metrics import METRICS, score_metric


def cases() -> list[tuple[str, np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    found = [
        ("perfect", np.array([0, 1, 2]), np.array([0, 1, 2])),
        ("all wrong", np.array([0, 0, 1]), np.array([1, 1, 0])),
        ("one image", np.array([5]), np.array([2])),
        ("absent classes predicted", np.array([0, 0, 1, 1]), np.array([0, 7, 9, 1])),
    ]
    for number in range(10):
        classes = int(random.integers(2, 182))
        truth = random.choice(classes, size=500, p=random.dirichlet(np.full(classes, 0.2)))
        predicted = np.where(random.random(500) < 0.6, truth, random.integers(0, classes, 500))
        found.append((f"random {number}", truth, predicted))
    return found


CASES = cases()
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
parametrized = pytest.mark.parametrize(
    ("truth", "predicted"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)


def counted(metric, truth, predicted, groups):
    """The counts of all images as one resample."""
    columns, counters = metric.tally(truth, predicted, groups)
    return np.bincount(columns[columns >= 0], minlength=counters)[None].astype(float)


@parametrized
def test_scores_are_sklearns_and_their_counts_give_the_same(truth, predicted):
    groups = np.arange(len(truth)) % 7
    hit = truth == predicted
    expected = {
        "macro_f1": f1_score(truth, predicted, average="macro", labels=np.unique(truth)),
        "accuracy": hit.mean(),
        "worst_group_accuracy": min(hit[groups == group].mean() for group in np.unique(groups)),
    }
    assert expected.keys() == METRICS.keys() == COMPUTED.keys()
    for name, metric in METRICS.items():
        assert COMPUTED[name](truth, predicted, groups) == pytest.approx(expected[name], abs=1e-6)
        counts = counted(metric, truth, predicted, groups)
        np.testing.assert_allclose(metric.of_counts(counts), [expected[name]], atol=1e-12)


def test_macro_f1_has_double_precision():
    _, truth, predicted = CASES[-1]
    expected = f1_score(truth, predicted, average="macro", labels=np.unique(truth))
    assert COMPUTED["macro_f1"](truth, predicted, truth) == pytest.approx(expected, abs=1e-15)


def test_predictions_of_absent_classes_cost_the_true_class_only():
    # By hand: class 0 has TP 1, FN 1: 2/3; class 1 has TP 2: 1. Class 9 is no term.
    truth, predicted = np.array([0, 0, 1, 1]), np.array([0, 9, 1, 1])
    assert COMPUTED["macro_f1"](truth, predicted, truth) == pytest.approx((2 / 3 + 1) / 2)


def test_an_unknown_metric_is_named():
    with pytest.raises(InputError, match="'f2' is not a metric of a score table; use one of macro_f1, accuracy"):
        score_metric("f2")


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("clustered", [True, False])
def test_resampled_scores_have_the_distribution_of_a_plain_bootstrap(name, clustered):
    random = np.random.default_rng(1)
    truth = random.integers(0, 4, 90)
    cameras = random.integers(0, 9, 90)
    predicted = np.where(random.random(90) < np.linspace(0.2, 0.9, 9)[cameras], truth, random.integers(0, 4, 90))
    groups, metric = cameras % 2, METRICS[name]
    found = resampled_scores(
        metric,
        truth,
        predicted,
        groups,
        cameras if clustered else None,
        resamples=3000,
        generator=np.random.default_rng(2),
    )
    plain = []
    for _ in range(3000):
        if clustered:
            drawn = random.integers(0, 9, 9)
            rows = np.concatenate([np.flatnonzero(cameras == camera) for camera in drawn])
        else:
            rows = random.integers(0, 90, 90)
        plain.append(metric.of_counts(counted(metric, truth[rows], predicted[rows], groups[rows]))[0])
    assert found.mean() == pytest.approx(np.mean(plain), abs=0.005)
    assert found.std() == pytest.approx(np.std(plain), rel=0.1)
    assert stats.ks_2samp(found, plain).pvalue > 1e-4


@pytest.mark.parametrize("name", METRICS)
def test_scores_without_a_cluster_are_those_of_the_other_images(name):
    _, truth, predicted = CASES[-1]
    groups, clusters = np.arange(len(truth)) % 3, np.arange(len(truth)) // 40
    found = scores_without(METRICS[name], truth, predicted, groups, clusters)
    for cluster, score in enumerate(found):
        kept = clusters != cluster
        assert score == pytest.approx(COMPUTED[name](truth[kept], predicted[kept], groups[kept]), abs=1e-6)


def test_images_without_clusters_are_left_out_in_blocks_of_one_size():
    blocks = jackknife_clusters("test", 1050, None)
    assert set(np.bincount(blocks)) == {10, 11}
    assert len(np.bincount(blocks)) == 100
    np.testing.assert_array_equal(blocks, jackknife_clusters("test", 1050, None))
    assert jackknife_clusters("test", 7, None).tolist() != list(range(7))
    assert jackknife_clusters("test", 4, np.array([9, 3, 9, 3])).tolist() == [1, 0, 1, 0]


def test_the_interval_of_the_worst_group_covers_it():
    """Images are independent within groups, the lowest of five accuracies is 0.55."""
    random, metric = np.random.default_rng(3), METRICS["worst_group_accuracy"]
    groups, truth = np.arange(1000) % 5, np.zeros(1000, np.int64)
    covered = 0
    for _ in range(200):
        predicted = (random.random(1000) > np.linspace(0.55, 0.95, 5)[groups]).astype(np.int64)
        drawn = resampled_scores(metric, truth, predicted, groups, None, resamples=200, generator=random)
        low, high = np.quantile(drawn, [0.025, 0.975])
        covered += low <= 0.55 <= high
    assert 0.91 <= covered / 200 <= 0.99
