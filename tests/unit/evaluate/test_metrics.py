import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from pretraining_robustness.evaluate.metrics import accuracy, macro_f1


def cases() -> list[tuple[str, np.ndarray, np.ndarray]]:
    random = np.random.default_rng(0)
    found = [
        ("perfect", np.array([0, 1, 2]), np.array([0, 1, 2])),
        ("all wrong", np.array([0, 0, 1]), np.array([1, 1, 0])),
        ("one class", np.array([3, 3, 3]), np.array([3, 3, 3])),
        ("one image", np.array([5]), np.array([2])),
        ("absent classes predicted", np.array([0, 0, 1, 1]), np.array([0, 7, 9, 1])),
        ("constant prediction", np.array([0, 1, 2, 2]), np.zeros(4, int)),
    ]
    for number in range(20):
        classes = int(random.integers(2, 182))
        truth = random.choice(classes, size=500, p=random.dirichlet(np.full(classes, 0.2)))
        guess = np.where(random.random(500) < 0.6, truth, random.integers(0, classes, 500))
        found.append((f"random {number}", truth, guess))
    return found


CASES = cases()
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")


@pytest.mark.parametrize(("truth", "guess"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_macro_f1_is_sklearns_over_the_classes_present(truth: np.ndarray, guess: np.ndarray) -> None:
    expected = f1_score(truth, guess, average="macro", labels=np.unique(truth))
    assert macro_f1(truth, guess) == pytest.approx(expected, abs=1e-12)
    assert macro_f1(truth, guess.astype(np.int16)) == pytest.approx(expected, abs=1e-12)


@pytest.mark.slow
def test_scores_are_those_of_iwildcams_own_evaluation() -> None:
    from wilds.common.metrics.all_metrics import F1, Accuracy, Recall
    from wilds.datasets.iwildcam_dataset import IWildCamDataset

    # The evaluation uses nothing of the data set but its metrics, so no images are needed.
    dataset = object.__new__(IWildCamDataset)
    dataset._metrics = {
        "acc": Accuracy(prediction_fn=None),
        "recall": Recall(prediction_fn=None, average="macro"),
        "f1": F1(prediction_fn=None, average="macro"),
    }
    for name, truth, guess in CASES:
        metadata = torch.zeros(len(truth), 1)
        results, _ = IWildCamDataset.eval(dataset, torch.from_numpy(guess), torch.from_numpy(truth), metadata)
        assert macro_f1(truth, guess) == pytest.approx(results["F1-macro_all"], abs=1e-6), name
        assert accuracy(truth, guess) == pytest.approx(results["acc_avg"], abs=1e-6), name


def test_predictions_of_absent_classes_cost_the_true_class_only() -> None:
    # By hand: class 0 has TP 1, FN 1: 2/3; class 1 has TP 2: 1. Class 9 is no term.
    assert macro_f1([0, 0, 1, 1], [0, 9, 1, 1]) == pytest.approx((2 / 3 + 1) / 2)


@pytest.mark.parametrize(("truth", "guess"), [([], []), ([1, 2], [1]), ([[1]], [[1]])])
def test_lists_that_do_not_match_are_refused(truth: list, guess: list) -> None:
    with pytest.raises(ValueError, match="equally long"):
        macro_f1(np.array(truth, dtype=int), np.array(guess, dtype=int))
