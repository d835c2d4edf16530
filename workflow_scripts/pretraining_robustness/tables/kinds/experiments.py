"""Table 2: a row per experiment, with what was changed in it and what was kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.tables.reading import Files, by_folder, read_columns
from pretraining_robustness.tables.settings import (
    STAGES,
    compare,
    differences,
    most_common,
    recipe_settings,
    text_of,
)
from pretraining_robustness.tables.typeset import NOTHING, Column, Made, TypesetTable, typeset

READS = {"classes": "distributions/{distribution}/classes.csv", "promises": "distributions/{distribution}/promises.csv"}

_FOUND = ("classes", "labels", "images", "fewest_a_class", "most_a_class")
_REFERENCES = "References, with which the others are compared"
_COLUMNS = [
    Column("experiment", "Experiment", 1.9),
    Column("selection", "Which classes and images", 2.9),
    Column("declared", "Images at the paper's scale", 0.9, numeric=True),
    Column("classes", "Classes", 0.72, "Found in this study", numeric=True),
    Column("labels", "Labels", 0.68, "Found in this study", numeric=True),
    Column("images", "Images", 0.75, "Found in this study", numeric=True),
    Column("per_class", "Images per class", 0.85, "Found in this study", numeric=True),
    Column("changed", "Changed and kept, relative to the reference", 3.2),
    Column("promises", "Checks passed", 0.85, numeric=True),
    Column("evidence", "Evidence", 1.4),
]


def make(files: Files, table: Mapping[str, Any]) -> Made:
    """Return the table of the experiments.

    Args:
        files: classes.csv (label, class_id, images) and promises.csv (promise, kept) of every distribution that was
            made, each in the distribution's folder.
        table: name, title, note; experiments, a dict for each with keys distribution, label, figures, reference (name
            of another experiment or None), run (False: left out), source, selection, label_map, selection_seed,
            nested_in, task, architectures, seeds, declared and here (flat dicts with the same keys: settings at the
            paper's scale and at this study's), pretrain and finetune (the recipe for each architecture; None for no
            pre-training), evidence; and optionally figures, the title of each figure by name.

    Raises:
        InputError: a file is not such a table.
    """
    experiments = table["experiments"]
    by_name = {experiment["distribution"]: experiment for experiment in experiments}
    classes, promises = by_folder(files["classes"]), by_folder(files["promises"])
    facts = []
    for experiment in experiments:
        found: dict[str, Any] = {}
        if experiment["run"] and experiment["pretrain"] is not None:
            name = experiment["distribution"]
            found = {**count_classes(classes[name]), **count_promises(promises[name])}
        facts.append(_facts(experiment, by_name.get(experiment["reference"]), found))
    frame = pd.DataFrame(facts)
    # Counts stay whole numbers where other rows have none.
    counts = [f"{name}_found" for name in _FOUND] + ["promises_kept", "promises_checked"]
    frame = frame.astype({**dict.fromkeys(counts, "Int64"), "selection_seed": "Int64"})
    return frame, _typeset(facts, experiments, table)


def count_classes(path: str | Path) -> dict[str, int]:
    """Count a distribution's classes, labels, images, and the images of its smallest and largest class."""
    rows = read_columns(path, {"label": int, "class_id": str, "images": int})
    sizes = rows.groupby("class_id")["images"].sum()
    found = (len(sizes), rows["label"].nunique(), sizes.sum(), sizes.min(), sizes.max())
    return {f"{name}_found": int(number) for name, number in zip(_FOUND, found, strict=True)}


def count_promises(path: str | Path) -> dict[str, Any]:
    """Count the promises that were checked and those that were kept, and name the broken ones."""
    rows = read_columns(path, {"promise": str, "kept": bool})
    broken = rows.loc[~rows["kept"].astype(bool), "promise"]
    return {
        "promises_kept": len(rows) - len(broken),
        "promises_checked": len(rows),
        "promises_broken": "; ".join(broken),
    }


def _facts(
    experiment: Mapping[str, Any], reference: Mapping[str, Any] | None, found: Mapping[str, Any]
) -> dict[str, Any]:
    changed, stayed = compare(experiment, reference) if reference else ([], [])
    declared, here = experiment["declared"], experiment["here"]
    recipes = {stage: recipe_settings(experiment[stage] or {}) for stage in STAGES}
    return {
        "figures": "; ".join(experiment["figures"]),
        **{name: experiment[name] for name in ("distribution", "label", "run", "source")},
        **{"classes_declared": declared.get("classes"), "classes_here": here.get("classes")},
        **{name: found.get(name) for name in ("classes_found", "labels_found")},
        **{"images_declared": declared.get("images"), "images_here": here.get("images")},
        **{name: found.get(name) for name in ("images_found", "fewest_a_class_found", "most_a_class_found")},
        **{name: experiment[name] for name in ("selection", "label_map", "selection_seed", "nested_in")},
        **{"declared": _joined(declared), "here": _joined(here)},
        **{f"{stage}_length": _length(recipe) for stage, recipe in recipes.items()},
        **{f"{stage}_settings": _joined(recipe) for stage, recipe in recipes.items()},
        "architectures": "; ".join(experiment["architectures"]),
        "seeds": "; ".join(map(str, experiment["seeds"])),
        **{name: experiment[name] for name in ("task", "reference")},
        **{"changed": "; ".join(changed), "stayed": "; ".join(stayed)},
        **{name: found.get(name) for name in ("promises_kept", "promises_checked", "promises_broken")},
        "evidence": experiment["evidence"],
    }


