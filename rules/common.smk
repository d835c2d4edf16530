"""What all rules share: the checked study, names as wildcards, resources and the digest of a rule's code."""

import json
import os
import re
import sys
from dataclasses import asdict, replace
from difflib import get_close_matches
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir, "workflow_scripts")
sys.path.insert(0, str(SCRIPTS))

from pretraining_robustness.acquire.wilds_datasets import (
    HOME as WILDS_HOME,
    WILDS,
    release_file,
    wilds_folder,
)
from pretraining_robustness.code_digest import code_digest
from pretraining_robustness.study.check import check_config, locate
from pretraining_robustness.errors import InputError
from pretraining_robustness.study.experiments import experiments
from pretraining_robustness.study.names import SCRATCH, START
from pretraining_robustness.study.runs import RUN_FOLDER, SERIES_FOLDER, Run
from pretraining_robustness.study.shorthand import write_out
from pretraining_robustness.study.show import Study

write_out(config)
try:
    check_config(
        config,
        schema=Path(workflow.basedir, "rules", "config.schema.yaml"),
        repository=Path(workflow.basedir),
    )
except InputError as error:
    raise WorkflowError(str(error)) from None

study = Study(config)


def one_of(names):
    """A wildcard that is one of these names and nothing else."""
    return "|".join(sorted(names)) or "(?!)"


# Your own folders are no targets, though their names may look like one.
NO_TARGETS = [
    "Snakefile",
    *(
        re.escape(collection["path"])
        for collection in [*config["sources"].values(), *config["tasks"].values()]
        if "path" in collection
    ),
]


wildcard_constraints:
    collection=one_of(study.raw_collections),
    wilds_task=one_of(study.wilds_tasks),
    wilds_dataset=one_of(WILDS),
    fractal_source=one_of(study.sources_of_format("fractaldb")),
    diffusion_source=one_of(study.sources_of_format("stable_diffusion")),
    shard=r"\d+",
    task=one_of(study.tasks),
    method=one_of(study.methods),
    domain_pair=one_of(study.domain_pairs),
    distribution=one_of([SCRATCH, *config["distributions"]]),
    architecture=one_of(config["architectures"]),
    seed=r"\d+",
    epoch=r"\d+",
    figure=one_of(study.scored_figures),
    trend_figure=one_of(study.of_kind("trends")),
    picture_figure=one_of(study.of_kind("pictures")),
    pipeline_figure=one_of(study.of_kind("pipeline")),
    source_table=one_of(study.of_kind("sources")),
    experiment_table=one_of(study.of_kind("experiments")),
    cooccurrence_table=one_of(study.of_kind("cooccurrence")),
    trend_table=one_of(study.of_kind("fitted_trends")),
    contrast_table=one_of(study.of_kind("contrasts")),
    robustness_table=one_of(study.of_kind("effective_robustness")),
    calibration_table=one_of(study.of_kind("calibration")),
    target=rf"(?!(?:{one_of(NO_TARGETS)})$)[^/.]+",


def code(script, *modules):
    """Digest of a rule's script and of the modules behind it: a real edit reruns the rule, a comment does not.

    Modules that a script imports by a name from the config are given beside it.
    """
    return "".join(code_digest(SCRIPTS / path) for path in (script, *modules))


# The files in which the workflow's rules are written.
RULE_FILES = [
    os.path.relpath(path)
    for path in (
        Path(workflow.basedir, "Snakefile"),
        *sorted(Path(workflow.basedir, "rules").glob("*.smk")),
    )
]


def stage_resource(stage, name):
    """What the config grants one job of a stage."""
    return config["resources"][stage].get(name, 0)


def state_folder(wildcards, output):
    """Where an interrupted job keeps what it has done: beside its outputs, undeclared, so that it survives a failure."""
    return str(Path(output[0]).parent / "unfinished")


def report_labels(wildcards):
    """Under what the report lists a figure or a table; a space before one digit puts Figure 2 before Figure 10."""
    name = wildcards[0]
    kind = "Figure" if name in study.figures else "Table"
    number = name.removeprefix("fig").removeprefix("table").strip("_").replace("_", " ")
    number = number[:1].upper() + number[1:]
    title = {**config["figures"], **config["tables"]}[name]["title"]
    return {kind: number.rjust(2) if number.isdigit() else number, "Title": title}


def config_text():
    """The configuration as text; Snakemake's own copy of it holds more than plain values."""
    return yaml.safe_dump(json.loads(json.dumps(config, default=str)), sort_keys=False)


def locked_versions():
    """The version of each package that the environments pin."""
    lock = Path(workflow.basedir, "envs", "lock.txt").read_text(encoding="utf-8")
    pins = (
        line.partition(";")[0].split("==") for line in lock.splitlines() if "==" in line
    )
    return {name.strip(): version.strip() for name, version in pins}


def nearest_target(wildcards):
    """Refuse a target that the workflow does not know, with the nearest name that it does."""
    names = [rule.name for rule in workflow.rules]
    near = get_close_matches(wildcards.target, names, n=1, cutoff=0.5)
    hint = (
        f"did you mean '{near[0]}'?"
        if near
        else f"figures and tables are: {', '.join([*study.figures, *study.tables])}."
    )
    raise WorkflowError(
        f"'{wildcards.target}' is not a figure, a table or another target; {hint}"
    )
