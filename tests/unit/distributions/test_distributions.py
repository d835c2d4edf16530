"""Distributions are balanced, nested, seeded and what they declare; a source that is too small is refused.

What holds for the real sources while planning is in test_feasibility.py.
"""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness import wordnet
from pretraining_robustness.distributions.label_maps import Superclass, read_label_map
from pretraining_robustness.distributions.promises import check_promises, demand_kept
from pretraining_robustness.distributions.selection import class_table, make_distribution, write_distribution
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
    everything = {
        "classes": {},
        "label_map": None,
        "images": None,
        "balanced": None,
        "short_classes": "refuse",
        "take": None,
    }
    return {"distribution": "some", "source": "mine", "seed": 0, **everything, **changes}


def frequent(number, **changes):
    return declare(classes={"most_frequent": number}, **changes)


@pytest.fixture
def label_map(source):
    """Three superclasses of four classes each, in an order of their own; a class in no store besides."""
    ids = sorted(source[1]["class_id"])
    mapped = {one: Superclass(f"s{2 - place % 3}", f"kind {2 - place % 3}") for place, one in enumerate(ids)}
    return {**mapped, "n99999999": Superclass("s9", "elsewhere")}


def test_everything_by_default(source):
    images, classes = source
    made = make_distribution(images, classes, None, declare())
    assert len(made) == len(images)
    assert made.groupby("class_id")["label"].nunique().eq(1).all()
    assert sorted(made["label"].unique()) == list(range(12))
    assert (
        made.drop_duplicates("label").sort_values("label")["class_id"].to_numpy() == np.sort(classes["class_id"])
    ).all()


def test_most_frequent_classes_with_ties_by_name(source):
    images, classes = source
    made = make_distribution(images, classes, None, frequent(8))
    tied = sorted(classes.loc[classes["images"] == 20, "class_id"])
    assert set(classes.loc[classes["images"] > 20, "class_id"]) | {tied[0]} == set(made["class_id"])


def test_balanced_sizes_are_nested_and_equal(source):
    images, classes = source
    previous = make_distribution(images, classes, None, frequent(8, images=160, balanced="classes"))
    for total in (83, 40, 8):
        made = make_distribution(images, classes, None, frequent(8, images=total, balanced="classes"))
        assert len(made) == total
        assert set(made["image"]) < set(previous["image"])
        per_class = made.groupby("class_id").size()
        assert per_class.max() - per_class.min() <= 1
        previous = made


def test_unbalanced_total_keeps_proportions(source):
    images, classes = source
    made = make_distribution(images, classes, None, declare(images=77))
    assert len(made) == 77
    share = made.groupby("class_id").size().reindex(classes["class_id"]).to_numpy()
    assert np.abs(share - classes["images"] * 0.2).max() < 1


def test_choice_depends_on_the_seed_alone(source):
    images, classes = source
    first = make_distribution(images, classes, None, declare(images=50))
    again = make_distribution(images.copy(), classes.sample(frac=1, random_state=3), None, declare(images=50))
    other = make_distribution(images, classes, None, declare(images=50, seed=1))
    pd.testing.assert_frame_equal(first, again)
    assert set(first["image"]) != set(other["image"])


def test_the_first_images_of_each_class_are_taken_where_asked(source):
    images, _ = source
    for each in (2, 4):
        made = make_distribution(*source, None, declare(images=12 * each, balanced="classes", take="first"))
        expected = images.sort_values("row").groupby("class_id").head(each)["row"]
        assert sorted(made["row"]) == sorted(expected)


def test_images_of_a_class_are_chosen_uniformly(source):
    images, classes = source
    largest = classes.sort_values("images").iloc[-1]
    members = images.loc[images["class_id"] == largest["class_id"], "image"]
    times = pd.Series(0, index=members)
    for seed in range(200):
        made = make_distribution(images, classes, None, declare(images=60, balanced="classes", seed=seed))
        times[made.loc[made["class_id"] == largest["class_id"], "image"]] += 1
    expected = 200 * 5 / 60
    chi_squared = ((times - expected) ** 2 / expected).sum()
    assert 30 < chi_squared < 95  # 59 degrees of freedom: both ends beyond 99.8 %


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"images": 386}, ["386", "385"]),
        ({"classes": {"most_frequent": 13}}, ["13", "12"]),
        ({"images": 72, "balanced": "classes"}, ["asks for 6", "has 5", "1 of 12"]),
    ],
)
def test_a_source_that_is_too_small_is_refused_with_the_numbers(source, changes, words):
    with pytest.raises(InputError, match=r"distributions\.some") as refused:
        make_distribution(*source, None, declare(**changes))
    assert all(word in str(refused.value) for word in words)


