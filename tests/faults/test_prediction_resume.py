"""A prediction killed with SIGKILL at each of its writes, or on a full disk, goes on where it stopped: the same bytes.

The predictions run in forks of one process that has imported torch and not used it yet: a kill costs no start-up.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

RUNNER = '''
import os, signal, shutil, sys
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pretraining_robustness.evaluate.predict import predict_parts
from pretraining_robustness.networks.architectures import build
from pretraining_robustness.networks.weights import save_weights
from pretraining_robustness.store.read import PixelPictures
from pretraining_robustness.training import batches, kept_answers

folder, small_disk = Path(sys.argv[1]), Path(sys.argv[2])
IMAGES, CLASSES = 3 * 256 + 70, 5
ARCHITECTURE = {"builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1, 1, 1]}}
RECIPE = {"epochs": 1, "batch_size": 32, "learning_rate": 0.01, "image_size": 16}
kept_answers.SAVE_EVERY_SECONDS = 0
batches.RESIDENT_FRACTION = 0.0
batches.AHEAD = 1


def parts(out):
    """Two series of two checkpoints, those of one merged per image."""
    return [{
        "inputs": {"stores": {"task": [str(folder / "images.npy"), str(folder / "images.parquet")]},
                   "checkpoints": [str(folder / f"epoch_{epoch}") for epoch in (0, 1)]},
        "outputs": {"predictions": str(out / name / "predictions.parquet")},
        "settings": {"test_sets": [{"name": "test", "store": "task", "split": "test", "classes": None}],
                     "networks": [{"name": "small", "seed": 0, "architecture": ARCHITECTURE, "recipe": RECIPE}],
                     "groups": groups},
        "state": str(out / name / "unfinished"),
    } for name, groups in (("alone", None), ("merged", 2))]


def data():
    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    np.save(folder / "images.npy", random.integers(0, 256, (IMAGES, 16, 16, 3), np.uint8))
    labels = np.arange(IMAGES) % CLASSES
    table = {"row": np.arange(IMAGES), "image": labels.astype(str), "class_id": labels.astype(str), "y": labels}
    pd.DataFrame({**table, "split": "test"}).to_parquet(folder / "images.parquet", index=False)
    for epoch in (0, 1):
        torch.manual_seed(epoch)
        save_weights(folder / f"epoch_{epoch}", build(ARCHITECTURE, CLASSES), {"epoch": epoch})


def run(out, crash_at=None):
    """Predict in a fork, which kills itself at that one of its renames; return its status and the images it read."""
    process = os.fork()
    if process == 0:
        read, replace, renames = PixelPictures.read_into, os.replace, 0

        def counting(self, rows, pixels):
            with open(folder / "read", "a") as file:
                file.write("x" * len(rows))
            read(self, rows, pixels)

        def crashing(*arguments, **options):
            nonlocal renames
            renames += 1
            if renames == crash_at:
                os.kill(os.getpid(), signal.SIGKILL)
            return replace(*arguments, **options)

        PixelPictures.read_into, os.replace = counting, crashing
        try:
            predict_parts(parts(out), "code")
        except OSError as error:
            (folder / "error").write_text(f"{error.errno} {error.filename}")
            os._exit(3)
        os._exit(0)
    (folder / "read").write_text("")
    status = os.waitpid(process, 0)[1]
    return status, (folder / "read").stat().st_size


def outputs(out):
    assert not list(out.rglob("unfinished")), list(out.rglob("*"))
    return [(out / name / "predictions.parquet").read_bytes() for name in ("alone", "merged")]


data()
status, whole = run(folder / "undisturbed")
assert status == 0
assert whole == 3 * IMAGES  # both series; for those merged per image, once for each network and once for the merged
expected = outputs(folder / "undisturbed")
point, status, read = 0, 1, []
while status != 0:
    point += 1
    out = folder / f"crash_{point}"
    status, _ = run(out, crash_at=point)
    if status != 0:
        again, images = run(out)
        assert again == 0
        read.append(images)
    assert outputs(out) == expected, point
    shutil.rmtree(out)
print(read)
assert read[0] == whole > read[len(read) // 2] > read[-1]
assert len(read) > 8

if small_disk.is_dir():
    status, _ = run(small_disk)
    assert os.waitstatus_to_exitcode(status) == 3
    number, name = (folder / "error").read_text().split()
    assert number == "28" and name.endswith(".npy"), name
    os.system(f"mount -o remount,size=8m {small_disk}")
    status, images = run(small_disk)
    assert status == 0 and images < whole, images
    assert outputs(small_disk) == expected
'''


@pytest.mark.slow
def test_a_stopped_prediction_goes_on_and_writes_the_same_bytes(tmp_path: Path, run_apart: Callable[..., None]) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=12k", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True).returncode == 0  # only root can
    try:
        run_apart(RUNNER, tmp_path, disk if mounted else "none")
    finally:
        if mounted:
            subprocess.run(["umount", disk], check=True)
    if not mounted:
        pytest.skip("only root can mount a disk; the kills were tested")
