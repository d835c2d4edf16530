"""Table 3: animals and objects in one image, by hand on a few images and against published numbers on ReaL labels."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness import wordnet
from pretraining_robustness.errors import InputError
from pretraining_robustness.tables import real_labels as module
from pretraining_robustness.tables.real_labels import (
    cooccurrences,
    count_cooccurrence,
    read_real_labels,
    real_labels_file,
)

ANIMAL = "n00015388"
TENCH, GOLDFISH, REEL, BUCKET = 0, 1, 758, 463
TABLE = {"name": "table3", "kind": "cooccurrence", "title": "Both", "note": None, "animals": ANIMAL}


@pytest.fixture(scope="module")
def real_labels():
    try:
        return read_real_labels(real_labels_file())
    except InputError as error:
        pytest.skip(str(error))


def test_counts_by_hand():
    labels = [
        [],
        [TENCH],
        [TENCH, GOLDFISH],  # two animals
        [REEL, BUCKET],  # two objects
        [TENCH, REEL],
        [TENCH, TENCH, REEL],  # a label twice counts once
        [TENCH, GOLDFISH, BUCKET],  # two pairs
    ]
    table = pd.DataFrame(cooccurrences(labels, ANIMAL))
    counts = table[table["quantity"] != "pair"].set_index("quantity")["images"].to_dict()
    assert counts == {"images": 7, "any_label": 6, "animal": 5, "object": 4, "both": 3}
    pairs = table.loc[table["quantity"] == "pair", ["animal", "object", "images"]].to_numpy().tolist()
    assert pairs == [["tench", "reel", 2], ["tench", "bucket", 1], ["goldfish", "bucket", 1]]


def test_the_animals_are_those_of_the_synset_that_is_asked():
    fish_only = pd.DataFrame(cooccurrences([[TENCH, 9], [TENCH, REEL]], "n02512053"))  # fish; class 9 is the ostrich
    assert fish_only.loc[fish_only["quantity"] == "both", "images"].item() == 2


def test_real_labels_agree_with_an_independent_count(real_labels):
    """Against a count with arrays that knows the animals as indices below 398 only."""
    table = pd.DataFrame(cooccurrences(real_labels, ANIMAL))
    counts = table.set_index("quantity")["images"]
    marks = np.zeros((len(real_labels), 1000), dtype=bool)
    for row, labels in enumerate(real_labels):
        marks[row, labels] = True
    animal, other = marks[:, :398].any(axis=1), marks[:, 398:].any(axis=1)
    assert counts["images"] == 50000
    assert counts["any_label"] == marks.any(axis=1).sum() == 46837
    assert counts["animal"] == animal.sum()
    assert counts["object"] == other.sum()
    assert counts["both"] == (animal & other).sum() == 550
    together = marks[:, :398].astype(np.float32).T @ marks[:, 398:].astype(np.float32)  # whole numbers, exact
    pairs = table.loc[table["quantity"] == "pair", "images"]
    assert pairs.sum() == together.sum()
    assert list(pairs) == sorted(together[together > 0], reverse=True)


def test_real_labels_are_found_without_importing_timm(tmp_path):
    """A package that cannot be imported is found all the same, so neither timm nor torch nor anything is loaded."""
    package = tmp_path / "timm"
    (package / "data" / "_info").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('must not be imported')")
    labels = package / "data" / "_info" / "imagenet_real_labels.json"
    labels.write_text("[]")
    script = (
        "import sys\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\n"
        "from pretraining_robustness.tables.real_labels import real_labels_file\n"
        "print(real_labels_file())\n"
        "assert not {'timm', 'torch', 'pandas', 'numpy'} & set(sys.modules)\n"
    )
    scripts = wordnet.__file__.rsplit("/", 2)[0]
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": scripts}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(labels)


def test_missing_or_wrong_labels_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="install the package timm"):
        real_labels_file()
    path = tmp_path / "labels.json"
    for contents in ("[[1], [2]]", '{"a": 1}'):
        path.write_text(contents)
        with pytest.raises(InputError, match="not a list of 1 lists of class indices"):
            read_real_labels(path, images=1)
    path.write_text("[[1]")
    with pytest.raises(InputError, match="not readable as JSON"):
        read_real_labels(path, images=1)


def made_up_counts(folder):
    """A label file of 50,000 images: 12 different pairs, of which the tenth to the twelfth are equally frequent."""
    labels = [[] for _ in range(50000)]
    frequencies = [9, 8, 7, 6, 5, 4, 3, 3, 3, 2, 2, 2, 1]
    place = 0
    for other, frequency in enumerate(frequencies, start=500):
        for _ in range(frequency):
            labels[place] = [TENCH, other]
            place += 1
    for _ in range(45):
        labels[place] = [GOLDFISH]
        place += 1
    (folder / "labels.json").write_text(json.dumps(labels))
    count_cooccurrence(folder / "labels.json", ANIMAL, folder / "counts.csv")
    return folder / "counts.csv"


def test_table_has_counts_shares_pairs_and_the_papers_own_number(tmp_path, make):
    made = make(TABLE, counts=[made_up_counts(tmp_path)])
    table = pd.read_csv(made.csv, keep_default_na=False)
    both = table[table["quantity"] == "both"][["images", "of_images", "among", "share"]].to_numpy().tolist()
    assert both == [
        ["55", 50000, "images", 0.0011],
        ["55", 100, "images with any label", 0.55],
        ["", 20000, "images", 0.011],
    ]
    assert list(table["label_set"].unique())[1].startswith("The paper's check: TensorFlow's ImageNet2012 multilabel")
    # The tenth pair ties with two more, which are shown with it; the thirteenth is not.
    assert list(table.loc[table["quantity"] == "pair", "images"].astype(int)) == [9, 8, 7, 6, 5, 4, 3, 3, 3, 2, 2, 2]
    assert "398 classes" in made.notes
    assert "other 602" in made.notes
    assert ["images with an animal and an object", "55", "50,000 images", "0.11 %"] in made.body
    assert ["images with an animal and an object", "–", "20,000 images", "1.1 %"] in made.body
    assert made.body[-1][1:] == ["2", "50,000 images", "0.00 %"]


def test_counts_of_another_kind_are_refused(tmp_path, make):
    path = tmp_path / "counts.csv"
    path.write_text("quantity,animal,object,images\nimages,,,5\n")
    with pytest.raises(InputError, match="its quantities are not images, any_label"):
        make(TABLE, counts=[path])
    with pytest.raises(InputError, match="no such table"):
        make(TABLE, counts=[tmp_path / "none.csv"])
