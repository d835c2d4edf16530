"""No shipped study shows a network larger images than it was pre-trained on, but where the study says so by name."""

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness.study import names, params, runs
from pretraining_robustness.study.imagenet_rib import HEAD_TASK
from pretraining_robustness.study.shorthand import leave_out, replace_sections, take_out, write_out
from pretraining_robustness.study.study import Study

LARGER = {("paper", "iwildcam"): (224, 448)}
"""Size of pre-training and of the task, by study and task: data/studies/paper.yaml, recipes.finetune.image_size."""

STUDIES = [
    [],
    ["imagenet_rib_miniature"],
    ["own_folders"],
    ["own_folders", "own_folders_small"],
    ["published"],
    ["paper"],
    ["paper", "paper_lean"],
    ["paper", "imagenet_rib"],
    ["paper", "imagenet_rib", "imagenet_rib_held_out"],
    ["paper", "imagenet_rib", "imagenet_rib_laion_c"],
    ["paper", "imagenet_rib", "imagenet_rib_severity_3"],
    ["paper", "imagenet_rib", "imagenet_rib_small_sets"],
    ["tiny"],
    *(["tiny", over] for over in ("laptop", "tiny_hour", "tiny_half", "tiny_miniature")),
    *(["tiny", over] for over in ("tiny_generated", "tiny_camelyon17")),
    ["tiny", "tiny_half", "tiny_half_more"],
]


@pytest.mark.parametrize("files", STUDIES, ids="+".join)
def test_no_network_sees_larger_images_than_in_its_pretraining(config, repository, files: list[str]) -> None:
    own: dict = {}
    for name in files:
        update_config(own, yaml.safe_load((repository / f"data/studies/{name}.yaml").read_text(encoding="utf-8")))
    update_config(config, own)
    replace_sections(config, own)
    take_out(config)
    leave_out(config)
    write_out(config)
    study = Study(config)
    larger = set()
    for run in runs.all_runs(study):
        heads = names.given_head(study, run.distribution) if names.is_variant_task(study, run.task) else None
        for task, method in [(run.task, run.method), *([(HEAD_TASK, heads)] if heads else [])]:
            if run.distribution == names.SCRATCH:
                continue
            recipe = params.finetune_recipe(study, task, run.architecture, method)
            if names.is_published(study, run.distribution):  # the size is the network's own, not the task's
                said = config["architectures"][run.architecture].get("finetune", {})
                assert recipe.get("input") == "own" or recipe["image_size"] == said.get("image_size"), run
                continue
            before = params.pretrain_recipe(study, run.architecture, run.distribution)["image_size"]
            if recipe["image_size"] > before:
                larger.add((task, before, recipe["image_size"]))
    said_so = {(task, *sizes) for (name, task), sizes in LARGER.items() if name in files}
    assert larger <= said_so
    if files == ["paper"]:
        assert larger == said_so


def test_every_shipped_study_is_looked_at(repository) -> None:
    shipped = {path.stem for path in (repository / "data/studies").glob("*.yaml")}
    assert shipped == {name for files in STUDIES for name in files}
