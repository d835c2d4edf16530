"""Kinds of input that other people bring: a study of them all through the whole workflow, and what each may change.

What a single reader makes of a kind is tested beside it: tables in unit/test_csv_tables.py, folders, pixels and shards
in unit/store, configuration files in unit/study/test_strict_yaml.py, letters and signs in unit/figures.
"""

import copy
import os
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pretraining_robustness import wordnet

CLASSES = ("001", "None", "NA", "true", "Käfer  {x}")
LABEL = "Ba$$in 100 % of_a {x}  鸟"
FIGURE = "figures/my_figure"


def draw(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)


@pytest.fixture(scope="session")
def finished(workflow_type, own_study, tmp_path_factory):
    """A finished study of nothing but odd names in odd surroundings; tests leave it as they found it."""
    own = workflow_type(tmp_path_factory.mktemp("my study (1) [a]"))
    photos, task = own.folder / "photos", own.folder / "task"
    for number, name in enumerate(CLASSES):
        for picture in range(4):
            deep = "images/" if name == "NA" else ""
            draw(photos / name / f"{deep}{picture}.jpg", 10 * number + picture)
    rows = ["\ufefffilename,y,split,class_name"]
    for split in ("train", "id_val", "id_test", "val", "test"):
        for number in range(4):
            draw(task / f"{split}/{number}.png", hash((split, number)) % 2**32)
            rows += [f"{split}/{number}.png,{number % 2},{split},{('null', '1e5')[number % 2]},", ""]
    (task / "metadata.csv").write_text("\r\n".join(rows), encoding="utf-8")
    (own.folder / "theirs.csv").write_text("model,id,ood,group\nNA,0.5,0.4,null\nB,0.6,0.5,null\nC,0.7,0.6,null\n")
    study = own_study()
    study["sources"]["my_source"] |= {"path": "photos", "label": LABEL}
    study["tasks"]["my_task"]["path"] = "task"
    study["distributions"]["my_source_full"]["label"] = LABEL
    study["distributions"]["my_source_500"]["images"] = 10
    study["figures"]["my_figure"]["published"] = ["theirs.csv"]
    study["figures"]["my_figure"]["panels"][0]["series"].append("null")
    small = {"epochs": None, "steps": 3, "batch_size": 8}
    own.study = study | {
        "runs": {"architectures": ["resnet10"], "seeds": [0], "seeds_of": {"scratch": [0]}},
        "recipes": {"pretrain": small, "finetune": {"epochs": 2, "batch_size": 8}},
        "trends": {"resamples": 20},
        "comparisons": {"permutations": 20},
        "effective_robustness": {"baselines": ["scratch"]},
    }
    own.results = own.folder / "own/results"
    impostor = own.folder / "impostor/pretraining_robustness"
    impostor.mkdir(parents=True)
    (impostor / "__init__.py").write_text("raise SystemExit('not this one')")
    (own.folder / "matplotlibrc").write_text("text.usetex: True\nfont.size: 40\n")
    with pytest.MonkeyPatch.context() as surroundings:
        surroundings.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
        surroundings.setenv("PYTHONPATH", str(impostor.parent))
        surroundings.setenv("LC_ALL", "C")
        own.run("my_figure", config=own.study)
    return own


@pytest.fixture
def study(finished):
    """The finished study, put back as it was after the test."""
    kept = finished.folder.parent / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    for name in ("photos", "task"):
        shutil.copytree(finished.folder / name, kept / name, symlinks=True)
    yield finished
    for name in ("photos", "task"):
        shutil.rmtree(finished.folder / name, ignore_errors=True)
        shutil.copytree(kept / name, finished.folder / name, symlinks=True)


def plan(own, **changes):
    return own.plan("my_figure", config=own.study | changes)


def refusal(own, *targets, **changes):
    printed = own.run(*(targets or ("my_figure",)), "--dry-run", config=own.study | changes, fails=True)
    assert "Traceback (most recent call last)" not in printed
    return printed


