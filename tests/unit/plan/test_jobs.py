"""The plan of a study is Snakemake's own, counted twice."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from pretraining_robustness.errors import InputError
from pretraining_robustness.plan.jobs import count_jobs, plan_pipeline, stages_of


@pytest.fixture(scope="module")
def planned(tmp_path_factory, repository, workflow_type):
    """The default study's plan, and the jobs of a dry run of everything."""
    folder = tmp_path_factory.mktemp("planned")
    config = yaml.safe_load((repository / "config.yaml").read_text(encoding="utf-8"))
    with contextlib.chdir(folder):
        plan_pipeline(repository / "Snakefile", config, folder / "jobs.csv")
    counted = workflow_type(folder, repository).plan("all", "--forceall")
    return pd.read_csv(folder / "jobs.csv"), counted


# The plan of this repository -----------------------------------------------------------------------------------------


def test_every_job_of_a_dry_run_is_counted(planned):
    jobs, counted = planned
    assert {"all": 1, **dict(zip(jobs["rule"], jobs["jobs"], strict=True))} == counted


def test_every_rule_has_the_stage_of_its_file_and_stages_are_in_the_order_of_the_snakefile(planned, repository):
    jobs, _ = planned
    for rule, stage in zip(jobs["rule"], jobs["stage"], strict=True):
        files = (repository / "rules").glob(f"{stage}*.smk")
        texts = " ".join(path.read_text(encoding="utf-8") for path in files)
        loops = re.findall(r'name:\s*f"(\w+){', texts)
        assert f"rule {rule}:" in texts or f" as {rule} with:" in texts or rule.startswith(tuple(loops))
    lines = (repository / "Snakefile").read_text(encoding="utf-8").splitlines()
    included = [line.split("/")[1].removesuffix('.smk"') for line in lines if line.startswith("include:")]
    stages = list(dict.fromkeys(jobs["stage"]))
    assert stages == [name for name in included if name in stages]


# Plans of small workflows --------------------------------------------------------------------------------------------

PLAN_INSIDE = (
    "import sys, os; sys.path.insert(0, {library!r}); "
    "from pretraining_robustness.plan.jobs import plan_pipeline; "
    "assert os.listdir('.snakemake/locks'); "
    "plan_pipeline('Snakefile', {{'copies': 3}}, 'jobs.csv')"
)


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A workflow of two stages that plans itself while it runs, its folder locked."""
    (tmp_path / "rules").mkdir()
    library = str(Path(plan_pipeline.__code__.co_filename).parents[2])
    (tmp_path / "inside.py").write_text(PLAN_INSIDE.format(library=library))
    (tmp_path / "Snakefile").write_text(
        'configfile: "config.yaml"\n'
        'include: "rules/second.smk"\ninclude: "rules/first.smk"\n'
        'rule all:\n    default_target: True\n    input: "joined.txt", "plan.done"\n'
    )
    (tmp_path / "config.yaml").write_text("copies: 1\n")
    (tmp_path / "rules/first.smk").write_text('include: "first_part.smk"\n')
    (tmp_path / "rules/first_part.smk").write_text(
        'rule start:\n    output: "start.txt"\n    shell: "echo start > {output}"\n'
        'rule copy:\n    input: "start.txt"\n    output: "copy_{number}.txt"\n    shell: "cp {input} {output}"\n'
    )
    (tmp_path / "rules/second.smk").write_text(
        'rule join:\n    input: expand("copy_{n}.txt", n=range(config["copies"]))\n    output: "joined.txt"\n'
        '    shell: "cat {input} > {output}"\n'
        'rule plan:\n    input: "joined.txt"\n    output: touch("plan.done")\n'
        f'    shell: "{sys.executable} inside.py"\n'
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def state(folder):
    """Every file that Snakemake keeps, with its contents.

    Without its logs and the inventory that a dry run leaves for the next run, which removes it when it starts.
    """
    kept = (path for path in (folder / ".snakemake").rglob("*") if path.is_file())
    return {str(path): path.read_bytes() for path in kept if path.parent.name not in ("log", "iocache")}


def test_a_running_workflow_plans_itself_undisturbed(small):
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    options = {"check": True, "capture_output": True, "text": True, "cwd": small}
    subprocess.run(command, **options)
    jobs = (small / "jobs.csv").read_text()
    assert jobs == "rule,stage,jobs\njoin,second,1\nplan,second,1\nstart,first,1\ncopy,first,3\n"
    assert (small / "joined.txt").read_text() == "start\n"  # the workflow itself ran with one copy
    assert "Nothing to be done" in subprocess.run([*command, "--dry-run"], **options).stdout
    before, files = state(small), set(small.iterdir())
    plan_pipeline("Snakefile", {"copies": 2}, small / "jobs.csv")
    assert "copy,first,2" in (small / "jobs.csv").read_text()  # counted although all is done
    assert state(small) == before
    assert set(small.iterdir()) == files


def test_a_workflow_that_cannot_be_planned_is_refused_in_one_line(small):
    (small / "config.yaml").write_text("{}\n")
    with pytest.raises(InputError, match=r"Snakefile: the study could not be planned: .*KeyError") as raised:
        plan_pipeline("Snakefile", {"other": 1}, small / "jobs.csv")
    assert "\n" not in str(raised.value)
    assert not (small / "jobs.csv").exists()


def test_rules_of_included_files_and_derived_rules_have_a_stage_and_targets_none(tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "Snakefile").write_text('include: "rules/one.smk"\nrule all:\n    input: []\n')
    (tmp_path / "rules/one.smk").write_text(
        '"""A rule: not this."""\nif True:\n\n    include: "one_more.smk"\n\n'
        "rule a:\nuse rule a as b with:\ncheckpoint c:\n"
        'for folder in ["x", "y"]:\n\n    rule:\n        name:\n            f"take_{folder}"\n'
    )
    (tmp_path / "rules/one_more.smk").write_text("rule first:\n    input: []\n")
    assert stages_of(tmp_path / "Snakefile") == dict.fromkeys(["first", "a", "b", "c"], "one")
    named = stages_of(tmp_path / "Snakefile", ["a", "all", "take_x", "fig1"])
    assert named == dict.fromkeys(["take_x", "first", "a", "b", "c"], "one")


def test_jobs_are_counted_with_and_without_wildcards():
    dot = (
        'digraph snakemake_dag {\n    node[shape=box];\n\t0[label = "all", color = "0 1 1", style="rounded"];\n'
        '\t1[label = "copy\\nnumber: 1", color = "0 1 1", style="rounded,dashed"];\n\t1 -> 0\n}\n'
    )
    assert count_jobs(dot) == {"all": 1, "copy": 1}
