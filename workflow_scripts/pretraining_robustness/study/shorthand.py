"""What a configuration may say in short, written out before it is checked."""

import re
from typing import Any

from pretraining_robustness.acquire.wilds_datasets import WILDS
from pretraining_robustness.study.imagenet_rib import write_out_imagenet_rib

TIMM = "timm/"


def write_out(config: dict[str, Any]) -> None:
    """Write out, in place, what a configuration says in short; what it says at length is kept.

    Every architecture that a distribution lists as timm/NAME becomes one of `architectures`. It is called as a folder
    can be (timm/resnet50.a1_in1k: resnet50_a1_in1k), and fine-tuned with the input that its weights were made for.

    A task of format wilds is tested on every split but `train`, and has the metric and the groups that the wilds
    package evaluates its data set by.

    The key imagenet_rib stands for sources and tasks (see `write_out_imagenet_rib`).
    """
    write_out_imagenet_rib(config)
    tasks = config.get("tasks")
    tasks = tasks if isinstance(tasks, dict) else {}
    for name, task in tasks.items():
        if isinstance(task, dict) and task.get("format") == "wilds" and task.get("dataset") in WILDS:
            tasks[name] = {**_as_in_wilds(task["dataset"]), **task}
    declared = config.get("distributions")
    for distribution in declared.values() if isinstance(declared, dict) else []:
        listed = distribution.get("architectures") if isinstance(distribution, dict) else None
        if isinstance(listed, list):
            distribution["architectures"] = [_written_out(config, name) for name in listed]


def _as_in_wilds(dataset: str) -> dict[str, Any]:
    """Return what the wilds package says of a task: its test sets, metric and groups."""
    known = WILDS[dataset]
    tested = [split for split in known.splits if split != "train"]
    inside = [split for split in tested if split.startswith("id_")]
    groups = {}
    for column, left_out in known.worst_of.items():  # where there are several, the last is what WILDS reports
        groups = {"groups": column, "groups_left_out": list(left_out)}
    return {
        "test_sets": {split: {"role": "id" if split in inside else "ood"} for split in tested},
        "plots": {"id": inside[-1], "ood": "test"},
        "metric": "macro_f1" if any(metric.name == "F1" for metric in known.metrics) else "accuracy",
        **groups,
    }


def _written_out(config: dict[str, Any], name: Any) -> Any:
    if not isinstance(name, str) or not name.startswith(TIMM):
        return name
    model = name.removeprefix(TIMM)
    key = re.sub(r"[^a-z0-9]+", "_", model.lower())
    spec = {"family": "timm", "builder": "timm", "arguments": {"model": model}, "finetune": {"input": "own"}}
    architectures = config.setdefault("architectures", {})
    if isinstance(architectures, dict):  # anything else is for the check to refuse
        architectures.setdefault(key, spec)
    return key
