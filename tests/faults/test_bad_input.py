"""Bad input to the whole workflow: one line that says what is wrong, and nothing half-made."""

import copy
import os

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from miniature.formats.iwildcam_archive import draw as draw_iwildcam
from pretraining_robustness.acquire.archives import unpack
from pretraining_robustness.networks.architectures import build


@pytest.fixture
def own(workflow, own_study):
    """The example study for own pictures, with a source of 3 classes and a task of 2 classes in place."""
    random = np.random.default_rng(0)

    def draw(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)

    for kind in ("cat", "dog", "owl"):
        for number in range(4):
            draw(workflow.folder / f"pictures/my_source/{kind}/{number}.jpg")
    rows = []
    for split in ("train", "id_val", "id_test", "val", "test"):
        for number in range(4):
            rows.append({"filename": f"{split}/{number}.png", "y": number % 2, "split": split})
            draw(workflow.folder / "pictures/my_task" / rows[-1]["filename"])
    pd.DataFrame(rows).to_csv(workflow.folder / "pictures/my_task/metadata.csv", index=False)
    workflow.study = own_study()
    workflow.metadata = workflow.folder / "pictures/my_task/metadata.csv"
    return workflow


def refusal(own, target):
    """Run a target that must fail, and return the lines that say why."""
    printed = own.run(target, config=own.study, fails=True)
    said = [line for line in printed.splitlines() if line.startswith("ERROR: ")]
    assert len(set(said)) == 1, printed[-4000:]
    assert not (own.folder / target).exists()
    return said[0]


STORE = "own/results/stores/my_task/images.npy"


def test_an_image_that_does_not_decode_is_named_or_counted(own):
    broken = own.folder / "pictures/my_source/dog/2.jpg"
    broken.write_bytes(broken.read_bytes()[:300])
    assert "dog/2.jpg" in refusal(own, "own/results/stores/my_source/images.npy")
    own.study["store"] = {"on_undecodable": "skip"}
    own.run("own/results/stores/my_source/images.npy", config=own.study)
    listed = pd.read_csv(own.folder / "own/results/stores/my_source/undecodable.csv")
    assert listed["image"].tolist() == ["dog/2.jpg"]
    assert pd.read_csv(own.folder / "own/results/stores/my_source/classes.csv")["images"].tolist() == [4, 3, 4]
    for image in broken.parent.iterdir():
        image.write_bytes(b"<html>404</html>")
    own.run("own/results/distributions/my_source_full/promises.csv", config=own.study)
    chosen = pd.read_csv(own.folder / "own/results/distributions/my_source_full/classes.csv")
    assert dict(zip(chosen["label_name"], chosen["label"], strict=True)) == {"cat": 0, "owl": 1}
    for number in range(4):
        (own.folder / f"pictures/my_task/test/{number}.png").write_bytes(b"<html>404</html>")
    assert "no image of the split test, on which the study measures, could be decoded; repair some" in refusal(
        own, STORE
    )


def test_a_folder_may_be_gone_when_its_store_is_made_but_its_path_may_not_be_misspelt(own):
    stores = {"sources": "my_source", "tasks": "my_task"}
    targets = [f"own/results/stores/{name}/images.npy" for name in stores.values()]
    own.run(*targets, config=own.study)
    (own.folder / "pictures").rename(own.folder / "elsewhere")
    assert not own.plan(*targets, config=own.study)
    for section, name in stores.items():
        for wrong in (f"pictures/{name}s", f"picture/{name}", "nowhere"):
            spoilt = copy.deepcopy(own.study)
            spoilt[section][name]["path"] = wrong
            printed = own.run(*targets, "--dry-run", config=spoilt, fails=True)
            assert f"ERROR: config {section}.{name}.path: " in printed
            assert f"did you mean 'pictures/{name}'?" in printed
    own.study["sources"]["my_source"]["path"] = str(own.folder / "pictures/my_source")
    assert not own.plan(*targets, config=own.study)


def test_what_a_training_job_refuses_before_it_trains_is_mended_and_the_same_command_goes_on(own):
    weights = "own/results/pretrain/my_source_full/resnet10/seed_0/weights.safetensors"
    images = own.folder / "own/results/stores/my_source/images.npy"
    network = {"family": "ResNet", "builder": "ResNet", "arguments": {"block": "BasicBlock", "layers": [1, 1]}}
    own.study |= {"architectures": {"resnet10": network}, "effective_robustness": {"baselines": ["scratch"]}}
    own.study["runs"] = {"architectures": ["resnet10"], "seeds_of": {"scratch": [0]}, "held_out": 0.001}
    own.study["recipes"] = {"pretrain": {"epochs": None, "steps": 3, "batch_size": 4}}

    assert "config architectures.resnet10: builder 'ResNet' does not take" in refusal(own, weights)
    network["arguments"]["layers"] = [1, 1, 1, 1]
    assert "raise runs.held_out" in refusal(own, weights)
    own.study["runs"]["held_out"] = 0.5
    damaged, stamp = images.read_bytes()[:100], images.stat().st_mtime_ns
    images.write_bytes(damaged)
    os.utime(images, ns=(stamp, stamp))  # as a disk does it
    assert "images.npy: not the images of a store" in refusal(own, weights)
    images.unlink()  # "remove it and run the same command again"
    own.run(weights, config=own.study)
    assert (own.folder / weights).exists()


