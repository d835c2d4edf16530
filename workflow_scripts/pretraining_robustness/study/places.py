"""Where files are: which files rules read, by the study. Snakemake fills in `<results>` and `<resources>`."""

import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from pretraining_robustness.store.formats import FORMATS
from pretraining_robustness.study import names, params, runs
from pretraining_robustness.study.cross_rules import locate
from pretraining_robustness.study.imagenet_rib import HEAD_TASK
from pretraining_robustness.study.names import DEFAULT_METHOD, SCRATCH, START, of_series
from pretraining_robustness.study.runs import NETWORK_FOLDER, Run
from pretraining_robustness.study.study import Study

REPOSITORY = Path(__file__).parents[3]
Maybe = str | list[str]
"""A file, or an empty list where there is none."""
START_FILE = "<results>/start/{task}/" + NETWORK_FOLDER + "/epoch_0.safetensors"
"""The network with which fine-tuning on a task starts, whatever the method."""


def of_pathvar(study: Study, name: str) -> str:
    """Return where Snakemake's path variable leads, such as the results; for files that it does not know."""
    return (study.pathvars or {}).get(name, name)


def located(table: str) -> str:
    """Return where a table that the config names lies, from the working folder."""
    return os.path.relpath(locate(table, REPOSITORY))


def shipped(*names: str) -> str:
    """Return where a file of the repository lies, from the working folder."""
    return os.path.relpath(Path(REPOSITORY, *names))


def figure_files(*figures: str) -> list[str]:
    """Return the files of figures."""
    return [f"<results>/figures/{name}.{kind}" for name in figures for kind in ("pdf", "png", "csv", "txt")]


def table_files(*tables: str) -> list[str]:
    """Return the files of tables."""
    return [f"<results>/tables/{name}.{kind}" for name in tables for kind in ("csv", "html", "tex")]


def own_results(study: Study) -> list[str]:
    """Return the table of all checkpoints and the page that shows them; none of published numbers alone."""
    if not runs.runs(study, *names.scored_figures(study)):
        return []
    copies = [f"<results>/copies/{source}.csv" for source in names.copied_sources(study)]
    return ["<results>/scores.csv", "<results>/page.html", *copies]


def store_file(name: str, file: str) -> str:
    """Return a file of a store."""
    return f"<results>/stores/{name}/{file}"


def source_file(study: Study, distribution: str, file: str) -> str:
    """Return a file of the store of a distribution's source."""
    return store_file(study.distributions[distribution].source, file)


def archives(study: Study, name: str) -> list[str]:
    """Return the archives of a data set, which are drawn or downloaded into a folder of its name."""
    formats = {format.folder: format for format in FORMATS.values()}
    if name in formats:
        files = formats[name].archives
    elif name in names.variants(study):
        files = (study.sources[name].variant or {})["files"]
    else:
        files = study.config["downloads"][name]["files"]
    return [f"<resources>/{name}/{file}" for file in files]


def variant_classes(study: Study, variant: str) -> dict[str, str]:
    """Return the table of a variant's classes, where it has only some."""
    table = (study.sources[variant].variant or {}).get("table")
    return {"table": located(table)} if table else {}


def imagenet_classes(study: Study) -> str:
    """Return ImageNet's classes in the order of the networks' outputs: those of the drawn ImageNet, or all of them."""
    archives = names.sources_of_format(study, "imagenet")
    if study.acquisition == "draw" and archives:
        return store_file(archives[0], "classes.csv")
    return shipped("data", "imagenet_classes.csv")


def superclass_table(study: Study, distribution: str) -> Maybe:
    """Return the table of a distribution's superclasses, if it has one beside its source's own classes."""
    label_map = study.distributions[distribution].labels
    table = label_map and study.label_maps[label_map].table
    if not label_map or not table:
        return []
    if label_map in (study.downloads or {}):
        return f"<resources>/{label_map}/{Path(table).name}"
    return located(table)


def copies_left_out(study: Study, distribution: str) -> Maybe:
    """Return the list of a source's images that are copies of others, where those are left out."""
    source = study.distributions[distribution].source
    copies = study.sources[source].copies
    return f"<results>/copies/{source}.csv" if copies and copies.leave_out else []


