"""Disks that are full, refuse or lost the end of a file, and clocks that jump: one line that says so, nothing torn."""

import errno
import logging
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, publish, write_rows
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.rule import _alone, _date_after, run_rule
from pretraining_robustness.training.lease import lease_card
from pretraining_robustness.training.state import TrainingState

PACKAGE_FOLDER = Path(__file__).parents[2] / "workflow_scripts"
BYTES = 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with a quarter of a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can mount a disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def refusal(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Run a function as a rule that must fail, and return the line on standard error."""
    handlers, level = logging.root.handlers[:], logging.root.level

    def run(function: Callable[[], object], log: Path = tmp_path / "rule.log", inputs: tuple[Path, ...] = ()) -> str:
        job = SimpleNamespace(rule="a_rule", log=[str(log)], input=list(map(str, inputs)), output=[], params={})
        with pytest.raises(SystemExit) as stopped:
            run_rule(job, function)
        line = str(stopped.value)
        assert line.startswith("ERROR: ")
        assert "\n" not in line
        return line

    yield run
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.raiseExceptions = True


def write_table(path: Path) -> None:
    with atomic_path(path) as temporary:
        pd.DataFrame({"row": np.random.default_rng(0).random(BYTES)}).to_parquet(temporary)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a table": write_table,
    "rows": lambda path: write_rows(path, [{"row": "x" * 100}] * (BYTES // 100)),
    "weights": lambda path: save_weights(path, nn.Linear(512, 512), {}),
    "a state": lambda path: TrainingState(path.parent, "mine").save({"weights": torch.zeros(512, 512)}),
    "a copy": lambda path: publish(large(path.parents[1] / "finished"), path),
}


def large(path: Path) -> Path:
    path.write_bytes(bytes(BYTES))
    return path


@pytest.mark.parametrize("what", WRITERS)
@pytest.mark.parametrize("log_is_there", [False, True])
def test_a_full_disk_is_named_and_keeps_what_was_there(
    disk: Path, refusal: Callable[..., str], what: str, log_is_there: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = disk / ("latest.pt" if what == "a state" else "made")
    path.write_bytes(b"before")
    (disk / "other").write_bytes(bytes(100 * 1024))
    log = {"log": disk / "logs/rule.log"} if log_is_there else {}

    def fill() -> None:
        logging.info("x" * 200 * 1024)  # where the log is on this disk, it takes what is left
        WRITERS[what](path)

    line = refusal(fill, **log)
    assert "the disk is full" in line
    assert str(path) in line
    assert path.read_bytes() == b"before"
    assert {entry.name for entry in disk.iterdir()} <= {path.name, "other", "logs"}
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("what", WRITERS)
def test_a_disk_that_becomes_read_only_is_named(disk: Path, refusal: Callable[..., str], what: str) -> None:
    path = disk / ("latest.pt" if what == "a state" else "made")
    path.write_bytes(b"before")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    line = refusal(lambda: WRITERS[what](path))
    assert "Read-only file system" in line
    assert str(disk) in line
    assert path.read_bytes() == b"before"
    assert "Read-only file system" in refusal(lambda: None, log=disk / "logs/rule.log")


PARQUET = pd.DataFrame({"row": range(1000), "image": "a"}).to_parquet()


@pytest.mark.parametrize(
    ("suffix", "damaged"),
    [
        *((".csv", text) for text in (b"", b"\n", b"row,image\n1,a\n2", b'row,image\n1,"a', b"row,image\n1,\xff\n")),
        *((".csv", text) for text in (bytes(99), b"hello\n", b"<!DOCTYPE html>\n<p>404</p>\n")),
        *((".parquet", PARQUET[:kept]) for kept in (0, 3, 500)),
        (".parquet", PARQUET[:30] + bytes(500) + PARQUET[530:]),
        (".json", b'{"row": 1'),
    ],
)
def test_a_damaged_result_is_named(tmp_path: Path, refusal: Callable[..., str], suffix: str, damaged: bytes) -> None:
    contents = {".csv": b'row,image\n1,"a, b\nc"\n', ".parquet": PARQUET, ".json": b"{}"}
    whole, cut = tmp_path / f"whole{suffix}", tmp_path / f"cut{suffix}"
    whole.write_bytes(contents[suffix])
    cut.write_bytes(damaged)

    def read() -> None:
        assert damaged == contents[suffix]

    line = refusal(read, inputs=(whole, cut))
    assert f"{cut}: is damaged; delete it" in line


def test_a_card_that_does_not_hold_the_networks_is_one_line(refusal: Callable[..., str]) -> None:
    def load() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity")

    assert refusal(load) == ("ERROR: CUDA out of memory: the rule needs a card with more memory; or none, with gpu: 0.")


def test_an_input_from_the_future_is_refused_before_any_work(tmp_path: Path, refusal: Callable[..., str]) -> None:
    store = tmp_path / "images.npy"
    store.touch()
    os.utime(store, (time.time() + 3600,) * 2)
    worked: list[int] = []
    line = refusal(lambda: worked.append(1), inputs=(store,))
    assert str(store) in line
    assert "modification time in the future" in line
    assert "touch" in line
    assert not worked


def test_a_clock_that_is_set_back_during_a_job_does_not_make_its_outputs_look_outdated(tmp_path: Path) -> None:
    store, weights, later = (tmp_path / name for name in ("images.npy", "weights.safetensors", "metrics.csv"))
    for path, age in ((store, 10), (weights, 3600), (later, 5)):
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    before = later.stat().st_mtime_ns
    _date_after([store, tmp_path], [weights, later])
    assert weights.stat().st_mtime_ns == store.stat().st_mtime_ns
    assert later.stat().st_mtime_ns == before


JOB = """
import sys, time, types
from pathlib import Path
from pretraining_robustness.rule import run_rule

folder = Path(sys.argv[1])

def work():
    (folder / "at work").touch()
    while not (folder / "enough").exists():
        time.sleep(0.01)

job = types.SimpleNamespace(rule="r", log=[folder / "log"], input=[], output=[], params={"state": f"{folder}/state"})
run_rule(job, work)
"""


def test_a_job_that_is_started_twice_is_refused_until_the_first_one_ends(tmp_path: Path) -> None:
    def start() -> subprocess.Popen:
        command = [sys.executable, "-c", JOB, str(tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER)}
        return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def started() -> subprocess.Popen:
        job = start()
        while not (tmp_path / "at work").exists():
            assert job.poll() is None
            time.sleep(0.01)
        (tmp_path / "at work").unlink()
        return job

    first = started()
    second = start()
    said = second.communicate(timeout=60)[1]
    assert second.returncode == 1
    assert said.startswith("ERROR: ")
    assert f"{tmp_path}/state: process {first.pid} on {socket.gethostname()} holds this output" in said
    assert said.count("\n") == 1
    first.kill()
    first.communicate()
    third = started()  # what a killed job leaves holds nothing up
    (tmp_path / "enough").touch()
    assert third.communicate(timeout=60)[1] == ""
    assert third.returncode == 0
    assert not (tmp_path / "state").exists()


UNABLE = [errno.ENOLCK, errno.ENOTSUP, errno.EPERM, errno.ENOSYS]  # as file systems say that they cannot


@pytest.mark.parametrize("number", UNABLE)
def test_a_disk_that_cannot_lock_is_worked_on_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with _alone(str(tmp_path / "state")):
        (tmp_path / "state" / "journal").touch()
    assert "no other job is kept from working on the same" in caplog.text
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["journal"]
    with pytest.raises(InputError, match=f"the lock file of a GPU .*{re.escape(os.strerror(number))}"):
        lease_card(1, cards=["0"], folder=tmp_path / "cards")


@pytest.mark.parametrize("number", UNABLE)
def test_a_disk_without_hard_links_gets_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def no_links(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("os.link", no_links)
    state = TrainingState(tmp_path / "state", "mine")
    state.folder.mkdir()
    state.checkpoint(1).write_bytes(b"weights")
    state.publish(1, tmp_path / "epoch_1.safetensors")
    assert (tmp_path / "epoch_1.safetensors").read_bytes() == b"weights"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["epoch_1.safetensors", "state"]


@pytest.mark.slow
def test_a_study_whose_disk_is_too_small_goes_on_with_a_larger_one(workflow, own_study, tmp_path):
    from PIL import Image

    random = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / f"pictures/my_source/{'abc'[number % 3]}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)
    study = own_study()
    target = "own/results/distributions/my_source_full/promises.csv"
    workflow.run(target, config=study)

    def made() -> dict[str, bytes]:
        found = [path for kind in ("stores", "distributions") for path in (own / "results" / kind).rglob("*")]
        return {path.name: path.read_bytes() for path in found if path.is_file()}

    own = tmp_path / "own"
    expected = made()
    own.rename(tmp_path / "undisturbed")
    own.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", own], capture_output=True).returncode:
        pytest.skip("only root can mount a disk")
    try:
        for size, words in (("32k", "are needed and the disk has"), ("76k", "the disk is full")):
            subprocess.run(["mount", "-o", f"remount,size={size}", own], check=True)
            printed = workflow.run(target, config=study, fails=True)
            assert len({line for line in printed.splitlines() if line.startswith("ERROR: ") and words in line}) == 1
            assert "Traceback" not in printed
        subprocess.run(["mount", "-o", "remount,size=8m", own], check=True)
        workflow.run(target, config=study)
        assert made() == expected
    finally:
        subprocess.run(["umount", own], check=True)
