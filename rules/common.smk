"""What all rules share: the checked study, names as wildcards, resources and the digest of a rule's code."""

import copy
import hashlib
import json
import os
import re
import sys
from contextlib import contextmanager
from dataclasses import asdict
from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml

# Of this file, so that another workflow can take this one as a module.
REPOSITORY = Path(str(workflow.current_basedir)).parent
SCRIPTS = REPOSITORY / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from pretraining_robustness.acquire.wilds_datasets import HOME as WILDS_HOME, WILDS
from pretraining_robustness.code_digest import code_digest
from pretraining_robustness.figures.inputs import drawing_module, figure_inputs
from pretraining_robustness.study import labels, names, params, parts, places, raw, runs, show
from pretraining_robustness.study.check import check_config
from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path, file_digest
from pretraining_robustness.parts import files_of
from pretraining_robustness.study.keys import read_values
from pretraining_robustness.study.names import SCRATCH
from pretraining_robustness.study.jobs import one_of
from pretraining_robustness.study.runs import Run
from pretraining_robustness.study.shorthand import (
    add_up_left_out,
    leave_out,
    replace_sections,
    take_out,
    write_out,
)
from pretraining_robustness.study.strict_yaml import check_yaml
from pretraining_robustness.tables.inputs import table_inputs
from pretraining_robustness.surroundings import check_clone, check_interpreter, keep_out


@contextmanager
def refusals_in_one_line():
    """End Snakemake with the one line of an InputError, which it would put among the lines of its own code."""
    try:
        yield
    except InputError as error:
        sys.exit(f"ERROR: {error}")


def refusing(answer):
    """A function of wildcards whose refusals end Snakemake in one line."""

    def answered(wildcards):
        with refusals_in_one_line():
            return answer(wildcards)

    return answered


keep_out(SCRIPTS)

with refusals_in_one_line():
    check_interpreter()
    check_clone(REPOSITORY)
    if workflow.is_main_process:
        check_yaml(os.path.relpath(REPOSITORY / "config.yaml"))


# A job that runs elsewhere reads the Snakefile again, and is given the configuration as it was when the run started.
if workflow.is_main_process:

    configfile: REPOSITORY / "config.yaml"


# Those of the command line count before the repository's own, and of them the last.
CONFIG_FILES = [
    os.path.relpath(path)
    for path in dict.fromkeys([*reversed(workflow.config_settings.configfiles), *workflow.configfiles])
]


with refusals_in_one_line():
    for path in map(os.path.relpath, workflow.config_settings.configfiles):
        check_yaml(path)
    command_line = read_values(workflow.config_settings.config)
    update_config(config, command_line)
    own = copy.deepcopy(workflow.config_settings.overwrite_config)
    update_config(own, command_line)
    replace_sections(config, own)
    if workflow.is_main_process:
        files = map(load_configfile, workflow.config_settings.configfiles)
        given = [*files, command_line]
        add_up_left_out(config, [one.get("left_out") for one in given])
    take_out(config)
    for sentence in leave_out(config):
        print(sentence, file=sys.stderr)
    write_out(config)
    study = check_config(config, REPOSITORY, CONFIG_FILES, command_line)

# For params, in which Snakemake does not fill in its path variables. An interrupted job keeps what it has done there in a
# folder `unfinished`, beside its outputs and undeclared, so that it survives a failure.
RESULTS = str(workflow.modifier.path_modifier.replace_prefix(config["pathvars"]["results"]))


def typed_names():
    """What may be names of targets on the command line and are no files; only these may be misspelt."""
    words = {word for word in sys.argv[1:] if re.fullmatch(r"[^-/.=][^/.=]*", word)}
    return [word for word in words if not Path(word).exists()]


wildcard_constraints:
    collection=one_of(names.raw_collections(study)),
    wilds_task=one_of([name for name, task in study.tasks.items() if task.format == "wilds"]),
    wilds_dataset=one_of(WILDS),
    fractal_source=one_of(names.sources_of_format(study, "fractaldb")),
    diffusion_source=one_of(names.sources_of_format(study, "stable_diffusion")),
    shard=r"\d+",
    task=one_of(names.tasks(study)),
    method=one_of(names.methods(study)),
    domain_pair=one_of(names.domain_pairs(study)),
    copied_source=one_of(names.copied_sources(study)),
    limited_task=one_of(names.limited_tasks(study)),
    distribution=one_of([SCRATCH, *config["distributions"]]),
    architecture=one_of(config["architectures"]),
    seed=r"\d+",
    epoch=r"\d+",
    variant=one_of(names.variants(study)),
    variant_task=one_of(names.made_tasks(study)),
    figure=one_of(study.figures),
    rib_crossing=one_of(names.of_kind(study, "rib_crossing")),
    table=one_of(study.tables),
    trend_figure=one_of(names.of_kind(study, "trends")),
    agreement_figure=one_of(names.of_kind(study, "agreement")),
    images_figure=one_of(names.of_kind(study, "images")),
    target=one_of(map(re.escape, typed_names())),


@cache
def code(script, *modules):
    """Digest of a rule's script and of the modules behind it: a real edit reruns the rule, a comment does not.

    Modules that a script imports by a name from the config are given beside it.
    """
    return "".join(code_digest(SCRIPTS / path) for path in (script, *modules))


