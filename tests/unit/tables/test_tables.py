"""Tables 1 and 2, and typesetting: counts and comparisons worked out by hand, and pages and sources that are valid."""

import json
import os
import re
import shutil
import subprocess
import sys
from copy import deepcopy
from typing import get_args

import numpy as np
import pandas as pd
import pytest
import yaml

from pretraining_robustness.errors import InputError
from pretraining_robustness.study import show
from pretraining_robustness.study.experiments import experiments as experiments_of
from pretraining_robustness.study.model import TableKind
from pretraining_robustness.study.study import Study
from pretraining_robustness.tables.kinds import KINDS, reads
from pretraining_robustness.tables.kinds.sources import gini
from pretraining_robustness.tables.settings import compare, differences, most_common, recipe_settings, text_of
from pretraining_robustness.tables.typeset import Column, TypesetTable, html_page, latex_source

AWKWARD = "a & b < c > \"d\" 'e' 100% #1 {x_y} ~^ $5 \\ | ` [z] *w -- / é → ≥"


def test_every_kind_of_the_configuration_is_a_file_that_says_what_it_reads(repository):
    assert sorted(get_args(TableKind)) == KINDS
    assert all(reads(kind) for kind in KINDS)
    assert "tables/kinds/" in (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")


# Typesetting


@pytest.fixture
def table():
    rows = pd.DataFrame(
        {
            "group": ["First & last", "First & last", "[Other] *"],
            "name": [AWKWARD, "two\nlines", "[not an option]"],
            "fewest": ["-1.5\n[-2.0, 3.0], 2020-21", "1,000", "–"],
            "most": ["2", "2,000", "* not a star"],
            "text": ["sgd with WILDS", "x_1", ""],
        }
    )
    columns = [
        Column("name", "Name", 2.0),
        Column("fewest", "Fewest", spanner="Images & more", numeric=True),
        Column("most", "Most", spanner="Images & more", numeric=True),
        Column("text", "Text"),
    ]
    return TypesetTable("t1", "All < none", columns, rows, "Drawn & small", ["See _this_."])


def test_page_shows_every_cell_as_it_is_with_minus_signs(table, page_rows):
    assert page_rows(html_page(table)) == [
        ["", "Images & more", ""],
        ["Name", "Fewest", "Most", "Text"],
        ["First & last"],
        [AWKWARD, "\u22121.5\n[\u22122.0, 3.0], 2020-21", "2", "sgd with WILDS"],
        ["two\nlines", "1,000", "2,000", "x_1"],
        ["[Other] *"],
        ["[not an option]", "–", "* not a star", ""],
    ]


def test_page_needs_nothing_from_elsewhere(table):
    assert not re.search(r"<(script|link|img|iframe|object|base)|src=|href=|url\(|@import", html_page(table))


def test_note_and_abbreviations_are_on_the_page_and_in_the_source(table):
    for source in (html_page(table), latex_source(table)):
        assert re.search(r"Drawn (&amp;|\\&) small", source)
        assert "stochastic gradient descent" in source
        assert "Adam with" not in source  # not used, not spelled out


def test_latex_has_all_rows_and_the_headings_of_groups_across_them(table):
    source = latex_source(table)
    body = source.split(r"\endlastfoot")[1].split(r"\end{longtable}")[0]
    rows = [re.sub(r"(?<!\\)%.*", "", line).strip() for line in body.strip().splitlines()]
    assert [len(re.findall(r"(?<!\\)&", row)) for row in rows] == [0, 3, 3, 0, 3]
    assert r"\multicolumn{4}" in rows[0]
    assert r"\textbf{First \& last}" in rows[0]
    assert rows[1].endswith(r"$-$1.5 \newline {[}$-$2.0, 3.0{]}, 2020-{}21 & 2 & sgd with WILDS \\")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX is installed")
def test_latex_compiles_with_the_packages_that_it_names(table, tmp_path):
    source = latex_source(table)
    packages = re.search(r"\\usepackage{(.*?)}", source).group(1)
    document = f"\\documentclass{{article}}\\usepackage{{{packages}}}\\begin{{document}}\n{source}\\end{{document}}\n"
    (tmp_path / "t.tex").write_text(document, encoding="utf-8")
    command = ["pdflatex", "-draftmode", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout
    assert "Missing character" not in done.stdout


# Table 1


def gini_by_pairs(sizes):
    """The definition: the mean absolute difference of all ordered pairs, over twice the mean."""
    differences = np.abs(np.subtract.outer(sizes, sizes)).sum()
    return differences / (2 * len(sizes) ** 2 * np.mean(sizes))


def test_gini_coefficient():
    assert gini(np.array([7, 7, 7])) == 0
    assert gini(np.array([3, 1])) == 0.25  # pairs differ by 0, 2, 2, 0; the mean is 2: 1 / (2 x 2)
    assert gini(np.array([0, 0, 0, 1])) == 0.75  # (n - 1) / n when one class has all
    for sizes in np.random.default_rng(1).integers(1, 4000, size=(5, 60)):
        assert gini(sizes) == pytest.approx(gini_by_pairs(sizes), abs=1e-12)


def store(folder, source, sizes, superclasses=None):
    path = folder / "stores" / source / "classes.csv"
    path.parent.mkdir(parents=True)
    rows = pd.DataFrame({"class_id": [f"{place:05}" for place in range(len(sizes))], "name": "NA", "images": sizes})
    if superclasses:
        rows.insert(2, "superclass", superclasses)
    rows.to_csv(path, index=False)
    return path


def source(name, **about):
    return {"name": name, "label": name.title(), "about": about, "paper": {"images": 1281167, "classes": None}}


def table1(*sources):
    return {"name": "table1", "kind": "sources", "title": "Sources", "note": "Drawn", "sources": list(sources)}


def test_sources_are_counted(tmp_path, make):
    files = [
        store(tmp_path, "second", [1, 2, 3, 10, 0], ["Fungi", "Fungi", "Aves", "Aves", "Nothing"]),
        store(tmp_path, "first", [1300, 732, 1300]),
    ]
    spec = table1(source("first", hierarchy="WordNet"), source("second", expert_labelled=True))
    made = make(spec, classes=files, copies=[])
    first, second = made.facts.to_dict("records")
    assert first == {
        "source": "first",
        "label": "First",
        "images": "3332",
        "classes": "3",
        "empty_classes": "0",
        "smallest_class": "732",
        "median_class": "1300.0",
        "largest_class": "1300",
        "largest_to_smallest": "1.776",
        "gini": "0.1136",  # by hand: (568 x 4) / (2 x 9 x 3332 / 3) = 2272 / 19992
        "class_distribution": "class-balanced",
        "superclasses": "",
        "full_scale_images": "1281167",
        "full_scale_classes": "",
        "about_hierarchy": "WordNet",
        "about_expert_labelled": "",
    }
    counted = {"images": "16", "classes": "4", "empty_classes": "1", "median_class": "2.5", "superclasses": "2"}
    assert counted.items() <= second.items()
    assert second["class_distribution"] == "long-tailed"
    assert second["about_expert_labelled"] == "True"
    rows = {row[0]: row[1:] for row in made.body if len(row) == 3}
    assert rows["Class distribution"] == ["class-balanced (ratio 1.78)", "long-tailed (ratio 10)"]
    assert rows["Labelled by experts"] == ["–", "yes"]
    assert rows["Images of the median class"] == ["1,300", "2.5"]
    assert "Second: 1" in made.notes  # the class without an image


@pytest.mark.parametrize(
    ("sizes", "words"), [([5, 10], "class-balanced"), ([50, 101], "long-tailed"), ([732, 1300], "class-balanced")]
)
def test_class_distribution_is_worded_from_the_ratio(tmp_path, make, sizes, words):
    made = make(table1(source("s")), classes=[store(tmp_path, "s", sizes)], copies=[])
    assert list(made.facts["class_distribution"]) == [words]


def test_images_with_a_copy_among_the_tasks_are_counted_once_and_said_to_be_left_out(tmp_path, make):
    files = [store(tmp_path, name, [9, 9]) for name in ("first", "second", "third")]
    spec = table1(
        {**source("first"), "copies_left_out": True}, {**source("second"), "copies_left_out": False}, source("third")
    )
    lists = [tmp_path / f"{name}.csv" for name in ("first", "second")]
    lists[0].write_text("image,collection\na,one\na,other\nb,one\n", encoding="utf-8")
    lists[1].write_text("image,collection\n", encoding="utf-8")
    made = make(spec, classes=files, copies=lists)
    assert list(made.facts["copies"]) == ["2", "0", ""]
    rows = {row[0]: row[1:] for row in made.body if len(row) == 4}
    assert rows["Images with a copy among the tasks' images"] == ["2", "0", "–"]
    assert "pre-training leaves out those of First" in made.notes


def test_source_without_a_store_or_images_is_refused(tmp_path, make):
    path = store(tmp_path, "empty", [0, 0])
    with pytest.raises(InputError, match=f"{path}: no class has an image"):
        make(table1(source("empty")), classes=[path], copies=[])
    path.write_text("class_id,name\n1,a\n")
    with pytest.raises(InputError, match="the column 'images' is missing"):
        make(table1(source("empty")), classes=[path], copies=[])
    path.write_text("class_id,images\n1,many\n")
    with pytest.raises(InputError, match="not a readable table"):
        make(table1(source("empty")), classes=[path], copies=[])


# Table 2

RECIPE = {"epochs": 90, "learning_rate": 0.1, "augmentation": {"crop": "random", "flip": True}, "mean": [0.5, 0.25]}


def experiment(name, images, here, **changes):
    settings = {"source": "imagenet", "classes": "all classes", "balance": "as in the source"}
    return {
        "distribution": name,
        "label": name.title(),
        "figures": ["fig4"],
        "reference": "full",
        "run": True,
        "source": "ImageNet",
        "selection": "all classes",
        "label_map": "classes as they are",
        "declared": {**settings, "images": images},
        "here": {**settings, "images": here},
        "nested_in": None,
        "selection_seed": 0,
        "task": "iWildCam-WILDS",
        "architectures": ["small", "large"],
        "seeds": [0, 1],
        "pretrain": {"small": deepcopy(RECIPE), "large": deepcopy(RECIPE)},
        "finetune": {"small": {"epochs": 12}, "large": {"epochs": 12}},
        "evidence": "paper, section 4.1",
        **changes,
    }


@pytest.fixture
def three():
    full = experiment("full", "all", "all", reference=None, figures=["fig2", "fig4"])
    few = experiment("few", 150000, 1500, nested_in="nested in full")
    few["declared"]["balance"] = few["here"]["balance"] = "equal"
    few["pretrain"]["small"]["epochs"] = 30
    scratch = experiment("scratch", None, None, reference=None, pretrain=None, source="none", selection_seed=None)
    scratch |= {"declared": {"source": "none"}, "here": {"source": "none"}}
    return [scratch, full, few]


def distribution(folder, name, rows, kept=(True, True)):
    path = folder / "distributions" / name
    path.mkdir(parents=True)
    pd.DataFrame(rows, columns=["label", "class_id", "images"]).to_csv(path / "classes.csv", index=False)
    promises = pd.DataFrame({"promise": [f"p{place}" for place in range(len(kept))], "kept": kept})
    promises.to_csv(path / "promises.csv", index=False)
    return path


def files(folder):
    return {f"{kind}": sorted(folder.glob(f"distributions/*/{kind}.csv")) for kind in ("classes", "promises")}


def table2(rows, **more):
    return {"name": "table2", "kind": "experiments", "title": "Experiments", "note": None, "experiments": rows, **more}


def test_values_are_readable():
    values = [True, 150000, 0.003, 3e-05, 1.0, "sgd", [0.485, 0.5], 90]
    assert "; ".join(map(text_of, values)) == "yes; 150,000; 0.003; 0.00003; 1; sgd; 0.485, 0.5; 90"


def test_recipes_name_the_architectures_that_differ():
    recipes = {"a": {"rate": 0.1, "crop": {"scale": None, "size": 4}}, "b": {"rate": 0.01}, "c": {"rate": 0.1}}
    assert recipe_settings(recipes) == {"rate": "0.1 (b: 0.01)", "crop: size": "none (a: 4)"}


def test_changed_and_stayed_are_compared_key_by_key(three):
    _, full, few = three
    changed, stayed = compare(few, full)
    assert changed == [
        "balance: as in the source -> equal",
        "images: all -> 150,000",
        "pre-training, epochs: 90 -> 30 (large: 90)",
    ]
    crop, flip = ("pre-training, augmentation: crop", "pre-training, augmentation: flip")
    assert stayed[:6] == ["source", "classes", "architectures", "seeds", "task", "pre-training, learning rate"]
    assert stayed[6:] == [crop, flip, "pre-training, mean", "all of fine-tuning"]
    assert compare(full, full)[0] == []


def test_a_key_that_only_one_has_is_a_change(three):
    _, full, few = three
    few["declared"]["labels"] = "depth 2"
    del few["finetune"]["small"]["epochs"], few["finetune"]["large"]["epochs"]
    changed, _ = compare(few, full)
    assert {"labels: none -> depth 2", "fine-tuning, epochs: 12 -> none"} <= set(changed)


def test_no_pretraining_is_one_change_not_one_for_each_setting(three):
    scratch, full, _ = three
    changed, stayed = compare(scratch, full)
    assert "pre-training: yes -> none" in changed
    assert not [text for text in changed + stayed if "learning rate" in text]
    common = most_common(three)
    assert common["pre-training, epochs"] == "90"
    assert differences(scratch, common) == {"pre-training": "none"}


def test_experiments_become_rows(tmp_path, make, three):
    distribution(tmp_path, "full", [(0, "NA", 5), (1, "00032", 7), (1, "n1", 1)])
    distribution(tmp_path, "few", [(0, "NA", 2), (1, "00032", 2)], kept=(True, False, True))
    made = make(table2(three, figures={"fig2": "References", "fig4": "Quantity"}), **files(tmp_path))
    scratch, full, few = made.facts.to_dict("records")
    found = ["classes_found", "labels_found", "images_found", "fewest_a_class_found", "most_a_class_found"]
    assert [full[name] for name in found] == ["3", "2", "13", "1", "7"]
    assert [few[name] for name in found] == ["2", "2", "4", "2", "2"]
    assert [scratch[name] for name in found] == [""] * 5
    assert (full["figures"], full["reference"], few["reference"]) == ("fig2; fig4", "", "full")
    assert (few["images_declared"], few["images_here"], few["selection_seed"]) == ("150000", "1500", "0")
    assert (few["promises_kept"], few["promises_checked"], few["promises_broken"]) == ("2", "3", "p1")
    assert (few["pretrain_length"], few["finetune_length"]) == ("30 (large: 90) epochs", "12 epochs")
    assert few["pretrain_settings"].startswith("epochs 30 (large: 90); learning rate 0.1; augmentation: crop random;")
    assert (scratch["pretrain_length"], scratch["pretrain_settings"]) == ("", "")
    assert few["changed"].startswith("balance: as in the source -> equal; images: all -> 150,000;")
    assert (few["architectures"], few["seeds"]) == ("small; large", "0; 1")

    assert made.groups == ["References, with which the others are compared", "fig4: Quantity"]
    by_name = {row[0].split("\n")[0]: row for row in made.body if len(row) > 1}
    assert by_name["Few"][2:7] == ["150,000", "2", "2", "4", "2"]
    assert "Images: all → 150,000" in by_name["Few"][7]
    assert "Nested in full." in by_name["Few"][1]
    assert by_name["Few"][8] == "2 of 3\nfailed: p1"
    assert "Unlike most: pre-training: none." in by_name["Scratch"][7]
    # What all share is said once, in the notes.
    shared = "epochs 90|architectures: small, large|seeds: 0, 1|learning rate 0.1|task: iWildCam-WILDS"
    assert all(text in made.notes for text in shared.split("|"))


def test_experiment_that_is_left_out_needs_no_files(tmp_path, make, three):
    three[2]["run"] = False
    distribution(tmp_path, "full", [(0, "a", 5)])
    made = make(table2(three), **files(tmp_path))
    few = made.facts.set_index("distribution").loc["few"]
    found = few[["run", "images_declared", "images_found", "promises_kept"]].tolist()
    assert found == ["False", "150000", "", ""]
    assert "left out of this study" in made.row("Few")[0]


def test_checks_that_cannot_be_read_are_named(tmp_path, make, three):
    folder = distribution(tmp_path, "full", [(0, "a", 5)])
    (folder / "promises.csv").write_text("promise,kept\np,perhaps\n")
    with pytest.raises(InputError, match=f"{folder}/promises.csv: .*empty value"):
        make(table2(three[:2]), **files(tmp_path))
    assert not (tmp_path / "table2.csv").exists()


def test_every_setting_of_every_declared_experiment_is_in_the_table(tmp_path, make, repository):
    """Nothing that the workflow's own description of an experiment says is lost."""
    config = yaml.safe_load((repository / "config.yaml").read_text(encoding="utf-8"))
    described = experiments_of(Study(config))
    for one in described:
        distribution(tmp_path, one["distribution"], [(0, "a", 5), (1, "b", 4)])
    spec = {**show.table(Study(config), "table2"), "experiments": described}
    rows = make(spec, **files(tmp_path)).facts.to_dict("records")
    assert [row["distribution"] for row in rows] == [one["distribution"] for one in described]
    for one, row in zip(described, rows, strict=True):
        for scale in ("declared", "here"):
            assert row[scale] == "; ".join(f"{key} {text_of(value)}" for key, value in one[scale].items())
        for stage in ("pretrain", "finetune"):
            for recipe in (one[stage] or {}).values():
                flat = [value for value in recipe.values() if not isinstance(value, dict)]
                flat += recipe["augmentation"].values()
                assert all(text_of(value) in row[f"{stage}_settings"] for value in flat)
        for key in ("selection", "label_map", "evidence", "task", "label"):
            assert row[key] == one[key]
    assert len({row["declared"] + row["label_map"] for row in rows}) == len(rows)  # no two rows say the same


def test_same_input_gives_the_same_bytes(tmp_path, three):
    """Two processes with different orders of sets write the same files."""
    distribution(tmp_path, "full", [(0, "a", 5)])
    distribution(tmp_path, "few", [(0, "a", 5)])
    script = (
        "import json, sys\nfrom pathlib import Path\n"
        "from pretraining_robustness.tables.tabulate import tabulate\n"
        "folder = Path(sys.argv[1])\n"
        "files = {kind: sorted(folder.glob(f'distributions/*/{kind}.csv')) for kind in ('classes', 'promises')}\n"
        "outputs = {kind: folder / f'{sys.argv[3]}.{kind}' for kind in ('csv', 'html', 'tex')}\n"
        "tabulate(files, json.loads(sys.argv[2]), **outputs)\n"
    )
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", script, str(tmp_path), json.dumps(table2(three)), seed]
        subprocess.run(command, check=True, env=environment)
    for kind in ("csv", "html", "tex"):
        assert (tmp_path / f"1.{kind}").read_bytes() == (tmp_path / f"2.{kind}").read_bytes()
