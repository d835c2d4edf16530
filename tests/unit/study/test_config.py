"""A wrong configuration is refused in one line that names the key and what to write instead."""

import copy

import pytest
import yaml
from snakemake.utils import update_config

from pretraining_robustness.errors import InputError
from pretraining_robustness.study import params, runs
from pretraining_robustness.study.check import check_config
from pretraining_robustness.study.describe import json_schema, markdown
from pretraining_robustness.study.experiments import experiments
from pretraining_robustness.study.shorthand import write_out
from pretraining_robustness.study.study import Study


@pytest.fixture
def refusal(config, repository):
    """Return the refusal of the default configuration after a change."""

    def refuse(change) -> str:
        change(config)
        with pytest.raises(InputError) as refused:
            check_config(config, repository)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    return refuse


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


def fig4(config):
    return config["figures"]["fig4"]


def diffusion(config):
    return config["sources"]["stable_diffusion"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c.update(figurs={}), ["unknown key 'figurs'", "did you mean 'figures'?"]),
        (
            lambda c: c.update(downloads={"place": "d", "imagenet": {"home": "https://a", "files": {"a.tar": {}}}}),
            ["downloads.imagenet.files.a.tar: one of the keys md5, sha256, bytes is missing; add it"],
        ),
        (lambda c: c["recipes"]["finetune"].update(learning_rat=1), ["recipes.finetune", "'learning_rate'"]),
        (lambda c: fig4(c)["panels"][0]["series"].append("imagenet_10k"), ["fig4.panels.0.series", "'imagenet_1"]),
        (lambda c: fig4(c)["panels"][0]["series"].append("inaturalist_50k"), ["0.ordered_by", "different numbers"]),
        (lambda c: fig4(c).update(scale="probitt"), ["figures.fig4.scale", "did you mean 'probit'?"]),
        (lambda c: fig4(c).update(task="iwildcan"), ["figures.fig4.task", "did you mean 'iwildcam'?"]),
        (lambda c: c["runs"]["architectures"].append("resnet_10"), ["runs.architectures", "did you mean 'resnet10'?"]),
        (lambda c: c["distributions"]["imagenet_5k"].update(source="imagenett"), ["imagenet_5k.source", "'imagenet'?"]),
        (lambda c: c["distributions"]["imagenet_5k"].update(nested_in="imagenet_25"), ["nested_in", "'imagenet_25k'"]),
        (lambda c: c["distributions"]["imagenet_5k"].update(images=2_000_000), ["2,000,000", "1,281,167", "fewer"]),
        (lambda c: c["distributions"]["inaturalist_5k"].update(classes={"most_frequent": 6000}), ["6,000", "5,089"]),
        (lambda c: c["distributions"].update(scratch={"source": "imagenet"}), ["no pre-training"]),
        (lambda c: c["recipes"]["pretrain"].update(epochs=3), ["recipes.pretrain", "'epochs' or 'steps'"]),
        (lambda c: c["architectures"]["resnet10"].update(finetune={"epochs": 3}), ["architectures.resnet10.finetune"]),
        (lambda c: c["tables"]["table7"]["expectations"][0].update(figure="fig22"), ["0.figure", "'fig2'?"]),
        (lambda c: c["tables"]["table7"]["expectations"][0].update(first="imagenet"), ["0.first", "did you"]),
        (lambda c: c["tables"]["table5"].update(kind="fitted_trends"), ["tables.table5", "'scale' is missing"]),
        (lambda c: c["effective_robustness"]["baselines"].append("imagenet"), ["robustness.baselines", "did you mean"]),
        (lambda c: c["tasks"]["iwildcam"].update(groups="camera"), ["iwildcam.groups", "column of iWildCam's store"]),
        (lambda c: c["sources"].update(mine={"format": "folder"}), ["sources.mine", "'path'"]),
        (lambda c: c["sources"]["imagenet"].pop("images"), ["sources.imagenet", "'images'"]),
        (lambda c: c["left_out"].append("imagenet_10k"), ["left_out", "imagenet_10"]),
        (lambda c: c.pop("trends"), ["'trends' is missing"]),
        (lambda c: c["trends"].update(confidence=95), ["trends.confidence", "95"]),
        (lambda c: c["sources"]["published"].pop("pretrained"), ["sources.published", "'pretrained'"]),
        (lambda c: diffusion(c).update(model="owner/name"), ["stable_diffusion.model", "'owner/name'", "'revision'"]),
        (lambda c: diffusion(c).update(model="owner/name", revision="main"), ["stable_diffusion.revision", "main"]),
        (lambda c: diffusion(c).update(revision="0" * 40), ["stable_diffusion.revision", "not fetched"]),
        (
            lambda c: c["distributions"].update(
                web={"source": "published", "architectures": ["resnet10"], "head": "zero_shot"}
            ),
            ["distributions.web.head", "resnet10", "no text network"],
        ),
        (lambda c: c.update(acquisition="download"), ["sources.imagenet", "files to download"]),
        (lambda c: c["tasks"]["iwildcam"].update(class_subset=["a", "b"]), ["class_subset", "pair of domains"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(refusal, change, words):
    message = refusal(change)
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        ({"by": "time"}, ["my_task.splits.by", "did you mean 'date'?"]),
        ({"test": "2016-01-01"}, ["splits.test", "'2016-01-01' cannot be used", "a share of the places"]),
        ({"by": "date"}, ["splits.test", "0.2 cannot be used", "the first date"]),
        ({"by": "date", "test": "May"}, ["splits.test", "'May' cannot be used", "the first date"]),
        ({"test": 20}, ["splits.test", "20", "a share of the places (0.15)"]),
        ({"id_val": 0.95}, ["splits", "leave nothing to train on"]),
    ],
)
def test_what_is_wrong_with_splits_by_a_column_is_named(refusal, repository, splits, words):
    own = yaml.safe_load((repository / "data/studies/own_folders.yaml").read_text(encoding="utf-8"))
    own["tasks"]["my_task"]["splits"] = {"by": "place", "column": "camera", "test": 0.2, "id_test": 0.1, **splits}
    message = refusal(lambda config: update_config(config, own))
    for word in words:
        assert word in message


