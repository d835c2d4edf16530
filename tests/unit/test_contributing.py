"""CONTRIBUTING's checklists name files and registries that exist, and each registry holds what the others refer to."""

import re
from typing import get_args

import pytest

from pretraining_robustness.evaluate.computed import COMPUTED
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.figures import kinds as figure_kinds
from pretraining_robustness.study import model
from pretraining_robustness.study.cross_rules import MERGER_FILES
from pretraining_robustness.study.keys import choices, keys_of
from pretraining_robustness.study.names import MERGES, PER_IMAGE
from pretraining_robustness.tables import kinds as table_kinds

PATH = r"`([\w.-]+(?:/[\w.<>-]+)+|[\w.-]+\.(?:py|yaml|md|toml|cff))`"


@pytest.fixture(scope="module")
def text(repository):
    return (repository / "CONTRIBUTING.md").read_text(encoding="utf-8")


def find(repository, path):
    """Return the file that a path of the text names, or its folder where the name is still to be chosen."""
    package = repository / "workflow_scripts/pretraining_robustness"
    path = path.rpartition("/")[0] if "<" in path else path
    return next((folder / path for folder in (repository, package, package.parent) if (folder / path).exists()), None)


def test_the_files_exist(repository, text):
    paths = {path for path in re.findall(PATH, text) if "NAME" not in path}
    assert len(paths) > 40
    assert [path for path in paths if find(repository, path) is None] == []


def test_the_names_in_them_exist(repository, text):
    named = [one for one in re.findall(PATH + r",\s+((?:`\w+`(?:,| and| or)?\s*)+)", text) if "<" not in one[0]]
    assert len(named) >= 10
    for path, names in named:
        for name in re.findall(r"`(\w+)`", names):
            source = find(repository, path).read_text(encoding="utf-8")
            assert re.search(rf"^(?:class|def)? ?{name}\b", source, re.MULTILINE), (path, name)


def test_registries_agree():
    figures = {kind for arm in get_args(get_args(model.FigureSpec)[0]) for kind in choices(keys_of(arm)["kind"].hint)}
    assert figures == set(figure_kinds.KINDS)
    assert set(get_args(model.TableKind)) == set(table_kinds.KINDS)
    assert set(METRICS) == set(COMPUTED)
    assert {*MERGES, PER_IMAGE} == set(MERGER_FILES)