def related_manifests(study: Study, distribution: str) -> dict[str, str]:
    """Return the manifests of the distributions that this one promises something about, by relation."""
    related = params.relations(study, distribution)
    return {relation: f"<results>/distributions/{other}/manifest.csv" for relation, other in related.items()}


# Generated images


def prompted_classes(study: Study, source: str) -> str:
    """Return the classes that a diffusion model is asked for: drawn ones, or all of the real source's."""
    asked = names.prompted_source(study, source)
    if names.is_drawn(study, asked):
        return store_file(asked, "classes.csv")
    tiny = "tiny_" if study.sources[asked].format == "tiny_imagenet" else ""
    return shipped("data", f"{tiny}imagenet_classes.csv")


def diffusion_model(study: Study, source: str) -> dict[str, str]:
    """Return the diffusion model that the pipeline trains or fetches; none where you have its folder."""
    if study.sources[source].model == "trained":
        return {"model": f"<results>/generated/{source}/model"}
    return {"model": f"<resources>/{source}/model"} if study.sources[source].revision else {}


def generated_shards(study: Study, source: str, kind: str) -> list[str]:
    """Return the files of a kind that the jobs of a generated source write."""
    shards = study.sources[source].given["generate"]["shards"]
    return [f"<results>/generated/{source}/shard_{shard}.{kind}" for shard in range(shards)]


def recognising_network(study: Study, source: str) -> dict[str, str]:
    """Return the weights of the network that judges generated images, and the classes that it knows."""
    network = study.sources[source].given["recognised_by"]
    seed = runs.seeds(study, network["distribution"])[0]
    return {
        "weights": pretraining_file("weights.safetensors").format(**network, seed=seed),
        "classes": f"<results>/distributions/{network['distribution']}/classes.csv",
    }


def recognitions(study: Study) -> list[str]:
    """Return how well the images of each generated source that is trained on are recognised."""
    used = {study.distributions[name].source for name in trained_on(study)}
    generated = [name for name in names.sources_of_format(study, "stable_diffusion") if name in used]
    return [f"<results>/generated/{source}/recognition.csv" for source in generated]


# Tasks


def images_of_task(study: Study, task: str) -> str:
    """Return the images of a task; pairs of domains share those of their collection."""
    return store_file(names.task_collection(study, task), "images.npy")


def table_of_task(study: Study, task: str) -> str:
    """Return the table of a task's images: which split each belongs to."""
    made = [*names.domain_pairs(study), *names.made_tasks(study), *names.limited_tasks(study)]
    return f"<results>/{'pairs' if task in made else 'stores'}/{task}/images.parquet"


def classes_of_task(study: Study, task: str) -> str:
    """Return the classes of a task and their names."""
    return store_file(names.task_collection(study, task), "classes.csv")


def classes_of_made_task(study: Study, task: str) -> str:
    """Return the classes of the networks' outputs in their order: ImageNet's, or those of the reference."""
    if names.collection(study, task).format in ("imagenet", "imagenet_variant"):
        return imagenet_classes(study)
    return store_file(names.imagenet_rib(study).reference, "classes.csv")


def index_of_task(study: Study, task: str) -> Maybe:
    """Return the images of a distribution that is a task; none where a task has all of a store."""
    distribution = study.tasks[task].distribution
    return f"<results>/distributions/{distribution}/index.parquet" if distribution else []


def tested_stores(study: Study, task: str) -> dict[str, list[str]]:
    """Return images and table of each store that a task is tested on, its own first."""
    own, *others = names.test_stores(study, task)
    stores = {name: [store_file(name, "images.npy"), store_file(name, "images.parquet")] for name in others}
    return {own: [images_of_task(study, task), table_of_task(study, task)], **stores}


# Networks


def pretraining_file(name: str) -> str:
    """Return a file of a run's pre-training, by the run."""
    return f"<results>/pretrain/{NETWORK_FOLDER}/{name}"


