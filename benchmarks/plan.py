"""How long planning takes, beside a plain Snakefile of the same jobs and files: `snakemake -n`, wall and CPU seconds.

The peer has a rule for each of ours, with as many jobs, inputs and outputs, the same files between the same jobs, and
none of our code: no configuration, no params, no digests, no resources. Each pair is measured in turn, in one run.

    make benchmark-plan
"""

import argparse
import csv
import io
import json
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from machine import machine

from pretraining_robustness.files import write_rows

REPOSITORY = Path(__file__).parent.parent
STUDIES = {"full study": ["--configfile", str(REPOSITORY / "data/studies/paper.yaml")], "miniature": []}
ROUNDS = 5
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
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", ours]
    summary = subprocess.run([*command, "--detailed-summary", *study], check=True, capture_output=True, text=True).stdout
    lines = list(csv.DictReader(io.StringIO(summary[summary.index("output_file") :]), delimiter="\t"))
    jobs: dict[str, dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        jobs[line["rule"]][line["log-file(s)"]].append(line)
    renamed = {
        line["output_file"]: f"{rule}/{number}_{place}"
        for rule, found in jobs.items()
        for number, made in enumerate(found.values())
        for place, line in enumerate(made)
    }
    inputs = {
        rule: {
            str(number): [renamed[path] for path in made[0]["input-file(s)"].split(",") if path in renamed]
            for number, made in enumerate(found.values())
        }
        for rule, found in jobs.items()
    }
    used = {path for of_rule in inputs.values() for needed in of_rule.values() for path in needed}
    targets = [path for path in renamed.values() if path not in used]
    (folder / "jobs.json").write_text(json.dumps({"targets": targets, **inputs}), encoding="utf-8")
    rules = []
    for rule, found in jobs.items():
        outputs = ", ".join(repr(f"{rule}/{{job}}_{place}") for place in range(len(next(iter(found.values())))))
        rules.append(
            f"rule {rule}_:\n    input: lambda wildcards: JOBS[{rule!r}][wildcards.job]\n    output: {outputs}\n"
            '    wildcard_constraints: job=r"\\d+"\n    shell: "true"\n'
        )
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
            pairs = [
                (plan(REPOSITORY / "Snakefile", ours, arguments), plan(peer, theirs, [])) for _ in range(ROUNDS)
            ]
        jobs = [re.findall(r"^total +(\d+)", one[2], re.MULTILINE)[-1] for one in pairs[0]]
        row = {"study": study, "jobs": jobs[0], "jobs_of_peer": jobs[1]}
        for place, measure in enumerate(("wall", "cpu")):
            own, other = (median(pair[side][place] for pair in pairs) for side in range(2))
            row |= {f"{measure}_seconds": round(own, 2), f"{measure}_seconds_of_peer": round(other, 2)}
            row[f"{measure}_ratio"] = round(median(pair[0][place] / pair[1][place] for pair in pairs), 2)
        rows.append({**row, "machine": f"{machine()}, Python {platform.python_version()}"})
        print(rows[-1])
    write_rows(output, rows)


if __name__ == "__main__":
    main()
