"""What a source cannot give is refused before anything runs, at the paper's scale and with the numbers."""

import copy

import pytest

from pretraining_robustness.distributions.feasibility import number_of_classes, read_counts, superclass_sizes
from pretraining_robustness.errors import InputError
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.cross_rules import locate

SEVEN = ["Plantae", "Insecta", "Mammalia", "Fungi", "Aves", "Reptilia", "Amphibia"]


@pytest.fixture
def check(config, repository):
    """Check the default configuration with one more distribution."""

    def check(**declared):
        changed = copy.deepcopy(config)
        changed["distributions"]["new"] = declared
        check_config(changed, repository)

    return check


def diversity(**changes):
    choice = {"superclasses": 16, "subclasses": 12, "ratio": 0.33}
    declared = {"source": "imagenet", "labels": "breeds", "classes": choice, "images": 80000, "balanced": "classes"}
    return {**declared, "short_classes": "fill", **changes}


def species(**changes):
    declared = {"source": "inaturalist", "labels": "supercategories", "images": 80000, "short_classes": "fill"}
    return {**declared, "classes": {"superclasses": SEVEN, "ratio": 1.0}, "balanced": "superclasses", **changes}


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (species(), ["Fungi has 5,826 images", "80,000 over 7 superclasses is 11,429"]),
        (
            diversity(classes={"superclasses": 16, "subclasses": 13, "ratio": 1.0}),
            ["16 superclasses with 13", "0 of 16"],
        ),
        (diversity(classes={"superclasses": 17, "subclasses": 12, "ratio": 1.0}), ["17 superclasses", "16 of 16"]),
        (diversity(classes={"subclasses": 12, "ratio": 0.02}), ["a ratio of 0.02 of 12 subclasses"]),
        (species(classes={"superclasses": ["Funghi"], "ratio": 1.0}), ["'Funghi'", "Fungi"]),
        (diversity(images=90000), ["90,000 images of 64 classes", "at most 1,300"]),
        (diversity(short_classes="refuse"), ["1,250 images of each of 64", "only 732", "short_classes: fill"]),
        (
            {"source": "imagenet", "classes": {"random": 250}, "images": 300000, "balanced": "classes"},
            ["1,200 images of each of 250 classes", "only 732", "'at_least'"],
        ),
        (
            {
                "source": "imagenet",
                "classes": {"random": 125, "at_least": 1250},
                "images": 300000,
                "balanced": "classes",
            },
            ["300,000 images of 125 classes", "at most 1,300"],
        ),
        ({"source": "imagenet", "classes": {"under": "n00015388"}, "images": 600000}, ["600,000", "398 classes"]),
        ({"source": "imagenet", "images": 999, "balanced": "classes"}, ["999 images of 1,000 classes"]),
        ({"source": "inaturalist", "classes": {"under": "n00015388"}}, ["inaturalist has no WordNet synsets"]),
        ({"source": "imagenet", "classes": {"under": "n12345678"}}, ["n12345678"]),
        ({"source": "imagenet", "classes": {"most_frequent": 3, "under": "n00015388"}}, ["distributions.new.classes"]),
    ],
)
def test_what_a_source_cannot_give_is_refused(check, declared, words):
    with pytest.raises(InputError) as refused:
        check(**declared)
    assert "\n" not in str(refused.value)
    assert "distributions.new" in str(refused.value)
    assert all(word in str(refused.value) for word in words), str(refused.value)


def test_what_a_source_can_give_is_accepted(check):
    check(**diversity())
    check(**species(balanced="classes"))
    check(**species(classes={"superclasses": [name for name in SEVEN if name != "Fungi"], "ratio": 0.5}))
    check(source="imagenet", classes={"under": "n00015388"}, images=498000)
    check(source="imagenet", classes={"random": 250, "at_least": 1250}, images=300000, balanced="classes")


def test_numbers_of_classes_are_the_papers(paper_config, repository):
    """Paper, sections 4.2 to 4.4: superclasses at each depth, 16 x 4, 8 or 12 subclasses, 398 and 602 classes."""
    find = lambda table: locate(table, repository)  # noqa: E731
    maps, sources = paper_config["label_maps"], paper_config["sources"]
    sizes = {name: superclass_sizes(label_map, find) for name, label_map in maps.items()}
    depths = {depth: len(sizes[f"wordnet_depth_{depth}"]) for depth in (2, 4, 5, 6, 7)}
    assert depths == {2: 5, 4: 17, 5: 37, 6: 85, 7: 232}
    assert all(sum(sizes[f"wordnet_depth_{depth}"].values()) == 1000 for depth in depths)
    assert len(sizes["supercategories"]) == 13
    assert sum(sizes["supercategories"].values()) == sources["inaturalist"]["classes"] == 5089
    counts = read_counts(repository / "data/inaturalist_supercategories.csv")
    assert sum(images for _, images in counts.values()) == sources["inaturalist"]["images"]
    distributions = paper_config["distributions"]

    def classes(name):
        declared = distributions[name]
        named = sizes[declared["labels"]] if "labels" in declared else {}
        return number_of_classes(sources[declared["source"]], declared.get("classes", {}), named)

    assert [classes(f"imagenet_diversity_{p}") for p in (100, 67, 33)] == [192, 128, 64]
    assert classes("inaturalist_diversity_100") == 4797
    assert (classes("imagenet_animals"), classes("imagenet_objects")) == (398, 602)
    assert classes("imagenet_depth_2") == classes("imagenet_full") == 1000
    budgets = [name for name in distributions if name.endswith("_classes")]
    for name in budgets:
        assert distributions[name]["images"] % classes(name) == 0
