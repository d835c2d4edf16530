"""Prompts are CLIP's, and the plan of images is a prefix of every longer one, balanced over classes and templates.

What is expected of prompts is read from open_clip's source text here, without the package's functions.
"""

import ast
import importlib.util
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from pretraining_robustness.errors import InputError
from pretraining_robustness.stable_diffusion.image_plan import all_prompts, image_plan, plan_prompts
from pretraining_robustness.stable_diffusion.prompts import (
    chosen_templates,
    class_indices,
    class_names,
    prompt,
    read_classes,
    templates,
)

ALL = tuple(range(80))


def source_of_open_clip() -> ast.Module:
    package = importlib.util.find_spec("open_clip")
    if package is None:
        pytest.skip("open_clip is not installed")
    folder = Path(package.submodule_search_locations[0])
    return ast.parse((folder / "zero_shot_metadata.py").read_text(encoding="utf-8"))


def assigned(name: str) -> ast.expr:
    """Return what a module-level name of open_clip's source is given."""
    return next(
        node.value
        for node in source_of_open_clip().body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == name
    )


def test_templates_and_names_are_those_of_open_clip() -> None:
    written = [
        "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in one.body.values)
        for one in assigned("OPENAI_IMAGENET_TEMPLATES").elts
    ]
    assert list(templates()) == written
    assert len(set(templates())) == 80
    names = list(ast.literal_eval(assigned("IMAGENET_CLASSNAMES")))
    assert class_names() == dict(zip(class_indices(), names, strict=True))
    assert (len(names), len(set(names))) == (1000, 998)


def test_a_name_of_two_classes_gives_two_keys() -> None:
    twice = {name for name, count in Counter(class_names().values()).items() if count > 1}
    assert twice == {"missile", "sunglasses"}
    wnids = [wnid for wnid, name in class_names().items() if name in twice]
    table = all_prompts(wnids, ALL)
    assert len(table) == 4 * 80
    assert not table.duplicated(["class_index", "template"]).any()
    assert table["prompt"].nunique() == 2 * 80
    images = image_plan(wnids, ALL, 8, seed=0)
    assert images["image"].nunique() == images["seed"].nunique() == 8


def test_torch_is_not_imported() -> None:
    code = (
        "import sys; from pretraining_robustness.stable_diffusion.image_plan import image_plan; "
        "image_plan(['n01440764'], range(80), 3, 0); assert not {'torch', 'open_clip'} & set(sys.modules)"
    )
    path = str(Path(__file__).parents[3] / "workflow_scripts")
    subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, check=True)


def test_fewer_images_are_the_beginning_of_more() -> None:
    wnids = list(class_names())[:7]
    long = image_plan(wnids, ALL, 7 * 170, seed=3)
    for images in (1, 6, 7, 100, 7 * 80, 7 * 80 + 1):
        pd.testing.assert_frame_equal(image_plan(wnids, ALL, images, seed=3), long.head(images))


def test_every_round_holds_each_class_once_and_eighty_rounds_each_template() -> None:
    wnids = list(class_names())[:7]
    plan = image_plan(wnids, ALL, 7 * 160, seed=3)
    for rounds in (1, 5, 160):
        assert set(plan.head(7 * rounds)["class_id"].value_counts()) == {rounds}
    orders = [list(one["template"]) for _, one in plan.groupby("class_id")]
    for order in orders:
        assert sorted(order[:80]) == sorted(order[80:]) == list(ALL)
        assert order[:80] != order[80:]
    assert len({tuple(order) for order in orders}) == 7  # every class has its own order
    for row in plan.head(20).itertuples():
        assert row.prompt == prompt(row.template, class_names()[row.class_id])


def test_seeds_are_distinct_and_depend_on_the_sources_seed() -> None:
    wnids = list(class_names())[:20]
    one, other = (image_plan(wnids, ALL, 2000, seed)["seed"] for seed in (0, 1))
    assert one.nunique() == 2000
    assert not set(one) & set(other)
    assert 0 <= one.min() <= one.max() < 2**63


def test_the_classes_of_a_store_are_planned(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("class_id,name,images\nn02099601,x,3\nn01440764,y,4\n")
    out = {"prompts": tmp_path / "prompts.csv", "table": tmp_path / "images.parquet"}
    plan_prompts(classes=tmp_path / "classes.csv", **out, images=9, seed=0)
    prompts, images = pd.read_csv(out["prompts"]), pd.read_parquet(out["table"])
    assert len(prompts) == 160
    assert prompts["class_index"].unique().tolist() == [0, 207]
    assert list(images["number"]) == list(range(9))
    assert list(images["class_id"][:2]) == ["n01440764", "n02099601"]
    assert set(images["prompt"]) <= set(prompts["prompt"])


def test_the_committed_table_of_classes_is_planned(repository: Path) -> None:
    assert len(read_classes(repository / "data/imagenet_classes.csv")) == 1000


def test_templates_are_chosen_by_number_or_text() -> None:
    assert chosen_templates([5, "a photo of a {}."]) == (5, templates().index("a photo of a {}."))
    plan = image_plan(["n01440764"], chosen_templates([5, 9]), 4, seed=0)
    assert Counter(plan["template"]) == {5: 2, 9: 2}


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([80], r"templates: 80 is not one of CLIP's 80 templates; give a number from 0 to 79"),
        ([-1], r"templates: -1 is not one"),
        ([True], r"templates: True is not one"),
        (["a photo of a {}"], r"did you mean 'a photo of a \{\}\.'\?"),
        ([], r"at least one template"),
        ([3, 3], r"each once"),
    ],
)
def test_an_unknown_template_is_named(wanted: list, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        chosen_templates(wanted)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name,images\ntench,3\n", "class_id or wnid"),
        ("class_id\n", "class_id or wnid"),
        ("class_id\nn01440764\ncats\n", "'cats' is not one of ImageNet's 1000 classes"),
        ("wnid\nn01440764\nn01440764\n", "names a class twice"),
    ],
)
def test_a_table_without_imagenet_classes_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text(text)
    with pytest.raises(InputError, match=expected):
        read_classes(tmp_path / "classes.csv")


def test_no_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("wnid\nn01440764\n")
    with pytest.raises(InputError, match="ask for at least one"):
        plan_prompts(classes=tmp_path / "classes.csv", prompts=tmp_path / "p", table=tmp_path / "t", images=0, seed=0)