def pretrained_weights(study: Study, run: Any) -> dict[str, str]:
    """Return the weights that fine-tuning starts from, and a head where one is asked for; none from scratch.

    The run may be the wildcards of one, without a method.
    """
    if run.distribution == SCRATCH:
        return {}
    network = NETWORK_FOLDER.format(**vars(run))
    method = names.given_head(study, run.distribution)
    if names.is_variant_task(study, run.task) and method is not None:
        return {"weights": last_checkpoint(study, Run.of(f"{HEAD_TASK}/{method}/{network}"), method)}
    files = {"weights": f"<results>/pretrain/{network}/weights.safetensors"}
    if study.distributions[run.distribution].head == "zero_shot":
        files["head"] = f"<results>/heads/{run.task}/{network}/head.safetensors"
    return files


def checkpoints_of(study: Study, folder: str, task: str) -> list[str]:
    """Return the checkpoints of a run in a folder: of every epoch of fine-tuning that is predicted of its task."""
    return [f"<results>/finetune/{folder}/epoch_{epoch}.safetensors" for epoch in names.predicted_epochs(study, task)]


def merged_file(study: Study, folder: str) -> str:
    """Return what the merging of a run in a folder makes: a checkpoint of the last epoch."""
    return f"<results>/finetune/{folder}/epoch_{study.recipes.finetune['epochs']}.safetensors"


def last_checkpoint(study: Study, run: Run, method: str) -> str:
    """Return the network that a method leaves of a run at the end, or the one that it starts from."""
    if method == START:
        return START_FILE.format(**{**vars(run), "task": names.start_task(study, run.task)})
    return merged_file(study, replace(run, method=method).folder())


def merged_checkpoints(study: Study, run: Run) -> list[str]:
    """Return the networks that a run's method merges."""
    return [last_checkpoint(study, run, method) for method in names.methods(study)[run.method]["of"]]


def checkpoints_of_series(study: Study, task: str, method: str, distribution: str) -> list[str]:
    """Return the checkpoints of all runs of a series, run by run: of the predicted epochs, of the one that a merger
    leaves, or the two that are merged for each image.

    The network before fine-tuning comes first where its head knows the task's classes.
    """
    paths = []
    for run in runs.series_runs(study, task, method, distribution):
        if names.head_fits(study, run.task, run.distribution):
            paths.append(last_checkpoint(study, run, START))
        if method in names.trained_methods(study):
            paths += checkpoints_of(study, run.folder(), task)
        elif method in names.merged_methods(study):
            paths.append(last_checkpoint(study, run, method))
        else:
            paths += merged_checkpoints(study, run)
    return paths


def embedding_network(study: Study) -> str:
    """Return the network by whose features the variants of ImageNet are compared: one before fine-tuning."""
    named = names.imagenet_rib(study).given["transport"]["embedding"]
    run = Run(names.variant_tasks(study)[0], DEFAULT_METHOD, **named, seed=study.runs.seeds[0])
    return last_checkpoint(study, run, START)


# Scores


def set_size_scores(study: Study) -> list[str]:
    """Return the scores after fine-tuning on sets of every size, as the figures that show them ask for."""
    series = dict.fromkeys(run.series() for run in runs.set_size_runs(study))
    return [f"<results>/evaluate/{one}/scores.csv" for one in series]


def figure_table(study: Study, figure: str) -> Maybe:
    """Return the table of a figure's scores; none where all of its points are from elsewhere."""
    return f"<results>/scores/{figure}.csv" if runs.runs(study, figure) else []


def figure_left_out(study: Study, figure: str) -> Maybe:
    """Return the same scores without each cluster of the test images."""
    return f"<results>/scores/{figure}_left_out.parquet" if runs.runs(study, figure) else []


def answers(study: Study, figure: str) -> list[str]:
    """Return the predictions of each series of a figure of single images' answers."""
    task = runs.scored(study, figure).task
    series = ("/".join([task, *reversed(of_series(one))]) for one in runs.series(study, figure))
    return [f"<results>/evaluate/{one}/predictions.parquet" for one in series]


