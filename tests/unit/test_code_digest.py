"""A comment or a docstring never changes a rule's digest; an edit of any module behind the script does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from pretraining_robustness import code_digest as digest_module
from pretraining_robustness.code_digest import code_digest, package_modules


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
    for cached in (digest_module._compiled, digest_module._file_digest, digest_module.package_modules):
        cached.cache_clear()
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


def test_the_digest_is_the_same_in_every_process(repository):
    """Sets are ordered by hashes of strings, which differ from process to process."""
    scripts = repository / "workflow_scripts"
    code = "import sys; from pathlib import Path; from pretraining_robustness.code_digest import code_digest\n"
    command = [sys.executable, "-c", code + "print(code_digest(Path(sys.argv[1])))", scripts / "draw_figure.py"]
    environments = [{"PYTHONPATH": str(scripts), "PYTHONHASHSEED": seed} for seed in "123"]
    digests = {subprocess.run(command, check=True, capture_output=True, env=one).stdout for one in environments}
    assert len(digests) == 1


def test_every_import_is_followed(repository):
    """What the compiled code says of imports is what its syntax tree says."""
    package = repository / "workflow_scripts" / "pretraining_robustness"
    for path in sorted(package.rglob("*.py")):
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(package.name):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names if alias.name.startswith(package.name)]
            else:
                continue
            modules = [package.parent.joinpath(*name.split(".")) for name in names]
            found |= {file for module in modules for file in (module.with_suffix(".py"), module / "__init__.py")}
        ignored = {package / f"{name}.py" for (name,) in digest_module.IGNORED}
        assert set(package_modules(path)) == {file for file in found - ignored if file.is_file()}


def test_a_lazy_import_of_a_submodule_counts(repository):
    """The training scripts import torch's modules inside a function, after a GPU is leased."""
    scripts = repository / "workflow_scripts"
    assert len({code_digest(scripts / f"{stage}.py") for stage in ("pretrain", "finetune", "predict")}) == 3
