"""The study of Tiny-ImageNet and CIFAR: what it states is true, and what it leaves out is left out everywhere."""

import copy
import csv
import runpy
from collections import Counter

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness import wordnet
from pretraining_robustness.distributions.label_maps import read_label_map
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.formats import TINY_IMAGES
from pretraining_robustness.study import names, params, runs, show
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.shorthand import add_up_left_out, leave_out, replace_sections, take_out, write_out
from pretraining_robustness.study.study import Study


@pytest.fixture
def tiny(config, repository):
    """Return the configuration of the study with further files over it."""

    def overlaid(*names: str, left_out: list[str] | None = None) -> dict:
        merged, own = copy.deepcopy(config), {}
        for name in ("tiny", *names):
            update_config(own, yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8")))
        if left_out is not None:
            own["left_out"] = left_out
        update_config(merged, own)
        replace_sections(merged, own)
        return merged

    return overlaid


def complete(config: dict, repository) -> Study:
    leave_out(config)
    write_out(config)
    check_config(config, repository)
    return Study(config)


def test_nothing_of_the_default_study_stays_in_the_sections_that_are_replaced(tiny, repository) -> None:
    config = tiny()
    study = complete(config, repository)
    assert set(config["tasks"]) == {"cifar10", *names.variant_tasks(study)}
    assert not any(name.startswith(("imagenet", "inaturalist")) for name in config["distributions"])
    assert config["architectures"]["resnet10"]["family"] == "ResNet"  # a section that it keeps


@pytest.mark.parametrize(("depth", "superclasses"), [(4, 8), (5, 18), (6, 39), (7, 82)])
def test_200_classes_have_as_many_superclasses_as_the_labels_say(tiny, repository, depth, superclasses) -> None:
    spec = tiny()["label_maps"][f"wordnet_depth_{depth}"]
    table = read_label_map(repository / spec["table"], spec["key"], spec["column"])
    assert len(table) == 200
    assert {wnid: one.identifier for wnid, one in table.items()} == {
        wnid: wordnet.superclass(wnid, depth) for wnid in table
    }
    assert len({one.identifier for one in table.values()}) == superclasses
    assert spec["label"].startswith(f"{superclasses} superclasses")


def test_the_table_of_classes_is_what_its_script_writes(repository, tmp_path) -> None:
    table = repository / "data/tiny_imagenet_classes.csv"
    with table.open(newline="", encoding="utf-8") as file:
        wnids = [row["wnid"] for row in csv.DictReader(file)]
    script = runpy.run_path(str(repository / "data/make_tiny_imagenet_classes.py"))
    script["write_classes"](wnids, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == table.read_bytes()


def test_the_choices_of_classes_have_the_numbers_that_the_labels_say(tiny, repository) -> None:
    distributions = tiny()["distributions"]
    with (repository / "data/tiny_imagenet_classes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name, key, classes, taken in (
        ("tiny_animals", "under", 59, 59),
        ("tiny_objects", "not_under", 141, 141),
        ("tiny_shared", "under", 23, 20),
        ("tiny_unshared", "not_under", 177, 20),
    ):
        choice = distributions[name]["classes"]
        assert sum(wordnet.is_under(row["wnid"], choice[key]) == (key == "under") for row in rows) == classes
        assert choice.get("random", classes) == taken
        assert f"{taken} " in distributions[name]["label"]
    shared, unshared = (dict(distributions[name]) for name in ("tiny_shared", "tiny_unshared"))
    assert shared["classes"].pop("under") == unshared["classes"].pop("not_under")
    assert {**shared, "label": ""} == {**unshared, "label": ""}  # nothing else differs
    sizes = Counter(row["depth6"] for row in rows)
    assert sum(size >= 9 for size in sizes.values()) == distributions["tiny_diversity_100"]["classes"]["superclasses"]


def test_every_archive_has_an_address_a_checksum_and_a_reader(tiny) -> None:
    config = tiny()
    used = {one["format"] for one in [*config["sources"].values(), *config["tasks"].values()]} & set(TINY_IMAGES)
    assert used == set(TINY_IMAGES)
    for name, format in TINY_IMAGES.items():
        declared = config["downloads"][format.folder]["files"]
        assert set(declared) == set(format.archives), name
        assert all("url" in one and "bytes" in one and {"md5", "sha256"} & set(one) for one in declared.values())


def test_a_source_that_is_left_out_takes_what_is_measured_on_it_with_it(tiny, repository) -> None:
    whole = complete(tiny(left_out=[]), repository)
    assert "fig2_cifar10_c" in whole.figures
    assert "rib_cifar10_c" in names.tasks(whole)
    assert show.figure(whole, "fig2_cifar10_c")["y_label"].endswith("(CIFAR-10-C, severity_3 split)")
    assert show.figure(whole, "fig3")["y_label"].endswith("(CINIC-10, images from ImageNet)")
    assert show.figure(whole, "fig2")["x_label"].endswith("(CIFAR-10, id_test split)")
    config = tiny(left_out=["cifar10_c", "cinic10", "cifar100"])
    said = leave_out(config)
    assert said[0] == "cifar10_c is left out, and with it: test set cifar10_c of cifar10, figure fig2_cifar10_c"
    assert "test set cinic10 of cifar10 (figures plot cifar10_1 in its place)" in said[1]
    study = complete(config, repository)
    assert [one["name"] for one in names.test_sets(study, "cifar10")] == ["id_test", "cifar10_1", "cifar10_2"]
    assert {"cifar100_full", "cifar100_superclasses"} <= set(config["left_out"])
    assert set(config["imagenet_rib"]["variants"]) == {"cifar10", "cifar10_1", "cifar10_2"}
    assert "cinic10" not in config["sources"]["tiny_imagenet"]["copies"]["of"]
    assert params.validation(study, "tiny_depth_4") == "tiny_imagenet_validation"
    assert params.validation(study, "cifar100_full") is None
    assert runs.pair(study, "fig2") == {"cifar10": {"id": "id_test", "ood": "cifar10_1"}}


def test_what_files_and_the_command_line_leave_out_adds_up(tiny) -> None:
    config = tiny()
    add_up_left_out(config, [["cifar10_c"], None, ["tiny_25k", "cifar10_c"], ["cifar100"]])
    assert config["left_out"] == ["cifar10_c", "tiny_25k", "cifar100"]
    add_up_left_out(config, [["cifar10_c"], []])
    assert config["left_out"] == []


def test_a_source_that_is_left_out_is_not_searched_for_copies(tiny, repository) -> None:
    config = tiny(left_out=["cifar100"])
    leave_out(config)
    assert names.copied_sources(complete(config, repository)) == ["tiny_imagenet"]


def test_imagenet_rib_goes_with_the_last_variants_it_needs(tiny, repository) -> None:
    config = tiny(left_out=["cifar10_1", "cifar10_2", "cifar10_c", "cifar100"])
    assert "imagenet_rib (of its variants only cifar10, cinic10" in " ".join(leave_out(config))
    assert "fig_rib_bars" not in complete(config, repository).config["figures"]


def test_the_last_shifted_test_set_cannot_be_left_out(tiny) -> None:
    with pytest.raises(InputError, match="left_out: without cinic10 cifar10 has no ood test set"):
        leave_out(tiny(left_out=["cifar10_1", "cifar10_2", "cifar10_c", "cinic10"]))


def test_a_later_file_takes_entries_out_by_null(tiny, repository) -> None:
    config = tiny(left_out=[])
    config["figures"]["fig7"] = config["imagenet_rib"]["variants"]["cifar10_c"] = None
    config["downloads"]["cifar10"]["files"]["cifar-10-binary.tar.gz"]["sha256"] = None
    take_out(config)
    study = complete(config, repository)
    assert "fig7" not in study.config["figures"]
    assert "rib_cifar10_c" not in names.tasks(study)
    assert "sha256" not in study.config["downloads"]["cifar10"]["files"]["cifar-10-binary.tar.gz"]


def test_nothing_is_expected_of_a_figure_that_is_left_out(tiny, repository) -> None:
    study = complete(tiny(left_out=["cifar10_1", "cifar10_c"]), repository)
    assert "fig2_cifar10_1" not in study.figures
    expected = study.config["tables"]["table7"]["expectations"]
    assert {one["figure"] for one in expected} <= set(study.figures)
    assert names.optional_source(study, "cinic10") == "cinic10"
    assert names.optional_source(study, "tiny_imagenet") is names.optional_source(study, "cifar10") is None


def test_a_diffusion_model_is_asked_for_classes_of_imagenet_alone(tiny, repository) -> None:
    config = tiny("tiny_generated")
    assert names.prompted_source(complete(config, repository), "generated") == "tiny_imagenet"


def test_copies_are_looked_for_among_the_images_that_are_trained_or_tested_on(tiny, repository) -> None:
    """CINIC-10 has three splits, of which one is tested on; what is left out of a class must leave 300 of its 500."""
    search = params.copies(complete(tiny(), repository), "tiny_imagenet")
    assert dict(zip(search["names"], search["splits"], strict=True)) == {
        "cifar10": ["train", "id_test"],
        "cifar10_1": [],
        "cifar10_2": [],
        "cinic10": ["test"],
    }
