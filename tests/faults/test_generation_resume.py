"""A generation killed with SIGKILL ends with an undisturbed one's bytes and has lost at most one batch.

Killed at random moments, at each commit of a batch, and at each rename, link and removal at its end. The generations
run in forks of one process that has imported torch and not used it yet: a kill costs no start-up.
"""

import random
from collections.abc import Callable
from pathlib import Path

RUNNER = '''
import csv, logging, os, random, signal, sys, time
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from pretraining_robustness.stable_diffusion import generate
from pretraining_robustness.stable_diffusion.image_plan import plan_prompts
from pretraining_robustness.stable_diffusion.train_diffusion import train_diffusion
from pretraining_robustness.store.partial_store import PartialStore

folder, chance = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
WNIDS = ["n01440764", "n02099601"]
SETTINGS = {"image_size": 16, "size": 16, "scheduler": "ddim", "steps": 2, "guidance": 3.0, "batch_size": 4,
            "encoding": "uint8"}
MODEL = {"autoencoder_channels": [8, 8], "autoencoder_steps": 1, "unet_channels": [8, 16], "text_width": 16, "steps": 2,
         "batch_size": 4, "caption_length": 12, "learning_rate": 0.5}


def fork(work, prepare=lambda: None):
    process = os.fork()
    if process:
        return process
    logging.basicConfig(filename=folder / "log", level=logging.INFO, force=True)
    try:
        prepare()
        work()
    except BaseException:
        logging.exception("failed")
        os._exit(1)
    os._exit(0)


def wait(process):
    return os.waitpid(process, 0)[1]


def make_model():
    np.save(folder / "real.npy", np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8))
    pd.DataFrame({"row": range(8), "class_id": WNIDS * 4}).to_parquet(folder / "real.parquet")
    (folder / "classes.csv").write_text("class_id,name\\n" + "".join(f"{wnid},x\\n" for wnid in WNIDS))
    train_diffusion(images=folder / "real.npy", table=folder / "real.parquet", classes=folder / "classes.csv",
                    pipeline=folder / "model", metrics=folder / "m.csv", model=MODEL, state=folder / "s", code="c")
    plan_prompts(classes=folder / "classes.csv", prompts=folder / "p.csv", table=folder / "plan", images=26, seed=0)


def generation(out):
    return lambda: generate.generate_images(
        plan=folder / "plan", model=folder / "model", images=out / "images.npy", table=out / "images.parquet",
        metrics=out / "metrics.csv", settings=SETTINGS, shards=1, shard=0, state=out / "state", code="c")


def outputs(out):
    return {name: (out / name).read_bytes() for name in ("images.npy", "images.parquet")}


def delete_outputs(out):
    """What Snakemake does before it starts a failed job again."""
    for name in ("images.npy", "images.parquet", "metrics.csv"):
        (out / name).unlink(missing_ok=True)


def journal(out):
    path = out / "state" / "journal.jsonl"
    return max(0, path.read_text().count("\\n") - 1) if path.exists() else 0


def killing(owner, name, at):
    """Let the process kill itself at its call number `at` of `owner.name`."""
    function, calls = getattr(owner, name), 0
    def wrapper(*arguments, **options):
        nonlocal calls
        calls += 1
        if calls == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    setattr(owner, name, wrapper)


assert wait(fork(make_model)) == 0, (folder / "log").read_text()
began = time.monotonic()
assert wait(fork(generation(folder / "undisturbed"))) == 0, (folder / "log").read_text()
whole = time.monotonic() - began
expected = outputs(folder / "undisturbed")

# Each commit: the batch in work is lost, those before are kept.
for at in (1, 3, 7):
    out = folder / f"commit_{at}"
    assert os.WIFSIGNALED(wait(fork(generation(out), lambda: killing(PartialStore, "commit", at))))
    assert journal(out) == 4 * (at - 1), (at, journal(out))
    delete_outputs(out)
    assert wait(fork(generation(out))) == 0, (folder / "log").read_text()
    assert outputs(out) == expected, at
    assert next(csv.DictReader(open(out / "metrics.csv")))["resumed"] == str(4 * (at - 1))

# Each of the last calls: nothing is generated again once the last batch is committed.
points = 0
for owner, name in ((Path, "replace"), (os, "link"), (generate.shutil, "rmtree")):
    for at in range(1, 10):
        out = folder / f"{name}_{at}"
        status = wait(fork(generation(out), lambda: killing(owner, name, at)))
        if status == 0:
            break
        points += 1
        delete_outputs(out)
        assert wait(fork(generation(out))) == 0, (folder / "log").read_text()
        assert outputs(out) == expected, (name, at)
        assert not (out / "state").exists()
assert points >= 5, points

# Any moment.
out, kills, longest = folder / "killed", 0, whole / 10  # so that even a machine that has become faster is killed
while True:
    process = fork(generation(out))
    time.sleep(chance.uniform(0, longest))
    os.kill(process, signal.SIGKILL)
    if wait(process) == 0 or kills == 40:
        break
    kills += 1
    longest *= 1.3
    out.mkdir(exist_ok=True)
    delete_outputs(out)
assert outputs(out) == expected
print(points, "crash points,", kills, "kills,", round(whole, 2), "s a generation")
assert kills >= 2
'''


def test_a_killed_generation_ends_with_the_same_bytes(tmp_path: Path, run_apart: Callable[..., None]) -> None:
    run_apart(RUNNER, tmp_path, random.SystemRandom().randrange(10**6))  # other moments at every run
