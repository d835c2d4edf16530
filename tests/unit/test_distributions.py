"""Distributions are balanced, nested, seeded and what they declare; a source that is too small is refused."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.distributions.promises import check_promises, demand_kept
from pretraining_robustness.distributions.selection import class_table, make_distribution
from pretraining_robustness.errors import InputError


@pytest.fixture
def source():
    """Twelve classes of 5 to 60 images, mixed in the store, with a tie between the eighth and ninth largest."""
    sizes = [60, 55, 50, 45, 40, 35, 30, 20, 20, 15, 10, 5]
    class_ids = [f"n{number:08d}" for number in np.random.default_rng(0).permutation(len(sizes))]
    classes = pd.DataFrame({"class_id": class_ids, "name": [f"kind {c}" for c in class_ids], "images": sizes})
    members = np.random.default_rng(1).permutation(np.repeat(class_ids, sizes))
    images = pd.DataFrame(
        {"row": np.arange(len(members)), "image": [f"{i}.jpg" for i in range(len(members))], "class_id": members}
    )
    return images, classes.sort_values("class_id", ignore_index=True)


def declare(**changes):
    everything = {"most_frequent": None, "images": None, "balanced": False}
    return {"distribution": "some", "source": "mine", "seed": 0, **everything, **changes}


def test_everything_by_default(source):
    images, classes = source
    made = make_distribution(images, classes, declare())
    assert len(made) == len(images)
    assert made.groupby("class_id")["label"].nunique().eq(1).all()
    assert sorted(made["label"].unique()) == list(range(12))
    assert (
        made.drop_duplicates("label").sort_values("label")["class_id"].to_numpy() == np.sort(classes["class_id"])
    ).all()


def test_most_frequent_classes_with_ties_by_name(source):
    images, classes = source
    made = make_distribution(images, classes, declare(most_frequent=8))
    tied = sorted(classes.loc[classes["images"] == 20, "class_id"])
    assert set(classes.loc[classes["images"] > 20, "class_id"]) | {tied[0]} == set(made["class_id"])


def test_balanced_sizes_are_nested_and_equal(source):
    images, classes = source
    previous = make_distribution(images, classes, declare(most_frequent=8, images=160, balanced=True))
    for total in (83, 40, 8):
        made = make_distribution(images, classes, declare(most_frequent=8, images=total, balanced=True))
        assert len(made) == total
        assert set(made["image"]) < set(previous["image"])
        per_class = made.groupby("class_id").size()
        assert per_class.max() - per_class.min() <= 1
        previous = made


def test_unbalanced_total_keeps_proportions(source):
    images, classes = source
    made = make_distribution(images, classes, declare(images=77))
    assert len(made) == 77
    share = made.groupby("class_id").size().reindex(classes["class_id"]).to_numpy()
    assert np.abs(share - classes["images"] * 0.2).max() < 1


def test_choice_depends_on_the_seed_alone(source):
    images, classes = source
    first = make_distribution(images, classes, declare(images=50))
    again = make_distribution(images.copy(), classes.sample(frac=1, random_state=3), declare(images=50))
    other = make_distribution(images, classes, declare(images=50, seed=1))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["image"]) != set(other["image"])


def test_images_of_a_class_are_chosen_uniformly(source):
    images, classes = source
    largest = classes.sort_values("images").iloc[-1]
    members = images.loc[images["class_id"] == largest["class_id"], "image"]
    times = pd.Series(0, index=members)
    for seed in range(200):
        made = make_distribution(images, classes, declare(images=60, balanced=True, seed=seed))
        times[made.loc[made["class_id"] == largest["class_id"], "image"]] += 1
    expected = 200 * 5 / 60
    chi_squared = ((times - expected) ** 2 / expected).sum()
    assert 30 < chi_squared < 95  # 59 degrees of freedom: both ends beyond 99.8 %


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": 386}, ["386", "385"]),
        ({"most_frequent": 13}, ["13", "12"]),
        ({"images": 72, "balanced": True}, ["wants 6", "has 5", "1 of 12"]),
    ],
)
def test_a_source_that_is_too_small_is_refused_with_the_numbers(source, changes, words):
    with pytest.raises(InputError, match=r"distributions\.some") as refused:
        make_distribution(*source, declare(**changes))
    assert all(word in str(refused.value) for word in words)


def test_class_table_counts(source):
    made = make_distribution(*source, declare(images=60, balanced=True))
    table = class_table(made)
    assert table["images"].tolist() == [5] * 12
    assert table["label"].tolist() == list(range(12))


def test_kept_promises_pass_and_each_broken_one_is_named(source):
    outer = make_distribution(*source, declare(images=60, balanced=True))
    declared = declare(images=24, balanced=True)
    made = make_distribution(*source, declared)
    assert all(promise.kept for promise in check_promises(made, declared, outer))
    twice = pd.concat([made, made.tail(1)])
    first, *_, last = sorted(made["class_id"].unique())
    breaks = {
        "each image once": twice,
        "images": made.tail(23),
        "labels from 0 without a gap": made.assign(label=made["label"] * 2),
        "one label for each class": made.assign(label=np.arange(24) % 12),
        "classes equal in size, but for one image": made.assign(class_id=made["class_id"].replace(first, last)),
        "images inside the distribution it is nested in": made.assign(image=made["image"] + "x"),
    }
    for promise, broken in breaks.items():
        found = {p.promise: p.kept for p in check_promises(broken, declared, outer)}
        assert not found[promise]
        with pytest.raises(InputError, match="broken promise"):
            demand_kept(check_promises(broken, declared, outer), "some")