def free_names(kind, names):
    """The names of figures or tables, each of which becomes a target; one that a rule has already is refused."""
    taken = {rule.name for rule in workflow.rules}
    with refusals_in_one_line():
        for name in names:
            if name in taken:
                raise InputError(
                    f"config {kind}.{name}: '{name}' is a rule or a target of this workflow already; rename it."
                )
    return names


def describe_rule(sentence):
    """Give the rule defined last the sentence that `snakemake --list` shows; rules made in a loop have no docstring."""
    list(workflow.rules)[-1].docstring = f"{sentence.rstrip('.')}."


# The files in which the workflow's rules are written.
RULE_FILES = [os.path.relpath(path) for path in (REPOSITORY / "Snakefile", *sorted(REPOSITORY.glob("rules/*.smk")))]


def stage_resource(stage, name, parts=1):
    """What the config grants one job of a stage, with time for each of its parts.

    At a further try twice the memory, and more time where it starts anew: Snakemake is not told by the scheduler why the
    last try ended, and what resumes needs no more time.
    """
    granted = config["resources"][stage].get(name, 0) * parts
    if name == "mem_mb" or (name == "runtime" and stage == "prepare"):
        return lambda wildcards, attempt: (min(attempt, 2) if name == "mem_mb" else attempt) * granted
    return granted


def granted(stage, parts=1):
    """Memory, minutes and GPUs that the config grants one job of a stage."""
    kinds = [kind for kind in ("mem_mb", "runtime", "gpu") if kind in config["resources"][stage]]
    return {kind: stage_resource(stage, kind, parts if kind == "runtime" else 1) for kind in kinds}


def report_labels(wildcards):
    """Under what the report lists a figure or a table; a space before one digit puts Figure 2 before Figure 10."""
    name = wildcards[0]
    kind = "Figure" if name in study.figures else "Table"
    number = name.removeprefix("fig").removeprefix("table").strip("_").replace("_", " ")
    number = number[:1].upper() + number[1:]
    title = {**study.figures, **study.tables}[name].title
    return {kind: number.rjust(2) if number.isdigit() else number, "Title": title}


def config_text():
    """The configuration as text; Snakemake's own copy of it holds more than plain values."""
    plain = json.loads(json.dumps(config, default=str))
    return yaml.dump(plain, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)


def freeze_configuration():
    """Keep the configuration as it is now and hand it to every job of this run; return the digests of its files."""
    text = config_text()
    name = f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"
    frozen = Path(".snakemake", "configurations", name).absolute()
    with atomic_path(frozen) as temporary:
        temporary.write_text(text, encoding="utf-8")
    digests = {path: file_digest(path) for path in map(Path, workflow.configfiles)}
    workflow.config_settings.configfiles = [frozen]
    workflow.configfiles.append(frozen)
    return digests


def tell_changed_configuration():
    """Say which files of the configuration have been changed since the run started, which it did not heed."""
    for path, digest in configuration_digests.items():
        if not path.exists() or file_digest(path) != digest:
            print(
                f"{path} has changed since this run started; all its jobs used the configuration of then. "
                "Run the same command again to use the new one.",
                file=sys.stderr,
            )


def locked_versions():
    """The version of each package that the environments pin."""
    lock = Path(REPOSITORY, "envs", "lock.txt").read_text(encoding="utf-8")
    pins = (line.partition(";")[0].split("==") for line in lock.splitlines() if "==" in line)
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
    with refusals_in_one_line():
        raise InputError(f"'{wildcards.target}' is not a figure, a table or another target; {hint}")


starts_jobs = workflow.is_main_process and not workflow.output_settings.dryrun
configuration_digests = freeze_configuration() if starts_jobs else {}


def show_time_left():
    """Add the time left, judged by the jobs done so far, to the progress bars of `--logger rich`."""
    for handler in workflow.logger_manager.plugin_handlers:
        if hasattr(handler, "progress"):
            from rich.progress import TimeRemainingColumn

            handler.progress.columns += (TimeRemainingColumn(),)
            handler.progress.speed_estimate_period = 3600


show_time_left()


def store_files(name):
    """What is made of a store."""
    files = ["images.npy", "images.parquet", "classes.csv", "undecodable.csv", "duplicates.csv", "summary.json"]
    keys = ["images", "table", "classes", "undecodable", "duplicates", "summary"]
    return {key: f"<results>/stores/{name}/{file}" for key, file in zip(keys, files, strict=True)}


def variant_raw(wildcards):
    """The raw files of a variant: the folder that you have, or its archives."""
    folder = raw.variant_folder(study, wildcards.variant)
    return ancient(folder) if folder else raw.variant_files(study, wildcards.variant)


def prompted(file):
    """A file of the store whose classes a diffusion model is asked for, on which the miniature trains it."""
    return lambda wildcards: places.store_file(names.prompted_source(study, wildcards.diffusion_source), file)


def tested_by(figure):
    """Images and table of each store that the task of a figure of answers is tested on, its own first."""
    return places.tested_stores(study, runs.scored(study, figure).task)
