"""The workflow plans the right jobs, from a configuration alone, and refuses what it does not know in one line."""

import re

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness.study import names
from pretraining_robustness.study.study import Study


def studies(repository, *names, under=None):
    """Return the files of `data/studies`, the later over the earlier, over a configuration."""
    study = under or {}
    for name in names:
        update_config(study, yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8")))
    return study


ONE_RUN = {"pretrain": "run", "finetune": "run", "merge": "run"}


def test_demo_trains_every_network_once(workflow, config):
    """What all others are compared with, ImageNet and no pre-training, is trained with a second seed."""
    jobs = workflow.plan("demo", config={"jobs": ONE_RUN})
    architectures, trained = len(config["runs"]["architectures"]), 8
    assert jobs["pretrain"] == (trained + 1) * architectures
    assert jobs["finetune"] == (trained + 1 + 2) * architectures
    together = workflow.plan("demo")  # all networks of a distribution in one job
    assert (together["pretrain"], together["finetune"]) == (trained, trained + 1)
    assert jobs["predict"] == jobs["score"] == trained + 1
    assert jobs["draw_figure"] == 2
    assert jobs["draw_imagenet"] == jobs["draw_inaturalist"] == jobs["draw_iwildcam"] == 1


def test_one_figure_needs_only_its_own_runs(workflow, config):
    jobs = workflow.plan("fig2", config={"jobs": ONE_RUN})
    architectures = len(config["runs"]["architectures"])
    assert jobs["pretrain"] == 2 * architectures  # each with two seeds, and so from scratch
    assert jobs["finetune"] == 2 * 2 * architectures
    assert jobs["draw_figure"] == jobs["fit_trends"] == 1
    assert jobs["draw_inaturalist"] == 0


def test_runs_shared_by_figures_are_trained_once(workflow, config):
    """All figures together train what their distributions need, though the figures share most of their series."""
    jobs = workflow.plan(config={"jobs": ONE_RUN})
    study, architectures = Study(config), len(config["runs"]["architectures"])
    trained = [name for name in config["distributions"] if name not in config["left_out"]]
    captioned = [name for name in names.captioned(study) if name in trained]
    assert jobs["pretrain"] == (len(trained) - len(captioned) + 1) * architectures  # ImageNet's with two seeds
    assert jobs["pretrain_image_text"] == len(captioned) * architectures
    # Each pair of domains is fine-tuned on from scratch and from ImageNet, which is pre-trained once for all tasks.
    # Two more methods are trained on iWildCam, from ImageNet; three merge what these leave.
    series = len(trained) + 1 + 2 * len(names.domain_pairs(study)) + 2
    second_seeds = 2 * (1 + len(names.domain_pairs(study))) + 2  # of the series from scratch and from ImageNet
    assert jobs["finetune"] == (series + second_seeds) * architectures
    assert jobs["merge_weights"] == 2 * 3 * architectures
    assert jobs["predict"] == jobs["score"] == series + 3
    assert jobs["draw_figure"] == len(config["figures"])
    assert jobs["tabulate"] == len(config["tables"])


def test_every_figure_and_table_has_its_own_target(workflow, config):
    names = [*config["figures"], *config["tables"]]
    jobs = workflow.plan(*names)
    assert {name: jobs[name] for name in names} == dict.fromkeys(names, 1)


def test_full_study_plans_without_data(workflow, paper_config):
    jobs = workflow.plan(config=paper_config)
    architectures = len(paper_config["runs"]["architectures"])
    assert jobs["pretrain"] == 44 * architectures  # 38 of natural images, 5 of synthetic ones, 1 without labels
    assert jobs["pretrain_image_text"] == 3 * architectures
    clips = 10  # published ones at one architecture, three seeds each
    assert jobs["take_published_towers"] == 9 + 3 * clips  # eight networks of OpenAI, one of another
    runs = (44 + 3 + 1) * architectures + 9 + 3 * clips + (12 * 2 + 5) * architectures  # pairs of domains, fMoW
    transformers = 5  # published ones, by four methods
    unlabelled = 4  # published masked auto-encoders and DINO; a trained head on SimCLR's networks
    others = 7 * architectures + 4 * transformers + unlabelled  # seven more methods of networks of the study
    assert jobs["finetune"] == runs + others
    assert jobs["predict"] == jobs["score"] == 44 + 3 + 1 + 2 + clips + (12 * 2 + 5) + 7 + 4 + 2 + 5  # five merged
    assert jobs["make_distribution"] == jobs["check_distribution"] == 44 + 3
    assert jobs["acquire_imagenet"] == jobs["acquire_inaturalist"] == jobs["acquire_iwildcam"] == 1
    assert jobs["acquire_wilds"] == jobs["unpack_wilds"] == jobs["build_wilds_store"] == 1
    assert jobs["acquire_domainnet"] == jobs["search_fractals"] == jobs["render_fractals"] == 1
    assert jobs["generate_images"] == 64
    assert jobs["acquire_diffusion_model"] == 1
    assert jobs["train_diffusion"] == 0
    assert jobs["acquire_breeds"] == jobs["select_breeds"] == 1
    assert jobs["draw_imagenet"] == 0


def test_the_costs_of_the_full_study_are_said_without_data(workflow, paper_config):
    printed = workflow.run("plan", config=paper_config)
    jobs = sum(workflow.plan(config=paper_config).values())
    said = re.search(r"^([\d,]+) jobs, [\d,]+ to [\d,]+ H100 hours, .* TB of disk$", printed, re.MULTILINE)
    assert said is not None
    # Targets are not counted.
    assert abs(int(said[1].replace(",", "")) - jobs) < 5
    assert (workflow.folder / "paper/results/plan.csv").exists()


def test_full_study_keeps_twelve_checkpoints(workflow, paper_config):
    printed = workflow.run("fig2", "--summary", config=paper_config)
    assert "finetune/iwildcam/full/imagenet_full/resnet50/seed_0/epoch_12.safetensors" in printed
    assert "epoch_13.safetensors" not in printed


@pytest.mark.parametrize(
    ("target", "words"),
    [("fig44", ["'fig44' is not a figure", "did you mean 'fig4'?"]), ("demmo", ["did you mean 'demo'?"])],
)
def test_a_misspelt_target_is_named(workflow, target, words):
    printed = workflow.run(target, "--dry-run", fails=True)
    assert all(word in printed for word in words)


def test_a_file_of_an_unknown_distribution_is_not_a_job(workflow):
    target = "results/pretrain/imagenet_7k/resnet10/seed_0/weights.safetensors"
    assert "No rule to produce" in workflow.run(target, "--dry-run", fails=True)


def test_every_rule_states_its_environment_log_and_message(repository):
    for path in sorted((repository / "rules").glob("*.smk")):
        text = path.read_text(encoding="utf-8")
        for block in text.split("\nrule ")[1:]:
            name = block.split(":")[0]
            if "script:" not in block:  # a target
                continue
            for directive in ("conda:", "log:", "message:", '"""'):
                assert directive in block, f"{path.name}, rule {name}: no {directive}"
            stated = "localrule: True" in block or "**granted(" in block or ("mem_mb=" in block and "runtime=" in block)
            assert stated, (
                f"{path.name}, rule {name}: states neither its resources nor that it runs where Snakemake does"
            )


def test_imagenet_rib_plans_a_task_a_variant(workflow, repository):
    study = studies(repository, "imagenet_rib_miniature")
    rib = study["imagenet_rib"]
    jobs = workflow.plan("imagenet_rib", config=study)
    figure, variants = study["figures"]["fig_rib_crossing"], len(rib["variants"])
    series, architectures = {one for panel in figure["panels"] for one in panel["series"]}, len(figure["architectures"])
    seeds = {name: len(study["runs"]["seeds_of"].get(name, [0])) for name in series}
    crossed = sum(seeds.values()) * architectures
    networks = sum(seeds[name] for name in rib["networks"]) * len(rib["architectures"])
    heads = len(rib["heads"]["of"]) * architectures
    assert jobs["build_variant_store"] == variants
    assert jobs["pretrain"] == crossed + 1  # the one that filters ImageNet-A
    assert jobs["save_start"] == crossed
    # A job is one network by all its methods on all variants.
    assert jobs["merge_weights"] == networks
    assert (jobs["finetune"], jobs["finetune_last"]) == (crossed, heads)
    # Before fine-tuning and after; all methods of a distribution go together.
    assert jobs["predict"] == 2 * len(series)
    assert jobs["score"] == len(series)
    assert jobs["compare_networks"] == len(rib["similarity"]["methods"]) * len(rib["networks"])


def test_the_full_imagenet_rib_plans_without_data(workflow, repository, paper_config):
    study = studies(repository, "imagenet_rib", under=paper_config)
    jobs = workflow.plan("imagenet_rib", config=paper_config)
    networks, tasks = 7 + 4 + 4, 7  # ObjectNet's licence forbids to fine-tune on it
    assert jobs["take_published_weights"] == networks
    rib, figure = study["imagenet_rib"], study["figures"]["fig_rib_crossing"]
    crossed = len({series for panel in figure["panels"] for series in panel["series"]}) * len(figure["architectures"])
    heads = len(rib["heads"]["of"]) * len(figure["architectures"])
    sizes = 2 * len(rib["set_sizes"]["images_per_class"]) * len(rib["set_sizes"]["variants"])
    of_subsets = sizes * len(study["figures"]["fig_rib_set_size"]["networks"])
    by_all_methods = (networks * 9 - 4 * 2) * tasks  # two of the methods that train need attention
    assert jobs["finetune_last"] == by_all_methods + crossed * tasks + heads + of_subsets
    assert jobs["finetune"] == 0
    assert jobs["save_start"] == networks + crossed
    assert jobs["acquire_imagenet_c"] == 1


def test_an_epoch_that_is_not_predicted_is_neither_kept_nor_read(workflow, repository):
    study = studies(repository, "imagenet_rib_miniature")
    study["imagenet_rib"]["predicted"] = "last"
    printed = workflow.run("imagenet_rib", "--summary", config=study)
    assert set(re.findall(r"epoch_(\d)\.safetensors", printed)) == {"0", "3"}


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("0", "folder: 1 images where there must be 10,000: the copy is not complete"),
        ("n99999999", "folder: the folder n99999999 of n99999999/a.jpg is none of ImageNet's classes here"),
        (None, "config imagenet_rib.variants.imagenet_v2.path: folder is no folder; correct it"),
    ],
)
def test_what_is_wrong_with_a_folder_of_a_variant_is_said_while_planning(
    workflow, repository, paper_config, folder, words
):
    if folder is not None:
        path = workflow.folder / "folder" / folder / "a.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(b"planning does not decode")
    studies(repository, "imagenet_rib", under=paper_config)
    paper_config["imagenet_rib"]["variants"]["imagenet_v2"]["path"] = "folder"
    printed = workflow.run(
        "imagenet_rib/results/stores/imagenet_v2/images.npy", "--dry-run", config=paper_config, fails=True
    )
    assert words in printed


def test_every_figure_and_table_is_listed_with_its_title(workflow, config):
    listed = workflow.run("--list")
    for name, spec in {**config["figures"], **config["tables"]}.items():
        assert f"{name} ({spec['title'].rstrip('.')}" in listed