def test_class_table_counts(source):
    made = make_distribution(*source, None, declare(images=60, balanced="classes"))
    table = class_table(made)
    assert table["images"].tolist() == [5] * 12
    assert table["label"].tolist() == list(range(12))


def test_random_classes_are_nested_and_large_ones_come_first(source):
    images, classes = source
    previous = set(classes["class_id"])
    for number in (9, 5, 2):
        made = make_distribution(images, classes, None, declare(classes={"random": number, "at_least": 40}))
        chosen = set(made["class_id"])
        assert len(chosen) == number
        assert chosen < previous
        previous = chosen
        large = set(classes.loc[classes["images"] >= 40, "class_id"])
        assert chosen <= large or large <= chosen
    drawn = [
        frozenset(make_distribution(images, classes, None, declare(classes={"random": 6}, seed=seed))["class_id"])
        for seed in range(20)
    ]
    assert len(set(drawn)) > 15


def test_animals_and_others_are_all_of_imagenet():
    wnids = wordnet.all_wnids()
    classes = pd.DataFrame({"class_id": wnids, "name": wnids, "images": 2})
    images = pd.DataFrame({"row": range(2000), "class_id": np.repeat(wnids, 2), "image": [f"{i}" for i in range(2000)]})
    animals, objects = (
        make_distribution(images, classes, None, declare(classes={key: "n00015388"}, images=700))
        for key in ("under", "not_under")
    )
    assert animals["class_id"].nunique() == 398
    assert objects["class_id"].nunique() == 602
    assert set(animals["class_id"]) == set(wnids[:398])  # the animals are ImageNet's first classes
    assert len(animals) == len(objects) == 700


def test_superclasses_are_labels(source, label_map):
    made = make_distribution(*source, label_map, declare())
    assert sorted(made["label"].unique()) == [0, 1, 2]
    assert set(zip(made["label"], made["label_name"], strict=True)) == {(i, f"kind {i}") for i in range(3)}
    expected = made["class_id"].map(lambda one: int(label_map[one].identifier[1:]))
    assert (made["label"] == expected).all()
    assert len(made) == len(source[0])


def test_a_class_without_superclass_is_refused(source, label_map):
    first = source[1]["class_id"].iloc[0]
    del label_map[first]
    with pytest.raises(InputError, match=f"no superclass for class {first}"):
        make_distribution(*source, label_map, declare())


def diversity(ratio, **changes):
    choice = {"superclasses": 3, "subclasses": 3, "ratio": ratio}
    return declare(**{"classes": choice, "images": 90, "balanced": "classes", "short_classes": "fill", **changes})


def test_fewer_subclasses_keep_total_and_labels(source, label_map):
    """Data quantity and the label distribution are the same at every ratio, and the classes are nested."""
    made = {ratio: make_distribution(*source, label_map, diversity(ratio)) for ratio in (1.0, 0.67, 0.33)}
    for ratio, number in ((1.0, 3), (0.67, 2), (0.33, 1)):
        assert len(made[ratio]) == 90
        assert made[ratio].groupby("label").size().tolist() == [30, 30, 30]
        assert made[ratio].groupby("label")["class_id"].nunique().tolist() == [number] * 3
    assert set(made[0.33]["class_id"]) < set(made[0.67]["class_id"]) < set(made[1.0]["class_id"])
    sizes = source[1].set_index("class_id")["images"]
    superclass = {one: label_map[one].identifier for one in sizes.index}
    largest = sizes.groupby(superclass).idxmax()
    assert set(made[0.33]["class_id"]) == set(largest)


def test_short_subclasses_give_all_and_their_siblings_the_rest(source, label_map):
    made = make_distribution(*source, label_map, diversity(1.0, images=270))
    sizes = source[1].set_index("class_id")["images"]
    given = made.groupby("class_id").size()
    label = made.drop_duplicates("class_id").set_index("class_id")["label"]
    for _, members in given.groupby(label):
        assert members.sum() == 90
        full = members[members < members.max() - 1]
        assert (full == sizes[full.index]).all()
    with pytest.raises(InputError, match=r"too small\); lower 'images'"):
        make_distribution(*source, label_map, diversity(1.0, images=270, short_classes="refuse"))
    largest = sizes.groupby({one: label_map[one].identifier for one in sizes.index}).max()
    with pytest.raises(InputError, match="all together have"):
        make_distribution(*source, label_map, diversity(0.33, images=int(largest.sum()) - 1))


