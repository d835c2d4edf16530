"""A run keeps the configuration with which it started; tests/cluster breaks the file while jobs read it elsewhere."""

import time

OVERLAY = {"scale": {"images": 0.001, "classes": 0.025}, "sources": {"imagenet": {"world": {"image_size": 32}}}}
TARGET = "resources/imagenet/ILSVRC2012_img_train.tar"


def test_an_edit_during_a_run_is_told_in_one_line_and_not_heeded(workflow):
    process = workflow.start(TARGET, config=OVERLAY)
    frozen = workflow.folder / ".snakemake/configurations"
    while not list(frozen.glob("*.yaml")) and process.poll() is None:
        time.sleep(0.05)
    overlay = workflow.folder / "overlay.yaml"
    overlay.write_text("study: [not a study", encoding="utf-8")
    printed, _ = process.communicate(timeout=300)
    assert process.returncode == 0, printed
    told = [line for line in printed.splitlines() if "has changed since this run started" in line]
    assert len(told) == 1
    assert told[0].startswith(f"{overlay} has changed")
