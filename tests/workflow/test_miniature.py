"""A very small study runs end to end, and afterwards only what a change concerns runs again."""

import html
import json
import os
import re
import shutil
import signal
import time
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from PIL import Image
from snakemake.utils import update_config

from pretraining_robustness.evaluate.scores import CHECKPOINT, read_scores
from pretraining_robustness.study import names
from pretraining_robustness.study import runs as study_runs
from pretraining_robustness.study.shorthand import take_out
from pretraining_robustness.study.study import Study
from pretraining_robustness.training.load_network import load_network

TRAINED = [
    *("imagenet_full", "imagenet_50k", "inaturalist_full", "inaturalist_50k"),
    *("imagenet_depth_2", "imagenet_animals", "imagenet_diversity_33"),
    *("fractaldb_150k", "stable_diffusion_150k", "captions_25k", "self_supervised"),
]
DISTRIBUTIONS = yaml.safe_load((Path(__file__).parents[2] / "config.yaml").read_text(encoding="utf-8"))["distributions"]
TINY = {
    "scale": {
        **{"images": 0.001, "classes": 0.025, "superclasses": 0.125, "subclasses": 0.25},
        **{"task_images": 0.004, "task_classes": 0.06, "domain_images": 0.0006, "domain_classes": 0.02},
    },
    "sources": {
        "imagenet": {"world": {"image_size": 48}},
        "inaturalist": {"world": {"image_size": 48}},
        "fractaldb": {"search": {"points": 10000, "filling_rate": 0.01}, "render": {"points": 2000}},
        "stable_diffusion": {
            "training": {"autoencoder_steps": 5, "steps": 5},
            "generate": {"steps": 2},
            "recognised_by": {"architecture": "densenet22"},
        },
    },
    "tasks": {
        "iwildcam": {"world": {"image_size": 48, "cameras": 16}},
        "domainnet": {"world": {"image_size": 48}},
    },
    "distributions": {"captions_25k": {"head": "zero_shot"}},
    "left_out": [name for name in DISTRIBUTIONS if name not in TRAINED],
    "runs": {"architectures": ["densenet22"], "seeds_of": {"scratch": [0], "imagenet_full": [0]}},
    "recipes": {"pretrain": {"steps": 6}, "finetune": {"epochs": 2}},
    "figures": {"fig_agreement": None, "fig_images": None},  # which need several architectures
    "trends": {"resamples": 200},
}
IGNORED = (".git", ".venv*", ".snakemake", "results", "resources", "__pycache__", ".*_cache")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, repository, workflow_type):
    """The tiny study, run once in a copy of the repository."""
    folder = tmp_path_factory.mktemp("finished") / "copy"
    shutil.copytree(repository, folder, ignore=shutil.ignore_patterns(*IGNORED))
    workflow = workflow_type(folder, folder)
    workflow.run(config=TINY)
    return workflow


@pytest.fixture
def copy(finished, tmp_path, workflow_type):
    """A copy of the finished study in another place, to be changed freely."""
    folder = tmp_path / "moved"
    shutil.copytree(finished.folder, folder, symlinks=True)
    return workflow_type(folder, folder)


@pytest.fixture
def tiny_study(config):
    update_config(config, TINY)
    take_out(config)
    return Study(config)


