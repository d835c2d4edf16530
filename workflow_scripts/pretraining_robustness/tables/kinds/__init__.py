"""The kinds of tables: each is the module of its name here, and a new one is a new file.

A module has `READS`, the files that a table of this kind is made from (names, and paths below the results folder), and
`make(files, table)`, which returns the rows of the CSV and a `typeset.TypesetTable`. Planning asks for `READS` without
importing the module, which needs packages that planning does not have.
"""

import ast
from functools import cache
from pathlib import Path

KINDS = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))

FROM_CONFIG = "config"
"""Instead of a path in `READS`: a table that the config names under the same key."""


@cache
def reads(kind: str) -> dict[str, str]:
    """Return `READS` of the module of a kind: the path of each file by its name.

    Paths have the wildcards {source}, {copied_source}, {distribution}, {figure} and {table}; `tables/inputs.py`
    says what each stands for. A path is read for every value of its wildcard.
    """
    tree = ast.parse((Path(__file__).parent / f"{kind}.py").read_bytes())
    (found,) = (node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "READS")
    return dict(ast.literal_eval(found.value))