def from_elsewhere(study: Study, figure: str, key: str) -> list[str]:
    """Return tables of scores that a figure shows beside the study's own: `published` or of other `studies`."""
    tables = study.figures[figure].given.get(key, [])
    return list(tables.values()) if isinstance(tables, dict) else list(tables)


def all_from_elsewhere(study: Study) -> dict[str, Any]:
    """Return all tables of published numbers and of other studies that figures show, each by the task that it is of.

    Figures that plot other test sets than their task does are left out.
    """
    published: dict[str, list[str]] = {}
    studies: dict[str, dict[str, str]] = {}
    for name in names.of_kind(study, "trends"):
        figure = runs.scored(study, name)
        if figure.plots is None:
            known = published.setdefault(figure.task, [])
            known += [table for table in figure.given.get("published", []) if table not in known]
            studies.setdefault(figure.task, {}).update(runs.studies(study, name))
    return {
        "published": {task: tables for task, tables in published.items() if tables},
        "studies": {task: tables for task, tables in studies.items() if tables},
    }


@cache
def curves(study: Study) -> list[dict[str, Any]]:
    """Return the metrics of every training, and whose they are."""
    found, trained = [], set(names.trained_distributions(study))
    for run in runs.runs(study, *names.scored_figures(study)):
        named = vars(run)
        if run.method in names.trained_methods(study):
            found.append(("finetune", named, run.folder()))
        if run.distribution in trained:
            found.append(("pretrain", {**named, "task": "", "method": ""}, NETWORK_FOLDER.format(**named)))
    stages = {folder: (stage, named) for stage, named, folder in found}
    return [
        {
            "metrics": f"<results>/{stage}/{folder}/metrics.csv",
            "run": {"stage": stage, **named, "benchmark": _benchmark(study, stage, named, folder)},
        }
        for folder, (stage, named) in sorted(stages.items())
    ]


def _benchmark(study: Study, stage: str, named: dict[str, Any], folder: str) -> str:
    """Return where Snakemake writes how long a training took."""
    if stage == "finetune":
        stage = names.finetune_rule(study, named["task"])
    elif named["distribution"] in names.captioned(study):
        stage = "pretrain_image_text"
    return f"{of_pathvar(study, 'benchmarks')}/{stage}/{folder}.tsv"


# What the study needs of each stage


def trained_on(study: Study) -> list[str]:
    """Return the distributions of images that the study's networks are pre-trained on."""
    needed = dict.fromkeys(run.distribution for run in runs.all_runs(study))
    return [name for name in needed if name in names.trained_distributions(study)]


def all_stores(study: Study) -> list[str]:
    """Return the tables of all stores that networks are trained or tested on."""
    sources = {study.distributions[name].source for name in trained_on(study)}
    tasks = dict.fromkeys(run.task for run in runs.all_runs(study))
    tested = [table for task in tasks for _, table in tested_stores(study, task).values()]
    return list(dict.fromkeys([*(store_file(name, "images.parquet") for name in sorted(sources)), *tested]))


def all_distributions(study: Study) -> list[str]:
    """Return the index of every distribution that networks are pre-trained on, and its checks."""
    files = ("index.parquet", "promises.csv")
    return [f"<results>/distributions/{name}/{file}" for name in trained_on(study) for file in files]


def all_networks(study: Study) -> list[str]:
    """Return the pre-trained weights of every network that the study needs."""
    weights = pretraining_file("weights.safetensors")
    needed = (run for run in runs.all_runs(study) if run.distribution != SCRATCH)
    return list(dict.fromkeys(weights.format(**vars(run)) for run in needed))


def all_checkpoints(study: Study) -> list[str]:
    """Return the checkpoints of every run that the study needs."""
    found = []
    for run in runs.all_runs(study):
        if run.method in names.trained_methods(study):
            found += checkpoints_of(study, run.folder(), run.task)
        elif run.method in names.merged_methods(study):
            found.append(merged_file(study, run.folder()))
    return found


def all_series(study: Study, name: str) -> list[str]:
    """Return a file of the evaluation of every series that the study needs."""
    series = dict.fromkeys(run.series() for run in runs.all_runs(study))
    return [f"<results>/evaluate/{one}/{name}" for one in series]