FMOW = {"format": "wilds", "dataset": "fmow", "path": "wilds", "plots": {"id": "id_test", "ood": "test"}}
FMOW |= {"test_sets": {"id_test": {"role": "id"}, "test": {"role": "ood"}}}


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ({"dataset": "fmwo"}, ["tasks.wild.dataset", "'fmwo' is not a WILDS", "did you mean 'fmow'?"]),
        ({"dataset": None}, ["tasks.wild", "'dataset' is missing", "fmow, camelyon17"]),
        ({"version": 1.0}, ["tasks.wild.version", "of fmow, version 1.1 is read"]),
        ({"dataset": "camelyon17"}, ["tasks.wild.test_sets.id_test", "'id_test' is not", "did you mean 'test'?"]),
        ({"dataset": "domainnet", "id_domain": "real"}, ["tasks.wild", "'ood_domain' is missing"]),
        ({"dataset": "domainnet", "id_domain": "reel"}, ["tasks.wild.id_domain", "did you mean 'real'?"]),
        ({"id_domain": "real"}, ["tasks.wild.id_domain", "fmow has no domains"]),
        ({"path": None}, ["tasks.wild", "fmow is not drawn", "'path'", "acquisition"]),
    ],
)
def test_what_is_wrong_with_a_wilds_task_is_named(refusal, task, words):
    given = {key: value for key, value in {**FMOW, **task}.items() if value is not None}
    message = refusal(lambda config: config["tasks"].update(wild=given))
    for word in words:
        assert word in message


def test_a_wilds_task_is_accepted(config, paper_config, repository):
    config["tasks"]["wild"] = {**FMOW, "version": 1.1}
    check_config(config, repository)
    paper_config["tasks"]["wild"] = {key: FMOW[key] for key in FMOW if key != "path"}
    check_config(paper_config, repository)


def test_series_without_a_number_of_images_are_not_ordered_by_it(refusal):
    def change(config):
        config["distributions"]["mine"] = {"source": "imagenet", "classes": {"random": 100}}
        fig4(config)["panels"][0]["series"].append("mine")

    assert "figures.fig4.panels.0.ordered_by: 'mine' states no number of images" in refusal(change)


def test_the_schema_and_the_documentation_are_what_the_model_says(repository):
    """Made anew by `PYTHONPATH=workflow_scripts python -m pretraining_robustness.study.describe`."""
    assert (repository / "rules/config.schema.json").read_text(encoding="utf-8") == json_schema()
    assert (repository / "docs/configuration.md").read_text(encoding="utf-8") == markdown()
