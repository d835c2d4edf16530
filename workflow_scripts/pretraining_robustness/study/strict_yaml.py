"""Catch the surprises of YAML 1.1: keys that occur twice, numbers and words that are read as something else.

Snakemake loads configuration files itself, by YAML 1.1, in which the last of two keys counts, `1e-3` is text, `010` is
eight, `12:30` is 750 and `no` is false. The files are read here once more to say so, with the line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from pretraining_robustness.errors import InputError

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where PyYAML has it
TEXT, WHOLE, FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float"))
KINDS = {WHOLE: "a number", FLOAT: "a number", "tag:yaml.org,2002:bool": "true or false"}
KINDS |= {"tag:yaml.org,2002:null": "nothing", "tag:yaml.org,2002:timestamp": "a date"}
MERGE = "tag:yaml.org,2002:merge"
EXPONENTIAL = r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d{1,3}"


def check_yaml(path: str | Path) -> None:
    """Raise InputError for a file that is not YAML of keys and values in UTF-8, and for the first thing in it that is
    read otherwise than it is meant; names the line."""
    root = _root(path)
    if not isinstance(root, yaml.MappingNode):
        found = "is empty" if root is None else "is not a table of keys"
        raise InputError(f"{path}: the configuration {found}; write its keys as 'study: my_study', a line each")
    for node in _nodes(root, set()):
        if isinstance(node, yaml.MappingNode):
            _check_keys(path, node)
        elif isinstance(node, yaml.ScalarNode) and not node.style:
            _check_scalar(path, node)


def line_of(key: Sequence[str | int], files: Iterable[str | Path]) -> str:
    """Return the file and the line of a key's value ("study.yaml, line 7"): of the first file that has the whole key,
    or else the longest beginning of it; nothing where no file has more than the section of a key in it.
    """
    found: tuple[int, str] = (0, "")
    for path in files:
        node, depth = _root(path), 0
        for part in key:
            below = _below(node, part)
            if below is None:
                break
            node, depth = below, depth + 1
        if node is not None and depth > found[0] and depth >= min(2, len(key)):
            found = (depth, f"{path}, line {_line(node)}")
    return found[1]


def meant_as_number(text: str) -> str | None:
    """Return how a number is written in YAML that was written as this text, or None if it was none."""
    if re.fullmatch(r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", text):
        return text.replace(",", "")
    if re.fullmatch(EXPONENTIAL, text):
        mantissa, _, exponent = text.lower().partition("e")
        whole = mantissa if "." in mantissa else f"{mantissa}.0"
        return f"{whole}e{exponent if exponent[0] in '+-' else '+' + exponent}"
    return None


def _root(path: str | Path) -> yaml.Node | None:
    try:
        data = Path(path).read_bytes()
        return yaml.compose(data.decode("utf-8-sig"), Loader=Loader)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path}, line {line}: not UTF-8; save the file as UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", error)
        raise InputError(
            f"{path}{where}: not YAML ({problem}); mend it: indent with spaces, not tabs, and put text that holds ': ' "
            "or begins with one of []{}*&!%@` in quotes"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); restore it or correct its rights") from None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _nodes(node: yaml.Node, seen: set[int]) -> Iterator[yaml.Node]:
    """Yield a node and all that it holds, each once however often it is referred to."""
    if id(node) in seen:
        return
    seen.add(id(node))
    yield node
    if isinstance(node, yaml.MappingNode):
        for _, value in node.value:
            yield from _nodes(value, seen)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _nodes(value, seen)


def _below(node: yaml.Node | None, part: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if getattr(key, "value", None) == str(part)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part]
    return None


def _check_keys(path: str | Path, node: yaml.MappingNode) -> None:
    first: dict[str, yaml.Node] = {}
    for key, _ in node.value:
        line = _line(key)
        if key.tag == MERGE:
            continue
        if key.tag != TEXT:
            kind = KINDS.get(key.tag, "no text")
            comma = "; a number has no comma between thousands" if re.fullmatch(r"\d{3}", str(key.value)) else ""
            raise InputError(
                f"{path}, line {line}: the key {key.value or '(empty)'} is {kind}, not text{comma}; put a name in "
                "quotes"
            )
        before = first.setdefault(key.value, key)
        if before is not key:
            raise InputError(
                f"{path}, line {line}: the key {key.value} stands on line {_line(before)} already, and only one of the "
                "two can count; remove or rename one"
            )


def _check_scalar(path: str | Path, node: yaml.ScalarNode) -> None:
    value, line = node.value, _line(node)
    if node.tag == WHOLE and re.fullmatch(r"[-+]?0\d+", value):
        raise InputError(
            f"{path}, line {line}: YAML reads {value} as the octal number {int(value, 8)}; write the number without "
            f"its zeros, or '{value}' in quotes for a name"
        )
    if node.tag in (WHOLE, FLOAT) and ":" in value:
        raise InputError(
            f"{path}, line {line}: YAML reads {value} as a number of base 60; write the number itself, or '{value}' in "
            "quotes"
        )
    if node.tag == FLOAT and value.lower().strip("+-.") in ("nan", "inf"):
        raise InputError(f"{path}, line {line}: {value} is not a number that can be used; write one")
