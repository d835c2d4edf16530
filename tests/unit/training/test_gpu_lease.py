import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from pretraining_robustness.training.lease import lease_card, visible_cards

PACKAGE_FOLDER = Path(__file__).parents[3] / "workflow_scripts"
# Takes a card, notes the time, works a little, notes the time again.
JOB = """
import os, sys, time
from pathlib import Path
from pretraining_robustness.training.lease import lease_card
card = lease_card(folder=Path(sys.argv[1]))
assert os.environ["CUDA_VISIBLE_DEVICES"] == card
begin = time.time()
print(card, flush=True)
time.sleep(float(sys.argv[2]))
print(begin, time.time(), flush=True)
"""


@pytest.fixture(autouse=True)
def _no_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CUDA_VISIBLE_DEVICES", "SLURM_STEP_GPUS", "SLURM_JOB_GPUS"):
        monkeypatch.delenv(name, raising=False)


def start(folder: Path, seconds: float, cards: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER), "CUDA_VISIBLE_DEVICES": cards}
    command = [sys.executable, "-c", JOB, str(folder), str(seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_eight_jobs_never_share_one_of_two_cards(tmp_path: Path) -> None:
    jobs = [start(tmp_path, 0.1, "4,GPU-5f/1") for _ in range(8)]
    spans: dict[str, list[tuple[float, float]]] = {}
    for job in jobs:
        output, _ = job.communicate(timeout=60)
        card, begin, end = output.split()
        spans.setdefault(card, []).append((float(begin), float(end)))
    assert set(spans) == {"4", "GPU-5f/1"}
    assert sum(map(len, spans.values())) == 8
    for held in spans.values():
        held.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(held))


def test_a_killed_job_frees_its_card(tmp_path: Path) -> None:
    first = start(tmp_path, 60, "0")
    assert first.stdout is not None
    assert first.stdout.readline().strip() == "0"
    second = start(tmp_path, 0, "0")
    time.sleep(0.7)
    assert second.poll() is None
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert second.communicate(timeout=30)[0].split()[0] == "0"


def test_slurms_choice_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLURM_JOB_GPUS", "2,3")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert lease_card(folder=tmp_path) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,1"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("hidden", ["", "-1"])
def test_hidden_cards_mean_the_processor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hidden: str) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert lease_card(folder=tmp_path) is None
    assert os.environ["CUDA_VISIBLE_DEVICES"] == hidden


def test_cards_are_counted_by_their_device_files(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-modeset"):
        (tmp_path / name).touch()
    assert visible_cards(tmp_path) == ["0", "1"]
    assert visible_cards(tmp_path / "nothing") == []
    assert lease_card(cards=[], folder=tmp_path) is None


def test_the_lease_does_not_import_torch() -> None:
    code = "import sys, pretraining_robustness.training.lease; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": str(PACKAGE_FOLDER)})
