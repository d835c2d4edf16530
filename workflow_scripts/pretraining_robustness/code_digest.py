"""A digest of the code that a rule runs, so that a real edit reruns the rule and a comment does not."""

import ast
import atexit
import hashlib
import json
import os
from contextlib import suppress
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
MINIATURE = "miniature"  # the package beside it
# Parsing the code takes a tenth of planning's time, so its results are cached beside Python's bytecode.
KEPT = PACKAGE / "__pycache__"
FACTS = PACKAGE.parent.parent / "data"
READ = (".csv", ".js", ".css", ".html", ".jinja")  # files that a module may name and read
# Logging, progress, error messages and the digest itself cannot change a result.
IGNORED = [["errors"], ["rule"], ["progress"], ["code_digest"]]
# Fields of Python's syntax tree without meaning (`u` before a string) or redundant with the tree's shape.
SAYS_NOTHING = {"ctx", "kind", "type_comment", "type_ignores"}
Leaf = ast.Import | ast.ImportFrom | ast.Constant


def code_digest(script: Path) -> str:
    """Return a digest of `script`, of every module of both packages that it imports and of every file that they name.

    Modules count whether imported directly or indirectly, anywhere in the code. Files are tables and parts of pages
    that a module names, beside it or in the repository's `data/`. The digest ignores docstrings, comments, formatting,
    assertions, log lines and the text of an `InputError`, and is the same in every supported version of Python.
    """
    seen: dict[str, str] = {}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if (name := path.as_posix()) not in seen:
            seen[name], modules = _read(path)
            waiting.extend(modules)
    return hashlib.sha256("".join(seen[name] for name in sorted(seen)).encode()).hexdigest()[:16]


def package_modules(path: Path) -> tuple[Path, ...]:
    """Return the files of the modules of this package that a file may import, anywhere in its code.

    Names after `from a.b import` count if they are files.
    """
    return _read(path)[1]


@cache
def _read(path: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the digest of one module and of the files that it names, and the modules of this package it imports."""
    source = path.read_bytes()
    key = hashlib.sha256(source).hexdigest()
    kept = _kept()
    if key not in kept:
        kept[key] = _parse(source)
    meaning, files, imports = kept[key]
    digest = hashlib.sha256(meaning.encode())
    for file in (place / name for name in files for place in (path.parent, FACTS)):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest(), tuple(sorted({module for name in imports for module in _modules(name)}))


@cache
def _kept() -> dict[str, Any]:
    """Return the cached results of this version of this file, by the digest of each source's bytes."""
    path = KEPT / f"code_digest.{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:16]}.json"
    kept: dict[str, Any] = {}
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_bytes())
    atexit.register(_keep, path, kept, len(kept))
    return kept


def _keep(path: Path, kept: dict[str, Any], known: int) -> None:
    """Write the cache if anything is new; where that fails, sources are parsed anew each time."""
    if len(kept) > known:
        temporary = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(exist_ok=True)
            temporary.write_text(json.dumps(kept), encoding="utf-8")
            temporary.replace(path)


def _parse(source: bytes) -> tuple[str, list[str], list[str]]:
    """Return the digest of a source's meaning, the files that it names and the names that it imports."""
    words: list[str] = []
    leaves: list[Leaf] = []
    _spell(ast.parse(source).body, words, leaves)
    files: set[str] = set()
    imports: set[str] = set()
    for leaf in leaves:
        if isinstance(leaf, ast.Constant):
            if isinstance(leaf.value, str) and leaf.value.endswith(READ) and "\n" not in leaf.value:
                files.add(leaf.value)
        elif isinstance(leaf, ast.ImportFrom):
            imports.update([f"{leaf.module}", *(f"{leaf.module}.{alias.name}" for alias in leaf.names)])
        else:
            imports.update(alias.name for alias in leaf.names)
    return hashlib.sha256(" ".join(words).encode()).hexdigest(), sorted(files), sorted(imports)


def _modules(name: str) -> list[Path]:
    package, *parts = name.split(".")
    if package not in (PACKAGE.name, MINIATURE) or parts in IGNORED:
        return []
    module = PACKAGE.parent.joinpath(package, *parts)
    return [path for path in (module.with_suffix(".py"), module / "__init__.py") if path.is_file()]


@cache
def _fields(kind: type[ast.AST]) -> list[str]:
    return [field for field in kind._fields if field not in SAYS_NOTHING]


def _says_nothing(node: ast.AST) -> bool:
    """Whether a node is an assertion, a bare string or a log line."""
    match node:
        case ast.Assert() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _without_words(raised: ast.expr | None) -> ast.expr | None:
    """Return what is raised; an `InputError` without its text, which is for people."""
    match raised:
        case ast.Call(func=ast.Name(id="InputError") as error):
            return error
    return raised


def _spell(node: Any, words: list[str], leaves: list[Leaf]) -> None:
    """Append the meaning of a node to `words`, and its imports and constants to `leaves`.

    The words are the same in every version of Python: empty fields are skipped, so that a field of a later version
    counts only where the code uses it, and strings are spelled in ASCII, because what counts as printable changes with
    the version of Unicode. `ast.dump` does neither.
    """
    kind = node.__class__
    if kind is list:
        words.append("[")
        for part in node:
            _spell(part, words, leaves)
        words.append("]")
    elif kind is ast.JoinedStr:
        words.append("JoinedStr")
        for is_text, group in groupby(node.values, lambda part: isinstance(part, ast.Constant)):
            parts = list(group)
            if text := "".join(part.value for part in parts) if is_text else parts:
                _spell(text, words, leaves)
        words.append(";")
    elif not isinstance(node, ast.AST):
        words.append(ascii(node))
    elif not _says_nothing(node):
        words.append(kind.__name__)
        for field in _fields(kind):
            value = getattr(node, field, None)
            if kind is ast.Raise and field == "exc":
                value = _without_words(value)
            if value is not None and value != []:
                words.append(field)
                _spell(value, words, leaves)
        words.append(";")
        if isinstance(node, (ast.Constant, ast.ImportFrom, ast.Import)):
            leaves.append(node)
