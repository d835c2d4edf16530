"""ImageNet-RIB in a configuration: what it stands for, and what of it is refused."""

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness.errors import InputError
from pretraining_robustness.plan.costs import Costs
from pretraining_robustness.plan.rates import Rates
from pretraining_robustness.study import names, params, runs, show
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.shorthand import write_out
from pretraining_robustness.study.study import Study


@pytest.fixture
def miniature(config, repository):
    path = repository / "data/studies/imagenet_rib_miniature.yaml"
    update_config(config, yaml.safe_load(path.read_text(encoding="utf-8")))
    return config


@pytest.fixture
def full(paper_config, repository):
    for name in ("imagenet_rib", "imagenet_rib_held_out"):
        path = repository / f"data/studies/{name}.yaml"
        update_config(paper_config, yaml.safe_load(path.read_text(encoding="utf-8")))
    write_out(paper_config)
    return paper_config


def refusal(config, repository) -> str:
    write_out(config)
    with pytest.raises(InputError) as refused:
        check_config(config, repository)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_an_interpolation_stands_for_all_of_its_alphas(miniature, repository):
    miniature["imagenet_rib"]["methods"] = ["full", "wise_ft_start", "wise_ft_held_out"]
    write_out(miniature)
    check_config(miniature, repository)
    alphas = [f"wise_ft_start_{percent}" for percent in (25, 50, 75)]
    assert miniature["imagenet_rib"]["methods"] == ["full", *alphas, "wise_ft_held_out"]


def test_the_full_study_has_every_method_of_every_network_that_can(full, repository):
    check_config(full, repository)
    series = runs.rib_series(Study(full))
    assert ("lora", "rib_laion2b") in series
    assert ("greedy_soup", "rib_resnets") in series
    assert ("lora", "rib_resnets") not in series


