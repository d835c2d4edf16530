"""The kinds of figures: which module draws each, and which files that module reads.

The module of a kind has `READS`, the files that a figure of this kind is drawn from (names, and paths below the results
folder), and `draw(files, figure)`, which returns an `output.Drawing`. Planning asks for `READS` without importing the
module, which may need packages that planning has not.
"""

import ast
from functools import cache
from pathlib import Path

KINDS = {
    "pipeline": "pipeline",
    "pictures": "pictures",
    "trends": "trends",
    "residuals": "residuals",
    "published": "published",
    "agreement": "agreement",
    "images": "images",
    "rib_bars": "imagenet_rib/bars",
    "rib_matrix": "imagenet_rib/matrix",
    "rib_methods": "imagenet_rib/methods",
    "rib_alphas": "imagenet_rib/alphas",
    "rib_changes": "imagenet_rib/changes",
    "rib_effective": "imagenet_rib/effective",
    "rib_crossing": "imagenet_rib/crossing",
    "rib_set_size": "imagenet_rib/set_size",
    "rib_transport": "imagenet_rib/transport",
    "rib_similarity": "imagenet_rib/similarity",
}
"""Module below this folder, by kind."""

FROM_CONFIG = "config"
"""Instead of a path in `READS`: tables that the config names, under the same key."""


@cache
def reads(kind: str) -> dict[str, str]:
    """Return `READS` of the module of a kind: the path of each file by its name.

    Paths are below the results folder and have wildcards: {figure}, the name of the figure; {collection} or
    {distribution}, of each panel that names one; {method}/{distribution}, of each series of ImageNet-RIB.
    """
    tree = ast.parse(Path(__file__).parent.joinpath(f"{KINDS[kind]}.py").read_bytes())
    for node in tree.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and ast.unparse(node).startswith("READS") and node.value:
            return dict(ast.literal_eval(node.value))
    raise LookupError(f"figures/kinds/{KINDS[kind]}.py has no READS")
