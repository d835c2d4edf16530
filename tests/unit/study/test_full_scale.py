"""The full study's distributions, chosen from class tables of the real sources' sizes, have exactly the paper's counts.

The real class sizes are not at hand; those of the miniature worlds at full scale follow what is published of them
(ILSVRC2012: 732 to 1,300 images a class, 895 classes of 1,300; iNaturalist 2017: images of each supercategory, long
tails).
"""

import pandas as pd
import pytest

from miniature.formats.imagenet_archive import images_per_class as imagenet_class_sizes
from miniature.formats.inaturalist_archive import species_list
from miniature.imagenet_classes import all_classes
from pretraining_robustness.distributions.label_maps import Superclass, read_label_map
from pretraining_robustness.distributions.selection import add_superclasses, images_per_class, select_classes
from pretraining_robustness.study import names, params
from pretraining_robustness.study.cross_rules import locate
from pretraining_robustness.study.study import Study


@pytest.fixture(scope="module")
def sources():
    imagenet = list(all_classes())
    species = species_list(5089, 579_184)
    thousand = [f"{number:05d}" for number in range(1000)]
    equal = pd.DataFrame({"class_id": thousand, "name": thousand, "images": 1000})
    return {
        "fractaldb": equal,
        "stable_diffusion": equal,
        "imagenet": pd.DataFrame(
            {
                "class_id": [one.wnid for one in imagenet],
                "name": [one.name for one in imagenet],
                "images": imagenet_class_sizes(imagenet, 1_281_167),
            }
        ),
        "inaturalist": pd.DataFrame(
            {
                "class_id": [f"{one.number:04d}" for one in species],
                "name": [one.name for one in species],
                "superclass": [one.supercategory for one in species],
                "images": [one.train for one in species],
            }
        ),
    }


@pytest.fixture
def choose(sources, paper_config, repository):
    """Return the chosen classes of a distribution: columns class_id, superclass, images (chosen), available."""
    study = Study(paper_config)

    def choose(name):
        declared = params.distribution(study, name)
        classes, label_map = sources[declared["source"]], declared["label_map"]
        mapping = None
        if label_map and label_map["column"] == "superclass" and "superclass" in classes:
            mapping = {row.class_id: Superclass(row.superclass, row.superclass) for row in classes.itertuples()}
        elif label_map:
            table = paper_config["label_maps"][label_map["name"]]["table"]
            mapping = read_label_map(locate(table, repository), label_map["key"], label_map["column"])
        chosen = select_classes(add_superclasses(classes, mapping, declared), declared)
        counts = images_per_class(chosen, declared)
        chosen = chosen.set_index("class_id").loc[counts.index]
        return pd.DataFrame({"superclass": chosen["superclass"], "images": counts, "available": chosen["images"]})

    return choose


@pytest.mark.parametrize(
    ("name", "images", "classes", "labels", "each"),
    [
        ("imagenet_full", 1_281_167, 1000, 1000, None),
        ("inaturalist_full", 579_184, 5089, 5089, None),
        *[(f"imagenet_{size}k", size * 1000, 1000, 1000, size) for size in (150, 100, 50, 25, 5)],
        *[(f"inaturalist_{size}k", size * 1000, 1000, 1000, size) for size in (150, 100, 50, 25, 5)],
        *[
            (f"imagenet_depth_{depth}", 1_281_167, 1000, labels, None)
            for depth, labels in ((2, 5), (4, 17), (5, 37), (6, 85), (7, 232))
        ],
        ("inaturalist_supercategories", 579_184, 5089, 13, None),
        *[(f"imagenet_{size}k_equal_steps", size * 1000, 1000, 1000, size) for size in (100, 50, 25, 5)],
        ("imagenet_animals", 498_000, 398, 398, None),
        ("imagenet_objects", 498_000, 602, 602, None),
        *[(f"imagenet_60k_{n}_classes", 60_000, n, n, 60_000 // n) for n in (1000, 500, 400, 250, 100)],
        *[(f"imagenet_300k_{n}_classes", 300_000, n, n, 300_000 // n) for n in (1000, 500, 250)],
        ("imagenet_diversity_100", 80_000, 192, 16, None),
        ("imagenet_diversity_67", 80_000, 128, 16, 625),
        ("imagenet_diversity_33", 80_000, 64, 16, 1250),
        ("inaturalist_diversity_100", 80_000, 4797, 7, None),
        ("inaturalist_diversity_67", 80_000, 3215, 7, None),
        ("inaturalist_diversity_33", 80_000, 1582, 7, None),
        *[(f"{source}_full", 1_000_000, 1000, 1000, 1000) for source in ("fractaldb", "stable_diffusion")],
        *[(f"{source}_150k", 150_000, 1000, 1000, 150) for source in ("fractaldb", "stable_diffusion")],
        ("captions_full", 1_281_167, 1000, 1000, None),
        ("captions_150k", 150_000, 1000, 1000, 150),
        ("captions_25k", 25_000, 1000, 1000, 25),
        ("self_supervised", 1_281_167, 1000, 1000, None),
        ("imagenet_150k_repeated", 1000, 1000, 1000, 1),  # each is repeated 150 times
    ],
)
def test_counts_are_the_papers(choose, name, images, classes, labels, each):
    chosen = choose(name)
    assert chosen["images"].sum() == images
    assert len(chosen) == classes
    assert chosen["superclass"].nunique() == labels
    assert (chosen["images"] <= chosen["available"]).all()
    if each:
        assert set(chosen["images"]) == {each}


def test_every_distribution_is_tested_above(paper_config):
    marked = next(mark for mark in test_counts_are_the_papers.pytestmark if mark.name == "parametrize")
    assert {case[0] for case in marked.args[1]} == set(names.trained_distributions(Study(paper_config)))


def test_image_diversity_changes_neither_the_total_nor_any_label(choose):
    for source, labels in (("imagenet", 16), ("inaturalist", 7)):
        chosen = {p: choose(f"{source}_diversity_{p}") for p in (100, 67, 33)}
        per_label = {p: table.groupby("superclass")["images"].sum() for p, table in chosen.items()}
        assert len(per_label[100]) == labels
        assert per_label[100].equals(per_label[67])
        assert per_label[100].equals(per_label[33])
        assert set(chosen[33].index) < set(chosen[67].index) < set(chosen[100].index)
    assert set(per_label[100].index) >= {"Fungi"}


def test_classes_and_images_are_nested_where_they_are_said_to_be(choose, paper_config):
    for name, declared in paper_config["distributions"].items():
        if "classes_nested_in" in declared:
            assert set(choose(name).index) < set(choose(declared["classes_nested_in"]).index)
        if "nested_in" in declared:
            outer = choose(declared["nested_in"])["images"]
            assert (choose(name)["images"] <= outer).all()


def test_a_class_without_enough_species_images_gives_all_and_its_supercategory_the_rest(choose):
    chosen = choose("inaturalist_diversity_100")
    for _, members in chosen.groupby("superclass"):
        short = members["images"] < members["images"].max() - 1
        assert (members.loc[short, "images"] == members.loc[short, "available"]).all()
