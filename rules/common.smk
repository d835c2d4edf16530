"""What all rules share: the checked study, names as wildcards, input functions and the digest of a rule's code."""

import json
import os
import sys
from difflib import get_close_matches
from pathlib import Path

import yaml
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
    collection=one_of(study.raw_collections),
    fractal_source=one_of(study.sources_of_format("fractaldb")),
    diffusion_source=one_of(study.sources_of_format("stable_diffusion")),
    shard=r"\d+",
    task=one_of(study.tasks),
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
    if "path" in collection:
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
        "domainnet": ["<resources>/domainnet/domainnet_v1.0/RELEASE_v1.0.txt"],
    }[collection["format"]]


def source_file(name):
    """A file of the store of a distribution's source."""

    def path(wildcards):
        source = config["distributions"][wildcards.distribution]["source"]
        return f"<results>/stores/{source}/{name}"

    return path


def store_of_format(format, name):
    """A file of the store of the source that has a format."""

    def path(wildcards):
        return f"<results>/stores/{study.sources_of_format(format)[0]}/{name}"

    return path


def prompted_classes(wildcards):
    """The classes that Stable Diffusion is asked for: those of the drawn ImageNet, or all of them."""
    if config["acquisition"] == "draw":
        return f"<results>/stores/{study.sources_of_format('imagenet')[0]}/classes.csv"
    return os.path.relpath(Path(workflow.basedir, "data", "imagenet_classes.csv"))


def trained_diffusion_model(wildcards):
    """The diffusion model that the pipeline trains; none where one is given by name."""
    if config["sources"][wildcards.diffusion_source]["model"] != "trained":
        return {}
    return {"model": f"<results>/generated/{wildcards.diffusion_source}/model"}


def shards(source):
    """Among how many jobs the images of a generated source are divided."""
    return config["sources"][source]["generate"]["shards"]


def generated_shards(kind):
    """The files of a kind that the jobs of a generated source write."""

    def paths(wildcards):
        return [
            f"<results>/generated/{wildcards.diffusion_source}/shard_{shard}.{kind}"
            for shard in range(shards(wildcards.diffusion_source))
        ]

    return paths


def tables_from_elsewhere(key):
    """Tables of scores that a figure shows beside the study's own."""

    def paths(wildcards):
        name = wildcards.get("trend_figure") or wildcards.get("figure")
        tables = config["figures"][name].get(key, [])
        return list(tables.values()) if isinstance(tables, dict) else list(tables)

    return paths


def figure_comparisons(wildcards):
    """The tests behind a figure of trends; other figures of scores have none."""
    if wildcards.figure in study.of_kind("trends"):
        return f"<results>/comparisons/{wildcards.figure}.csv"
    return []


def recogniser(wildcards):
    """Which network judges the images of a generated source."""
    return config["sources"][wildcards.diffusion_source]["recognised_by"]


def recognising_network(wildcards):
    """The weights of that network and the classes that it knows."""
    network = recogniser(wildcards)
    seed = config["runs"]["seeds"][0]
    return {
        "weights": pretraining_file("weights.safetensors").format(**network, seed=seed),
        "classes": f"<results>/distributions/{network['distribution']}/classes.csv",
    }


def recognitions():
    """How well the images of each generated source that is trained on are recognised."""
    used = {config["distributions"][name]["source"] for name in study.distributions}
    return [
        f"<results>/generated/{source}/recognition.csv"
        for source in study.sources_of_format("stable_diffusion")
        if source in used
    ]


def task_images(wildcards):
    """The pictures of a task; pairs of domains share those of their collection."""
    return f"<results>/stores/{study.task_collection(wildcards.task)}/images.npy"


def task_table(wildcards):
    """The table of a task's pictures: which split each belongs to."""
    folder = "pairs" if wildcards.task in study.domain_pairs else "stores"
    return f"<results>/{folder}/{wildcards.task}/images.parquet"


def task_classes(wildcards):
    """The classes of a task and their names."""
    return f"<results>/stores/{study.task_collection(wildcards.task)}/classes.csv"


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


def pretraining_file(name):
    """A file of a run's pre-training."""
    return f"<results>/pretrain/{{distribution}}/{{architecture}}/seed_{{seed}}/{name}"


def pretrained_weights(wildcards):
    """The weights that fine-tuning starts from, and a head where one is asked for; none for networks from scratch."""
    if wildcards.distribution == SCRATCH:
        return {}
    files = {"weights": pretraining_file("weights.safetensors").format(**wildcards)}
    if config["distributions"][wildcards.distribution].get("head") == "zero_shot":
        run = f"{wildcards.task}/{wildcards.distribution}/{wildcards.architecture}/seed_{wildcards.seed}"
        files["head"] = f"<results>/heads/{run}/head.safetensors"
    return files


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


def curves():
    """The metrics of every training, and whose they are."""
    found = []
    for run in study.runs(*study.scored_figures):
        names = {
            "distribution": run.distribution,
            "architecture": run.architecture,
            "seed": run.seed,
        }
        found.append(("finetune", {"task": run.task, **names}, run_folder(run)))
        if run.distribution in study.trained_distributions:
            folder = f"{run.distribution}/{run.architecture}/seed_{run.seed}"
            found.append(("pretrain", {"task": "", **names}, folder))
    stages = {folder: (stage, names) for stage, names, folder in found}
    return [
        {
            "metrics": f"<results>/{stage}/{folder}/metrics.csv",
            "run": {
                "stage": stage,
                **names,
                "benchmark": benchmark_file(stage, names, folder),
            },
        }
        for folder, (stage, names) in sorted(stages.items())
    ]


def benchmark_file(stage, names, folder):
    """Where Snakemake writes how long a training took."""
    captioned = stage == "pretrain" and names["distribution"] in study.captioned()
    place = config.get("pathvars", {}).get("benchmarks", "benchmarks")
    return f"{place}/{'pretrain_image_text' if captioned else stage}/{folder}.tsv"


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
