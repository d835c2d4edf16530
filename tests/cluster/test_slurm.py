"""A small study, from archives to a figure, on a real SLURM of one node, through profiles/slurm and a bad day.

On that day the scheduler ends a job that takes too much memory and kills another half-way, the node is taken out of
service and comes back, someone breaks the configuration file, and a result is lost afterwards. What comes out is, to
the byte, what a run on this machine alone gives.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("snakemake_executor_plugin_slurm")
sys.path.insert(0, str(Path(__file__).parent))
from local_slurm import LocalSlurm, output, why_not

pytestmark = [pytest.mark.slow, pytest.mark.skipif(why_not() is not None, reason=f"no SLURM: {why_not()}")]

STUDY = {
    "scale": {
        **{"images": 0.001, "classes": 0.025, "superclasses": 0.125, "subclasses": 0.25},
        **{"task_images": 0.004, "task_classes": 0.06},
    },
    "sources": {"imagenet": {"world": {"image_size": 32}}},
    "tasks": {"iwildcam": {"world": {"image_size": 32, "cameras": 16}}},
    "runs": {"architectures": ["densenet22"], "seeds_of": {"scratch": [0], "imagenet_full": [0]}},
    "recipes": {"pretrain": {"steps": 200}, "finetune": {"epochs": 2}},
    "trends": {"resamples": 200},
    # A first try with too little memory for torch, whose second has enough.
    "resources": {"pretrain": {"mem_mb": 800}},
}
# Jobs that follow each other go together: SLURM's plugin looks at most every ten seconds whether one has ended.
GROUPS = {
    "data": (
        "draw_imagenet",
        "draw_iwildcam",
        "unpack_iwildcam",
        "build_store",
        "make_distribution",
        "check_distribution",
    ),
    "run": ("finetune", "predict"),  # of one partition: a group cannot have two
}
RUN = "finetune/iwildcam/full/imagenet_full/densenet22/seed_0"


def results(folder: Path) -> dict[str, bytes]:
    """Return what a run has made, but for times, logs and drawings (PDFs hold the time of their making)."""
    kinds = {".npy", ".parquet", ".safetensors", ".csv", ".png", ".txt"}
    left_out = {"metrics.csv"}
    paths = [path for path in (folder / "results").rglob("*") if path.suffix in kinds and path.name not in left_out]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if "benchmarks" not in path.parts}


@pytest.fixture(scope="module")
def slurm():
    with LocalSlurm() as running:
        yield running


def on_slurm(workflow, *arguments: str, targets: Sequence[str] = ("fig2",), **options) -> subprocess.Popen:
    """Start the workflow through the cluster's profile. Without accounting `squeue` is asked how jobs are."""
    return workflow.start(
        *(*targets, "--workflow-profile", str(workflow.repository / "profiles/slurm")),
        *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "5"),
        *arguments,
        **options,
    )


def number_of(slurm, rule: str, state: str) -> str | None:
    """Return the number of the job of a rule that is in a state."""
    return next((job.split()[0] for job, is_so in slurm.jobs().items() if rule in job and is_so == state), None)


def test_a_study_on_a_bad_day_gives_the_bytes_of_a_quiet_one(slurm, tmp_path, workflow_type):
    (tmp_path / "cluster").mkdir()
    (tmp_path / "alone").mkdir()
    cluster, alone = workflow_type(tmp_path / "cluster"), workflow_type(tmp_path / "alone")
    alone_process = alone.start("fig2", config=STUDY, log=tmp_path / "printed_alone")
    groups = [f"{rule}={group}" for group, rules in GROUPS.items() for rule in rules]
    log = slurm.printed = tmp_path / "printed"
    process = on_slurm(cluster, "--groups", *groups, config=STUDY, log=log)

    overlay = cluster.folder / "overlay.yaml"
    slurm.wait("the first job", lambda: bool(slurm.jobs()))
    overlay.write_text("study: [broken", encoding="utf-8")
    slurm.wait("the data", lambda: (cluster.folder / "results/stores/iwildcam/images.npy").exists(), 120)
    slurm.node("drain")
    slurm.wait("a training that waits", lambda: number_of(slurm, "pretrain", "PENDING") is not None)
    slurm.node("resume")
    slurm.wait("a training", lambda: number_of(slurm, "pretrain", "RUNNING") is not None)
    first = number_of(slurm, "pretrain", "RUNNING")
    slurm.wait("its end by lack of memory", lambda: number_of(slurm, "pretrain", "RUNNING") != first)
    slurm.wait("its second try", lambda: number_of(slurm, "pretrain", "RUNNING") not in (None, first), 90)
    second = number_of(slurm, "pretrain", "RUNNING")
    log_of_training = cluster.folder / "results/logs/pretrain/imagenet_full/densenet22/seed_0.log"
    slurm.wait("its steps", lambda: log_of_training.exists() and "images of" in log_of_training.read_text(), 90)
    subprocess.run(["scancel", str(second)], check=True)

    process.wait(timeout=300)
    printed = log.read_text()
    assert process.returncode == 0, printed[-6000:]
    assert printed.count("Trying to restart job") == 2
    assert "has changed since this run started" in printed
    assert alone_process.wait(timeout=300) == 0
    expected = results(alone.folder)
    assert len(expected) > 20
    assert f"results/{RUN}/epoch_2.safetensors" in expected
    assert_equal(results(cluster.folder), expected)

    # With the figure's table there, nothing behind it would be needed.
    for lost in ("scores/fig2.csv", "evaluate/iwildcam/full/imagenet_full/scores.csv", "figures/fig2.png"):
        (cluster.folder / "results" / lost).unlink()
    assert on_slurm(cluster, config=STUDY, log=log).wait(timeout=120) == 0, log.read_text()[-6000:]
    assert "Rule: pretrain" not in log.read_text()
    assert_equal(results(cluster.folder), expected)


