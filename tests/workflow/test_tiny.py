"""The study of Tiny-ImageNet and CIFAR plans without data, and runs end to end on archives that are drawn."""

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

RESULTS = "tiny_miniature/results"


@pytest.fixture(scope="module")
def studies(repository):
    """Return the files of the study, the later over the earlier, as one."""

    def merged(*names: str) -> dict:
        study: dict = {}
        for name in names:
            update_config(study, yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8")))
        return study

    return merged


def test_the_study_plans_without_data(workflow, studies) -> None:
    study = studies("tiny")
    jobs = workflow.plan(config=study)
    networks, distributions = len(study["runs"]["architectures"]), len(study["distributions"])
    assert jobs["pretrain"] == (distributions + 1) * networks  # one is trained with two seeds
    assert jobs["make_distribution"] == jobs["check_distribution"] == distributions
    archives = set(study["downloads"]) - {"place", "cifar10_c"}
    assert {name for name in jobs if name.startswith("acquire_")} == {f"acquire_{name}" for name in archives}
    assert jobs["choose_training_images"] == 1
    assert jobs["find_copies"] == 2
    # Two networks, by three methods, on the three shifted sets.
    assert jobs["compute_rib_indices"] == 1
    assert jobs["make_variant_task"] == 3


def test_another_task_and_less_time_are_files_over_it(workflow, studies) -> None:
    jobs = workflow.plan("fig_camelyon17", config=studies("tiny", "tiny_camelyon17"))
    assert jobs["acquire_wilds"] == jobs["build_wilds_store"] == jobs["choose_training_images"] == 1
    short = studies("tiny", "tiny_hour")
    jobs = workflow.plan(config=short)
    left = set(short["distributions"]) - set(short["left_out"])
    assert jobs["pretrain"] == len(left) * len(short["runs"]["architectures"])


def test_generated_pictures_are_a_file_over_it(workflow, studies) -> None:
    """A published model is fetched and asked for Tiny-ImageNet's classes; the drawn study trains one on them."""
    study = studies("tiny", "tiny_generated")
    jobs = workflow.plan("fig_generated", config=study)
    assert jobs["acquire_diffusion_model"] == jobs["plan_prompts"] == jobs["gather_generated"] == 1
    assert jobs["generate_images"] == 8
    assert jobs["train_diffusion"] == 0
    path = "tiny/results/generated/generated"
    workflow.run(f"{path}/images.parquet", config=study)
    assert pd.read_csv(workflow.folder / path / "prompts.csv")["class_id"].value_counts().tolist() == [80] * 200
    assert len(pd.read_parquet(workflow.folder / path / "images.parquet")) == 50_000
    drawn = studies("tiny", "tiny_generated", "tiny_miniature")
    drawn["sources"]["generated"] |= {"model": "trained", "training": {}}
    del drawn["sources"]["generated"]["revision"]
    jobs = workflow.plan("fig_generated", config=drawn)
    assert jobs["train_diffusion"] == 1
    assert jobs["acquire_diffusion_model"] == 0
    assert jobs["draw_tiny_imagenet"] == 1


def test_the_study_runs_on_drawn_archives(workflow, studies) -> None:
    study = studies("tiny", "tiny_miniature")
    study["left_out"] = ["cifar10_c"]
    workflow.run("fig2", f"{RESULTS}/copies/tiny_imagenet.csv", config=study)
    workflow.run("imagenet_rib", config=study)  # each within the time that a run may take on a busy machine
    results = workflow.folder / RESULTS
    assert (results / "figures/fig2.pdf").exists()
    scores = pd.read_csv(results / "scores/fig2.csv")
    assert set(scores["test_set"]) == {"id_test", "cifar10_1", "cifar10_2", "cinic10"}
    task = pd.read_parquet(results / "pairs/cifar10/images.parquet")
    assert task["split"].value_counts().to_dict() == {"train": 80, "id_val": 920, "id_test": 200}
    # The heads of networks that are pre-trained on CIFAR-10 know its classes in the order of the task.
    known = pd.read_csv(results / "distributions/cifar10_full/classes.csv")
    assert known["class_id"].tolist() == pd.read_csv(results / "stores/cifar10/classes.csv")["class_id"].tolist()
    indices = pd.read_csv(results / "imagenet_rib/indices.csv")
    assert set(indices["fine_tuned_on"]) == {"all", "cifar10_1", "cifar10_2", "cinic10"}
    # Three pictures of each of the seven classes that both drawn worlds have are copies, and are not trained on.
    copies = pd.read_csv(results / "copies/tiny_imagenet.csv")
    assert (copies["collection"] == "cinic10").sum() == 21
    trained = set(pd.read_csv(results / "distributions/tiny_full/manifest.csv")["image"])
    stored = set(pd.read_parquet(results / "stores/tiny_imagenet/images.parquet")["image"])
    assert trained == stored - set(copies["image"])
    assert "Nothing to be done" in workflow.run("fig2", "imagenet_rib", "--dry-run", config=study)