def test_named_superclasses_keep_their_part_of_species_at_every_ratio(source, label_map):
    """As for iNaturalist: superclasses of unequal numbers of classes, and a share of each."""
    ids = sorted(source[1]["class_id"])
    unequal = {one: Superclass("a" if place < 8 else "b", "") for place, one in enumerate(ids)}
    choice = {"superclasses": ["b", "a"]}
    made = {
        ratio: make_distribution(*source, unequal, diversity(ratio, classes={**choice, "ratio": ratio}, images=60))
        for ratio in (1.0, 0.5)
    }
    for ratio, numbers in ((1.0, [8, 4]), (0.5, [4, 2])):
        assert made[ratio].groupby("label").size().tolist() == [40, 20]
        assert made[ratio].groupby("label")["class_id"].nunique().tolist() == numbers


def test_equal_superclasses(source, label_map):
    made = make_distribution(*source, label_map, declare(images=91, balanced="superclasses", short_classes="fill"))
    assert sorted(made.groupby("label").size()) == [30, 30, 31]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"superclasses": 4, "subclasses": 3, "ratio": 1.0}, ["asks for 4 superclasses", "has 3"]),
        ({"superclasses": 3, "subclasses": 5, "ratio": 1.0}, ["asks for 3 superclasses with 5", "has 0"]),
        ({"superclasses": ["s0", "s7"], "ratio": 1.0}, ["no superclass s7"]),
        ({"superclasses": ["s0"], "subclasses": 5, "ratio": 1.0}, ["4 classes of s0", "the 5"]),
    ],
)
def test_missing_superclasses_are_refused_with_the_numbers(source, label_map, choice, words):
    with pytest.raises(InputError, match=r"distributions\.some") as refused:
        make_distribution(*source, label_map, diversity(1.0, classes=choice))
    assert all(word in str(refused.value) for word in words)


def test_a_table_of_superclasses_is_read_and_faults_are_named(tmp_path):
    table = tmp_path / "map.csv"
    table.write_text("wnid,coarse,coarse_name,fine\nx,1,one,n00015388\ny,1,one,n00015388\n", encoding="utf-8")
    assert read_label_map(table, "wnid", "coarse") == {"x": Superclass("1", "one"), "y": Superclass("1", "one")}
    assert read_label_map(table, "wnid", "fine")["x"].name == "animal"
    with pytest.raises(InputError, match="no column class_id; it has wnid, coarse"):
        read_label_map(table, "class_id", "coarse")
    with table.open("a", encoding="utf-8") as file:
        file.write("x,2,two,n00015388\n")
    with pytest.raises(InputError, match="line 4: class x appears twice"):
        read_label_map(table, "wnid", "coarse")
    with pytest.raises(InputError, match="no such table"):
        read_label_map(tmp_path / "none.csv", "wnid", "coarse")


def test_superclasses_of_one_name_are_told_apart(repository):
    """WordNet 3.0 calls two synsets food: what is eaten, and any substance that nourishes."""
    depth_4 = read_label_map(repository / "data/imagenet_superclasses.csv", "wnid", "depth4")
    superclasses = set(depth_4.values())
    assert len({one.name for one in superclasses}) == len(superclasses) == 17
    assert {"food (n00021265)", "food (n07555863)"} < {one.name for one in superclasses}


def kept(promises):
    return {promise.promise: promise.kept for promise in promises}


def test_kept_promises_pass_and_each_broken_one_is_named_with_its_row(source):
    outer = make_distribution(*source, None, declare(images=60, balanced="classes"))
    declared = declare(images=24, balanced="classes")
    made = make_distribution(*source, None, declared)
    others = {"nested_in": outer, "classes_nested_in": outer, "same_images_per_label_as": made.copy()}
    check = lambda manifest: check_promises(manifest, declared, source[1], None, others)  # noqa: E731
    assert all(kept(check(made)).values())
    first, *_, last = sorted(made["class_id"].unique())
    breaks = {
        "no image twice": pd.concat([made, made.tail(1)]),
        "images": made.tail(23),
        "labels from 0 without a gap": made.assign(label=made["label"] * 2),
        "one label for each class": made.assign(label=np.arange(24) % 12),
        "every class is one of the source": made.assign(class_id=made["class_id"].replace(first, "n77777777")),
        "classes are labels": made.assign(label=11 - made["label"]),
        "classes equal in size, but for one image": made.assign(class_id=made["class_id"].replace(first, last)),
        "images of the distribution it is nested in": made.assign(image=made["image"] + "x"),
        "classes of the distribution its classes are nested in": made.assign(class_id=made["class_id"] + "0"),
        "as many images of each label as the distribution it is compared with": made.assign(label_name="one"),
    }
    for promise, broken in breaks.items():
        assert not kept(check(broken))[promise], promise
        with pytest.raises(InputError, match="broken promise"):
            demand_kept(check(broken), "some")
    end = made.iloc[-1]
    row = next(promise.row for promise in check(breaks["no image twice"]) if not promise.kept)
    assert row == f"first in line 26: image {end.image}, class {end.class_id}, label {end.label}"


