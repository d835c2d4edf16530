"""Check the study's configuration against its schema and against itself, in words a person can act on."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from pretraining_robustness.errors import InputError

SCRATCH = "scratch"  # the distribution of networks that are not pre-trained


def check_config(config: dict[str, Any], schema: Path) -> None:
    """Raise InputError for the first thing in `config` that is not as `schema` and the rules of a study demand."""
    validator = Draft202012Validator(yaml.safe_load(schema.read_text(encoding="utf-8")))
    error = best_match(validator.iter_errors(config))
    if error is not None:
        raise InputError(_describe(error))
    _check_collections(config)
    _check_distributions(config)
    _check_runs(config)
    _check_figures(config)


def known_name(key: str, name: str, kind: str, names: Iterable[str]) -> None:
    """Raise InputError, with the nearest known name, when `name` (found at config key `key`) is not in `names`."""
    names = list(names)
    if name not in names:
        raise InputError(f"config {key}: '{name}' is not {_article(kind)}{_nearest(name, names)}")


def _check_collections(config: dict[str, Any]) -> None:
    for kind in ("sources", "tasks"):
        for name, collection in config[kind].items():
            key = f"{kind}.{name}"
            if name in config["sources"] and name in config["tasks"]:
                raise InputError(f"config {key}: a source and a task have the same name; rename one of them.")
            if collection["format"] == "folder":
                if "path" not in collection:
                    raise InputError(f"config {key}: the format 'folder' needs 'path', the folder with your pictures.")
                continue
            needed = ["images", "classes"]
            if config["acquisition"] == "draw":
                needed.append("world")
            elif name != collection["format"] or name not in config.get("downloads", {}):
                declared = ", ".join(sorted(config.get("downloads", {}))) or "nothing"
                raise InputError(
                    f"config {key}: files to download are declared for {declared}; "
                    f"a real {collection['format']} source or task must have that name."
                )
            for required in needed:
                if required not in collection:
                    raise InputError(f"config {key}: the key '{required}' is missing; {collection['format']} needs it.")


def _check_distributions(config: dict[str, Any]) -> None:
    for name, distribution in config["distributions"].items():
        key = f"distributions.{name}"
        if name == SCRATCH:
            raise InputError(f"config {key}: 'scratch' stands for no pre-training; choose another name.")
        known_name(f"{key}.source", distribution["source"], "source", config["sources"])
        source = config["sources"][distribution["source"]]
        asked = {"images": distribution.get("images"), "classes": distribution.get("classes", {}).get("most_frequent")}
        for what, count in asked.items():
            if count is not None and what in source and count > source[what]:
                raise InputError(
                    f"config {key}: asks for {count:,} {what}, but {distribution['source']} has {source[what]:,}; "
                    "ask for fewer."
                )
        if "nested_in" in distribution:
            known_name(f"{key}.nested_in", distribution["nested_in"], "distribution", config["distributions"])
    for name in config["left_out"]:
        known_name("left_out", name, "distribution", config["distributions"])


def _check_runs(config: dict[str, Any]) -> None:
    for name in config["runs"]["architectures"]:
        known_name("runs.architectures", name, "architecture", config["architectures"])
    for stage, recipe in config["recipes"].items():
        for name in config["runs"]["architectures"]:
            merged = {**recipe, **config["architectures"][name].get(stage, {})}
            if (merged.get("epochs") is None) == (merged.get("steps") is None):
                raise InputError(
                    f"config recipes.{stage}: give either 'epochs' or 'steps' (the other null), for {name}."
                )
        if stage == "finetune" and recipe.get("epochs") is None:
            raise InputError("config recipes.finetune: give 'epochs'; a checkpoint is written after each.")
    for name, architecture in config["architectures"].items():
        if "epochs" in architecture.get("finetune", {}):
            raise InputError(
                f"config architectures.{name}.finetune: 'epochs' is one number for all architectures, so that every "
                "series has the same checkpoints; set recipes.finetune.epochs."
            )


def _check_figures(config: dict[str, Any]) -> None:
    series_names = [SCRATCH, *config["distributions"]]
    for name, figure in config["figures"].items():
        known_name(f"figures.{name}.task", figure["task"], "task", config["tasks"])
        scales = config["trends"]["scales"]
        known_name(f"figures.{name}.scale", figure["scale"], "fitted scale (trends.scales)", scales)
        for series in figure["references"]:
            known_name(f"figures.{name}.references", series, "distribution", series_names)
        for number, panel in enumerate(figure["panels"]):
            for series in panel["series"]:
                known_name(f"figures.{name}.panels.{number}.series", series, "distribution", series_names)


def _describe(error: ValidationError) -> str:
    """Say a schema violation in one line: where, what is wrong, what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path)
    place = f"config {key}" if key else "config"
    properties = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = next(name for name in error.instance if name not in properties)
        return f"{place}: unknown key '{unknown}'{_nearest(unknown, properties)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        meaning = properties.get(missing, {}).get("description", "")
        return f"{place}: the key '{missing}' is missing. {meaning}"
    if error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        return f"{place}: {error.instance!r} is not one of {', '.join(allowed)}{_nearest(str(error.instance), allowed)}"
    meaning = (
        f" ({error.schema['description']})" if isinstance(error.schema, dict) and "description" in error.schema else ""
    )
    return f"{place}: {error.message}{meaning}"


def _nearest(name: str, names: Iterable[str]) -> str:
    names = list(names)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean '{close[0]}'?" if close else f"; known are: {', '.join(names)}."


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
