"""The plan of a whole study, read off Snakemake's own graph of jobs: its rules and how often each runs.

Needs Snakemake and the standard library alone.
"""

import json
import logging
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows

logger = logging.getLogger(__name__)

# A job in the graph that `snakemake --dag dot` prints (DAG._dot of snakemake 9.27), with the wildcards that it adds.
# Jobs of several runs (pretrain_together, pretrain_together_2) count with those of one.
_JOB = re.compile(r'^\s*\d+\[label = "(\w+?)(?:_together(?:_\d+)?)?\b', re.MULTILINE)
# Lines of Snakemake's language.
_RULE = re.compile(r"^\s*(?:rule|checkpoint)\s+(\w+)\s*:|^\s*use\s+rule\s+\w+\s+as\s+(\w+)", re.MULTILINE)
_NAMED = re.compile(r'^\s*name:\s*f"(\w+){', re.MULTILINE)  # a rule that a loop names: the beginning of its names
_INCLUDE = re.compile(r"""^\s*include:\s*["']([^"']+)["']""", re.MULTILINE)


def plan_pipeline(snakefile: str | Path, config: Mapping[str, Any], jobs: str | Path) -> None:
    """Plan the target `all` of a workflow from scratch and write its rules as CSV.

    Counts every job of the study, whether or not it has already run. Nothing is executed, and no lock, metadata or
    output of a running workflow is touched: `--dag` only prints.

    Args:
        snakefile: the workflow.
        config: its whole configuration; paths in it are relative to the current folder.
        jobs: written with columns rule, stage, jobs (see `stages_of`), rules in the order in which the files define
            them.

    Raises:
        InputError: Snakemake cannot plan.
    """
    counts = count_jobs(job_graph(snakefile, config))
    stage_of = stages_of(snakefile, counts)
    targets = sorted(set(counts) - set(stage_of))
    logger.info("%d jobs of %d rules; without the targets %s", counts.total(), len(counts), ", ".join(targets))
    rules = [rule for rule in stage_of if rule in counts]
    write_rows(jobs, [{"rule": rule, "stage": stage_of[rule], "jobs": counts[rule]} for rule in rules])


def job_graph(snakefile: str | Path, config: Mapping[str, Any], target: str = "all") -> str:
    """Return the graph of all jobs that `target` needs, in the DOT language.

    Raises:
        InputError: with Snakemake's last words if it cannot plan.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.json")
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", target, "--snakefile", str(snakefile), "--configfile", str(path)]
        command += [
            "--dag",
            "dot",
            "--forceall",
            "--nolock",
            "--cores",
            "1",
            "--profile",
            "none",
            "--workflow-profile",
            "none",
        ]
        planned = subprocess.run(command, capture_output=True, text=True, check=False)
    if planned.returncode != 0:
        raise InputError(f"{snakefile}: the study could not be planned: {planned.stderr[-1000:]}")
    return planned.stdout


def count_jobs(dot: str) -> Counter[str]:
    """Return how many jobs of each rule a printed graph has."""
    return Counter(_JOB.findall(dot))


def stages_of(snakefile: str | Path, names: Collection[str] = ()) -> dict[str, str]:
    """Return the stage of every rule: the file below the Snakefile that defines it, without its ending.

    A file that is included by a stage's file belongs to that stage. Rules of the Snakefile itself are targets and have
    no stage. Of rules that are named in a loop, those among `names` are returned.
    """
    snakefile = Path(snakefile)
    written: dict[str, str] = {}
    looped: dict[str, str] = {}
    paths = [snakefile.parent / name for name in _INCLUDE.findall(snakefile.read_text(encoding="utf-8"))]
    for path in paths:
        text = _whole_text(path)
        written |= dict.fromkeys((name or derived for name, derived in _RULE.findall(text)), path.stem)
        looped |= {one: path.stem for one in names for start in _NAMED.findall(text) if one.startswith(start)}
    order = [path.stem for path in paths]
    return dict(sorted({**looped, **written}.items(), key=lambda rule: order.index(rule[1])))


def _whole_text(path: Path) -> str:
    """Return the text of a file after that of the files that it includes."""
    text = path.read_text(encoding="utf-8")
    return "\n".join([*(_whole_text(path.parent / name) for name in _INCLUDE.findall(text)), text])
