"""How long planning takes: `snakemake -n` of the full study and of the miniature, nothing built, wall and CPU seconds.

make benchmark-plan
"""

import argparse
import csv
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from machine import machine

REPOSITORY = Path(__file__).parent.parent
STUDIES = {"full study": ["--configfile", str(REPOSITORY / "data/studies/paper.yaml")], "miniature": []}


def plan(arguments: list[str], folder: str) -> tuple[float, float, int]:
    """Plan once in an empty folder; return wall seconds, CPU seconds and the number of jobs."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(REPOSITORY / "Snakefile"), "--directory", folder]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    printed = subprocess.run([*command, "-n", *arguments], check=True, capture_output=True, text=True).stdout
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = next(int(line.split()[1]) for line in printed.splitlines() if line.startswith("total "))
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, jobs


def main() -> None:
    """Measure five times each and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "plan.csv")
    output = parser.parse_args().output
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for study, arguments in STUDIES.items():
            rounds = [plan(arguments, folder) for _ in range(5)]
            rows.append(
                {
                    "study": study,
                    "jobs": rounds[0][2],
                    "wall_seconds": round(median(r[0] for r in rounds), 2),
                    "cpu_seconds": round(median(r[1] for r in rounds), 2),
                    "machine": f"{machine()}, Python {platform.python_version()}",
                }
            )
            print(rows[-1])
    output.parent.mkdir(exist_ok=True)
    with output.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
