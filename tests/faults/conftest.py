"""A program that forks and kills itself runs apart from the tests."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PACKAGE_FOLDER = Path(__file__).parents[2] / "workflow_scripts"


@pytest.fixture(scope="session")
def run_apart() -> Callable[..., None]:
    """Run code in a process of its own, and assert that it ends well."""

    def run(code: str, *arguments: object) -> None:
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-c", code, *map(str, arguments)]
        finished = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        print(*arguments, finished.stdout)  # a seed among the arguments repeats the run
        assert finished.returncode == 0, finished.stdout + finished.stderr

    return run
