"""Where files of ImageNet-RIB are: which files its rules read, from their wildcards."""

RIB = study.benchmark()

# The methods of a job that is all methods of one network and one variant, and which tasks have such jobs.
RIB_METHODS = study.imagenet_rib.get("methods", [])
RIB_TRAINED = [name for name in RIB_METHODS if name in study.trained_methods]
RIB_MERGED = [name for name in RIB_METHODS if name in study.merged_methods]
TASKS_WITH_OWN_JOBS = set(study.tasks) - set(study.tasks_sharing_jobs)
NETWORK_FOLDER = RUN_FOLDER.replace("/{method}", "")


def of_methods(paths, methods):
    """Paths of a series or a run, once for each of these methods."""
    return [path.replace("{method}", method) for method in methods for path in paths]


def predictions_before(wildcards):
    """Predictions of the networks of a series before fine-tuning, which a variant's task has once for all methods."""
    if wildcards.task not in study.variant_tasks:
        return []
    task = study.start_task(wildcards.task)
    return f"<results>/evaluate/{task}/{START}/{wildcards.distribution}/predictions.parquet"


def index_of_task(wildcards):
    """The images of a distribution that is a task; none where a task has all of a store."""
    distribution = config["tasks"][wildcards.variant_task].get("distribution")
    return (
        f"<results>/distributions/{distribution}/index.parquet" if distribution else []
    )


def filtering_network(variant):
    """The trained network that decides what is drawn of a variant: its weights and the classes that it knows."""
    network = study.filtering_network(variant)["network"]
    return {
        "weights": pretraining_file("weights.safetensors").format(**network),
        "classes": f"<results>/distributions/{network['distribution']}/classes.csv",
    }


def rib_series(name):
    """A file of the evaluation of each task, by one method from one distribution."""
    return [
        f"<results>/evaluate/{task}/{{method}}/{{distribution}}/{name}"
        for task in study.variant_tasks
    ]


def rib_files(name, methods=None):
    """A file of every network by every method, or by some."""
    return [
        f"<results>/imagenet_rib/{method}/{distribution}/{name}"
        for method, distribution in study.rib_series()
        if methods is None or method in methods
    ]


def rib_figure_table(wildcards):
    """The tables behind a figure of ImageNet-RIB."""
    kind = config["figures"][wildcards.rib_figure]["kind"]
    if kind != "rib_similarity":
        name = {"rib_bars": "indices", "rib_matrix": "cells"}[kind]
        return f"<results>/imagenet_rib/{name}.csv"
    methods = study.imagenet_rib["similarity"].get("methods")
    return collect(
        rib_files("{task}/similarity.csv", methods), task=study.variant_tasks
    )


def published_rib(wildcards):
    """The table of published mRI, for the figure that shows it."""
    kind = config["figures"][wildcards.rib_figure]["kind"]
    table = study.imagenet_rib.get("published")
    if kind != "rib_bars" or table is None:
        return []
    return os.path.relpath(locate(table, Path(workflow.basedir)))
