"""Write what model.py says of the configuration: the JSON schema for editors, and docs/configuration.md.

Run `PYTHONPATH=workflow_scripts python -m pretraining_robustness.study.describe` after a change of model.py.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import TypeAdapter

from pretraining_robustness.study import model
from pretraining_robustness.study.keys import Key, arms, keys_of

REPOSITORY = Path(__file__).parents[3]
HEAD = """# Configuration

Every key of `config.yaml` and of the studies in `data/studies/`. Generated from `study/model.py`; change it there. A
key in **bold** is required where its section stands. `NAME` stands for a name of yours, `N` for a position in a list.
"""


def json_schema() -> str:
    """Return the JSON schema of a configuration, with every key's description."""
    schema = TypeAdapter(model.Configuration).json_schema()
    for name, section in {**schema["$defs"], model.Configuration.__name__: schema}.items():
        for key, found in keys_of(getattr(model, name, None)).items():
            section["properties"][key] |= {"description": found.description}
            section["properties"][key].pop("title", None)
    definitions = ",\n".join(f"{json.dumps(name)}: {json.dumps(one)}" for name, one in schema.pop("$defs").items())
    return f'{{"$defs": {{\n{definitions}\n}},\n{json.dumps(schema)[1:]}\n'  # a line per section


def markdown() -> str:
    """Return a table of the keys of every section."""
    lines = [HEAD]
    for path, section in _sections("", model.Configuration, []):
        lines += [f"## `{path}`" if path else "## All sections", "", _words(section.__doc__), ""]
        lines += ["| key | values | meaning |", "|---|---|---|"]
        for name, key in keys_of(section).items():
            shown = f"**`{name}`**" if key.required else f"`{name}`"
            lines.append(f"| {shown} | {_values(key)} | {key.description.replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines)


def _sections(path: str, section: Any, seen: list[Any]) -> Iterator[tuple[str, Any]]:
    """Yield a section and those below it, with the keys that lead there; each once."""
    if section in seen:
        return
    seen.append(section)
    yield path, section
    for name, key in keys_of(section).items():
        for step, below in _below(key.hint):
            yield from _sections(f"{path}.{name}{step}".lstrip("."), below, seen)
    if hasattr(section, "__extra_items__") and is_dataclass(section.__extra_items__):
        yield from _sections(f"{path}.NAME", section.__extra_items__, seen)


def _below(hint: Any) -> Iterator[tuple[str, Any]]:
    """Yield the sections that a type holds, and how they are reached."""
    for arm in arms(hint):
        if keys_of(arm):
            yield "", arm
        elif get_origin(arm) in (dict, list):
            step = ".NAME" if get_origin(arm) is dict else ".N"
            yield from ((step + further, section) for further, section in _below(get_args(arm)[-1]))


_TYPES = {int: "whole number", float: "number", bool: "true, false", str: "text", Any: "anything"}


def _values(key: Key) -> str:
    """Return the choices of a key, or what kind of value it has."""
    return " or ".join(dict.fromkeys(_value(arm) for arm in arms(key.hint)))


def _value(arm: Any) -> str:
    if get_origin(arm) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(arm))
    if get_origin(arm) in (dict, list):
        kind = "a table by name" if get_origin(arm) is dict else "a list"
        inner = next(iter(arms(get_args(arm)[-1])), Any)
        return f"{kind} of {_value(inner)}"
    return "keys, see below" if keys_of(arm) else _TYPES.get(arm, "text")


def _words(docstring: str | None) -> str:
    return re.sub(r"\s+", " ", docstring or "").strip()


def main() -> None:
    """Write both files."""
    (REPOSITORY / "rules/config.schema.json").write_text(json_schema(), encoding="utf-8")
    (REPOSITORY / "docs/configuration.md").write_text(markdown(), encoding="utf-8")


if __name__ == "__main__":
    main()
