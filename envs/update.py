"""Resolve all environments at once into envs/lock.txt and write the conda environments from it.

Run `make lock` to upgrade. The lock is the one source of versions: conda's environments, the Makefile's .venv and the
continuous integration all install from it.
"""

import subprocess
import sys
from pathlib import Path

ENVS = Path(__file__).parent
CONDA = ["acquire", "generate", "train", "analyse", "workflow"]
EVERYTHING = [*CONDA, "test"]
PYTHON = "3.11.7"
PIP = "26.3"

HEADER = "# Written by envs/update.py from envs/lock.txt; change envs/{name}.in and run `make lock`.\n"


def resolve(names: list[str], *options: str) -> str:
    """Return exact pins of what the named lists need, one a line."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--python-version", "3.11"]
    command += [
        "--universal",
        "--fork-strategy",
        "fewest",
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
        "--no-emit-find-links",
        *options,
    ]
    command += [str(ENVS / f"{name}.in") for name in names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def conda_environment(name: str) -> str:
    """Return a conda environment: python and pip from conda-forge, the rest by pip at the lock's versions."""
    pins = resolve([name], "--constraints", str(ENVS / "lock.txt")).splitlines()
    head = ["channels:", "  - conda-forge", "dependencies:", f"  - python={PYTHON}", f"  - pip={PIP}", "  - pip:"]
    quoted = [f'      - "{pin}"' if ";" in pin else f"      - {pin}" for pin in pins]
    return HEADER.format(name=name) + "\n".join([*head, *quoted]) + "\n"


def main() -> None:
    """Write the lock, then every conda environment."""
    (ENVS / "lock.txt").write_text(resolve(EVERYTHING, "--upgrade"), encoding="utf-8")
    for name in CONDA:
        (ENVS / f"{name}.yaml").write_text(conda_environment(name), encoding="utf-8")


if __name__ == "__main__":
    main()