def append(workflow, module, line):
    with (workflow.folder / "workflow_scripts/pretraining_robustness" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def test_every_checkpoint_has_a_score_and_every_series_a_trend(finished, tiny_study):
    scores = read_scores(finished.folder / "results/scores.csv")
    runs = study_runs.runs(tiny_study, *names.scored_figures(tiny_study))
    merged = [run for run in runs if run.method in names.merged_methods(tiny_study)]
    checkpoints = scores[CHECKPOINT].drop_duplicates()
    assert len(checkpoints) == len(runs) * 2 - len(merged) + 1
    assert set(checkpoints.loc[checkpoints["epoch"] == 0, "distribution"]) == {"captions_25k"}  # its head fits
    assert {run.method for run in runs} == set(scores["method"])
    assert set(scores["distribution"]) == {"scratch", *TRAINED}
    of_groups = scores["metric"] == "worst_group_accuracy"  # the groups are the clusters: no interval
    assert ((scores["low"] <= scores["high"]) | of_groups).all()
    camera_traps = scores[scores["task"] == "iwildcam"].groupby(CHECKPOINT)["test_set"].unique()
    assert {tuple(sorted(found)) for found in camera_traps} == {("id_test", "id_val", "test", "val")}
    trends = pd.read_csv(finished.folder / "results/trends.csv")
    for figure in names.scored_figures(tiny_study):
        fitted = trends[trends["figure"] == figure]
        assert Counter(fitted["series"]) == Counter(study_runs.series(tiny_study, figure) * 3)


def test_a_checkpoint_predicts_outside_the_pipeline_what_it_predicted_in_it(finished):
    results = finished.folder / "results"
    network, about = load_network(results / "finetune/iwildcam/full/scratch/densenet22/seed_0/epoch_2.safetensors")
    side = about["trained"]["image_size"]
    told = pd.read_parquet(results / "evaluate/iwildcam/full/scratch/predictions.parquet").query("test_set == 'test'")
    images = torch.tensor(np.load(results / "stores/iwildcam/images.npy")[told["row"]]).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        found = network(torch.nn.functional.interpolate(images, (side, side), mode="bilinear", antialias=True)).argmax(
            1
        )
    assert (found.numpy() == told["densenet22/seed_0/epoch_2"]).mean() > 0.99
    assert about["class_names"] == pd.read_csv(results / "stores/iwildcam/classes.csv")["name"].tolist()


def test_every_figure_is_drawn_in_full_resolution(finished, tiny_study):
    folder = finished.folder / "results/figures"
    assert {path.stem for path in folder.iterdir()} == set(tiny_study.figures)
    for name in tiny_study.figures:
        assert (folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
        assert len((folder / f"{name}.txt").read_text(encoding="utf-8")) > 100
        assert len(pd.read_csv(folder / f"{name}.csv")) > 0
        with Image.open(folder / f"{name}.png") as figure:
            assert round(figure.info["dpi"][0]) == 300
            assert min(figure.size) > 300  # a figure without series of its own is a sentence


def test_every_table_is_made(finished, tiny_study):
    folder = finished.folder / "results/tables"
    for name in tiny_study.tables:
        assert len(pd.read_csv(folder / f"{name}.csv")) > 0
        page = (folder / f"{name}.html").read_text(encoding="utf-8")
        assert "<table" in page
        assert "http" not in re.sub(r"http://www.w3.org/\S*", "", page.split("<table")[0])
        assert "\\begin{" in (folder / f"{name}.tex").read_text(encoding="utf-8")


def test_the_report_lists_every_result_with_its_whole_caption(finished, tiny_study):
    finished.run("--report", "report.zip", config=TINY)
    with zipfile.ZipFile(finished.folder / "report.zip") as report:
        page = report.read("report/report.html").decode()
        contents = report.namelist()
    results, _ = json.JSONDecoder().raw_decode(page, page.index("var results = {") + len("var results = "))
    listed = [result["labels"]["Title"] for result in results.values() if "Title" in result["labels"]]
    specs = {**tiny_study.config["figures"], **tiny_study.config["tables"]}
    assert Counter(listed) == Counter(spec["title"] for spec in specs.values())
    assert any(name.endswith("/page.html") for name in contents)
    for name in tiny_study.figures:
        caption = (finished.folder / f"results/figures/{name}.txt").read_text(encoding="utf-8")
        shown = html.unescape(re.sub("<[^>]*>", " ", results[f"results/figures/{name}.png"]["caption"]))
        assert " ".join(caption.split()) in " ".join(shown.split())


def test_the_summary_table_has_every_experiment_with_its_counts(finished):
    summary = pd.read_csv(finished.folder / "results/tables/table2.csv").set_index("distribution")
    assert Counter(summary.index) == Counter(["scratch", *DISTRIBUTIONS])
    for name in TRAINED:
        manifest = pd.read_csv(finished.folder / f"results/distributions/{name}/manifest.csv")
        found = summary.loc[name]
        assert found["images_found"] == len(manifest)
        assert found["classes_found"] == manifest["class_id"].nunique()
        assert found["labels_found"] == manifest["label"].nunique()


def test_manifests_are_readable_and_nested(finished):
    small, large = (
        pd.read_csv(finished.folder / f"results/distributions/{name}/manifest.csv")
        for name in ("imagenet_50k", "imagenet_full")
    )
    assert set(small["image"]) < set(large["image"])
    assert small.groupby("class_id").size().nunique() == 1
    assert small["class_id"].str.fullmatch(r"n\d{8}").all()


def test_generated_images_know_their_prompts_and_are_judged(finished):
    folder = finished.folder / "results/generated/stable_diffusion"
    images = pd.read_parquet(finished.folder / "results/stores/stable_diffusion/images.parquet")
    prompts = set(pd.read_csv(folder / "prompts.csv")["prompt"])
    assert len(images) == 1000
    assert images["seed"].is_unique
    assert set(images["prompt"]) <= prompts
    taken = pd.read_csv(finished.folder / "results/distributions/stable_diffusion_150k/manifest.csv")
    assert set(taken["image"]) == set(images.head(150)["image"])
    judged = pd.read_csv(folder / "recognition.csv").iloc[0]
    assert judged["images"] == 1000
    assert 0 <= judged["top1"] <= judged["top5"] <= 1


def test_the_page_has_every_checkpoint(finished):
    page = (finished.folder / "results/page.html").read_text(encoding="utf-8")
    assert all(name in page for name in TRAINED)
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.https?:", page)


def test_nothing_is_left_unfinished(finished):
    assert not list(finished.folder.rglob("unfinished*"))
    assert not list(finished.folder.rglob("*.part"))
    assert not list(finished.folder.glob("*<*"))  # where a path variable that nothing filled in would lead


def test_moved_and_touched_files_and_a_comment_run_nothing(copy):
    for script in (copy.folder / "workflow_scripts").rglob("*.py"):
        script.touch()
    append(copy, "training/loop.py", "# a comment")
    assert copy.plan("demo", config=TINY) == {}


NO_TRAINING = {"pretrain": 0, "finetune": 0}


@pytest.mark.parametrize(
    ("module", "target", "expected"),
    [
        (
            "training/loop.py",
            "demo",
            {"pretrain": 4, "finetune": 5, "draw_imagenet": 0, "build_store": 0, "make_distribution": 0},
        ),
        ("figures/style.py", "demo", {**NO_TRAINING, "draw_figure": 2, "fit_trends": 0}),
        ("evaluate/computed.py", "demo", {**NO_TRAINING, "score": 5, "predict": 0}),
        # What merges its weights is predicted again, too.
        ("finetune/methods/linear_probe.py", "all", {"finetune": 1, "predict": 3, "pretrain": 0}),
    ],
)
def test_an_edit_of_code_runs_what_it_concerns(copy, module, target, expected):
    append(copy, module, "REVISION = 2")
    jobs = copy.plan(target, config=TINY)
    assert {rule: jobs[rule] for rule in expected} == expected


def test_an_edit_of_the_table_of_superclasses_makes_its_distributions_again(copy):
    table = copy.folder / "data/imagenet_superclasses.csv"
    table.write_text(table.read_text(encoding="utf-8").replace("n00002684", "n00001930"), encoding="utf-8")
    jobs = copy.plan("fig5", config=TINY)
    assert jobs["make_distribution"] == jobs["check_distribution"] == 1
    assert jobs["pretrain"] == 1
    assert jobs["draw_imagenet"] == jobs["build_store"] == 0


def test_another_title_draws_that_figure_only(copy):
    overlay = {**TINY, "figures": {"fig4": {"title": "Another title"}}}
    assert copy.plan("demo", config=overlay) == {"draw_figure": 1}
    assert "fig4" in copy.run("demo", "--dry-run", config=overlay)


def test_a_figure_of_another_pair_of_test_sets_predicts_and_scores_nothing(copy):
    jobs = copy.plan("fig2", config={**TINY, "figures": {"fig2": {"plots": {"id": "id_val", "ood": "val"}}}})
    assert jobs == {"fit_trends": 1, "compare_series": 1, "draw_figure": 1, "fig2": 1}


def test_a_new_test_set_predicts_again_but_trains_nothing(copy):
    task = {**TINY["tasks"]["iwildcam"], "test_sets": {"seen": {"split": "train", "role": "other"}}}
    jobs = copy.plan("fig2", config={**TINY, "tasks": {"iwildcam": task}})
    assert jobs["predict"] == jobs["score"] == 2
    assert jobs["finetune"] == jobs["pretrain"] == 0


def test_score_tables_alone_redraw_a_figure(copy):
    for stage in ("stores", "distributions", "pretrain", "finetune", "evaluate", "trends", "figures"):
        shutil.rmtree(copy.folder / "results" / stage)
    shutil.rmtree(copy.folder / "resources")
    assert copy.plan("fig4", config=TINY) == {"fit_trends": 1, "draw_figure": 1, "fig4": 1}
    copy.run("fig4", config=TINY)
    assert (copy.folder / "results/figures/fig4.pdf").exists()


def test_a_killed_run_resumes_and_ends_with_the_same_bits(copy):
    target = "results/finetune/iwildcam/full/imagenet_50k/densenet22/seed_0/epoch_2.safetensors"
    expected = (copy.folder / target).read_bytes()
    shutil.rmtree(copy.folder / "results/finetune")
    process = copy.start(target, config=TINY)
    state = copy.folder / "results/finetune/iwildcam/full/imagenet_50k/densenet22/seed_0/unfinished"
    deadline = time.monotonic() + 120
    while not any(state.rglob("*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (copy.folder / target).exists()
    copy.run("--unlock", config=TINY)  # Snakemake itself was killed, so its lock of the folder is left
    copy.run(target, config=TINY)
    assert (copy.folder / target).read_bytes() == expected
    assert not state.exists()