@pytest.mark.parametrize(("key", "images", "words"), [("one", 50000, "shows all"), ("all", 3750000, "all, as the pub")])
def test_what_is_shown_of_an_images_renderings_is_named_and_planned(paper_config, repository, key, images, words):
    update_config(paper_config, yaml.safe_load((repository / "data/studies/imagenet_rib.yaml").read_text("utf-8")))
    paper_config["imagenet_rib"]["renderings"] = key
    write_out(paper_config)
    check_config(paper_config, repository)
    study = Study(paper_config)
    assert "rib_imagenet_r" not in {one for one, task in paper_config["tasks"].items() if "renderings" in task}
    assert params.finetune_recipe(study, "rib_imagenet_c", "rib_resnet18")["warmup_fraction"] == pytest.approx(
        196 / (10 * (images // 64))
    )
    assert Costs(study, Rates(repository / "data/rates.csv"), "H100").split("rib_imagenet_c", "train") == images
    assert "75 renderings" in show.table(study, "table_rib")["note"]
    assert words in show.table(study, "table_rib")["note"]
    assert show.table(study, "table2")["note"] is None


def test_what_is_taken_of_a_variant_stands_in_its_label(full, repository):
    full["imagenet_rib"]["variants"]["imagenet_c"] |= {"only": {"severity": [1, 3, 5]}, "images": 2250000}
    write_out(full)
    check_config(full, repository)
    study = Study(full)
    assert show.benchmark_labels(study, "table_rib")["variants"]["imagenet_c"] == "ImageNet-C (severity 1, 3, 5)"
    assert params.variant(study, "imagenet_c")["only"] == {"severity": [1, 3, 5]}
    full["imagenet_rib"]["variants"]["imagenet_c"]["only"] = {"level": [1]}
    assert "imagenet_c.only: 'level' is not a part of the layout; known are: corruption, severity" in refusal(
        full, repository
    )


def test_a_further_column_is_a_config_entry(full, repository):
    path = repository / "data/studies/imagenet_rib_laion_c.yaml"
    update_config(full, yaml.safe_load(path.read_text(encoding="utf-8")))
    write_out(full)
    check_config(full, repository)
    study = Study(full)
    assert "laion_c" in show.benchmark(study)["tested_on"]
    assert "rib_laion_c" not in names.variant_tasks(study)
    assert params.variant(study, "laion_c")["images"] is None


def test_a_source_with_other_classes_is_given_imagenets_head_by_a_stage_of_its_own(miniature, repository):
    networks = ["imagenet_full", "inaturalist_full"]
    heads = {
        "of": [*miniature["imagenet_rib"]["heads"]["of"], "inaturalist_full"],
        "trained_on": "imagenet_full",
        "method": "linear_probe",
    }
    update_config(miniature, {"imagenet_rib": {"networks": networks, "heads": heads}})
    write_out(miniature)
    check_config(miniature, repository)
    study = Study(miniature)
    assert names.task_collection(study, "rib_head") == "imagenet"
    assert not names.keeps_head(study, "rib_head", "inaturalist_full")
    assert [names.given_head(study, name) for name in networks] == [None, "linear_probe"]
    assert "rib_head" not in {run.task for run in runs.rib_runs(study)}


def test_variants_of_some_classes_are_also_tested_among_all(full, miniature, repository):
    study = Study(full)
    tested = names.test_sets(study, "rib_imagenet_sketch")
    masks = {one["name"]: one["classes"] for one in tested if "imagenet_r" in one["name"]}
    assert masks == {"imagenet_r": "present", "imagenet_r_unlimited": None}
    assert [one["name"] for one in tested if one["name"].endswith("_unlimited")] == [
        f"{name}_unlimited" for name in ("imagenet_a", "imagenet_r", "objectnet")
    ]
    assert not any(name.endswith("_unlimited") for name in show.benchmark(study)["tested_on"])
    answers = show.benchmark_labels(study, "table_rib")["answers"]
    assert "fewer than ImageNet has in ImageNet-A, ImageNet-R, ObjectNet" in answers
    miniature["tables"] = {"unlimited": {"kind": "rib_unlimited", "title": "Among all classes"}}
    assert "'unlimited' is missing" in refusal(miniature, repository)


def test_small_sets_of_imagenets_own_training_images(paper_config, repository):
    """CLIP's published encoders on 1 to 32 training images per class, with RI over all variants."""
    for name in ("imagenet_rib", "imagenet_rib_small_sets"):
        update_config(paper_config, yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text("utf-8")))
    write_out(paper_config)
    check_config(paper_config, repository)
    study = Study(paper_config)
    task = "rib_training_images_4_per_class_equal_epochs"
    assert names.task_collection(study, task) == "imagenet"
    assert names.is_variant_task(study, task)
    assert task in names.made_tasks(study)
    assert params.variant_task(study, task)["subset"] == {"images_per_class": 4, "equal": "epochs"}
    assert Costs(study, Rates(repository / "data/rates.csv"), "H100").split(task, "train") == 4000
    wanted = {(run.distribution, run.architecture) for run in runs.set_size_runs(study) if run.task == task}
    assert {("rib_clip_laion2b_b32", "rib_clip_b32"), ("rib_clip_cc12m", "rib_clip_rn50")} < wanted
    assert names.given_head(study, "rib_clip_datacomp_s_b32") == "linear_probe"
    assert params.finetune_recipe(study, task, "rib_clip_b16")["learning_rate"] == 0.001
    told = show.benchmark_labels(study, "fig_rib_small_sets")
    assert told["variants"]["imagenet"] == "ImageNet, training images"
    assert "1 training images per class" in told["warming"]  # 150 steps
    assert params.finetune_recipe(study, task, "rib_clip_b16")["warmup_fraction"] == pytest.approx(196 / 620)
    assert show.set_sizes(study)["variants"][task] == "imagenet"


def test_a_study_that_leaves_out_all_networks_is_refused(miniature, repository):
    miniature["imagenet_rib"] |= {"networks": ["imagenet_full", "imagenet_25k"]}
    miniature["imagenet_rib"].pop("heads")
    del miniature["figures"]["fig_rib_crossing"], miniature["tables"]["table_rib_crossing"]
    miniature["left_out"] += ["imagenet_full", "imagenet_25k"]
    assert "left_out: it leaves out all networks of ImageNet-RIB (imagenet_full, imagenet_25k)" in refusal(
        miniature, repository
    )
