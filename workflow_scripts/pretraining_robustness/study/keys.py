"""What model.py says of a place in a configuration: its keys, descriptions, choices and references."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Required, Union, cast, get_args, get_origin, get_type_hints

import yaml
from typing_extensions import is_typeddict

from pretraining_robustness.study.model import Configuration, Name
from pretraining_robustness.study.strict_yaml import EXPONENTIAL

Place = tuple[str | int, ...]
"""Where something stands in a configuration: names of keys and positions in lists."""


@dataclass(frozen=True)
class Key:
    """A key of a section: its type, with what `Annotated` adds, and its description."""

    hint: Any
    description: str
    required: bool

    def sections(self, value: Any) -> Iterator[dict[str, "Key"]]:
        """Yield the keys of each section that `value` may be here."""
        return (keys_of(arm) for arm in arms(self.hint, value))


@cache
def keys_of(section: Any) -> dict[str, Key]:
    """Return the keys of a section (a dataclass or a TypedDict of model.py); none of any other type."""
    if is_dataclass(section):
        hints = get_type_hints(section, include_extras=True)
        return {
            one.name: Key(hints[one.name], one.metadata["description"], one.default is MISSING)
            for one in fields(section)
        }
    if not is_typeddict(section):
        return {}
    hints = get_type_hints(section, include_extras=True)
    return {
        name: Key(hint, next(text for text in _added(hint) if isinstance(text, str)), name in section.__required_keys__)
        for name, hint in hints.items()
    }


def arms(hint: Any, value: Any = None) -> Iterator[Any]:
    """Yield the types that a hint allows, without what `Annotated` adds; of sections that differ by a key with one
    choice, such as `kind`, those that `value` may be."""
    origin = get_origin(hint)
    if origin in (Annotated, Required):
        yield from arms(get_args(hint)[0], value)
    elif origin in (Union, UnionType):
        for arm in get_args(hint):
            kinds = choices(keys_of(arm)["kind"].hint) if "kind" in keys_of(arm) else ()
            if not kinds or not isinstance(value, Mapping) or value.get("kind") in kinds:
                yield from arms(arm, value)
    elif hint is not type(None):
        yield hint


def choices(hint: Any) -> tuple[Any, ...]:
    """Return the values that a hint allows where it lists them."""
    return tuple(value for arm in arms(hint) if get_origin(arm) is Literal for value in get_args(arm))


def every_kind(hint: Any) -> list[str]:
    """Return the kinds of the sections that a hint allows."""
    return [kind for arm in arms(hint) if "kind" in keys_of(arm) for kind in choices(keys_of(arm)["kind"].hint)]


def below(hint: Any, part: str | int, value: Any) -> Iterator[Key]:
    """Yield what may stand at a key or a position of `value`, which is of the type `hint`."""
    for arm in arms(hint, value):
        known = keys_of(arm)
        if part in known:
            yield known[str(part)]
        elif hasattr(arm, "__extra_items__"):
            yield Key(arm.__extra_items__, "", False)
        elif get_origin(arm) is dict and not isinstance(part, int):
            yield Key(get_args(arm)[1], "", False)
        elif get_origin(arm) is list and isinstance(part, int):
            yield Key(get_args(arm)[0], "", False)


def key_at(path: Place, config: Mapping[str, Any]) -> Key:
    """Return what may stand at a place of a configuration."""
    found, value = Key(Configuration, "", True), cast(Any, config)
    for part in path:
        found = next(below(found.hint, part, value), Key(Any, "", False))
        value = entries(value).get(part)
    return found


def references(config: Mapping[str, Any]) -> Iterator[tuple[Place, Name, str]]:
    """Yield every place of a configuration that names something, what it names, and the name."""
    yield from _references(Configuration, config, ())


def _references(hint: Any, value: Any, path: Place) -> Iterator[tuple[Place, Name, str]]:
    if isinstance(value, str):
        yield from ((path, mark, value) for mark in _added(hint) if isinstance(mark, Name))
        return
    for arm in arms(hint, value):
        if get_origin(arm) is dict:
            for name in entries(value):
                yield from _references(get_args(arm)[0], name, path)
    for part, entry in entries(value).items():
        for key in below(hint, part, value):
            yield from _references(key.hint, entry, (*path, part))


def unset_nulls(config: Any, hint: Any = Configuration) -> None:
    """Take out, in place, the optional keys that are null; those of recipes stay, where null sets a key to nothing."""
    for part, entry in list(entries(config).items()):
        if entry is None and any(part in keys_of(arm) and is_dataclass(arm) for arm in arms(hint, config)):
            del config[part]
        for key in below(hint, part, config):
            unset_nulls(entry, key.hint)


def write_plainly(config: Any, hint: Any = Configuration) -> None:
    """Make, in place, whole numbers of those written with a point or an exponent (24.0, 1e1) where one is asked for,
    and one line of text of several."""
    for part, entry in list(entries(config).items()):
        for key in below(hint, part, config):
            if list(arms(key.hint)) == [int]:
                config[part] = _whole(entry)
            elif isinstance(entry, str) and entry.splitlines() not in ([], [entry]):
                config[part] = " ".join(line.strip() for line in entry.splitlines() if line.strip())
            else:
                write_plainly(entry, key.hint)


def _whole(value: Any) -> Any:
    is_number = isinstance(value, float) or (isinstance(value, str) and re.fullmatch(EXPONENTIAL, value))
    return int(float(value)) if is_number and float(value).is_integer() else value


def read_values(given: Any, hint: Any = Configuration) -> Any:
    """Return what `--config` gives with its nested values as YAML reads them; Snakemake leaves them as text."""
    if isinstance(given, str) or not entries(given):
        return given
    values = {part: _read_value(entry, next(below(hint, part, given), None)) for part, entry in entries(given).items()}
    return values if isinstance(given, Mapping) else list(values.values())


def _read_value(entry: Any, key: Key | None) -> Any:
    hint = key.hint if key else Any
    if not isinstance(entry, str):
        return read_values(entry, hint)
    try:
        value = yaml.safe_load(entry)
    except yaml.YAMLError:
        return entry
    is_text = list(arms(hint)) == [str] and value is not None
    return value if isinstance(value, int | float | None) and not is_text else entry


def _added(hint: Any) -> Iterator[Any]:
    """Yield what `Annotated` adds to a type, however deep it stands in unions."""
    origin = get_origin(hint)
    if origin is Annotated:
        yield from get_args(hint)[1:]
    if origin in (Annotated, Required, Union, cast, UnionType):
        for arm in get_args(hint) if origin in (Union, UnionType) else get_args(hint)[:1]:
            yield from _added(arm)


def entries(value: Any) -> Mapping[Any, Any]:
    """Return the entries of a mapping, or those of a list by their positions; none of anything else."""
    if isinstance(value, Mapping):
        return value
    return dict(enumerate(value)) if isinstance(value, Sequence) and not isinstance(value, str) else {}


def at(place: Place, config: Mapping[str, Any]) -> Any:
    """Return what stands at a place, or nothing where there is none."""
    value: Any = config
    for part in place:
        value = entries(value).get(part, {})
    return value
