import os
import signal
import stat
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from pretraining_robustness.errors import InputError
from pretraining_robustness.training import devices, lease
from pretraining_robustness.training.devices import memory_named, training_device
from pretraining_robustness.training.lease import cards_asked, lease_card, visible_cards

PACKAGE_FOLDER = Path(__file__).parents[3] / "workflow_scripts"
# Takes a card, notes the time, works a little, notes the time again.
JOB = """
import os, sys, time
from pathlib import Path
from pretraining_robustness.training.lease import lease_card
if len(sys.argv) > 3:
    os.umask(0o077)
    os.setuid(int(sys.argv[3]))
card = lease_card(1, folder=Path(sys.argv[1]))
assert os.environ["CUDA_VISIBLE_DEVICES"] == card
begin = time.time()
print(card, flush=True)
time.sleep(float(sys.argv[2]))
print(begin, time.time(), flush=True)
"""


@pytest.fixture(autouse=True)
def _no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS", "SLURM_JOB_ID"):
        monkeypatch.delenv(name, raising=False)
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TORCHINDUCTOR_COMPILE_THREADS", "CUDA_DEVICE_ORDER"):
        monkeypatch.setenv(name, "set")  # so that what a lease sets by default is taken back


def start(folder: Path, seconds: float, *user: int, **environment: str) -> subprocess.Popen:
    variables = {**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER), **environment}
    command = [sys.executable, "-c", JOB, str(folder), str(seconds), *map(str, user)]
    return subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def spans_by_card(jobs: list[subprocess.Popen]) -> dict[str, list[tuple[float, float]]]:
    """Return when each card was held, after checking that no two jobs held it at once."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for job in jobs:
        output, trouble = job.communicate(timeout=120)
        assert job.returncode == 0, trouble
        card, begin, end = output.split()
        spans.setdefault(card, []).append((float(begin), float(end)))
    for held in spans.values():
        held.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(held))
    return spans


@pytest.mark.parametrize(
    "environment",
    [
        {"CUDA_VISIBLE_DEVICES": "4,GPU-5f/1"},
        # One allocation of a cluster, with and without the variable that CUDA reads.
        {"CUDA_VISIBLE_DEVICES": "0,1", "SLURM_JOB_GPUS": "2,3", "SLURM_JOB_ID": "77"},
        {"SLURM_JOB_GPUS": "GPU-aa,GPU-bb", "SLURM_JOB_ID": "77"},
        {"SLURM_STEP_GPUS": "2,3", "SLURM_JOB_GPUS": "0,1,2,3", "SLURM_JOB_ID": "77"},
    ],
)
def test_more_jobs_than_cards_share_them_out_and_wait(tmp_path: Path, environment: dict[str, str]) -> None:
    chosen = next(
        environment[name]
        for name in ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS")
        if name in environment
    )
    spans = spans_by_card([start(tmp_path, 0.1, **environment) for _ in range(3)])
    assert set(spans) == set(chosen.split(","))


def test_equal_numbers_of_two_cluster_jobs_are_two_cards(tmp_path: Path) -> None:
    first = start(tmp_path, 60, CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="1")
    assert first.stdout is not None
    first.stdout.readline()
    assert start(tmp_path, 0, CUDA_VISIBLE_DEVICES="0", SLURM_JOB_ID="2").wait(timeout=120) == 0
    first.kill()
    first.communicate()


@pytest.fixture
def two_cards(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """NVIDIA's tool, which lists two cards."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho '0, GPU-aa'\necho '1, GPU-bb'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


