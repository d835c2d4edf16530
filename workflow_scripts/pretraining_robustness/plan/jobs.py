"""The plan of a whole study, read off Snakemake's own graph of jobs: its rules, how often each runs, what each feeds.

Needs Snakemake and the standard library alone.
"""

import json
import logging
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import write_rows

logger = logging.getLogger(__name__)

# A line of the graph that `snakemake --dag dot` prints (DAG._dot of snakemake 9.27): a job with its rule and the
# wildcards that it adds, or an edge from a job to one that needs it.
_JOB = re.compile(r'^\s*(?P<id>\d+)\[label = "(?P<rule>\w+)')
_EDGE = re.compile(r"^\s*(?P<source>\d+) -> (?P<target>\d+)\s*$")
# Lines of Snakemake's language.
_RULE = re.compile(r"^\s*(?:rule|checkpoint)\s+(\w+)\s*:|^\s*use\s+rule\s+\w+\s+as\s+(\w+)", re.MULTILINE)
_NAMED = re.compile(r'^\s*name:\s*f"(\w+){', re.MULTILINE)  # a rule that a loop names: the beginning of its names
_INCLUDE = re.compile(r"""^\s*include:\s*["']([^"']+)["']""", re.MULTILINE)


def plan_pipeline(snakefile: str | Path, config: Mapping[str, Any], jobs: str | Path, edges: str | Path) -> None:
    """Plan the target `all` of a workflow from scratch and write its rules and their edges as CSV.

    Counts every job of the study, whether or not it has already run. Nothing is executed, and no lock, metadata or
    output of a running workflow is touched: `--dag` only prints.

    Args:
        snakefile: the workflow.
        config: its whole configuration; paths in it are relative to the current folder.
        jobs: written with columns rule, stage, jobs (see `stages_of`), stages in the order in which data flow, rules in
            that of the files that define them.
        edges: written with columns rule, feeds, a row for each pair of rules of which one's jobs need the other's.

    Raises:
        InputError: Snakemake cannot plan, or stages feed each other in a circle.
    """
    names, needs = read_graph(job_graph(snakefile, config))
    counts = Counter(names.values())
    stage_of = stages_of(snakefile, counts)
    pairs = {(names[source], names[target]) for source, target in needs}
    pairs = {pair for pair in pairs if all(rule in stage_of for rule in pair) and pair[0] != pair[1]}
    order = order_stages(stage_of, pairs)
    place = {rule: (order.index(stage), index) for index, (rule, stage) in enumerate(stage_of.items())}
    rules = sorted((rule for rule in counts if rule in stage_of), key=place.__getitem__)
    targets = sorted(set(counts) - set(rules))
    logger.info("%d jobs of %d rules; without the targets %s", counts.total(), len(counts), ", ".join(targets))
    write_rows(jobs, [{"rule": rule, "stage": stage_of[rule], "jobs": counts[rule]} for rule in rules])
    ordered = sorted((place[source], place[target], source, target) for source, target in pairs)
    write_rows(edges, [{"rule": rule, "feeds": fed} for *_, rule, fed in ordered], ["rule", "feeds"])


def job_graph(snakefile: str | Path, config: Mapping[str, Any], target: str = "all") -> str:
    """Return the graph of all jobs that `target` needs, in the DOT language.

    Raises:
        InputError: with Snakemake's last words if it cannot plan.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.json")
        path.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "snakemake", target, "--snakefile", str(snakefile), "--configfile", str(path)]
        command += ["--dag", "dot", "--forceall", "--nolock", "--profile", "none", "--workflow-profile", "none"]
        planned = subprocess.run(command, capture_output=True, text=True, check=False)
    if planned.returncode != 0:
        raise InputError(f"{snakefile}: the study could not be planned: {planned.stderr[-1000:]}")
    return planned.stdout


def read_graph(dot: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return the rule of each job by its number, and the edges (job, job that needs it), of a printed graph."""
    lines = dot.splitlines()
    jobs = {match["id"]: match["rule"] for match in map(_JOB.match, lines) if match}
    edges = [(match["source"], match["target"]) for match in map(_EDGE.match, lines) if match]
    return jobs, edges


def stages_of(snakefile: str | Path, names: Iterable[str] = ()) -> dict[str, str]:
    """Return the stage of every rule: the file below the Snakefile that defines it, without its ending.

    A file that is included by a stage's file belongs to that stage. Rules of the Snakefile itself are targets and have
    no stage. Of rules that are named in a loop, those among `names` are returned.
    """
    snakefile = Path(snakefile)
    stages: dict[str, str] = {}
    beginnings: dict[str, str] = {}
    for name in _INCLUDE.findall(snakefile.read_text(encoding="utf-8")):
        path = snakefile.parent / name
        text = _whole_text(path)
        stages |= dict.fromkeys((name or derived for name, derived in _RULE.findall(text)), path.stem)
        beginnings |= dict.fromkeys(_NAMED.findall(text), path.stem)
    named = {name: stage for name in names for beginning, stage in beginnings.items() if name.startswith(beginning)}
    return {**named, **stages}


def order_stages(stage_of: Mapping[str, str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the stages so that data flow one way, stages that do not depend on each other in the order given.

    Args:
        stage_of: the stage of each rule.
        pairs: pairs of rules of which the first feeds the second.

    Raises:
        InputError: stages feed each other in a circle.
    """
    given = list(dict.fromkeys(stage_of.values()))
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(given, ()))
    for source, target in pairs:
        if stage_of[source] != stage_of[target]:
            sorter.add(stage_of[target], stage_of[source])
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise InputError(f"rules: stages feed each other in a circle ({circle}); move a rule to another file") from None
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=given.index)
        order.append(ready.pop(0))
        sorter.done(order[-1])
    return order


def _whole_text(path: Path) -> str:
    """Return the text of a file after that of the files that it includes."""
    text = path.read_text(encoding="utf-8")
    return "\n".join([*(_whole_text(path.parent / name) for name in _INCLUDE.findall(text)), text])
