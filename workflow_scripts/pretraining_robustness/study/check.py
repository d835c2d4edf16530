"""Check a configuration: its keys and types by model.py, then the names in it, then the rules between its sections.

Every refusal is one line: the key, the file and line where it stands, what is wrong with it and what to do.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from pretraining_robustness.acquire.wilds_datasets import WILDS
from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.stable_diffusion.settings import SCHEDULERS
from pretraining_robustness.store.formats import SOURCES, TASKS
from pretraining_robustness.study import names
from pretraining_robustness.study.cross_rules import METHOD_FILES, check_rules
from pretraining_robustness.study.imagenet_rib import TASK
from pretraining_robustness.study.keys import (
    Place,
    at,
    entries,
    every_kind,
    key_at,
    references,
    unset_nulls,
    write_plainly,
)
from pretraining_robustness.study.model import IDENTIFIER, Configuration
from pretraining_robustness.study.names import MERGES, PER_IMAGE, SCRATCH, START
from pretraining_robustness.study.refusals import ConfigError, known_name, nearest
from pretraining_robustness.study.strict_yaml import line_of, meant_as_number
from pretraining_robustness.study.study import Study

# Keys that have been renamed, and what to write.
RENAMED: dict[Place, str] = {
    ("imagenet_rib", "jobs"): "give the section 'jobs' one value per stage, as config.yaml does"
}

# Kinds of figures that have been renamed, and the new name.
RENAMED_KINDS = dict.fromkeys(["rib_flips", "rib_accuracy", "rib_tradeoff"], "rib_changes")


def check_config(
    config: dict[str, Any],
    repository: Path,
    files: Sequence[str | Path] = (),
    command_line: Mapping[str, Any] | None = None,
) -> Study:
    """Return the configuration as typed sections; takes out, in place, the optional keys that are null, and writes
    whole numbers without a point and text on one line.

    Tables that the config names are looked for in the working folder, then in `repository`. `files` are those that the
    config was read from, the one that counts first, first; `command_line` is what counts before all of them.

    Raises:
        InputError: for the first thing that is not as model.py and the rules of a study demand.
    """

    def where(place: Place) -> str:
        given: Any = command_line or {}
        for part in place:
            if isinstance(given, Mapping):
                given = given.get(part, {})
        return line_of(place, files) if isinstance(given, Mapping) else "--config"

    with refused_with_place(where):
        for old, new in RENAMED.items():
            if old[-1] in at(old[:-1], config):
                raise ConfigError(old, f"this key has a new name; {new}")
        for figure, spec in entries(config.get("figures")).items():
            if (kind := str(entries(spec).get("kind"))) in RENAMED_KINDS:
                new = RENAMED_KINDS[kind]
                raise ConfigError(("figures", figure, "kind"), f"'{kind}' is part of the kind {new} now; write {new}")
        write_plainly(config)
        _validate(config)
        unset_nulls(config)
        study = Study(config)
        known = _known(study)
        for place, name, value in references(config):
            known_name(place, value, name.of, known[name.of]())
        check_rules(study, repository)
    return study


@contextmanager
def refused_with_place(where: Callable[[Place], str]) -> Iterator[None]:
    """Turn a ConfigError into an InputError that names the key and the file and line where it stands."""
    try:
        yield
    except ConfigError as refused:
        key = ".".join(map(str, refused.key))
        line = where(refused.place)
        wrong, separator, remedy = refused.problem.partition("; ")
        found = f" ({line})" if line else ""
        raise InputError(f"config{key and f' {key}'}: {wrong}{found}{separator}{remedy}") from None


@cache
def _adapter() -> TypeAdapter[Configuration]:
    return TypeAdapter(Configuration)


def _validate(config: dict[str, Any]) -> None:
    try:
        _adapter().validate_python(config)
    except ValidationError as error:
        refusals = [_in_words(one, config) for one in error.errors(include_url=False)]
        raise min(refusals, key=lambda one: (one.key[:1] != ("imagenet_rib",), len(one.key), one.rank)) from None


def _known(study: Study) -> dict[str, Callable[[], Iterable[str]]]:
    """Return what there is of everything that a configuration names."""
    sources, tasks, rib = study.sources, study.tasks, study.config.get("imagenet_rib", {})
    return {
        "source": lambda: sources,
        "source read from files": lambda: [name for name in sources if names.format(study, name).reader],
        "format of sources": lambda: SOURCES,
        "task": lambda: names.scored_tasks(study),
        "task of published scores": lambda: [
            name for name in names.scored_tasks(study) if names.has_published_scores(study, name)
        ],
        "format of tasks": lambda: TASKS,
        "WILDS image classification data set": lambda: WILDS,
        "collection of domains": lambda: [name for name, task in tasks.items() if task.domains],
        "source or task": lambda: [*sources, *tasks],
        "label map": lambda: study.label_maps,
        "distribution": lambda: study.distributions,
        "distribution or scratch": lambda: [SCRATCH, *study.distributions],
        "architecture": lambda: study.architectures,
        "objective": lambda: study.objectives,
        "sampler": lambda: SCHEDULERS,
        "kind of fine-tuning or merger": lambda: [*sorted(METHOD_FILES), *MERGES, PER_IMAGE],
        "method": lambda: names.methods(study),
        "method that trains": lambda: names.trained_methods(study),
        "method that trains, or start": lambda: [*names.trained_methods(study), START],
        "method that leaves weights": lambda: [*names.trained_methods(study), *names.merged_methods(study)],
        "metric": lambda: METRICS,
        "fitted scale (trends.scales)": lambda: study.trends.scales,
        "figure of trends": lambda: names.of_kind(study, "trends"),
        "figure of the crossing": lambda: names.of_kind(study, "rib_crossing"),
        "variant": lambda: rib["variants"],
        "variant that is fine-tuned on": lambda: [name for name in rib["variants"] if TASK.format(name) in tasks],
        "distribution of imagenet_rib.networks": lambda: rib["networks"],
        "method of imagenet_rib.methods": lambda: rib["methods"],
    }


_KINDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    **dict.fromkeys(("dict_type", "dataclass_type", "model_attributes_type"), "a table of keys"),
}
_BOUNDS = {
    "greater_than": "is too small; give more than {gt:g}",
    "greater_than_equal": "is too small; give {ge:g} or more",
    "less_than": "is too large; give less than {lt:g}",
    "less_than_equal": "is too large; give {le:g} or less",
    "multiple_of": "is not a multiple of {multiple_of}; give one",
    "too_short": "has too few entries; give {min_length} or more",
    "too_long": "has too many entries; give {max_length} or fewer",
    "string_pattern_mismatch": "does not match '{pattern}'; rewrite it so",
    "not_a_range": "is no range; give two numbers above 0 and up to 1, the smaller one first",
    "repeated": "lists {value} twice; remove one",
}


def _in_words(error: ErrorDetails, config: dict[str, Any]) -> ConfigError:
    """Say what pydantic found in our words: what is wrong, what the key is for, how to write it."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    place, name = _place(error["loc"], config), error["loc"][-1]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        place = place[:-1] if place and place[-1] == name else place
        sections = [one for one in key_at(place, config).sections(at(place, config)) if one]
        return ConfigError((*place, name), f"unknown key '{name}'{nearest(str(name), sections[0])}", key=place, rank=0)
    if kind in ("missing", "union_tag_not_found"):
        missing = "kind" if kind == "union_tag_not_found" else str(name)
        key = key_at((*place, missing), config)
        kinds = f"Kinds: {', '.join(map(str, every_kind(key_at(place, config).hint)))}." if missing == "kind" else ""
        return ConfigError(place, f"the key '{missing}' is missing; add it. {key.description or kinds}".rstrip())
    if kind in ("literal_error", "union_tag_invalid"):
        value, place = (context["tag"], (*place, "kind")) if "tag" in context else (value, place)
        allowed = re.findall(r"'([^']*)'", context.get("expected_tags") or context["expected"])
        return ConfigError(place, f"{value!r} is not one of {', '.join(allowed)}{nearest(str(value), allowed)}")
    description = key_at(place, config).description
    meaning = f". {description}" if description else ""
    if kind not in _KINDS:
        wrong = _BOUNDS[kind].format(**context) if kind in _BOUNDS else f"cannot be used; correct it ({error['msg']})"
        if context.get("pattern") == IDENTIFIER:
            wrong = f"is no name; write lower-case letters, digits and underscores: {_as_name(str(value))}"
        if name == "[key]":
            return ConfigError((*place, value), f"'{value}' {wrong}", key=place[:-1])
        return ConfigError(place, f"{value!r} {wrong}{meaning}")
    quoted = kind == "string_type" and not isinstance(value, dict | list)
    remedy = "put it in quotes" if quoted else "write one"
    number = meant_as_number(value) if isinstance(value, str) and kind in ("int_type", "float_type") else None
    number = None if kind == "int_type" and number and not float(number).is_integer() else number
    return ConfigError(place, f"{value!r} is not {_KINDS[kind]}; {f'write {number}' if number else remedy}{meaning}")


def _as_name(text: str) -> str:
    """Return the nearest identifier to a text."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return name if name[:1].isalpha() else f"the_{name}".rstrip("_")


def _place(location: Sequence[str | int], config: Mapping[str, Any]) -> Place:
    """Return where pydantic's location is in the configuration: without the kinds of sections that it names."""
    found: list[str | int] = []
    value: Any = config
    for part in location:
        if part in entries(value):
            found.append(part)
            value = entries(value)[part]
    return tuple(found)
