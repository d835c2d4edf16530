"""Each kind of figure stands in one registry, and its module says what it reads and draws it."""

from importlib import import_module
from pathlib import Path

import pytest

from pretraining_robustness.figures import kinds
from pretraining_robustness.figures.kinds import KINDS, reads
from pretraining_robustness.study.keys import every_kind
from pretraining_robustness.study.model import FigureSpec


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_what_it_reads_and_draws_it(kind):
    module = import_module(f"{kinds.__name__}.{KINDS[kind].replace('/', '.')}")
    assert reads(kind) == module.READS
    assert callable(module.draw)


def test_every_module_is_a_kind():
    folder = Path(kinds.__file__).parent
    modules = {path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("[a-z]*.py")}
    assert modules == set(KINDS.values())


def test_the_config_knows_the_same_kinds():
    assert sorted(every_kind(FigureSpec)) == sorted(KINDS)