def test_broken_promises_about_superclasses_are_named(source, label_map):
    declared = diversity(0.67)
    made = make_distribution(*source, label_map, declared)
    assert all(kept(check_promises(made, declared, source[1], label_map)).values())
    first = made["class_id"].iloc[0]
    breaks = {
        "superclasses": made[made["label"] < 2],
        "2 subclasses in each superclass": made[made["class_id"] != first],
        "every class has the label of its superclass": made.assign(label=2 - made["label"]),
    }
    for promise, broken in breaks.items():
        assert not kept(check_promises(broken, declared, source[1], label_map))[promise], promise
    onto = declare()
    made = make_distribution(*source, label_map, onto)
    assert kept(check_promises(made, onto, source[1], label_map))["superclasses of the source that have a label"]
    fewer = made[made["label"] < 2]
    assert not kept(check_promises(fewer, onto, source[1], label_map))["superclasses of the source that have a label"]


def test_broken_promises_about_wordnet_and_numbers_of_classes_are_named():
    wnids = wordnet.all_wnids()[390:410]
    classes = pd.DataFrame({"class_id": wnids, "name": wnids, "images": 1})
    images = pd.DataFrame({"row": range(20), "class_id": wnids, "image": [f"{i}" for i in range(20)]})
    declared = declare(classes={"under": "n00015388"})
    made = make_distribution(images, classes, None, declared)
    assert len(made) == 8
    assert all(kept(check_promises(made, declared, classes)).values())
    everything = make_distribution(images, classes, None, declare())
    found = kept(check_promises(everything, declared, classes))
    assert not found["classes under n00015388"]
    assert not found["only classes under n00015388"]
    random = declare(classes={"random": 7})
    assert not kept(check_promises(everything, random, classes))["classes"]
    some = declare(classes={"under": "n00015388", "random": 5})
    five = make_distribution(images, classes, None, some)
    assert five["class_id"].nunique() == 5
    assert set(five["class_id"]) < set(made["class_id"])
    assert all(kept(check_promises(five, some, classes)).values())
    assert not kept(check_promises(images.assign(label=range(20)), some, classes))["only classes under n00015388"]
    with pytest.raises(InputError, match=r"asks for 9 classes, but .* has 8"):
        make_distribution(images, classes, None, declare(classes={"under": "n00015388", "random": 9}))


def test_copies_that_are_left_out_change_no_choice_of_classes_and_a_promise_says_so(source, label_map):
    """A class of the choice loses all but two images: it gives those, and its siblings the rest."""
    images, classes = source
    declared = diversity(0.5)
    chosen = make_distribution(images, classes, label_map, declared)
    one = chosen["class_id"].iloc[0]
    copies = images.loc[images["class_id"] == one, ["image", "class_id"]].iloc[2:]
    counts = classes["images"].where(classes["class_id"] != one, 2)
    kept_images = images[~images["image"].isin(copies["image"])]
    made = make_distribution(
        kept_images, classes.assign(images=counts, with_copies=classes["images"]), label_map, declared
    )
    assert set(made["class_id"]) == set(chosen["class_id"])
    assert len(made) == len(chosen)
    promises = kept(check_promises(made, declared, classes, label_map, copies=copies))
    assert promises.pop("no image with a copy elsewhere")
    assert all(promises.values())
    assert not kept(check_promises(chosen, declared, classes, label_map, copies=copies))[
        "no image with a copy elsewhere"
    ]


def test_few_distinct_images_are_repeated_to_the_same_number(source, tmp_path):
    """The index has 83 rows of 12 images, each 6 or 7 times; the manifest has the 12."""
    images, classes = source
    paths = {name: tmp_path / name for name in ("index", "chosen", "manifest")}
    images.to_parquet(tmp_path / "images.parquet", index=False)
    classes.to_csv(tmp_path / "classes.csv", index=False)
    declared = declare(images=12, balanced="classes", repeated_to=83) | {"label_map": None}
    write_distribution(tmp_path / "images.parquet", tmp_path / "classes.csv", None, declared, **paths)
    index, manifest = pd.read_parquet(paths["index"]), pd.read_csv(paths["manifest"])
    assert len(index) == 83
    assert set(index["row"].value_counts()) == {6, 7}
    assert len(manifest) == manifest["class_id"].nunique() == 12
    assert index.groupby("row")["label"].nunique().eq(1).all()
