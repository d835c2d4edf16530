"""A digest of the code that a rule runs, so that a real edit reruns the rule and a comment does not."""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

PACKAGE = Path(__file__).parent
FACTS = PACKAGE.parent.parent / "data"
READ = (".csv", ".js", ".css", ".html")  # files that a module may name and read
# Logging, error messages and the digest itself cannot change a result.
IGNORED = [["errors"], ["rule"], ["code_digest"]]


def code_digest(script: Path) -> str:
    """Return a digest of `script`, of every module of this package that it imports and of every file that they name.

    Modules count when they are imported directly or not, anywhere in the code. Files are tables and parts of pages that
    a module names, beside it or in the repository's `data/`. The digest is taken of what Python compiles, without
    docstrings, assertions and line numbers, which is quicker to make than a syntax tree (every plan digests every
    module): comments, docstrings and formatting do not change it.
    """
    seen: dict[str, str] = {}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if (name := path.as_posix()) not in seen:
            seen[name] = _file_digest(path)
            waiting.extend(package_modules(path))
    return hashlib.sha256("".join(seen[name] for name in sorted(seen)).encode()).hexdigest()[:16]


@cache
def package_modules(path: Path) -> tuple[Path, ...]:
    """Return the files of the modules of this package that a file may import, anywhere in its code.

    What follows `from a.b import` may be modules or not; whatever stands in such a list and is a file counts.
    """
    found: set[Path] = set()
    for code in _codes(_compiled(path)):
        lists = [const for const in code.co_consts if isinstance(const, tuple)]
        listed = [part for const in lists for part in const if isinstance(part, str)]
        for name in code.co_names:
            package, *parts = name.split(".")
            if package == PACKAGE.name:
                found.update(_modules(parts), *(_modules([*parts, part]) for part in listed if part.isidentifier()))
    return tuple(sorted(found))


def _modules(parts: list[str]) -> list[Path]:
    if parts in IGNORED:
        return []
    module = PACKAGE.joinpath(*parts)
    return [path for path in (module.with_suffix(".py"), module / "__init__.py") if path.is_file()]


@cache
def _file_digest(path: Path) -> str:
    """Return the digest of one module and of the files that it names."""
    compiled = _compiled(path)
    digest = hashlib.sha256(repr(_content(compiled)).encode())
    constants = {const for code in _codes(compiled) for const in _strings(code.co_consts)}
    names = sorted(name for name in constants if name.endswith(READ) and "\n" not in name)
    for file in (place / name for name in names for place in (path.parent, FACTS)):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


@cache
def _compiled(path: Path) -> CodeType:
    return compile(path.read_bytes(), "", "exec", dont_inherit=True, optimize=2)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a module's code and that of all that it defines."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def _strings(const: Any) -> Iterator[str]:
    if isinstance(const, str):
        yield const
    elif isinstance(const, tuple):
        for part in const:
            yield from _strings(part)


def _content(const: Any) -> Any:
    """Return what a constant says, code without places in the file and sets in an order, so that its repr is one."""
    if isinstance(const, CodeType):
        names = (const.co_name, const.co_names, const.co_varnames, const.co_freevars, const.co_cellvars)
        counts = (const.co_argcount, const.co_posonlyargcount, const.co_kwonlyargcount, const.co_flags)
        return (*names, *counts, const.co_code, const.co_exceptiontable, _content(const.co_consts))
    if isinstance(const, frozenset):
        return ("set", *sorted(map(repr, const)))
    return tuple(map(_content, const)) if isinstance(const, tuple) else const
