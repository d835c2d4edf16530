"""The study of Tiny-ImageNet and CIFAR plans without data, and runs end to end on archives that are drawn."""

import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pandas as pd
import pytest
import yaml
from snakemake.utils import update_config

from miniature.formats.tiny_images import draw as draw_tiny_images
from pretraining_robustness.store.formats import TINY_IMAGES

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


def test_what_is_written_of_costs_is_what_the_plan_says(workflow, studies, repository) -> None:
    written = (repository / "docs/real-images.md").read_text(encoding="utf-8")
    lines = re.findall(r"^    ((?:\w+\.yaml )+) +(\d+ jobs, .*)$", written, re.MULTILINE)
    assert len(lines) == 4
    for files, said in lines:
        study = studies(*(name.removesuffix(".yaml") for name in files.split()))
        assert said in workflow.run("plan", config=study).splitlines(), files


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
    study["runs"]["architectures"] = ["densenet22"]
    workflow.run("fig2", f"{RESULTS}/copies/tiny_imagenet.csv", config=study)
    workflow.run("imagenet_rib", config=study)  # each within the time that a run may take on a busy machine
    results = workflow.folder / RESULTS
    assert (results / "figures/fig2.pdf").exists()
    scores = pd.read_csv(results / "scores/fig2.csv")
    assert set(scores["test_set"]) == {"id_test", "cifar10_1", "cifar10_2", "cinic10", "cifar10_c"}
    task = pd.read_parquet(results / "pairs/cifar10/images.parquet")
    assert task["split"].value_counts().to_dict() == {"train": 80, "id_val": 920, "id_test": 200}
    # The heads of networks that are pre-trained on CIFAR-10 know its classes in the order of the task.
    known = pd.read_csv(results / "distributions/cifar10_full/classes.csv")
    assert known["class_id"].tolist() == pd.read_csv(results / "stores/cifar10/classes.csv")["class_id"].tolist()
    indices = pd.read_csv(results / "imagenet_rib/indices.csv")
    assert set(indices["fine_tuned_on"]) == {"all", "cifar10_1", "cifar10_2", "cinic10", "cifar10_c"}
    # Three pictures of each of the seven classes that both drawn worlds have are copies, and are not trained on.
    copies = pd.read_csv(results / "copies/tiny_imagenet.csv")
    assert (copies["collection"] == "cinic10").sum() == 21
    trained = set(pd.read_csv(results / "distributions/tiny_full/manifest.csv")["image"])
    stored = set(pd.read_parquet(results / "stores/tiny_imagenet/images.parquet")["image"])
    assert trained == stored - set(copies["image"])
    assert "Nothing to be done" in workflow.run("fig2", "imagenet_rib", "--dry-run", config=study)


# ------------------------------------------------------------------------------- archives that somebody has, or has not

DRAWN = {"tiny_imagenet": 100, "cifar10": 60, "cifar10_1": 20, "cifar10_2": 20, "cinic10": 90}


@pytest.fixture
def placed(workflow, studies):
    """Two series of the study as it is, with drawn archives in place of the real ones."""
    study = studies("tiny")
    sources, figures = study["sources"], study["figures"]
    study["sources"] = {name: one for name, one in sources.items() if name in {*DRAWN, "tiny_imagenet_validation"}}
    for one in [*study["sources"].values(), study["tasks"]["cifar10"]]:
        folder = TINY_IMAGES[one["format"]].folder
        one |= {"images": 10 if "validation" in one["format"] else DRAWN[folder], "classes": 10}
        one.pop("class_sizes", None)
    study["tasks"]["cifar10"]["train_images"] = 20
    del study["tasks"]["cifar10"]["test_sets"]["cifar10_c"], study["imagenet_rib"]
    study["distributions"] = {"tiny_full": {"source": "tiny_imagenet"}}
    study["figures"] = {name: figures[name] for name in ("fig2", "fig2_cifar10_1")}
    study |= {"tables": {}, "label_maps": {}, "left_out": []}
    study["runs"] = {"architectures": ["densenet22"], "seeds": [0], "seeds_of": {"scratch": [0], "tiny_full": [0]}}
    study["recipes"] = {"pretrain": {"steps": 2, "batch_size": 64}, "finetune": {"epochs": 1}}
    study["trends"] = {"resamples": 100}
    for folder, images in DRAWN.items():
        names = TINY_IMAGES[folder].archives
        paths = [workflow.folder / "tiny/downloads" / name for name in names]
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        draw_tiny_images(paths, folder, images=images, classes=10, seed=0)
        study["downloads"][folder]["files"] = {path.name: {"bytes": path.stat().st_size} for path in paths}
    return study


def test_a_home_that_is_down_costs_its_column_alone(workflow, placed) -> None:
    """The study as it is, and a server that has none of CINIC-10's archive."""
    (workflow.folder / "tiny/downloads/CINIC-10.tar.gz").unlink()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(workflow.folder)))
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/none/CINIC-10.tar.gz"
    placed["downloads"]["cinic10"]["files"]["CINIC-10.tar.gz"]["url"] = url
    printed = workflow.run("tiny/resources/cinic10/CINIC-10.tar.gz", config=placed, fails=True)
    server.shutdown()
    (line,) = {line for line in printed.splitlines() if line.startswith("ERROR: ")}
    assert f"{url}: the server answers 404" in line
    assert "put what you fetched into the folder tiny/downloads" in line
    assert "or add cinic10 to left_out" in line
    printed = workflow.run("fig2", config={**placed, "left_out": ["cinic10"]})
    assert (
        "cinic10 is left out, and with it: test set cinic10 of cifar10 (figures plot cifar10_1 in its place)" in printed
    )
    results = workflow.folder / "tiny/results"
    assert (results / "figures/fig2.pdf").exists()
    assert set(pd.read_csv(results / "scores/fig2.csv")["test_set"]) == {"id_test", "cifar10_1", "cifar10_2"}
    metrics = pd.read_csv(results / "pretrain/tiny_full/densenet22/seed_0/metrics.csv")
    assert set(metrics["held_out_images"]) == {10}  # all of the validation part
