"""A digest of the code that a rule runs, so that a real edit reruns the rule and a comment does not."""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
# Logging, error messages and the digest itself cannot change a result.
IGNORED = {"errors", "rule", "code_digest"}


def code_digest(script: Path) -> str:
    """Return a digest of `script` and of every module of this package that it imports, directly or not.

    The digest is taken of the syntax trees without docstrings: comments, docstrings and formatting do not change it.
    """
    seen: dict[str, str] = {}
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if (name := path.as_posix()) not in seen:
            seen[name], imported = _tree_digest(path)
            waiting.extend(imported)
    return hashlib.sha256("".join(seen[name] for name in sorted(seen)).encode()).hexdigest()[:16]


@cache
def _tree_digest(path: Path) -> tuple[str, list[Path]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = sorted({module for node in ast.walk(tree) for module in _package_modules(node)})
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and ast.get_docstring(node, clean=False) is not None
        ):
            node.body = node.body[1:]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), imported


def _package_modules(node: ast.AST) -> list[Path]:
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and node.module:
        names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    else:
        return []
    paths = []
    for name in names:
        package, _, module = name.partition(".")
        path = PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
        if package == PACKAGE.name and module not in IGNORED and path.is_file():
            paths.append(path)
    return paths
