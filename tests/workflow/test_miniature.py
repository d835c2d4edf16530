"""A very small study runs end to end, and afterwards only what a change concerns runs again."""

import os
import shutil
import signal
import time
from collections import Counter

import pandas as pd
import pytest
from PIL import Image
from snakemake.utils import update_config

from pretraining_robustness.study import Study

TINY = {
    "scale": {"images": 0.001, "classes": 0.025, "task_images": 0.004, "task_classes": 0.06},
    "sources": {"imagenet": {"world": {"image_size": 48}}, "inaturalist": {"world": {"image_size": 48}}},
    "tasks": {"iwildcam": {"world": {"image_size": 48, "cameras": 16}}},
    "left_out": [f"{source}_{size}k" for source in ("imagenet", "inaturalist") for size in (150, 100, 25, 5)],
    "runs": {"architectures": ["densenet14"]},
    "recipes": {"pretrain": {"steps": 6}, "finetune": {"epochs": 2}},
    "trends": {"resamples": 200},
}
IGNORED = (".git", ".venv", ".snakemake", "results", "resources", "__pycache__", ".*_cache")
FIGURES = [f"results/figures/{figure}.{kind}" for figure in ("fig2", "fig4") for kind in ("pdf", "png", "csv", "txt")]

pytestmark = pytest.mark.xdist_group("miniature")


@pytest.fixture(scope="module")
def finished(tmp_path_factory, repository, workflow_type):
    """The tiny study, run once in a copy of the repository."""
    folder = tmp_path_factory.mktemp("finished") / "copy"
    shutil.copytree(repository, folder, ignore=shutil.ignore_patterns(*IGNORED))
    workflow = workflow_type(folder, folder)
    workflow.run("demo", config=TINY)
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
    return Study(config)


def append(workflow, module, line):
    with (workflow.folder / "workflow_scripts/pretraining_robustness" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")


def test_every_checkpoint_has_a_score_and_every_series_a_trend(finished, tiny_study):
    scores = pd.read_csv(finished.folder / "results/scores.csv")
    runs = tiny_study.runs("fig2", "fig4")
    assert len(scores) == len(runs) * 2
    assert set(scores["distribution"]) == set(tiny_study.series("fig4"))
    measured = scores[["id_macro_f1", "ood_macro_f1", "id_accuracy", "ood_accuracy"]]
    assert ((measured >= 0) & (measured <= 1)).all(axis=None)
    trends = pd.read_csv(finished.folder / "results/trends.csv")
    for figure in ("fig2", "fig4"):
        fitted = trends[trends["figure"] == figure]
        assert Counter(fitted["series"]) == Counter(tiny_study.series(figure) * 3)


def test_figures_are_drawn_in_full_resolution(finished):
    for path in FIGURES:
        assert (finished.folder / path).stat().st_size > 100
    with Image.open(finished.folder / "results/figures/fig4.png") as figure:
        assert round(figure.info["dpi"][0]) == 300
        assert figure.width > figure.height


def test_manifests_are_readable_and_nested(finished):
    small, large = (
        pd.read_csv(finished.folder / f"results/distributions/{name}/manifest.csv")
        for name in ("imagenet_50k", "imagenet_full")
    )
    assert set(small["image"]) < set(large["image"])
    assert small.groupby("class_id").size().nunique() == 1
    assert small["class_id"].str.fullmatch(r"n\d{8}").all()


def test_nothing_is_left_unfinished(finished):
    assert not list(finished.folder.rglob("unfinished"))
    assert not list(finished.folder.rglob("*.part"))


def test_moved_and_touched_files_run_nothing(copy):
    for script in (copy.folder / "workflow_scripts").rglob("*.py"):
        script.touch()
    assert copy.plan("demo", config=TINY) == {}


def test_a_comment_in_training_code_runs_nothing(copy):
    append(copy, "training/loop.py", "# a comment")
    assert copy.plan("demo", config=TINY) == {}


def test_an_edit_of_training_code_trains_again_but_draws_no_world(copy):
    append(copy, "training/loop.py", "REVISION = 2")
    jobs = copy.plan("demo", config=TINY)
    assert jobs["pretrain"] == 4
    assert jobs["finetune"] == 5
    assert jobs["draw_imagenet"] == jobs["build_store"] == jobs["make_distribution"] == 0


def test_an_edit_of_the_figures_style_draws_figures_only(copy):
    append(copy, "figures/style.py", "REVISION = 2")
    assert copy.plan("demo", config=TINY) == {"draw_figure": 2, "demo": 1}


def test_another_title_draws_that_figure_only(copy):
    overlay = {**TINY, "figures": {"fig4": {"title": "Another title"}}}
    assert copy.plan("demo", config=overlay) == {"draw_figure": 1, "demo": 1}
    assert "fig4" in copy.run("demo", "--dry-run", config=overlay)


def test_another_test_split_evaluates_again_but_trains_nothing(copy):
    jobs = copy.plan("fig2", config={**TINY, "tasks": {"iwildcam": {**TINY["tasks"]["iwildcam"], "ood_split": "val"}}})
    assert jobs["evaluate"] == 2
    assert jobs["finetune"] == jobs["pretrain"] == 0


def test_score_tables_alone_redraw_a_figure(copy):
    for stage in ("stores", "distributions", "pretrain", "finetune", "evaluate", "trends", "figures"):
        shutil.rmtree(copy.folder / "results" / stage)
    shutil.rmtree(copy.folder / "resources")
    assert copy.plan("fig4", config=TINY) == {"fit_trends": 1, "draw_figure": 1, "fig4": 1}
    copy.run("fig4", config=TINY)
    assert (copy.folder / "results/figures/fig4.pdf").exists()


def test_a_killed_run_resumes_and_ends_with_the_same_bits(copy):
    target = "results/finetune/iwildcam/imagenet_50k/densenet14/seed_0/epoch_2.safetensors"
    expected = (copy.folder / target).read_bytes()
    shutil.rmtree(copy.folder / "results/finetune")
    process = copy.start(target, config=TINY)
    state = copy.folder / "results/finetune/iwildcam/imagenet_50k/densenet14/seed_0/unfinished"
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
