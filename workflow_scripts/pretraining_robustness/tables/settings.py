"""The settings of experiments as comparable text, and what changed from one experiment to another."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

STAGES = {"pretrain": "pre-training", "finetune": "fine-tuning"}


def text_of(value: Any) -> str:
    """Return a setting's value as text: 150,000; 0.003; yes; 0.485, 0.456, 0.406."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(text_of, value))
    return str(value)


def recipe_settings(recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return every setting of a stage as text, by a readable name.

    Args:
        recipes: the stage's recipe for each architecture; values are numbers, texts, lists or one more level of names.

    A setting that differs between architectures names the ones that differ from most: "0.003 (densenet22: 0.01)". A
    setting that a recipe does not have is "none".
    """
    flat = {architecture: _flat(recipe) for architecture, recipe in recipes.items()}
    names = dict.fromkeys(name for recipe in flat.values() for name in recipe)
    return {name: _summary({one: recipe.get(name, "none") for one, recipe in flat.items()}) for name in names}


def settings(experiment: Mapping[str, Any]) -> dict[str, str]:
    """Return all settings of an experiment besides its data, as text: networks, seeds, task, and each stage's recipe.

    The settings of a stage are called "pre-training, batch size" and so on; a stage that is left out has none.
    """
    found = {name: text_of(experiment[name]) for name in ("architectures", "seeds", "task")}
    for stage, words in STAGES.items():
        recipes = experiment[stage]
        found[words] = "yes" if recipes else "none"
        found |= {f"{words}, {name}": value for name, value in recipe_settings(recipes or {}).items()}
    return found


def most_common(experiments: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return for each setting the value that most experiments have (equally many: the first)."""
    all_settings = [settings(experiment) for experiment in experiments]
    names = dict.fromkeys(name for found in all_settings for name in found)
    return {
        name: Counter(found[name] for found in all_settings if name in found).most_common(1)[0][0] for name in names
    }


def differences(experiment: Mapping[str, Any], common: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in which an experiment differs from `common`; those of a stage it leaves out are not told."""
    found = settings(experiment)
    return {
        name: found.get(name, "none")
        for name in dict.fromkeys([*found, *common])
        if found.get(name, "none") != common.get(name, "none") and not _left_out(name, found)
    }


def compare(experiment: Mapping[str, Any], reference: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Compare all declared settings, at the paper's scale, and all recipes with those of the reference, key by key.

    Returns:
        What changed, as "images: all -> 150,000", and the names of the settings that stayed; the settings of a stage
        are one entry, "all of pre-training", if all of them stayed.
    """
    mine, its = _everything(experiment), _everything(reference)
    names = [
        name
        for name in dict.fromkeys([*its, *mine])
        if name not in STAGES.values() or mine[name] != its[name]
        if not _left_out(name, mine) and not _left_out(name, its)
    ]
    changed = [name for name in names if mine.get(name, "none") != its.get(name, "none")]
    stayed = [name for name in names if name not in changed]
    for words in STAGES.values():
        of_stage = [name for name in names if name.startswith(f"{words}, ")]
        if of_stage and not set(of_stage) & set(changed):
            stayed = [name for name in stayed if name not in of_stage] + [f"all of {words}"]
    return [f"{name}: {its.get(name, 'none')} -> {mine.get(name, 'none')}" for name in changed], stayed


def _everything(experiment: Mapping[str, Any]) -> dict[str, str]:
    declared = {name.replace("_", " "): text_of(value) for name, value in experiment["declared"].items()}
    return {**declared, **settings(experiment)}


def _left_out(name: str, found: Mapping[str, str]) -> bool:
    """Say whether a setting belongs to a stage that an experiment leaves out."""
    stage, separator, _ = name.partition(", ")
    return bool(separator) and found[stage] == "none"


def _flat(recipe: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in recipe.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, Mapping):
            found |= _flat(value, f"{name}: ")
        elif value is not None:
            found[name] = text_of(value)
    return found


def _summary(values: Mapping[str, str]) -> str:
    usual = Counter(values.values()).most_common(1)[0][0]
    others: dict[str, list[str]] = {}
    for architecture, value in values.items():
        if value != usual:
            others.setdefault(value, []).append(architecture)
    exceptions = "; ".join(f"{', '.join(names)}: {value}" for value, names in others.items())
    return f"{usual} ({exceptions})" if exceptions else usual
