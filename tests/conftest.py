"""What several test modules share: the repository, the default configuration and a way to run Snakemake."""

import copy
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Hide the machine's cards, so that tests compute the same everywhere, but for `pytest -m gpu`."""
    if config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.option.markexpr != "gpu":
        for item in items:
            if item.get_closest_marker("gpu"):
                item.add_marker(pytest.mark.skip(reason="needs a GPU: pytest -m gpu"))


class Workflow:
    """A workflow (this repository's, or a copy of it) run in a folder of its own."""

    def __init__(self, folder: Path, repository: Path = REPOSITORY) -> None:
        self.folder = folder
        self.repository = repository

    def start(self, *arguments: str, config: dict | None = None, log: Path | None = None) -> subprocess.Popen:
        """Start `snakemake` with these arguments, in a process group of its own, without waiting.

        What it prints goes to `log`, or into a pipe that has to be read.
        """
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(self.repository / "Snakefile")]
        command += ["--directory", str(self.folder), "--cores", "2", *arguments]
        if config is not None:
            path = self.folder / "overlay.yaml"
            path.write_text(yaml.safe_dump(config), encoding="utf-8")
            command += ["--configfile", str(path)]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE if log is None else open(log, "w"),
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, fails: bool = False, **options) -> str:
        """Run `snakemake`, assert how it ends, and return what it printed."""
        process = self.start(*arguments, **options)
        printed, _ = process.communicate(timeout=900)
        assert (process.returncode != 0) == fails, printed[-6000:]
        return printed

    def plan(self, *targets: str, **options) -> Counter:
        """Return how many jobs of each rule would run."""
        return job_counts(self.run(*targets, "--dry-run", **options))


def job_counts(printed: str) -> Counter:
    """Read the table of jobs that Snakemake prints; jobs of several runs count with those of one."""
    table = re.search(r"^job +count\n[- ]+\n(.*?)\n\n", printed + "\n\n", re.MULTILINE | re.DOTALL)
    if table is None:
        assert "Nothing to be done" in printed, printed[-3000:]
        return Counter()
    rows = (line.split() for line in table.group(1).splitlines())
    jobs: Counter = Counter()
    for name, count in rows:
        jobs[re.sub(r"_together(_\d+)?$", "", name)] += int(count)
    del jobs["total"], jobs["first_figure"], jobs["demo"]  # which only say that figures are there
    return jobs


@pytest.fixture(scope="session")
def workflow_type() -> type[Workflow]:
    return Workflow


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    return Workflow(tmp_path)


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture
def config() -> dict:
    """The default configuration, to be changed freely."""
    return copy.deepcopy(yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def own_study() -> Callable[[], dict]:
    """Returns the example of own folders with small networks, above the miniature's study."""

    def study() -> dict:
        from snakemake.utils import update_config

        found: dict = {}
        for name in ("own_folders", "own_folders_small"):
            text = (REPOSITORY / f"data/studies/{name}.yaml").read_text(encoding="utf-8")
            update_config(found, yaml.safe_load(text))
        del found["replaces"], found["distributions"]["imagenet_published"], found["sources"]["published"]
        return found

    return study


@pytest.fixture
def paper_config(config: dict) -> dict:
    """The full study's configuration: the default one with data/studies/paper.yaml over it."""
    from snakemake.utils import update_config

    from pretraining_robustness.study.shorthand import write_out

    paper = copy.deepcopy(config)
    update_config(paper, yaml.safe_load((REPOSITORY / "data/studies/paper.yaml").read_text(encoding="utf-8")))
    write_out(paper)
    return paper