def test_odd_names_come_through_the_whole_workflow(finished):
    stores = finished.results / "stores"
    classes = pd.read_csv(stores / "my_source/classes.csv", dtype=str, keep_default_na=False)
    assert classes["class_id"].tolist() == sorted(CLASSES)
    chosen = finished.results / "distributions/my_source_full/classes.csv"
    assert set(pd.read_csv(chosen, dtype=str, keep_default_na=False)["label_name"]) == set(CLASSES)
    names = pd.read_csv(stores / "my_task/classes.csv", dtype=str, keep_default_na=False)["name"]
    assert names.tolist() == ["null", "1e5"]
    assert LABEL in set(pd.read_csv(finished.results / f"{FIGURE}.csv")["label"])
    shown = pd.read_csv(finished.results / f"{FIGURE}.csv", dtype=str, keep_default_na=False)
    assert "null" in set(shown["series"])
    log = (finished.results / "logs/draw_figure/my_figure.log").read_text(encoding="utf-8")
    assert "no installed font has the letters 鸟" in log or "WARNING" not in log


def test_nothing_is_made_again_for_what_no_reader_reads(study):
    for path in ("photos/.DS_Store", "photos/None/._0.jpg", "photos/None/Thumbs.db", "task/notes.txt"):
        (study.folder / path).touch()
    (study.folder / "photos/.git/objects").mkdir(parents=True)
    for folder in ("photos", "photos/NA", "task"):
        os.utime(study.folder / folder, (2**31, 2**31))  # in 2038
    assert not plan(study)
    shutil.rmtree(study.folder / "photos")  # the store is made: what it was made of may go
    assert not plan(study)


@pytest.mark.parametrize("change", ["an image more", "an image less", "an image edited", "an image renamed", "a label"])
def test_what_a_reader_reads_is_noticed_and_nothing_else_is_made_again(study, change):
    cat = study.folder / "photos/None"
    if change == "an image more":
        draw(cat / "9.jpg", 99)
    elif change == "an image less":
        (cat / "0.jpg").unlink()
    elif change == "an image edited":
        draw(cat / "0.jpg", 99)
    elif change == "an image renamed":
        (cat / "0.jpg").rename(cat / "5.jpg")
    else:
        metadata = study.folder / "task/metadata.csv"
        text = metadata.read_text(encoding="utf-8").replace("train/0.png,0,train,null", "train/0.png,1,train,1e5")
        metadata.write_text(text, encoding="utf-8")
    jobs = plan(study)
    assert jobs["build_store"] == 1
    assert jobs["pretrain"] == (0 if change == "a label" else 2)
    assert jobs["finetune"] == (3 if change == "a label" else 2)


def test_a_task_is_divided_by_the_camera_of_its_table(study):
    metadata = study.folder / "task/metadata.csv"
    rows = list(filter(None, metadata.read_text(encoding="utf-8-sig").splitlines()))
    cameras = ["NA", "001", "None", "1e5"]
    table = [line.rstrip(",") + f",{cameras[number % 4]}" for number, line in enumerate(rows[1:])]
    metadata.write_text("\n".join([f"{rows[0]},camera", *table]), encoding="utf-8")
    splits = {"by": "place", "column": "camera", "test": ["001"], "id_test": 0.2}
    task = {**study.study["tasks"]["my_task"], "splits": splits, "clusters": "camera"}
    jobs = plan(study, tasks={"my_task": task})
    assert (jobs["build_store"], jobs["pretrain"], jobs["finetune"]) == (1, 0, 3)
    assert "no column site" in refusal(study, tasks={"my_task": {**task, "splits": {**splits, "column": "site"}}})


FOLDERS = {  # of ImageNet's training images as its archive unpacks, without the devkit: wnids, and what each is
    "n01440764": "tench, Tinca tinca",
    "n01537544": "indigo bunting, indigo finch, indigo bird, Passerina cyanea",
    "n01608432": "kite",
    "n02667093": "abaya",
    "n02837789": "bikini, two-piece",
}


