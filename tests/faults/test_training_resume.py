"""Trainings killed with SIGKILL, at random moments and at each of their writes, end with an undisturbed one's bits.

The trainings run in forks of one process that has imported torch and not used it yet: a kill costs no start-up.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

RUNNER = '''
import logging, os, random, signal, sys, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pretraining_robustness import files
from pretraining_robustness.training import loop
from pretraining_robustness.training import state as training_state
from pretraining_robustness.finetune.finetune import finetune
from pretraining_robustness.pretrain.pretrain import pretrain

folder, stage, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
chance = random.Random(seed)
loop.SAVE_EVERY_SECONDS = chance.choice([0, 0.02])  # after every epoch, or not
ARCHITECTURE = {"builder": "DenseNet",
                "arguments": {"growth_rate": 4, "block_config": [2, 2], "num_init_features": 8, "drop_rate": 0.2}}
RECIPE = {"epochs": 4, "batch_size": 32, "learning_rate": 0.01, "weight_decay": 0.05, "image_size": 16,
          "augmentation": {"crop": "shift", "shift": 2, "flip": True}, "warmup_fraction": 0.1}
TEXT = {"width": 4, "heads": 1, "layers": 1}
# Imported before the forks, too.
if stage == "self_supervised":
    import pretraining_robustness.pretrain.self_supervised
if stage == "image_text":
    from pretraining_robustness.pretrain.pretrain_image_text import pretrain_image_text


def data():
    generator = np.random.default_rng(0)
    np.save(folder / "images.npy", generator.integers(0, 256, (320, 16, 16, 3), np.uint8))
    labels = generator.integers(0, 5, 320)
    task = {"row": np.arange(320), "y": labels, "split": ["train"] * 320}
    pyarrow.parquet.write_table(pa.table(task), folder / "images.parquet")
    pyarrow.parquet.write_table(pa.table({"row": np.arange(320), "label": labels}), folder / "index.parquet")
    names = [f"{label},class {label}" for label in range(5)]
    (folder / "classes.csv").write_text(os.linesep.join(["label,label_name", *names]))


def work(out):
    logging.basicConfig(filename=folder / "log", level=logging.INFO, force=True)
    same = dict(images=folder / "images.npy", table=folder / "images.parquet", metrics=out / "metrics.csv",
                distribution="d", architecture=ARCHITECTURE, recipe=RECIPE, seed=0, state=out / "state", code="c")
    source = dict(index=folder / "index.parquet", weights=out / "weights.safetensors")
    if stage == "pretrain":
        pretrain(**source, **same)
    elif stage == "self_supervised":
        pretrain(**source, **same, objective={"name": stage, "projection": 8})
    elif stage == "image_text":
        pretrain_image_text(**source, **same, classes=folder / "classes.csv", text=out / "text.safetensors",
                            objective={"name": stage, "embedding": 8, "context_length": 16, "text": TEXT})
    else:
        finetune(pretrained=None, checkpoints=[out / f"epoch_{epoch}.safetensors" for epoch in range(1, 5)], **same)


def fork(out, crash_at=None):
    """Start `work`; with `crash_at`, it kills itself at that one of its renames, links and removals."""
    process = os.fork()
    if process:
        return process
    if crash_at is not None:
        calls = 0
        def crashing(function):
            def wrapper(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls == crash_at:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)
            return wrapper
        os.replace, os.link = crashing(os.replace), crashing(os.link)
        training_state.shutil.rmtree = crashing(training_state.shutil.rmtree)
    try:
        work(out)
    except BaseException:
        logging.exception("failed")
        os._exit(1)
    os._exit(0)


def outputs(out):
    return {path.name: path.read_bytes() for path in sorted(out.iterdir()) if path.suffix == ".safetensors"}


def delete_outputs(out):
    """What Snakemake does before it starts a failed job again."""
    for path in [*out.glob("*.safetensors"), *out.glob("*.csv")]:
        path.unlink()


data()
began = time.monotonic()
assert os.waitpid(fork(folder / "undisturbed"), 0)[1] == 0
whole = time.monotonic() - began
expected = outputs(folder / "undisturbed")
assert expected

kills = resumed = rounds = 0
while kills < 3 or not resumed:  # a machine whose speed changes may miss the first epoch, or the end: once more
    rounds += 1
    assert rounds < 20
    out, longest, status = folder / f"killed_{rounds}", whole / 3, 1
    while status != 0:
        process = fork(out)
        time.sleep(chance.uniform(0, longest))
        os.kill(process, signal.SIGKILL)
        status = os.waitpid(process, 0)[1]
        assert status == 0 or os.WIFSIGNALED(status), (folder / "log").read_text()
        kills += status != 0
        longest *= 1.1  # so that a busy machine gets through an epoch, too
        if status != 0 and out.exists():
            delete_outputs(out)
    assert outputs(out) == expected
    assert not (out / "state").exists()
    resumed = (folder / "log").read_text().count("resuming after epoch")
print(kills, "kills,", resumed, "resumptions")

point, finished = 0, False
while not finished:
    point += 1
    out = folder / f"crash_{point}"
    finished = os.waitpid(fork(out, crash_at=point), 0)[1] == 0
    if not finished:
        delete_outputs(out)
        assert os.waitpid(fork(out), 0)[1] == 0, (folder / "log").read_text()
    assert outputs(out) == expected, point
    assert not (out / "state").exists()
print(point - 1, "crash points")
assert point > 6
'''


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["pretrain", "self_supervised", "image_text", "finetune"])
def test_a_killed_training_ends_with_the_same_bits(stage: str, tmp_path: Path, run_apart: Callable[..., None]) -> None:
    run_apart(RUNNER, tmp_path, stage, random.SystemRandom().randrange(10**6))  # other moments at every run
