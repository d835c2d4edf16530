"""What a configuration may say in short, written out before it is checked."""

import copy
import re
from typing import Any

from pretraining_robustness.acquire.wilds_datasets import WILDS
from pretraining_robustness.errors import InputError
from pretraining_robustness.study.imagenet_rib import write_out_imagenet_rib
from pretraining_robustness.study.names import SCRATCH

TIMM = "timm/"
FEWEST_VARIANTS = 3  # of ImageNet-RIB: the reference, one that is fine-tuned on and one that is not
SECTIONS = ("sources", "tasks", "label_maps", "distributions", "architectures", "methods", "figures", "tables")


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


def replace_sections(config: dict[str, Any], own: dict[str, Any]) -> None:
    """Keep, in place, only what a study's own files (`own`, merged) say of the sections that the study replaces.

    With distributions goes what config.yaml says of them elsewhere: their seeds, that they are left out or baselines.
    """
    replaced = config.get("replaces", [])
    replaced = replaced if isinstance(replaced, list) else []
    for section in replaced:
        config[section] = copy.deepcopy(own.get(section, {}))
    if "distributions" not in replaced or not isinstance(config["distributions"], dict):
        return
    known = [SCRATCH, *config["distributions"]]
    if "left_out" not in own:
        config["left_out"] = []
    seeds, own_seeds = (_part(study, "runs", "seeds_of") for study in (config, own))
    for name in set(seeds) - {*own_seeds, *known}:
        del seeds[name]
    measured = _part(config, "effective_robustness")
    if "baselines" in measured and "baselines" not in _part(own, "effective_robustness"):
        measured["baselines"] = [name for name in measured["baselines"] if name in known]


def add_up_left_out(config: dict[str, Any], lists: list[Any]) -> None:
    """Leave out, in place, what any of a study's files and the command line leave out; an empty list starts anew.

    `lists` are their values of `left_out` in turn, None where they say nothing.
    """
    said = [one for one in lists if one is not None]
    if not said or not all(isinstance(one, list) for one in said):
        return
    added: list[Any] = []
    for one in said:
        added = [*added, *(name for name in one if name not in added)] if one else []
    config["left_out"] = added


def take_out(config: dict[str, Any]) -> None:
    """Take out, in place, what a later file sets to null: an entry of a section, a test set, a variant, a checksum;
    with a figure goes what is expected of it.
    """
    figures = [name for name, one in _part(config, "figures").items() if one is None]
    for table in _part(config, "tables").values():
        if isinstance(table, dict) and isinstance(table.get("expectations"), list):
            table["expectations"] = [one for one in table["expectations"] if one.get("figure") not in figures]
    holders: list[Any] = [config.get(section) for section in SECTIONS]
    holders += [_part(task, "test_sets") for task in _part(config, "tasks").values()]
    holders.append(_part(config, "imagenet_rib", "variants"))
    for source in _part(config, "downloads").values():
        holders += _part(source, "files").values()
    for holder in holders:
        if isinstance(holder, dict):
            for name in [name for name, one in holder.items() if one is None]:
                del holder[name]
    if config.get("imagenet_rib", ...) is None:
        del config["imagenet_rib"]


def _part(study: Any, *keys: str) -> dict[str, Any]:
    """Return what stands under these keys, or nothing where that is no table."""
    for key in keys:
        study = study.get(key) if isinstance(study, dict) else None
    return study if isinstance(study, dict) else {}


def leave_out(config: dict[str, Any]) -> list[str]:
    """Take out, in place, what is of the sources that `left_out` names, and return a sentence for each of them.

    Their distributions are left out instead. Test sets on their images, figures that name those, what is expected of
    such figures, and panels of their images are removed. In place of a test set that figures plot because their task
    says so, they plot the task's next one of the same role.

    Of a configuration that is not as its schema demands nothing is returned: the schema refuses it.
    """
    try:
        return _leave_out(config)
    except (AttributeError, KeyError, TypeError):
        return []


def _leave_out(config: dict[str, Any]) -> list[str]:
    sources, listed = config.get("sources"), config.get("left_out")
    if not isinstance(sources, dict) or not isinstance(listed, list):
        return []
    gone = [name for name in listed if name in sources and name not in config.get("distributions", {})]
    for name, distribution in config.get("distributions", {}).items():
        if distribution.get("source") in gone and name not in listed:
            listed.append(name)
    config["left_out"] = [name for name in listed if name not in gone]
    sentences = []
    for source in gone:
        sources[source].pop("copies", None)  # so that it is neither fetched nor compared
        for other in sources.values():
            if source in other.get("copies", {}).get("of", []):
                other["copies"]["of"].remove(source)
            if other.get("validation") == source:
                del other["validation"]
        removed = [*_untested(config, source), *_undrawn(config, source)]
        variants = _part(config, "imagenet_rib", "variants")
        if variants.pop(source, None) is not None and len(variants) < FEWEST_VARIANTS:
            removed += _without_imagenet_rib(config)
        sentences.append(f"{source} is left out, and with it: {', '.join(removed) or 'nothing'}")
    return sentences


def _without_imagenet_rib(config: dict[str, Any]) -> list[str]:
    """Remove ImageNet-RIB with its figures and tables; return what is gone, in words."""
    left = ", ".join(config.pop("imagenet_rib")["variants"])
    for section in ("figures", "tables"):
        for name in [name for name, one in config.get(section, {}).items() if one.get("kind", "").startswith("rib")]:
            del config[section][name]
    return [f"imagenet_rib (of its variants only {left} would be left, of at least {FEWEST_VARIANTS})"]


def _untested(config: dict[str, Any], source: str) -> list[str]:
    """Remove the test sets on a source's images and the figures that plot them; return their names."""
    removed = []
    for task, spec in config.get("tasks", {}).items():
        sets = spec.get("test_sets", {})
        lost = [name for name, one in sets.items() if one.get("store") == source]
        for name in lost:
            del sets[name]
            removed.append(f"test set {name} of {task}")
        pair = spec.get("plots", {})
        for role in [role for role, name in pair.items() if name in lost]:
            others = [name for name, one in sets.items() if one.get("role") == role]
            if not others:
                raise InputError(f"config left_out: without {source} {task} has no {role} test set; keep it")
            pair = spec["plots"] = {**pair, role: others[0]}
            removed[-1] += f" (figures plot {others[0]} in its place)"
        figures = config.get("figures", {})
        plotting = [
            name
            for name, figure in figures.items()
            if figure.get("task") == task and set(figure.get("plots", spec.get("plots", {})).values()) & set(lost)
        ]
        for name in plotting:
            del figures[name]
        for name, table in list(config.get("tables", {}).items()):
            if "expectations" in table:
                table["expectations"] = [one for one in table["expectations"] if one.get("figure") not in plotting]
                if not table["expectations"]:
                    del config["tables"][name]
                    removed.append(f"table {name}")
        removed += [f"figure {name}" for name in plotting]
    return removed


def _undrawn(config: dict[str, Any], source: str) -> list[str]:
    """Remove the panels and rows of a source's images, and figures without another; return what was changed."""
    changed = []
    for name, figure in list(config.get("figures", {}).items()):
        if figure.get("kind") == "pictures" and any(one.get("collection") == source for one in figure["panels"]):
            figure["panels"] = [one for one in figure["panels"] if one.get("collection") != source]
            changed.append(f"panels of figure {name}")
            if not figure["panels"]:
                del config["figures"][name]
    for name, table in config.get("tables", {}).items():
        if source in table.get("sources", []):
            table["sources"] = [one for one in table["sources"] if one != source]
            changed.append(f"a row of table {name}")
    return changed


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
