"""Neither a comment nor another Python changes a rule's digest; an edit of any module behind the script does."""

import os
import shutil
import subprocess
import sys
from modulefinder import ModuleFinder
from pathlib import Path
from types import CodeType

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
    digest_module._read.cache_clear()
    return code_digest(script)


def test_only_real_edits_count(project):
    script, package = project
    before = digest(script)
    rates = package / "rates.py"
    rates.write_text('"""Other words."""\n\n# a comment\nRATE   =   (\n 1)\nassert RATE\nTABLE = \'rates\' ".csv"\n')
    (package / "unrelated.py").write_text("X = 2\n")
    assert digest(script) == before
    (package / "rates.csv").write_text("2\n")
    assert digest(script) != before
    rates.write_text("RATE = 2\n")
    edited = digest(script)
    assert edited != before
    (package / "folder" / "__init__.py").write_text("Y = 2\n")
    assert digest(script) not in (before, edited)


SYNTAX = r"""
text = f'a{os!r:>{3}.{2}}' "b" f"" '{' f"{{}} {os = } {1:\n} {os:} {os:{y}} {f'{os}':>{y}.{y}} \N{EM DASH}" rf"\d{os:d}"
values = "caf\u00e9 \U0001fae8 \u200b", u"x", b"\xff", -1.5e300, 2j, ..., (1,), {**{}}, 0xFF, 1_000, 1e16, None, True
def f(a, /, b: int = 1, *c, d=None, **e) -> list[int]:
    async def g(): return [await z async for z in e if z]
    match a:
        case {"k": [1, *_], **r} if r: pass
        case os.name | None: return lambda *, q=1: (yield)
    try: del a
    except* ValueError as w: raise w from None
    with (open(a) as k, open(b)): values[1:2, ::3] @= not (a < b <= 3)
@f
class A(list, metaclass=type):
    x: int
    def h(self): nonlocal_ = [y := 1, *self]; return {y: 1 for y in self}, {y for y in self}
"""


def test_the_digest_is_the_same_in_every_version_of_python(tmp_path):
    """Syntax whose bytecode and `ast.dump` differ between 3.11, 3.12 and 3.13, all of which gave this digest."""
    (tmp_path / "script.py").write_text(SYNTAX, encoding="utf-8")
    assert digest(tmp_path / "script.py") == "5c44e5a52189651b"


def test_what_is_only_said_to_people_does_not_count(project):
    script, package = project

    def told(log="begun", refusal="too few", error="InputError", test="RATE"):
        lines = ["from pretraining_robustness.rates import RATE", f"logger.info('{log}', RATE)"]
        (package / "loops.py").write_text("\n".join([*lines, f"if not {test}:", f"    raise {error}('{refusal}')"]))
        return digest(script)

    before = told()
    assert told(log="started", refusal="not enough") == before
    assert told(error="UndecodableError") != told(error="UndecodableError", refusal="not enough")  # tables tell these
    assert told(error="InputError") != told(error="ValueError")
    assert told(test="RATE > 1") != before


def interpreters():
    """This Python with three orders of sets, and other versions that are at hand."""
    for seed in "123":
        yield sys.executable, {"PYTHONHASHSEED": seed}
    for version in ("3.11", "3.12", "3.13"):
        found = shutil.which(f"python{version}")
        if found and not subprocess.run([found, "--version"], capture_output=True).returncode:
            yield found, {}


def test_the_digest_is_the_same_in_every_process(repository):
    """Sets are ordered by hashes of strings, which differ from process to process."""
    scripts = repository / "workflow_scripts"
    code = "import sys; from pathlib import Path; from pretraining_robustness import code_digest\n"
    code += "code_digest.KEPT = Path('/dev/null/nothing is kept here')\n"
    code += "print(*map(code_digest.code_digest, sorted(Path(sys.argv[1]).glob('*.py'))))"
    environment = {**os.environ, "PYTHONPATH": str(scripts), "PYTHONDONTWRITEBYTECODE": "1"}
    digests = {
        subprocess.run([python, "-c", code, scripts], check=True, capture_output=True, env=environment | order).stdout
        for python, order in interpreters()
    }
    assert len(digests) == 1


def test_every_import_is_followed(repository):
    """What the syntax tree says of imports is what the standard library finds in the compiled code."""
    packages = {"pretraining_robustness", "miniature"}
    scripts = repository / "workflow_scripts"
    finder = ModuleFinder()

    def imported(code):
        for names, module in (what for kind, what in finder.scan_opcodes(code) if kind == "absolute_import"):
            yield from (module, *(f"{module}.{name}" for name in names or ()))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                yield from imported(constant)

    ignored = {scripts.joinpath("pretraining_robustness", *name).with_suffix(".py") for name in digest_module.IGNORED}
    for path in sorted(scripts.rglob("*.py")):
        names = {name for name in imported(compile(path.read_bytes(), path, "exec")) if name.split(".")[0] in packages}
        modules = [scripts.joinpath(*name.split(".")) for name in names]
        found = {file for module in modules for file in (module.with_suffix(".py"), module / "__init__.py")}
        assert set(package_modules(path)) == {file for file in found - ignored if file.is_file()}


def test_what_is_kept_of_sources_changes_no_digest(project, tmp_path):
    """It is used, as a second process shows that finds another digest in it; an edit or a torn file is read anew."""
    script, package = project
    kept = tmp_path / "kept"
    code = "import sys; from pathlib import Path; from pretraining_robustness import code_digest\n"
    code += "code_digest.PACKAGE, code_digest.KEPT = map(Path, sys.argv[2:])\n"
    code += "print(code_digest.code_digest(Path(sys.argv[1])))"

    def anew():
        command = [sys.executable, "-c", code, script, package, kept]
        environment = {**os.environ, "PYTHONPATH": str(Path(digest_module.__file__).parent.parent)}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.strip()

    fresh = digest(script)
    assert anew() == anew() == fresh
    (file,) = kept.iterdir()
    whole = file.read_text()
    file.write_text(whole.replace('["', '["0'))
    assert anew() != fresh
    file.write_text(whole[:-10])
    assert anew() == fresh
    (package / "rates.py").write_text("RATE = 2\n")
    assert anew() == digest(script) != fresh