def assert_equal(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert set(found) == set(expected)
    assert [name for name in expected if found[name] != expected[name]] == []


def test_trainings_in_one_allocation_share_out_its_cards(slurm, tmp_path, repository):
    """Three processes on two of four cards, as a Snakemake within `salloc --gpus=2` starts them; one of them waits."""
    job = tmp_path / "job.sh"
    lease = (
        "import sys, time; from pathlib import Path; from pretraining_robustness.training.lease import lease_card; "
        f"card = lease_card(1, folder=Path('{tmp_path}/locks')); begin = time.time(); time.sleep(1); "
        "print(card, begin, time.time())"
    )
    start = f'{sys.executable} -c "{lease}" &\n'
    job.write_text(f"#!/bin/bash\nexport PYTHONPATH={repository}/workflow_scripts\n{start * 3}wait\n")
    command = ["sbatch", "--wait", "--gpus=2", "--ntasks=1", "--mem=1000", f"--output={tmp_path}/printed", str(job)]
    environment = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    subprocess.run(command, check=True, timeout=60, env=environment)
    spans = sorted(line.split() for line in (tmp_path / "printed").read_text().splitlines())
    assert len(spans) == 3
    assert len({card for card, _, _ in spans}) == 2
    shared = next(card for card, _, _ in spans if [one[0] for one in spans].count(card) == 2)
    earlier, later = sorted([one for one in spans if one[0] == shared], key=lambda one: float(one[1]))
    assert float(earlier[2]) <= float(later[1])


def test_more_jobs_of_a_rule_than_are_submitted_at_a_time_all_run(slurm, tmp_path, workflow_type):
    """Two at a time, each on a card and so in the partition that has them.

    The plugin's array jobs, which the profile leaves off, lose some and wait for ever.
    """
    own = workflow_type(tmp_path)
    sizes = [f"results/distributions/imagenet_{size}k/index.parquet" for size in (150, 100, 50, 25, 5)]
    own.run("results/stores/imagenet/images.npy", config=STUDY)
    on_cards = ["--set-resources", "make_distribution:gpu=1"]
    jobs = ("squeue", "--states=all", "--noheader", "--format=%A %P %k")
    earlier = output(*jobs).splitlines()
    process = on_slurm(own, "--jobs", "2", *on_cards, targets=sizes, config=STUDY, log=tmp_path / "printed")
    assert process.wait(timeout=150) == 0, (tmp_path / "printed").read_text()[-6000:]
    assert all((tmp_path / path).exists() for path in sizes)
    own_jobs = [job for job in output(*jobs).splitlines() if "make_distribution" in job and job not in earlier]
    assert [job.split()[1] for job in own_jobs] == ["gpu"] * len(sizes)


@pytest.mark.parametrize(
    ("resources", "line"),
    [
        (("gpu=1", "gpu_model=h999"), "Requested node configuration is not available"),
        (("gpu=5",), "Requested node configuration is not available"),
        (("slurm_partition=nowhere",), "invalid partition specified: nowhere"),
        (("runtime=1441",), "No partition specified or system default partition"),
    ],
    ids=["a type of card that the cluster lacks", "more cards than it has", "no such partition", "none and no default"],
)
def test_what_the_cluster_cannot_give_is_one_line(slurm, workflow, resources, line):
    """The last one asks for more than the profile's partitions allow, so that SLURM's own default is what is left."""
    archive = "resources/imagenet/ILSVRC2012_img_train.tar"
    asked = [f"draw_imagenet:{one}" for one in resources]
    slurm.partition("cpu", "Default=NO")
    try:
        process = on_slurm(workflow, "--set-resources", *asked, "--retries", "0", targets=[archive], config=STUDY)
        printed, _ = process.communicate(timeout=60)
    finally:
        slurm.partition("cpu", "Default=YES")
    assert process.returncode != 0
    assert "Traceback" not in printed
    assert [one for one in printed.splitlines() if line in one] != [], printed
