"""Kinds of input that other people bring: a study of them all through the whole workflow, and what each may change.

What a single reader makes of a kind is tested beside it: tables in unit/test_csv_tables.py, folders, pixels and shards
in unit/store, configuration files in unit/study/test_strict_yaml.py, letters and signs in unit/figures.
"""

import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

CLASSES = ("001", "None", "NA", "true", "Käfer  {x}")
LABEL = "Ba$$in 100 % of_a {x}  鸟"
FIGURE = "figures/my_figure"


def draw(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)


@pytest.fixture(scope="session")
def finished(workflow_type, repository, tmp_path_factory):
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
    study = yaml.safe_load((repository / "data/studies/own_folders.yaml").read_text(encoding="utf-8"))
    study["sources"]["my_source"] |= {"path": "photos", "label": LABEL}
    study["tasks"]["my_task"]["path"] = "task"
    study["distributions"]["my_source_full"]["label"] = LABEL
    study["distributions"]["my_source_500"]["images"] = 10
    study["figures"]["my_figure"]["published"] = ["theirs.csv"]
    study["figures"]["my_figure"]["panels"][0]["series"].append("null")
    small = {"epochs": None, "steps": 3, "batch_size": 8}
    own.study = study | {
        "runs": {"architectures": ["resnet10"], "seeds": [0]},
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
    assert LABEL in (finished.results / f"{FIGURE}.txt").read_text(encoding="utf-8")
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


@pytest.mark.parametrize(
    ("change", "stores"),
    [("an image more", 1), ("an image less", 1), ("an image edited", 1), ("an image renamed", 1), ("a label", 1)],
)
def test_what_a_reader_reads_is_noticed_and_nothing_else_is_made_again(study, change, stores):
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
    assert jobs["build_store"] == stores
    assert jobs["pretrain"] == (0 if change == "a label" else 2)
    assert jobs["finetune"] == (3 if change == "a label" else 2)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("dangling", ["photos/None/0.jpg", "the link leads to /nowhere", "on_undecodable"]),
        ("latin-1 name", ["caf\\xe9.jpg", "not UTF-8", "convmv"]),
        ("no id_test", ["no image has the split id_test", "train 4"]),
        ("semicolons", ["metadata.csv", "separated by semicolons"]),
        ("latin-1 table", ["metadata.csv", "line 2", "0xe4", "UTF-8"]),
        ("twice", ["metadata.csv: line 43", "./train/0.png", "second time, first on line 2"]),
        ("line 8", ["metadata.csv: line 8", "'trainn'"]),
        ("splits", ["its folders are splits", "photos/train"]),
    ],
)
def test_what_is_wrong_is_said_at_the_start_and_mending_it_goes_on(study, spoil, words):
    metadata = study.folder / "task/metadata.csv"
    good = metadata.read_bytes()
    text = good.decode()
    photos, away = study.folder / "photos", study.folder / "away"
    if spoil == "dangling":
        (photos / "None/0.jpg").unlink()
        (photos / "None/0.jpg").symlink_to("/nowhere")
    elif spoil == "latin-1 name":
        with open(os.fsencode(photos / "None") + b"/caf\xe9.jpg", "wb") as file:
            file.write(b"x")
    elif spoil == "splits":
        photos.rename(away)
        shutil.copytree(away, photos / "train")
        shutil.copytree(away, photos / "test")
    else:
        spoilt = {
            "no id_test": text.replace(",id_test,", ",id_val,"),
            "semicolons": text.replace(",", ";"),
            "latin-1 table": text.removeprefix("\ufeff").replace("null", "Käfer"),
            "twice": f"{text}\r\n\r\n./train/0.png,0,test,null",
            "line 8": text.replace("train/3.png,1,train,", "train/3.png,1,trainn,"),
        }[spoil]
        metadata.write_bytes(spoilt.encode("latin-1" if "latin-1" in spoil else "utf-8"))
    printed = refusal(study)
    assert all(word in printed for word in words), printed[-1500:]
    if spoil == "dangling":  # does what the line says
        assert plan(study, store={"on_undecodable": "skip"})["build_store"]
    if spoil == "line 8":
        metadata.write_bytes(good)
        assert not plan(study)


def test_a_mended_image_lets_the_same_command_go_on(study):
    broken = study.folder / "photos/true/3.jpg"
    sound = broken.read_bytes()
    broken.write_bytes(sound[:200])
    target = "own/results/stores/my_source/images.npy"
    printed = study.run(target, config=study.study, fails=True)
    assert "true/3.jpg: the image does not decode" in printed
    broken.write_bytes(sound)
    study.run(target, config=study.study)
    summary = json.loads((study.results / "stores/my_source/summary.json").read_text())
    assert (summary["images"], summary["undecodable"]) == (20, 0)


def test_only_names_typed_as_targets_are_taken_for_misspelt_ones(study):
    assert "did you mean 'my_figure'?" in refusal(study, "my_figur")
    assert "did you mean" not in refusal(study, "photo/s.jpg")
