"""A digest of the code that a rule runs, so that a real edit reruns the rule and a comment does not."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
FACTS = PACKAGE.parent.parent / "data"
READ = (".csv", ".js", ".css", ".html")  # files that a module may name and read
# Logging, error messages and the digest itself cannot change a result.
IGNORED = [["errors"], ["rule"], ["code_digest"]]


def code_digest(script: Path) -> str:
    """Return a digest of `script`, of every module of this package that it imports and of every file that they name.

    Modules count when they are imported directly or not, anywhere in the code. Files are tables and parts of pages that
    a module names, beside it or in the repository's `data/`. The digest is taken of the syntax trees without
    docstrings: comments, docstrings and formatting do not change it.
    """
    seen: dict[str, str] = {}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if (name := path.as_posix()) not in seen:
            seen[name], imported = _module_digest(path)
            waiting.extend(imported)
    return hashlib.sha256("".join(seen[name] for name in sorted(seen)).encode()).hexdigest()[:16]


@cache
def _module_digest(path: Path) -> tuple[str, list[Path]]:
    """Return the digest of one module with the files it names, and the modules of this package it imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = list(ast.walk(tree))  # once: planning digests every module
    imported = sorted({module for node in nodes for module in package_modules(node)})
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            node.body = node.body[1:]
    digest = hashlib.sha256(ast.dump(tree).encode())
    for file in _named_files(tree, path.parent):
        digest.update(file.read_bytes())
    return digest.hexdigest(), imported


def package_modules(node: ast.AST) -> list[Path]:
    """Return the files of the modules of this package that an import statement may bring; none for another node."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    else:
        return []
    paths: list[Path] = []
    for name in names:
        package, *parts = name.split(".")
        if package != PACKAGE.name or parts in IGNORED:
            continue
        module = PACKAGE.joinpath(*parts)
        paths.extend(path for path in (module.with_suffix(".py"), module / "__init__.py") if path.is_file())
    return paths


def _named_files(tree: ast.AST, folder: Path) -> list[Path]:
    constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    names = sorted({name for name in constants if isinstance(name, str) and name.endswith(READ) and "\n" not in name})
    return [place / name for name in names for place in (folder, FACTS) if (place / name).is_file()]
