"""How many runs a job makes changes no byte of what they are."""

import shutil

RUNS = {"architectures": ["resnet10"], "seeds_of": {"scratch": [0, 1], "imagenet_full": [0, 1]}}
STUDY = {
    "scale": {"images": 0.001, "classes": 0.025, "task_images": 0.004, "task_classes": 0.06},
    "sources": {"imagenet": {"world": {"image_size": 48}}},
    "tasks": {"iwildcam": {"world": {"image_size": 48, "cameras": 16}}},
    "runs": RUNS,
    "recipes": {"pretrain": {"steps": 6}, "finetune": {"epochs": 2}},
}
ONE_RUN = {**STUDY, "jobs": {"pretrain": "run", "finetune": "run"}}
TARGET = "results/scores/fig2.csv"
MADE = ("*.safetensors", "predictions.parquet", "scores.csv")


def test_runs_together_and_alone_are_the_same_bytes(workflow):
    workflow.run(TARGET, config=STUDY)
    results = workflow.folder / "results"
    together = {path: path.read_bytes() for pattern in MADE for path in results.rglob(pattern)}
    assert len(together) == 2 + 2 * 2 * 2 + 2 + 2  # networks, checkpoints, predictions, scores
    assert not list(results.rglob("unfinished*"))
    # Snakemake knows a job by its parameters, so another granularity is other jobs; they are not run to change it back.
    assert workflow.plan(TARGET, config=ONE_RUN)["finetune"] == 4
    assert workflow.plan(TARGET, config=STUDY) == {}
    workflow.run(TARGET, "--touch", config=ONE_RUN)
    assert workflow.plan(TARGET, config=ONE_RUN) == {}
    assert {path: path.read_bytes() for path in together} == together
    for stage in ("pretrain", "finetune", "evaluate", "scores"):
        shutil.rmtree(results / stage)
    workflow.run(TARGET, config=ONE_RUN)
    assert {path: path.read_bytes() for path in together} == together
