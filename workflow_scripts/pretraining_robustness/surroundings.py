"""Keep the user's environment away from the jobs."""

import os
import re
import sys
from pathlib import Path

from pretraining_robustness.errors import InputError


def keep_out(scripts: Path) -> None:
    """Set the environment that jobs inherit: no notebook's plotting backend, UTF-8 whatever the locale, and this
    package from `scripts` before others of its name.
    """
    paths = [str(scripts), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ.update(
        MPLBACKEND="Agg",
        PYTHONUTF8="1",
        PYTHONNOUSERSITE="1",
        PYTHONPATH=os.pathsep.join(dict.fromkeys(filter(None, paths))),
    )


def check_clone(folder: str | Path) -> None:
    """Raise InputError if Snakemake cannot run a workflow that lies in this folder: it takes braces for wildcards."""
    if set("{}") & set(str(folder)):
        raise InputError(
            f"{folder}: Snakemake takes the braces in the path of this repository for names of its own; rename that "
            "folder (the data and the folder to work in may have braces)"
        )


def check_interpreter(executable: str = sys.executable) -> None:
    """Raise InputError if Snakemake cannot start Python: it hands the path to bash as it is, unquoted."""
    strange = re.search(r"[^\w./+,:@%=-]", executable)
    if strange:
        raise InputError(
            f"{executable}: a Python whose path holds {strange.group()!r} cannot be started by Snakemake, which does "
            "not quote it; rename the folder, or make the environment elsewhere (python3 -m venv ~/venv) and start "
            "Snakemake from there"
        )
