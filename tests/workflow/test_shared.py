"""Two studies that share: the second one decodes and trains nothing of what the first has made."""

import copy
import time

import numpy as np
import pytest
from PIL import Image


@pytest.mark.slow
def test_a_second_study_trains_nothing_that_the_first_one_trained(workflow, own_study, tmp_path):
    random = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / f"pictures/my_source/{'abc'[number % 3]}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)
    study = own_study()
    study |= {"shared": "shared", "recipes": {"pretrain": {"epochs": 2, "steps": None, "batch_size": 8}}}
    study["runs"]["architectures"] = ["resnet10"]
    study["jobs"] = {"pretrain": "run"}
    study["distributions"]["my_source_full"]["architectures"] = ["resnet10"]

    def made(own: str, **recipe: object) -> tuple[bytes, str]:
        one = copy.deepcopy(study)
        one["study"] = own
        one["pathvars"] = {key: path.replace("own/", f"{own}/") for key, path in study["pathvars"].items()}
        one["recipes"]["pretrain"] |= recipe
        weights = f"{own}/results/pretrain/my_source_full/resnet10/seed_0/weights.safetensors"
        workflow.run(weights, config=one)
        assert not workflow.plan(weights, config=one)
        logs = tmp_path / own / "results/logs"
        (log,) = (logs / "pretrain").rglob("*.log")
        said = log.read_text() + (logs / "build_store/my_source.log").read_text()
        return (tmp_path / weights).read_bytes(), said

    first, said = made("one")
    assert "epoch 2 of 2" in said
    assert "taken from" not in said
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "shared").rglob("*.*")}
    time.sleep(0.1)
    second, said = made("two")
    assert second == first
    assert said.count("taken from") == 2
    assert "epoch" not in said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    third, said = made("three", learning_rate=0.02)
    assert third != first
    assert "epoch 2 of 2" in said
    assert said.count("taken from") == 1  # the store