def test_unpacked_imagenet_has_wordnet_depths_breeds_and_synsets(workflow, own_study):
    for number, wnid in enumerate(FOLDERS):
        for image in range(2):
            draw(workflow.folder / f"train/{wnid}/{wnid}_{image}.JPEG", 10 * number + image)
    study = own_study()
    study["sources"]["my_source"]["path"] = "train"
    imagenet = {"source": "my_source", "key": "wnid", "label": "superclasses"}
    study["label_maps"] = {
        "depth": {**imagenet, "table": "data/imagenet_superclasses.csv", "column": "depth4"},
        "garments_and_birds": {**imagenet, "table": "data/imagenet_breeds.csv", "column": "superclass"},
    }
    ratio = {"ratio": 0.5, "superclasses": ["dummy32", "n01503061"], "subclasses": 2}
    study["distributions"] = {
        "animals": {"source": "my_source", "classes": {"under": "n00015388"}},
        "artefacts": {"source": "my_source", "classes": {"not_under": "n00015388"}, "images": 2},
        "coarse": {"source": "my_source", "labels": "depth"},
        "half": {"source": "my_source", "labels": "garments_and_birds", "classes": ratio},
    }
    study["figures"]["my_figure"]["panels"][0]["series"] = ["scratch", "animals"]
    place = "own/results/distributions"
    workflow.run(*(f"{place}/{name}/promises.csv" for name in study["distributions"]), config=study)
    chosen = {
        name: pd.read_csv(workflow.folder / place / name / "classes.csv", dtype=str) for name in study["distributions"]
    }
    assert dict(zip(chosen["coarse"]["class_id"], chosen["coarse"]["class_name"], strict=True)) == FOLDERS
    assert set(chosen["animals"]["class_id"]) == {"n01440764", "n01537544", "n01608432"}
    assert chosen["artefacts"]["images"].tolist() == ["1", "1"]
    tench, bird, kite, *garments = (wordnet.superclass(wnid, 4) for wnid in FOLDERS)
    assert tench == bird == kite != garments[0] == garments[1]
    assert chosen["coarse"]["label"].nunique() == 2
    assert chosen["half"]["label_name"].tolist() == ["garment", "bird"]
    study["distributions"]["animals"]["classes"]["under"] = "n02084071"  # dogs, of which there is none
    printed = workflow.run(f"{place}/animals/promises.csv", "--dry-run", config=study, fails=True)
    assert printed.splitlines()[-1].startswith("ERROR: distributions.animals: my_source has none of these classes; ")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"groups": "camera"}, "ERROR: task: its table has no column camera, by which the task's config groups images"),
        ({"images": 500}, "ERROR: distributions.my_source_500: asks for 500 images, but its 5 classes of my_source"),
        ({"classes": {"random": 6}}, "ERROR: distributions.my_source_500: asks for 6 classes, but my_source has 5"),
        ({"held_out": "id_val"}, "no image has the split id_val"),
        ("1,2", "config figures.my_figure.published.0: theirs.csv: line 2: model NA: id is not a number"),
    ],
)
def test_what_the_whole_study_makes_impossible_is_the_last_line_of_planning(study, change, line):
    """Before anything is decoded or trained: in other hands these came up after hours, in the last rule."""
    changed = copy.deepcopy(study.study)
    theirs = study.folder / "theirs.csv"
    good = theirs.read_text()
    if isinstance(change, str):
        theirs.write_text(good.replace("NA,0.5", f'NA,"{change}"'))
    elif "held_out" in change:
        metadata = study.folder / "task/metadata.csv"
        metadata.write_text(metadata.read_text(encoding="utf-8").replace(",id_val,", ",train,"), encoding="utf-8")
        changed["tasks"]["my_task"]["test_sets"].pop("id_val", None)
        changed["methods"] = {"soup": {"kind": "greedy_soup", "of": ["full", "linear_probe"], **change}}
        changed["figures"]["my_figure"]["panels"][0]["series"][1] += "@soup"
    elif {"images", "classes"} & set(change):
        changed["distributions"]["my_source_500"] |= change
    else:
        changed["tasks"]["my_task"] |= change
    try:
        printed = refusal(study, **changed)
    finally:
        theirs.write_text(good)
    assert line in printed.splitlines()[-1]


def test_only_names_typed_as_targets_are_taken_for_misspelt_ones(study):
    assert "did you mean 'my_figure'?" in refusal(study, "my_figur")
    assert "did you mean" not in refusal(study, "photo/s.jpg")
