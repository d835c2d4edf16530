"""What all rules share: the checked study, names as wildcards, input functions and the digest of a rule's code."""

import os
import sys
from difflib import get_close_matches
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir, "workflow_scripts")
sys.path.insert(0, str(SCRIPTS))

from pretraining_robustness.code_digest import code_digest
from pretraining_robustness.config import SCRATCH, check_config, locate
from pretraining_robustness.errors import InputError
from pretraining_robustness.experiments import experiments
from pretraining_robustness.study import Study

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


wildcard_constraints:
    collection=one_of([*config["sources"], *config["tasks"]]),
    task=one_of(config["tasks"]),
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
    target=r"(?!Snakefile$)[^/.]+",


def code(script):
    """Digest of a rule's script and of the modules behind it: a real edit reruns the rule, a comment does not."""
    return code_digest(SCRIPTS / script)


# The files in which the workflow's rules are written.
RULE_FILES = [
    os.path.relpath(path)
    for path in (
        Path(workflow.basedir, "Snakefile"),
        *sorted(Path(workflow.basedir, "rules").glob("*.smk")),
    )
]

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


def table_files(*tables):
    """The files of tables."""
    return collect(
        "<results>/tables/{table}.{kind}",
        table=tables,
        kind=["csv", "html", "tex"],
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


def superclass_table(wildcards):
    """The table of a distribution's superclasses, if it has one beside its source's own classes."""
    label_map = study.label_map(wildcards.distribution)
    table = label_map and config["label_maps"][label_map["name"]].get("table")
    if table is None:
        return []
    if label_map["name"] in config.get("downloads", {}):
        return f"<resources>/{label_map['name']}/{Path(table).name}"
    return os.path.relpath(locate(table, Path(workflow.basedir)))


def related_manifests(wildcards):
    """The manifests of the distributions that this one promises something about, by relation."""
    return {
        relation: f"<results>/distributions/{other}/manifest.csv"
        for relation, other in study.relations(wildcards.distribution).items()
    }


def panel_files(stage, name, of):
    """A file of each panel of a figure of pictures: of its `collection`, or of its `distribution` where it has one."""

    def paths(wildcards):
        panels = study.panels(wildcards.picture_figure)
        return [
            f"<results>/{stage}/{panel[of]}/{name}" for panel in panels if panel[of]
        ]

    return paths


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
        for run in study.runs(*study.scored_figures)
    ]


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
