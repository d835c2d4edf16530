"""What is accepted of a configuration, and what is generated from its model; what is refused: test_refusals.py."""

import copy

import yaml
from snakemake.utils import update_config

from pretraining_robustness.study import params, runs
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.describe import json_schema, markdown
from pretraining_robustness.study.experiments import experiments
from pretraining_robustness.study.shorthand import write_out
from pretraining_robustness.study.study import Study


def test_the_default_and_the_full_study_are_accepted(config, paper_config, repository):
    check_config(config, repository)
    check_config(paper_config, repository)


def test_imagenet_may_be_a_folder_of_class_folders_in_the_full_study(paper_config, repository):
    update_config(paper_config, {"sources": {"imagenet": {"format": "folder", "path": "imagenet/train"}}})
    check_config(paper_config, repository)
    assert params.store(Study(paper_config), "imagenet")["format"] == "class_folders"


def test_published_networks_of_timm_beside_a_trend_are_two_lines(config, repository):
    overlay = yaml.safe_load("""
      distributions: {web: {source: published, architectures: [timm/resnet50.a1_in1k, timm/vit_base_patch16_224.dino]}}
      figures: {fig2: {panels: [{title: Published networks, series: [scratch, imagenet_full, web]}]}}
    """)
    update_config(config, overlay)
    write_out(config)
    check_config(config, repository)
    study = Study(config)
    web = [run for run in runs.runs(study, "fig2") if run.distribution == "web"]
    assert [run.architecture for run in web] == ["resnet50_a1_in1k", "vit_base_patch16_224_dino"]
    spec = params.architecture(study, "vit_base_patch16_224_dino")
    assert (spec["builder"], spec["arguments"]) == ("timm", {"model": "vit_base_patch16_224.dino"})
    assert params.finetune_recipe(study, "iwildcam", "vit_base_patch16_224_dino")["input"] == "own"
    described = {one["distribution"]: one for one in experiments(study)}["web"]
    assert described["selection"] == "published weights (default)"
    before = copy.deepcopy(config)
    write_out(config)
    assert config == before


def paths(node, line, place=()):
    """Yield the places of the values without keys of their own, of the keys that stand on a line of a YAML mapping."""
    if not isinstance(node, yaml.MappingNode):
        if line is None:
            yield place
        return
    for key, value in node.value:
        yield from paths(value, None if key.start_mark.line == line else line, (*place, key.value))


def test_the_full_study_names_every_key_that_the_miniature_sets_for_its_own_size(repository):
    """Mappings are merged key by key: what the full study does not name, it takes over from the miniature."""
    text = (repository / "config.yaml").read_text(encoding="utf-8")
    paper = yaml.safe_load((repository / "data/studies/paper.yaml").read_text(encoding="utf-8"))
    whole = yaml.compose(text)
    marked = [
        place
        for number, line in enumerate(text.splitlines())
        if "[miniature]" in line and not line.startswith("#")
        for place in paths(whole, number)
    ]
    assert ("sources", "stable_diffusion", "generate", "guided_part") in marked
    for place in marked:
        named = paper
        for key in place:
            assert key in named, ".".join(place)
            named = named[key]


FMOW = {"format": "wilds", "dataset": "fmow", "path": "wilds", "plots": {"id": "id_test", "ood": "test"}}
FMOW |= {"test_sets": {"id_test": {"role": "id"}, "test": {"role": "ood"}}}


def test_a_wilds_task_is_accepted(config, paper_config, repository):
    config["tasks"]["wild"] = {**FMOW, "version": 1.1}
    check_config(config, repository)
    paper_config["tasks"]["wild"] = {key: FMOW[key] for key in FMOW if key != "path"}
    check_config(paper_config, repository)


def test_the_schema_and_the_documentation_are_what_the_model_says(repository):
    """Made anew by `PYTHONPATH=workflow_scripts python -m pretraining_robustness.study.describe`."""
    assert (repository / "rules/config.schema.json").read_text(encoding="utf-8") == json_schema()
    assert (repository / "docs/configuration.md").read_text(encoding="utf-8") == markdown()