def test_published_weights_that_are_missing_are_named_and_putting_them_there_goes_on(own, config):
    own.study["sources"]["theirs"] = {"format": "published", "images": 10, "pretrained": "theirs.pth"}
    own.study["distributions"]["theirs"] = {"source": "theirs", "architectures": ["resnet10"]}
    weights = "own/results/pretrain/theirs/resnet10/seed_0/weights.safetensors"
    assert "theirs.pth: no such file of published weights; correct the path, or put it there" in refusal(own, weights)
    torch.save(build(config["architectures"]["resnet10"], 7).state_dict(), own.folder / "theirs.pth")
    own.run(weights, config=own.study)
    assert (own.folder / weights).exists()


def test_archives_that_are_missing_or_are_others_are_asked_for_in_one_line(workflow, paper_config):
    target = "paper/resources/imagenet/ILSVRC2012_img_train.tar"
    sums = {"ILSVRC2012_img_train.tar": "1d675b47d978889d74fa0da5fadfb00e"}
    sums["ILSVRC2012_devkit_t12.tar.gz"] = "fa75699e90414af021442c21a62c3abf"

    def refused():
        printed = workflow.run(target, config=paper_config, fails=True)
        (line,) = {line for line in printed.splitlines() if line.startswith("ERROR: ")}
        assert not (workflow.folder / target).exists()
        return line

    line = refused()
    assert all(word in line for word in [*sums, sums["ILSVRC2012_img_train.tar"], "paper/downloads"])
    place = workflow.folder / "paper/downloads"
    place.mkdir(parents=True)
    for name in sums:
        (place / name).write_bytes(b"not an archive")
    line = refused()
    assert "paper/downloads/ILSVRC2012" in line
    assert any(one in line for one in sums.values())


@pytest.fixture
def wilds_folder(workflow):
    """A folder that holds iWildCam as WILDS has it, unpacked, and its archive beside it."""
    folder = workflow.folder / "wilds"
    draw_iwildcam([workflow.folder / "iwildcam_v2.0.tar.gz"], 6, 400, 16, image_size=32, seed=0)
    unpack(workflow.folder / "iwildcam_v2.0.tar.gz", folder / "iwildcam_v2.0")
    return folder


WILD = {"format": "wilds", "dataset": "iwildcam", "plots": {"id": "id_test", "ood": "test"}}
WILD |= {"test_sets": {"id_test": {"role": "id"}, "test": {"role": "ood"}}}


def test_a_wilds_data_set_is_taken_from_a_folder_whose_other_contents_do_not_matter(own, wilds_folder):
    own.study["tasks"]["wild"] = {**WILD, "path": "wilds"}  # a name that a figure might have
    store = "own/results/stores/wild/images.npy"
    (wilds_folder / "iwildcam_v2.0").rename(wilds_folder / "iwildcam_v1.0")
    line = refusal(own, store)
    assert "wilds/iwildcam_v2.0/RELEASE_v2.0.txt: no such file (there is iwildcam_v1.0, another version)" in line
    (wilds_folder / "iwildcam_v1.0").rename(wilds_folder / "iwildcam_v2.0")
    own.run(store, config=own.study)
    assert np.load(own.folder / store, mmap_mode="r").shape == (400, 32, 32, 3)
    assert {"location", "sequence"} < set(pd.read_parquet(own.folder / "own/results/stores/wild/images.parquet"))
    (wilds_folder / "fmow_v1.1").mkdir()
    assert not own.plan(store, config=own.study)


def test_a_wilds_data_set_is_taken_from_the_archive_that_the_user_placed(workflow, paper_config, wilds_folder):
    place = workflow.folder / "paper/downloads"
    place.mkdir(parents=True)
    archive = place / "iwildcam_v2.0.tar.gz"
    (workflow.folder / archive.name).rename(archive)
    paper_config["tasks"]["wild"] = {**WILD, "store": {"size": 16}}
    workflow.run("paper/results/stores/wild/images.npy", config=paper_config)
    images = workflow.folder / "paper/results/stores/wild/images.npy"
    assert np.load(images, mmap_mode="r").shape == (400, 16, 16, 3)
