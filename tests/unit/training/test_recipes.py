import pytest
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.training.recipes import read_recipe

MINIMAL = {"epochs": 3, "batch_size": 4, "learning_rate": 0.1, "image_size": 32}


def rates(total: int, **values: object) -> list[float]:
    recipe = read_recipe({**MINIMAL, **values})
    return [recipe.learning_rate_at(step, total) for step in range(total)]


@pytest.mark.parametrize(
    ("values", "schedule", "steps"),
    [
        ({"schedule": "cosine"}, lambda one: torch.optim.lr_scheduler.CosineAnnealingLR(one, 50), 50),
        (
            {"schedule": "step", "milestones": [1 / 3, 2 / 3]},
            lambda one: torch.optim.lr_scheduler.MultiStepLR(one, [30, 60]),
            90,
        ),
    ],
)
def test_schedules_are_torchs(values: dict, schedule, steps: int) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    theirs = schedule(optimizer)
    for rate in rates(steps, **values):
        assert rate == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_warm_up_rises_in_equal_steps_to_the_full_rate() -> None:
    values = rates(20, schedule="constant", warmup_fraction=0.25)
    assert values[:5] == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])
    assert values[5:] == [0.1] * 15
    assert rates(20, schedule="cosine", warmup_fraction=0.25)[5] == pytest.approx(0.1)


def test_epochs_leave_out_the_incomplete_batch_and_small_sets_are_one_batch() -> None:
    assert read_recipe(MINIMAL).epoch_ends(images=11) == [2, 4, 6]
    assert read_recipe(MINIMAL).epoch_ends(images=3) == [1, 2, 3]
    assert read_recipe({**MINIMAL, "passes": 4}).epoch_ends(images=11) == [8, 16, 24]


def test_a_recipe_in_steps_has_equal_parts() -> None:
    steps = {**MINIMAL, "epochs": None, "steps": 100}
    assert read_recipe(steps).epoch_ends(images=50) == [20, 40, 60, 80, 100]
    assert read_recipe(steps).epoch_ends(images=50, parts=3) == [33, 67, 100]
    assert read_recipe({**steps, "steps": 2}).epoch_ends(images=50) == [1, 2]


def test_the_digest_changes_with_every_value() -> None:
    variants = [
        {},
        {"passes": 2},
        {"batch_size": 5},
        {"augmentation": {"flip": True}},
        {"augmentation": {"crop": "shift"}},
    ]
    variants += [{"augmentation": {"colour_jitter": 0.5}}, {"augmentation": {"grayscale": 0.2}}]
    variants += [
        {"evaluation": {"resize": 40}},
        {"evaluation": {"resize": 40, "interpolation": "bicubic"}},
    ]
    assert len({read_recipe({**MINIMAL, **variant}).digest() for variant in variants}) == len(variants)
    assert read_recipe(MINIMAL).digest() == read_recipe(dict(reversed(MINIMAL.items()))).digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rat": 0.1}, "did you mean 'learning_rate'"),
        ({"augmentation": {"flp": True}}, "recipe.augmentation.flp is not a hyper-parameter; did you mean 'flip'"),
        ({"steps": 5}, "exactly one"),
        ({"epochs": None}, "exactly one"),
        ({"epochs": 0}, r"recipe\.epochs: 0"),
        ({"optimizer": "adamax"}, "'adamax' is not one of adamw, adam, sgd"),
        ({"augmentation": {"crop": "centre"}}, "'centre' is not one of"),
        ({"augmentation": {"scale": [0.5, 0.2]}}, "not a range"),
        ({"augmentation": {"colour_jitter": 1.5}}, r"recipe\.augmentation\.colour_jitter: 1\.5 is not within 0\.\.1"),
        ({"augmentation": {"grayscale": -0.1}}, "grayscale: -0.1 is not within"),
        ({"evaluation": {"resize": 31}}, r"recipe\.evaluation\.resize: 31 is less than image_size, 32"),
        ({"evaluation": {"resize": 40, "interpolation": "nearest"}}, "'nearest' is not one of bilinear, bicubic"),
        ({"evaluation": {"interpolation": "bicubic"}}, "interpolation needs resize"),
        ({"evaluation": {"size": 40}}, r"recipe\.evaluation\.size is not a hyper-parameter; did you mean 'resize'"),
        ({"input": "theirs"}, r"recipe\.input: 'theirs' is not own"),
        ({"learning_rate": 0}, "positive"),
    ],
)
def test_bad_values_are_one_clear_line(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_recipe({**MINIMAL, **change})


def test_a_recipe_may_take_the_input_of_the_weights_that_it_starts_from() -> None:
    own = {"image_size": 24, "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "evaluation": {"resize": 28}}
    recipe = read_recipe({**MINIMAL, "input": "own"}, {"input": own, "classes": 5})
    assert (recipe.image_size, recipe.mean, recipe.evaluation.resize) == (24, (0.1, 0.2, 0.3), 28)
    plain = read_recipe(MINIMAL)
    assert read_recipe({**MINIMAL, "input": "own"}, {"classes": 5}) == plain  # trained here
    assert read_recipe(MINIMAL, {"input": own}) == plain  # not asked for


def test_a_missing_value_is_named() -> None:
    with pytest.raises(InputError, match="batch_size"):
        read_recipe({key: value for key, value in MINIMAL.items() if key != "batch_size"})
