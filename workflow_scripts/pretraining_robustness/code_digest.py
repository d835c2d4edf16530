"""A digest of the code that a rule runs, so that a real edit reruns the rule and a comment does not."""

import ast
import hashlib
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
FACTS = PACKAGE.parent.parent / "data"
READ = (".csv", ".js", ".css", ".html")  # files that a module may name and read
# Logging, progress, error messages and the digest itself cannot change a result.
IGNORED = [["errors"], ["rule"], ["progress"], ["code_digest"]]
# Fields of Python's syntax tree that say nothing (`u` before a text) or what the tree's shape says already.
SAYS_NOTHING = {"ctx", "kind", "type_comment", "type_ignores"}
Leaf = ast.Import | ast.ImportFrom | ast.Constant


def code_digest(script: Path) -> str:
    """Return a digest of `script`, of every module of this package that it imports and of every file that they name.

    Modules count when they are imported directly or not, anywhere in the code. Files are tables and parts of pages that
    a module names, beside it or in the repository's `data/`. The digest is taken of the syntax tree without bare texts,
    assertions, lines of the log and the words of an `InputError`: none of them, nor comments, docstrings, formatting or
    another version of Python, changes it.
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

    What follows `from a.b import` may be modules or not; whatever stands in such a list and is a file counts.
    """
    return _read(path)[1]


@cache
def _read(path: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the digest of one module and of the files that it names, and the modules of this package it imports."""
    words: list[str] = []
    leaves: list[Leaf] = []
    _spell(ast.parse(path.read_bytes()).body, words, leaves)
    digest = hashlib.sha256(" ".join(words).encode())
    modules: set[Path] = set()
    names: set[str] = set()
    for leaf in leaves:
        if isinstance(leaf, ast.Constant):
            if isinstance(leaf.value, str) and leaf.value.endswith(READ) and "\n" not in leaf.value:
                names.add(leaf.value)
            continue
        imported = [alias.name for alias in leaf.names]
        if isinstance(leaf, ast.ImportFrom):
            imported = [f"{leaf.module}", *(f"{leaf.module}.{name}" for name in imported)]
        modules.update(*map(_modules, imported))
    for file in (place / name for name in sorted(names) for place in (path.parent, FACTS)):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest(), tuple(sorted(modules))


def _modules(name: str) -> list[Path]:
    package, *parts = name.split(".")
    if package != PACKAGE.name or parts in IGNORED:
        return []
    module = PACKAGE.joinpath(*parts)
    return [path for path in (module.with_suffix(".py"), module / "__init__.py") if path.is_file()]


@cache
def _fields(kind: type[ast.AST]) -> list[str]:
    return [field for field in kind._fields if field not in SAYS_NOTHING]


def _says_nothing(node: ast.AST) -> bool:
    """Whether a part of a syntax tree is an assertion, a bare text or a line of the log."""
    match node:
        case ast.Assert() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))):
            return True
    return False


def _without_words(raised: ast.expr | None) -> ast.expr | None:
    """Return what is raised, an `InputError` without its words, which are for people."""
    match raised:
        case ast.Call(func=ast.Name(id="InputError") as error):
            return error
    return raised


def _spell(node: Any, words: list[str], leaves: list[Leaf]) -> None:
    """Append what a part of a syntax tree says to `words`, and its imports and constants to `leaves`.

    The words are the same in every version of Python that reads the code: only fields that hold something are named,
    so that a field which a later version adds to the tree counts where the code uses what it stands for, and texts are
    spelled in ASCII, since what counts as printable changes with the version of Unicode. `ast.dump` keeps neither rule.
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