def _joined(found: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {text_of(value)}" for name, value in found.items())


def _length(recipe: Mapping[str, str]) -> str:
    return "; ".join(f"{recipe[unit]} {unit}" for unit in ("epochs", "steps") if unit in recipe)


def _typeset(
    facts: Sequence[Mapping[str, Any]], experiments: Sequence[Mapping[str, Any]], table: Mapping[str, Any]
) -> TypesetTable:
    common = most_common(experiments)
    by_name = {experiment["distribution"]: experiment for experiment in experiments}
    titles = table.get("figures") or {}
    lines: list[dict[str, str]] = []
    for fact, experiment in zip(facts, experiments, strict=True):
        counted = fact["images_found"] is not None
        lines.append(
            {
                "group": _group(experiment, titles),
                "experiment": _experiment(experiment),
                "selection": _selection(experiment),
                "declared": text_of(experiment["declared"].get("images", NOTHING)),
                "classes": f"{fact['classes_found']:,}" if counted else NOTHING,
                "labels": f"{fact['labels_found']:,}" if counted else NOTHING,
                "images": f"{fact['images_found']:,}" if counted else NOTHING,
                "per_class": _range(fact) if counted else NOTHING,
                "changed": _changed(experiment, by_name.get(experiment["reference"]), common),
                "promises": _promises(fact) if counted else NOTHING,
                "evidence": experiment["evidence"],
            }
        )
    groups = list(dict.fromkeys(line["group"] for line in lines))
    groups.sort(key=lambda group: _place(group, list(titles)))
    lines.sort(key=lambda line: groups.index(line["group"]))
    return typeset(table, _COLUMNS, lines, _notes(experiments, common))


def _group(experiment: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """Return the group of an experiment: the first figure that it was made for."""
    if experiment["reference"] is None:
        return _REFERENCES
    if not experiment["figures"]:
        return "In no figure of scores"
    figure = experiment["figures"][0]
    return f"{figure}: {titles[figure]}" if figure in titles else figure


def _place(group: str, figures: list[str]) -> int:
    """Sort references first, then figures in the order of their titles; what has no title stays in its order."""
    name = group.split(":")[0]
    if group == _REFERENCES:
        return -1
    return figures.index(name) if name in figures else len(figures)


def _experiment(experiment: Mapping[str, Any]) -> str:
    lines = [experiment["label"], experiment["distribution"], ", ".join(experiment["figures"])]
    return "\n".join([*filter(None, lines), *([] if experiment["run"] else ["left out of this study"])])


def _selection(experiment: Mapping[str, Any]) -> str:
    lines = [f"{experiment['source']}: {experiment['selection']}."]
    if experiment["pretrain"] is None:
        return lines[0].removeprefix("none: ")
    here = experiment["here"]
    scaled = [
        f"{name.replace('_', ' ')}: {text_of(value)}"
        for name, value in experiment["declared"].items()
        if value != here.get(name) and name != "images"
    ]
    if scaled:
        lines.append(f"At the paper's scale: {'; '.join(scaled)}.")
    lines.append(f"Labels: {experiment['label_map']}.")
    if experiment["nested_in"]:
        lines.append(f"{_capital(experiment['nested_in'])}.")
    return "\n".join(lines)


def _range(fact: Mapping[str, Any]) -> str:
    fewest, most = fact["fewest_a_class_found"], fact["most_a_class_found"]
    return f"{fewest:,}" if fewest == most else f"{fewest:,} – {most:,}"


def _promises(fact: Mapping[str, Any]) -> str:
    text = f"{fact['promises_kept']} of {fact['promises_checked']}"
    return f"{text}\nfailed: {fact['promises_broken']}" if fact["promises_broken"] else text


def _changed(experiment: Mapping[str, Any], reference: Mapping[str, Any] | None, common: Mapping[str, str]) -> str:
    lines = []
    if reference is not None:
        changed, stayed = compare(experiment, reference)
        lines += [f"Relative to {reference['distribution']}:", *(_capital(text).replace("->", "→") for text in changed)]
        lines.append(f"Kept: {', '.join(stayed)}.")
    own = "; ".join(f"{name}: {value}" for name, value in differences(experiment, common).items())
    return "\n".join([*lines, *([f"Unlike most: {own}."] if own else [])]) or NOTHING


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _notes(experiments: Sequence[Mapping[str, Any]], common: Mapping[str, str]) -> list[str]:
    notes = ['Every experiment, unless its row says "unlike most":']
    general = {name: value for name, value in common.items() if ", " not in name and name not in STAGES.values()}
    notes[0] += f" {'; '.join(f'{name}: {value}' for name, value in general.items())}."
    for words in STAGES.values():
        recipe = {name.partition(", ")[2]: value for name, value in common.items() if name.startswith(f"{words}, ")}
        if recipe:
            notes.append(f"{_capital(words)}: {'; '.join(f'{name} {value}' for name, value in recipe.items())}.")
    seeds = dict.fromkeys(one["selection_seed"] for one in experiments if one["selection_seed"] is not None)
    if seeds:
        notes.append(
            f"Classes and images are drawn at random with seed {', '.join(map(str, seeds))}, separately "
            "for each class. The exact classes and images of a distribution are in distributions/{name}/manifest.csv."
        )
    notes.append(
        "Changed and kept: all declared settings at the paper's scale, and all settings of pre-training and "
        'fine-tuning, compared one by one with those of the reference. "All" images: every image of the source.'
    )
    notes.append(
        "Checks: what was verified on each distribution after it was made; distributions/{name}/promises.csv lists "
        "every check with the expected and the found value. Evidence: whether a distribution follows the paper's "
        "text, is inferred from it, or is a choice of ours."
    )
    return notes
