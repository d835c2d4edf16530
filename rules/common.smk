"""What all rules share: the checked study, names as wildcards, input functions and the digest of a rule's code."""

import sys
from difflib import get_close_matches
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir, "workflow_scripts")
sys.path.insert(0, str(SCRIPTS))

from pretraining_robustness.code_digest import code_digest
from pretraining_robustness.config import SCRATCH, check_config
from pretraining_robustness.errors import InputError
from pretraining_robustness.study import Study

try:
    check_config(config, Path(workflow.basedir, "rules", "config.schema.yaml"))
except InputError as error:
    raise WorkflowError(str(error)) from None

study = Study(config)


def one_of(names):
    """A wildcard that is one of these names and nothing else."""
    return "|".join(sorted(names))


wildcard_constraints:
    collection=one_of([*config["sources"], *config["tasks"]]),
    task=one_of(config["tasks"]),
    distribution=one_of([SCRATCH, *config["distributions"]]),
    architecture=one_of(config["architectures"]),
    seed=r"\d+",
    epoch=r"\d+",
    figure=one_of(study.figures),
    target=r"[^/.]+",


def code(script):
    """Digest of a rule's script and of the modules behind it: a real edit reruns the rule, a comment does not."""
    return code_digest(SCRIPTS / script)


# The checkpoints of a run, one after every epoch of fine-tuning.
CHECKPOINTS = collect(
    "<results>/finetune/{{task}}/{{distribution}}/{{architecture}}/seed_{{seed}}/epoch_{epoch}.safetensors",
    epoch=range(1, config["recipes"]["finetune"]["epochs"] + 1),
)


def figure_files(*figures):
    """The files of figures."""
    return collect(
        "<results>/figures/{figure}.{kind}",
        figure=figures,
        kind=["pdf", "png", "csv", "txt"],
    )


def stage_resource(stage, name):
    """What the config grants one job of a stage."""
    return config["resources"][stage].get(name, 0)


def state_folder(wildcards, output):
    """Where an interrupted job keeps what it has done: beside its outputs, undeclared, so that it survives a failure."""
    return str(Path(output[0]).parent / "unfinished")


def raw_files(wildcards):
    """The raw files of a collection."""
    collection = study.collection(wildcards.collection)
    if collection["format"] == "folder":
        return collection["path"]
    return {
        "imagenet": [
            "<resources>/imagenet/ILSVRC2012_img_train.tar",
            "<resources>/imagenet/ILSVRC2012_devkit_t12.tar.gz",
        ],
        "inaturalist": [
            "<resources>/inaturalist/train_val_images.tar.gz",
            "<resources>/inaturalist/train_val2017.zip",
        ],
        "iwildcam": ["<resources>/iwildcam/iwildcam_v2.0/metadata.csv"],
    }[collection["format"]]


def source_file(name):
    """A file of the store of a distribution's source."""

    def path(wildcards):
        source = config["distributions"][wildcards.distribution]["source"]
        return f"<results>/stores/{source}/{name}"

    return path


def enclosing_manifest(wildcards):
    """The manifest of the distribution that this one is nested in, if it declares one."""
    outer = config["distributions"][wildcards.distribution].get("nested_in")
    return (
        {"enclosing": f"<results>/distributions/{outer}/manifest.csv"} if outer else {}
    )


def pretrained_weights(wildcards):
    """The weights that fine-tuning starts from; none for networks from scratch."""
    if wildcards.distribution == SCRATCH:
        return {}
    return {
        "weights": f"<results>/pretrain/{wildcards.distribution}/{wildcards.architecture}/seed_{wildcards.seed}/weights.safetensors"
    }


def run_folder(run):
    """Folder of a run below the folder of its stage."""
    return f"{run.task}/{run.distribution}/{run.architecture}/seed_{run.seed}"


def figure_run_scores(wildcards):
    """Scores of the runs of one figure."""
    return [
        f"<results>/evaluate/{run_folder(run)}/scores.csv"
        for run in study.runs(wildcards.figure)
    ]


def all_run_scores(wildcards):
    """Scores of the runs of all figures."""
    return [
        f"<results>/evaluate/{run_folder(run)}/scores.csv"
        for run in study.runs(*study.figures)
    ]


def nearest_target(wildcards):
    """Refuse a target that the workflow does not know, with the nearest name that it does."""
    names = [rule.name for rule in workflow.rules]
    near = get_close_matches(wildcards.target, names, n=1, cutoff=0.5)
    hint = (
        f"did you mean '{near[0]}'?"
        if near
        else f"figures are: {', '.join(study.figures)}."
    )
    raise WorkflowError(
        f"'{wildcards.target}' is not a figure, a table or another target; {hint}"
    )
