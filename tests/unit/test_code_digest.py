"""A comment or a docstring never changes a rule's digest; an edit of any module behind the script does."""

from pathlib import Path

import pytest

from pretraining_robustness import code_digest as digest_module
from pretraining_robustness.code_digest import code_digest


@pytest.fixture
def project(tmp_path, monkeypatch):
    package = tmp_path / "pretraining_robustness"
    package.mkdir()
    (package / "rates.py").write_text('"""Rates."""\nRATE = 1\nTABLE = "rates.csv"\n')
    (package / "rates.csv").write_text("1\n")
    (package / "loops.py").write_text("from pretraining_robustness import rates\n\ndef f():\n    return rates.RATE\n")
    (package / "unrelated.py").write_text("X = 1\n")
    (package / "folder").mkdir()
    (package / "folder" / "__init__.py").write_text("Y = 1\n")
    script = tmp_path / "train.py"
    imports = ["from pretraining_robustness.loops import f", "from pretraining_robustness.folder import Y"]
    script.write_text("def main():\n" + "".join(f"    {line}\n" for line in imports) + "    f(Y)\n")
    monkeypatch.setattr(digest_module, "PACKAGE", package)
    return script, package


def digest(script: Path) -> str:
    digest_module._module_digest.cache_clear()
    return code_digest(script)


def test_only_real_edits_count(project):
    script, package = project
    before = digest(script)
    rates = package / "rates.py"
    rates.write_text('"""Other words."""\n\n# a comment\nRATE   =   1\nTABLE = "rates.csv"\n')
    (package / "unrelated.py").write_text("X = 2\n")
    assert digest(script) == before
    (package / "rates.csv").write_text("2\n")
    assert digest(script) != before
    rates.write_text("RATE = 2\n")
    edited = digest(script)
    assert edited != before
    (package / "folder" / "__init__.py").write_text("Y = 2\n")
    assert digest(script) not in (before, edited)


def test_a_lazy_import_of_a_submodule_counts(repository):
    """The training scripts import torch's modules inside a function, after a GPU is leased."""
    scripts = repository / "workflow_scripts"
    assert len({code_digest(scripts / f"{stage}.py") for stage in ("pretrain", "finetune", "evaluate")}) == 3