def test_a_number_and_a_uuid_of_one_card_are_one_lock(two_cards: None, tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    first = start(locks, 60, CUDA_VISIBLE_DEVICES="1")
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "1"
    second = start(locks, 0, CUDA_VISIBLE_DEVICES="GPU-bb,GPU-aa")
    assert second.communicate(timeout=120)[0].split()[0] == "GPU-aa"
    first.kill()
    first.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become two users")
def test_two_users_share_the_cards_of_a_box(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = Path("/tmp", f"lease_of_two_users_{os.getpid()}")  # a folder of pytest's own is closed to others
    jobs = [start(folder, 0.1, user, CUDA_VISIBLE_DEVICES="0,1") for user in (64001, 64002, 64001, 64002)]
    try:
        assert set(spans_by_card(jobs)) == {"0", "1"}
        # The files of users who are gone serve the next one.
        spans_by_card([start(folder, 0, 64003, CUDA_VISIBLE_DEVICES="0,1")])
        modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == {0o666}
    finally:
        subprocess.run(["rm", "-r", str(folder)], check=True)


def test_a_killed_job_frees_its_card(tmp_path: Path) -> None:
    first = start(tmp_path, 60, CUDA_VISIBLE_DEVICES="0")
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "0"
    second = start(tmp_path, 0, CUDA_VISIBLE_DEVICES="0")
    time.sleep(0.7)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert second.communicate(timeout=120)[0].split()[0] == "0"


def test_a_rule_that_asks_for_no_card_sees_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert lease_card(0, folder=tmp_path) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert not list(tmp_path.iterdir())
    assert training_device(1).type == "cpu"


@pytest.mark.parametrize(
    ("resources", "asked"), [({}, 0), ({"gpu": 0}, 0), ({"gpu": 1}, 1), ({"gpu": 0, "gres": "gpu:a100:1"}, 1)]
)
def test_a_card_is_asked_for_by_gpu_or_by_gres(resources: dict, asked: int) -> None:
    assert cards_asked(resources) == asked


@pytest.mark.parametrize(
    ("variable", "value", "cards"),
    [
        ("CUDA_VISIBLE_DEVICES", "0, 1", ["0", "1"]),
        ("CUDA_VISIBLE_DEVICES", "2,-1,3", ["2"]),
        ("CUDA_VISIBLE_DEVICES", "none", []),
        ("CUDA_VISIBLE_DEVICES", "GPU-5f0e,MIG-77aa", ["GPU-5f0e", "MIG-77aa"]),
        ("SLURM_JOB_GPUS", "0-3", ["0", "1", "2", "3"]),
        ("SLURM_STEP_GPUS", "1,4-5", ["1", "4", "5"]),
    ],
)
def test_variables_name_the_cards(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, cards: list[str]) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", *lease.SLURM_VARIABLES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    assert visible_cards() == cards


@pytest.mark.parametrize("spoilt", ["a file", "a link to nowhere", "a link in it"])
def test_locks_that_cannot_be_used_are_named_and_removing_what_is_named_goes_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spoilt: str
) -> None:
    folder = tmp_path / "locks"
    if spoilt == "a file":
        folder.touch()
    elif spoilt == "a link to nowhere":
        folder.symlink_to("/nowhere")
    else:
        folder.mkdir()
        (folder / "0").symlink_to("/etc/passwd")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pytest.raises(InputError, match=r"cannot be used .*; when no job is running, remove it") as refused:
        lease_card(1, folder=folder)
    Path(str(refused.value).partition(": ")[0]).unlink()
    assert lease_card(1, folder=folder) == "0"


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_a_rule_that_asks_for_a_card_and_gets_none_stops(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hidden: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    monkeypatch.setattr(lease, "DRIVER", tmp_path / "version")
    with pytest.raises(
        InputError, match=f"requests a GPU .*no NVIDIA driver is loaded, CUDA_VISIBLE_DEVICES='{hidden}'"
    ):
        lease_card(1)


def test_a_card_that_torch_cannot_use_stops_with_torchs_and_the_drivers_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "version").write_text("535.104.05\n")
    monkeypatch.setattr(lease, "DRIVER", tmp_path / "version")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")

    def too_old(*arguments: object, **options: object) -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 12020).\nMore")

    monkeypatch.setattr(devices.torch, "zeros", too_old)
    with pytest.raises(InputError) as stopped:
        training_device(1)
    assert "driver on your system is too old (found version 12020). (NVIDIA driver 535.104.05" in str(stopped.value)
    assert "gpu: 0" in str(stopped.value)


def test_a_card_that_is_too_small_names_the_batch_size() -> None:
    with pytest.raises(InputError, match=r"batch_size: a batch of 256 images of 224 pixels"), memory_named(256, 224):
        raise torch.OutOfMemoryError("CUDA out of memory")


def test_compiled_kernels_are_shared_by_all_jobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("TORCHINDUCTOR_CACHE_DIR", "TORCHINDUCTOR_COMPILE_THREADS"):
        monkeypatch.delenv(name)
    lease_card(1, threads=3, cards=["0"], folder=tmp_path / "locks")
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / ".snakemake/compiled_kernels")
    assert os.environ["TORCHINDUCTOR_COMPILE_THREADS"] == "3"


def test_cards_are_counted_by_their_device_files_or_those_that_nvidias_tool_lists(
    two_cards: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "nvidia-modeset"):
        (tmp_path / name).touch()
    assert visible_cards(tmp_path) == ["0"]
    assert visible_cards(tmp_path / "nothing") == ["0", "1"]
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert visible_cards(tmp_path / "nothing") == []


def test_the_lease_does_not_import_torch() -> None:
    code = "import sys, pretraining_robustness.training.lease; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER)})
