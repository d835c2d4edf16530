"""Every experiment of a study in words and numbers: what was chosen, what it is compared with, how it is trained."""

from functools import partial
from typing import Any

from pretraining_robustness.study import labels, names, params, runs
from pretraining_robustness.study.names import SCRATCH, of_series
from pretraining_robustness.study.params import scaled
from pretraining_robustness.study.study import Study


def experiments(study: Study) -> list[dict[str, Any]]:
    """Return one description an experiment (a pre-training distribution, or none), in the order of the config.

    `declared` holds the settings at the paper's scale and `here` at the study's, in the same words, so that two
    experiments can be compared key by key; `reference` names the experiment that one is compared with.
    """
    return [_describe(study, name) for name in (SCRATCH, *study.distributions)]


def _describe(study: Study, name: str) -> dict[str, Any]:
    figures = [
        figure
        for figure in names.scored_figures(study)
        if name in {of_series(series)[0] for series in runs.asked(study, figure)}
    ]
    tasks = dict.fromkeys(runs.scored(study, figure).task for figure in figures)
    task = next(iter(tasks), names.tasks(study)[0])
    architectures = runs.architectures(study, name)
    common = {
        "distribution": name,
        "label": labels.label(study, name),
        "figures": figures,
        "task": ", ".join(map(partial(labels.task_label, study), tasks)),
        "architectures": architectures,
        "seeds": runs.seeds(study, name),
        "finetune": {one: params.finetune_recipe(study, task, one, distribution=name) for one in architectures},
    }
    if name == SCRATCH:
        nothing = {"source": "none"}
        return {
            **common,
            "reference": None,
            "run": True,
            "source": "none",
            "selection": "no pre-training: random weights",
            "label_map": "none",
            "declared": nothing,
            "here": nothing,
            "nested_in": None,
            "selection_seed": None,
            "pretrain": None,
            "evidence": "paper, Figure 2",
        }
    written = study.distributions[name]
    if names.is_published(study, name):
        return {**common, **_published(study, name)}
    declared, here = params.declaration(study, name, full_scale=True), params.distribution(study, name)
    return {
        **common,
        "reference": reference(study, name),
        "run": name not in study.left_out,
        "source": labels.source_label(study, written.source),
        "selection": f"{_classes(here)}; {_images(here)}",
        "label_map": _label_map(study, name),
        "declared": _settings(study, name, declared, scale=1),
        "here": _settings(study, name, here, scale=params.scale(study, written.source)["images"]),
        "nested_in": "; ".join(
            f"{key.replace('_', ' ')} {other}" for key, other in params.relations(study, name).items()
        )
        or None,
        "selection_seed": here["seed"],
        "pretrain": {one: params.pretrain_recipe(study, one, name) for one in architectures},
        "evidence": written.evidence or "own",
    }


def _published(study: Study, name: str) -> dict[str, Any]:
    """Describe an experiment that starts from published weights."""
    written = study.distributions[name]
    source, label = study.sources[written.source], labels.source_label(study, written.source)
    clip = {study.architectures[one].builder for one in runs.architectures(study, name)} == {"open_clip"}
    images = {"images": source.images} if source.images else {}
    settings = {"source": written.source, **images, "objective": "image_text" if clip else "published"}
    amount = f"; {source.images:,} {'image-text pairs' if clip else 'images'}" if images else ""
    return {
        "reference": None,
        "run": name not in study.left_out,
        "source": label,
        "selection": f"published weights ({source.pretrained}){amount}",
        "label_map": "none",
        "declared": settings,
        "here": settings,
        "nested_in": None,
        "selection_seed": None,
        "pretrain": None,
        "evidence": written.evidence or "own",
    }


def reference(study: Study, name: str) -> str | None:
    """Return the distribution that one is compared with.

    It is the one that its classes descend from, if it says so, and otherwise all of its source.
    """
    written, root = study.distributions, name
    while outer := written[root].classes_nested_in:
        root = outer
    if root != name:
        return root
    interventions = {"classes", "labels", "images", "balanced", "objective"}
    alike = [other for other, declared in written.items() if declared.source == written[name].source]
    whole = [other for other in alike if not interventions & set(written[other].given)]
    return whole[0] if whole and whole[0] != name else None


def _settings(study: Study, name: str, declared: dict[str, Any], scale: float) -> dict[str, str | int]:
    total = study.sources[declared["source"]].images
    return {
        "source": declared["source"],
        "objective": names.objective(study, name)["name"],
        "classes": _classes(declared),
        "labels": _label_map(study, name),
        "images": declared["images"] or (scaled(total, scale) if total else "all"),
        "balance": _BALANCE[declared["balanced"]],
        "classes with too few images": declared["short_classes"],
        "selection seed": declared["seed"],
    }


_BALANCE = {
    None: "as in the source",
    "classes": "equally many of each class",
    "superclasses": "equally many of each superclass",
}


def _classes(declared: dict[str, Any]) -> str:
    choice = declared["classes"]
    if "most_frequent" in choice:
        return f"the {choice['most_frequent']:,} classes with the most images"
    below = next((key for key in ("under", "not_under") if key in choice), None)
    part = "" if below is None else f"below WordNet synset {_synsets(choice[below])}"
    part = f"not {part}" if below == "not_under" else part
    if "random" in choice:
        first = f", those with at least {choice['at_least']:,} images first" if "at_least" in choice else ""
        return f"{choice['random']:,} {f'classes {part},' if part else 'classes'} at random{first}"
    if part:
        return f"classes {part}"
    if "ratio" in choice:
        wanted = choice.get("superclasses")
        superclasses = "each superclass" if wanted is None else f"the first {wanted} superclasses"
        if isinstance(wanted, list):
            superclasses = ", ".join(wanted)
        if "subclasses" in choice:
            number = max(1, round(choice["ratio"] * choice["subclasses"]))
            amount = f"{number} of {choice['subclasses']}"
        else:
            amount = f"{choice['ratio']:.0%} of the"
        return f"{amount} classes of {superclasses}, those with the most images first"
    return "all classes"


def _images(declared: dict[str, Any]) -> str:
    if declared["images"] is None:
        return "all images"
    fill = ""
    if declared["short_classes"] == "fill":
        fill = " (a class with fewer gives all, the others of its superclass the rest)"
    return f"{declared['images']:,} images, {_BALANCE[declared['balanced']]}{fill}"


def _label_map(study: Study, name: str) -> str:
    labels = study.distributions[name].labels
    if labels is None:
        return "classes as they are"
    spec = study.label_maps[labels]
    return f"{spec.label} ({f'{spec.table}, column {spec.column}' if spec.table else 'of the source itself'})"


def _synsets(named: str | list[str]) -> str:
    return named if isinstance(named, str) else " or ".join(named)
