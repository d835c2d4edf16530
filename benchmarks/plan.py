"""How long planning takes, beside a plain Snakefile of the same jobs and files: `snakemake -n`, wall and CPU seconds.

The peer has a rule for each of ours, with as many jobs, inputs and outputs, the same files between the same jobs, a
log, a benchmark, an environment and a script, and none of our code: no configuration, no functions, no digests. Each
pair is measured in turn, in one run. Both have planned before, so what our code keeps of its own source is at hand.

    make benchmark-plan
"""

import argparse
import json
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from machine import measured_on

from pretraining_robustness.files import write_rows

REPOSITORY = Path(__file__).parent.parent
STUDIES = {"full study": ["--configfile", str(REPOSITORY / "data/studies/paper.yaml")], "miniature": []}
ROUNDS = 5
JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)+)", re.MULTILINE)
# Snakemake lists the files of those jobs only that have no message.
WITHOUT_MESSAGES = """
from snakemake.cli import main
from snakemake.jobs import Job

Job.message = property(lambda job: None)
main()
"""
PEER = """import json

JOBS = json.load(open("jobs.json"))

rule all:
    default_target: True
    input: JOBS["targets"]

"""


def plan(snakefile: Path, folder: str, arguments: list[str]) -> tuple[float, float, str]:
    """Plan once in a folder; return wall seconds, CPU seconds and what was printed."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile), "--directory", folder, "-n"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    printed = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True).stdout
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, printed


def write_peer(study: list[str], ours: str, folder: Path) -> Path:
    """Write a plain Snakefile of the jobs that a study has in an empty folder, and return its path."""
    command = [
        sys.executable,
        "-c",
        WITHOUT_MESSAGES,
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        "--directory",
        ours,
    ]
    printed = subprocess.run([*command, "-n", *study], check=True, capture_output=True, text=True).stdout
    jobs: dict[str, list[tuple[list[str], list[str]]]] = {}
    for rule, body in JOB.findall(printed):
        listed = [re.search(rf"^    {key}: (.*)$", body, re.MULTILINE) for key in ("input", "output")]
        needed, made = (match.group(1).split(", ") if match else [] for match in listed)
        if made:
            jobs.setdefault(rule, []).append((needed, made))
    renamed = {
        path: f"{rule}/{number}_{place}"
        for rule, found in jobs.items()
        for number, (_, made) in enumerate(found)
        for place, path in enumerate(made)
    }
    inputs = {
        rule: {
            str(number): [renamed[path] for path in needed if path in renamed]
            for number, (needed, _) in enumerate(found)
        }
        for rule, found in jobs.items()
    }
    used = {path for of_rule in inputs.values() for needed in of_rule.values() for path in needed}
    targets = [path for path in renamed.values() if path not in used]
    (folder / "jobs.json").write_text(json.dumps({"targets": targets, **inputs}), encoding="utf-8")
    rules = []
    for rule, found in jobs.items():
        outputs = ", ".join(repr(f"{rule}/{{job}}_{place}") for place in range(len(found[0][1])))
        rules.append(
            f"rule {rule}_:\n    input: lambda wildcards: JOBS[{rule!r}][wildcards.job]\n    output: {outputs}\n"
            f"    log: 'logs/{rule}/{{job}}.log'\n    benchmark: 'benchmarks/{rule}/{{job}}.tsv'\n"
            "    wildcard_constraints: job=r'\\d+'\n    conda: 'environment.yaml'\n    threads: 1\n"
            "    resources: mem_mb=1000, runtime=10\n    params: number=1\n"
            f"    message: 'Make {rule} {{wildcards.job}}'\n    script: 'script.py'\n"
        )
    for name, text in (("environment.yaml", "dependencies: [python]\n"), ("script.py", "pass\n")):
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / "Snakefile"
    path.write_text(PEER + "\n".join(rules), encoding="utf-8")
    return path


def main() -> None:
    """Measure in turn and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "plan.csv")
    output = parser.parse_args().output
    rows = []
    for study, arguments in STUDIES.items():
        with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
            peer = write_peer(arguments, ours, Path(theirs))
            pairs = [(plan(REPOSITORY / "Snakefile", ours, arguments), plan(peer, theirs, [])) for _ in range(ROUNDS)]
        jobs = [re.findall(r"^total +(\d+)", one[2], re.MULTILINE)[-1] for one in pairs[0]]
        row = {"study": study, "jobs": jobs[0], "jobs_of_peer": jobs[1]}
        for place, measure in enumerate(("wall", "cpu")):
            own, other = (median(pair[side][place] for pair in pairs) for side in range(2))
            row |= {f"{measure}_seconds": round(own, 2), f"{measure}_seconds_of_peer": round(other, 2)}
            row[f"{measure}_ratio"] = round(median(pair[0][place] / pair[1][place] for pair in pairs), 2)
        rows.append({**row, "python": platform.python_version(), **measured_on()})
        print(rows[-1])
    write_rows(output, rows)


if __name__ == "__main__":
    main()
