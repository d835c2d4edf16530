"""Kill a small study with SIGKILL at random moments of its stages, and compare what it makes in the end, byte for byte.

    make benchmark-faults OPTIONS="--kills 50 --minutes 30"

Each kill ends Snakemake and all its jobs at a random moment of a job of the stage whose turn it is; then the same
command is given again, as a person would, after what `snakemake --unlock` does. A row of the table is a stage: its jobs
and how long one takes undisturbed, how often it was killed at work, and how many of its jobs ended in all (as many as
there are, where no finished job was lost).
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml
from machine import measured_on

from pretraining_robustness.files import write_rows

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "faults.csv"
STAGES = ("build_store", "train_diffusion", "generate_images", "pretrain", "finetune", "predict", "merge_weights")
TARGETS = (
    "results/evaluate/iwildcam/soup/imagenet_full/scores.csv",
    "results/pretrain/stable_diffusion_150k/densenet22/seed_0/weights.safetensors",
)
TRAINED = ("imagenet_full", "stable_diffusion_150k")
STUDY = {
    "scale": {
        **{"images": 0.001, "classes": 0.025, "superclasses": 0.125, "subclasses": 0.25},
        **{"task_images": 0.004, "task_classes": 0.06},
    },
    "sources": {
        "imagenet": {"world": {"image_size": 32}},
        "stable_diffusion": {"training": {"autoencoder_steps": 5, "steps": 5}, "generate": {"steps": 2}},
    },
    "tasks": {"iwildcam": {"world": {"image_size": 32, "cameras": 16}}},
    "runs": {"architectures": ["densenet22"], "seeds_of": {"scratch": [0], "imagenet_full": [0]}},
    "recipes": {"pretrain": {"steps": 50}, "finetune": {"epochs": 2}},
}
KINDS = (".npy", ".parquet", ".safetensors", ".csv", ".png")
TIMED = ("metrics.csv", "training.csv")  # hold seconds


def start(folder: Path, *arguments: str) -> subprocess.Popen:
    """Start Snakemake in a process group of its own."""
    command = [sys.executable, "-m", "snakemake", *arguments, "--snakefile", str(REPOSITORY / "Snakefile")]
    command += ["--directory", str(folder), "--cores", "2", "--configfile", str(folder / "study.yaml")]
    with open(folder / "printed", "a", encoding="utf-8") as printed:
        return subprocess.Popen(command, stdout=printed, stderr=printed, start_new_session=True)


def running(group: int) -> set[str]:
    """Return the scripts of rules that a process group is running."""
    listed = subprocess.run(["pgrep", "-a", "-g", str(group)], capture_output=True, text=True, check=False)
    return set(re.findall(r"\.snakemake/scripts/tmp\w+\.(\w+)\.py", listed.stdout))


def results(folder: Path) -> dict[str, bytes]:
    """Return what the study has made, but for times."""
    paths = [path for path in (folder / "results").rglob("*") if path.suffix in KINDS and path.name not in TIMED]
    kept = [path for path in paths if "benchmarks" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept if not path.name.startswith("shard_")}


def undisturbed(folder: Path) -> dict[str, float]:
    """Run the study and return how many seconds each stage was at work."""
    process = start(folder, *TARGETS)
    seconds: Counter[str] = Counter()
    seen = time.monotonic()
    while process.poll() is None:
        time.sleep(0.05)
        now = time.monotonic()
        seconds.update(dict.fromkeys(running(process.pid), now - seen))
        seen = now
    assert process.returncode == 0, (folder / "printed").read_text(encoding="utf-8")[-3000:]
    return seconds


def finished(folder: Path) -> Counter[str]:
    """Return how many jobs of each stage have ended well."""
    return Counter(re.findall(r"\(Rule: (\w+)\)", (folder / "printed").read_text(encoding="utf-8")))


def kill_until_done(
    folder: Path, lengths: dict[str, float], kills: int, until: float, chance: random.Random
) -> tuple[Counter[str], Counter[str]]:
    """Give the command again and again, and kill it; return how often each stage was killed, and its jobs that ended.

    A kill comes at a random moment of the usual length of a job, `lengths` in seconds by stage. Where a stage ends
    before it was killed often enough, it is made again, by a command that is given until it ends; the jobs that ended
    are those of before that.
    """
    killed: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    each = -(-kills // len(STAGES))
    again: list[str] = []
    while True:
        process = start(folder, *TARGETS, *again)
        moment = float("inf")
        while process.poll() is None:
            due = sorted(stage for stage in running(process.pid) if stage in STAGES and killed[stage] < each)
            if moment == float("inf") and due and time.monotonic() < until:
                moment = time.monotonic() + chance.uniform(0, lengths[due[0]])
            if time.monotonic() >= moment:
                at_work = running(process.pid) & set(STAGES)
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                killed.update(at_work)
                print(f"killed {', '.join(sorted(at_work)) or 'between jobs'}", flush=True)
                shutil.rmtree(folder / ".snakemake/locks")
                break
            time.sleep(0.05)
        else:
            assert process.returncode == 0, (folder / "printed").read_text(encoding="utf-8")[-3000:]
            ended = ended or finished(folder)
            lacking = [stage for stage in STAGES if killed[stage] < each]
            if not lacking or time.monotonic() >= until:
                return killed, ended
            again = ["--forcerun", lacking[-1]]


def main() -> None:
    """Run the study undisturbed and killed, compare, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=30, help="kill no more after so long")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    study = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    left_out = [name for name in study["distributions"] if name not in TRAINED]
    with tempfile.TemporaryDirectory() as temporary:
        folders = {name: Path(temporary, name) for name in ("undisturbed", "killed")}
        for folder in folders.values():
            folder.mkdir()
            (folder / "study.yaml").write_text(yaml.safe_dump({**STUDY, "left_out": left_out}), encoding="utf-8")
        seconds = undisturbed(folders["undisturbed"])
        jobs = finished(folders["undisturbed"])
        lengths = {stage: seconds[stage] / jobs[stage] for stage in STAGES}
        until = time.monotonic() + 60 * options.minutes
        killed, ended = kill_until_done(folders["killed"], lengths, options.kills, until, random.Random(options.seed))
        expected, found = results(folders["undisturbed"]), results(folders["killed"])
        left = [
            path
            for path in folders["killed"].rglob("*")
            if path.name.startswith("unfinished") or path.suffix == ".part"
        ]
    differ = sorted(name for name in expected if found.get(name) != expected[name])
    print(f"{killed.total()} jobs killed; of {len(expected)} files {len(differ)} differ {differ[:5]}; {len(left)} left")
    same = {"files": len(expected), "files_that_differ": len(differ), "left_over": len(left), **measured_on()}
    rows = [
        {
            **{"stage": stage, "jobs": jobs[stage], "seconds_a_job": round(lengths[stage], 1)},
            **{"killed": killed[stage], "finished": ended[stage], **same},
        }
        for stage in STAGES
    ]
    write_rows(RESULTS, rows)
    assert not differ


if __name__ == "__main__":
    main()
