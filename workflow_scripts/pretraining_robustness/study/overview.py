"""What a study does, in the numbers of Figure 1: what is pre-trained, on what, fine-tuned, evaluated and fitted."""

from collections import Counter
from typing import Any

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.study import labels, names, runs
from pretraining_robustness.study.names import SCRATCH, START
from pretraining_robustness.study.study import Study

# What distributions of images differ in, by the first of these keys with which one is declared.
_PROPERTIES = {
    "Training objective": {"objective"},
    "Image diversity": {"ratio"},
    "Classes or images per class": {"random"},
    "Label semantics": {"under", "not_under"},
    "Label granularity": {"labels"},
    "Data quantity": {"images"},
}
_ORDER = (  # of the paper's section 4, and what it has not at the end
    *("Data quantity", "Label granularity", "Label semantics", "Classes or images per class", "Image diversity"),
    *("Data source", "Training objective", "Published networks"),
)


def overview(study: Study) -> dict[str, Any]:
    """Return what Figure 1 shows.

    Returns:
        sources: labels of the sources of pre-training images; properties: numbers of distributions by what they differ
        in from the whole of their source; families: names; architectures, pretrained, published, scratch: numbers of
        architectures and of networks; epochs: of fine-tuning; tasks: label and number of fine-tuned networks of each;
        metrics, methods: labels; trends: how many series have a trend line; figures: how many show them.
    """
    needed = [*runs.runs(study, *names.scored_figures(study)), *runs.rib_runs(study)]
    used = [name for name in study.distributions if name in {run.distribution for run in needed}]
    properties = Counter(_property(study, name) for name in used)
    networks = {(run.distribution, run.architecture, run.seed) for run in needed}
    architectures = dict.fromkeys(run.architecture for run in needed)
    own = [name for name in used if not names.is_published(study, name)]
    sources = dict.fromkeys(study.distributions[name].source for name in own)
    trained = [run for run in needed if run.method in names.trained_methods(study)]
    tasks = Counter(_task(study, run.task) for run in trained)
    shown = names.of_kind(study, "trends")
    return {
        "sources": [labels.source_label(study, one) for one in sources],
        "properties": {words: properties[words] for words in _ORDER if words in properties},
        "families": list(dict.fromkeys(study.architectures[one].family for one in architectures)),
        "architectures": len(architectures),
        "pretrained": sum(not _is_given(study, name) for name, *_ in networks),
        "published": sum(name != SCRATCH and _is_given(study, name) for name, *_ in networks),
        "scratch": sum(name == SCRATCH for name, *_ in networks),
        "epochs": study.recipes.finetune["epochs"],
        "tasks": [{"label": label, "finetuned": number} for label, number in tasks.items()],
        "metrics": list(dict.fromkeys(score_metric(runs.metrics(study)[run.task]).short for run in needed)),
        "methods": [
            labels.method_label(study, one) for one in dict.fromkeys(run.method for run in needed) if one != START
        ],
        "trends": len({(runs.scored(study, name).task, one) for name in shown for one in runs.series(study, name)}),
        "figures": len(shown),
    }


def _property(study: Study, distribution: str) -> str:
    spec = study.distributions[distribution]
    if names.is_published(study, distribution):
        return "Published networks"
    keys = {*spec.given, *(spec.classes.given if spec.classes else ())}
    return next((words for words, known in _PROPERTIES.items() if known & keys), "Data source")


def _task(study: Study, task: str) -> str:
    """Return the readable name of a task; those of ImageNet-RIB are one."""
    return "variants of ImageNet" if names.is_variant_task(study, task) else labels.task_label(study, task)


def _is_given(study: Study, distribution: str) -> bool:
    """Whether networks are not pre-trained here: they start from scratch or from published weights."""
    return distribution == SCRATCH or names.is_published(study, distribution)
