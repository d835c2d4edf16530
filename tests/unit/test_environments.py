"""Each conda environment is pinned exactly and holds what the scripts of its rules import."""

import ast
import re
import sys

import pytest
import yaml

from pretraining_robustness.code_digest import package_modules

DISTRIBUTION_OF = {"PIL": "pillow", "yaml": "pyyaml", "sklearn": "scikit-learn", "mpl_toolkits": "matplotlib"}
DISTRIBUTION_OF |= {"open_clip": "open-clip-torch", "pytorch_metric_learning": "pytorch-metric-learning"}
DISTRIBUTION_OF |= {"vl_convert": "vl-convert-python", "huggingface_hub": "huggingface-hub"}
DISTRIBUTION_OF |= {"imagecorruptions": "imagecorruptions-imaug", "fast_zip_decryption": "fast-zip-decryption"}
ENVIRONMENTS = ["acquire", "generate", "train", "analyse", "workflow"]


def scripts_by_environment(repository):
    """Read from the rules which scripts run in which environment."""
    found = {}
    for path in (repository / "rules").glob("*.smk"):
        for block in re.split(r"\n *rule[ :]", path.read_text(encoding="utf-8"))[1:]:
            script = re.search(r'script:\s+"\.\./workflow_scripts/(\w+\.py)"', block)
            chosen = re.search(r"conda:\s+(.+)", block)
            if script is None or chosen is None:
                continue
            for environment in re.findall(r"envs/(\w+)\.yaml", chosen[1]):  # two where a condition chooses
                found.setdefault(environment, set()).add(repository / "workflow_scripts" / script[1])
    return found


def imported_packages(script):
    """Names of the packages outside the standard library that a script imports, directly or through our modules."""
    packages, seen, waiting = set(), set(), [script]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        waiting.extend(package_modules(path))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                packages.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                packages.add(node.module.split(".")[0])
    own = {"pretraining_robustness"}
    return {
        DISTRIBUTION_OF.get(name, name.replace("_", "-"))
        for name in packages - own
        if name not in sys.stdlib_module_names
    }


def pins(repository, environment):
    content = yaml.safe_load((repository / f"envs/{environment}.yaml").read_text(encoding="utf-8"))
    assert content["channels"] == ["conda-forge"]
    *conda, pip = content["dependencies"]
    assert all(re.fullmatch(r"[\w-]+=[\d.]+", pin) for pin in conda)
    parsed = [re.match(r"([\w.-]+)==([\w.]+)", pin) for pin in pip["pip"]]
    assert all(parsed)
    return {match.group(1): match.group(2) for match in parsed}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_environment_holds_what_its_scripts_import(repository, environment):
    scripts = scripts_by_environment(repository)[environment]
    needed = set().union(*(imported_packages(script) for script in scripts))
    listed = {
        line.split("==")[0].strip()
        for line in (repository / f"envs/{environment}.in").read_text().splitlines()
        if line[0] != "#"
    }
    assert needed <= set(pins(repository, environment))
    assert listed <= set(pins(repository, environment))


def test_environments_without_torch_stay_without(repository):
    assert "torch" not in pins(repository, "acquire")
    assert "torch" not in pins(repository, "analyse")


def test_every_version_is_the_locks(repository):
    lock = dict(re.findall(r"^([\w.-]+)==([\w.]+)", (repository / "envs/lock.txt").read_text(), re.MULTILINE))
    for environment in ENVIRONMENTS:
        for name, version in pins(repository, environment).items():
            assert lock[name] == version
