"""Where files of ImageNet-RIB are: which files its rules read, from their wildcards."""

RIB = study.benchmark()


def filtering_network(variant):
    """The trained network that decides what is drawn of a variant: its weights and the classes that it knows."""
    network = study.filtering_network(variant)["network"]
    return {
        "weights": pretraining_file("weights.safetensors").format(**network),
        "classes": f"<results>/distributions/{network['distribution']}/classes.csv",
    }


def variant_task_classes(wildcards):
    """The classes of the networks' outputs in their order: ImageNet's, or those of the reference."""
    if study.collection(wildcards.variant_task)["format"] == "imagenet_variant":
        return imagenet_classes(wildcards)
    return f"<results>/stores/{study.imagenet_rib['reference']}/classes.csv"


def rib_series(name):
    """A file of the evaluation of each task, by one method from one distribution."""
    return [
        f"<results>/evaluate/{task}/{{method}}/{{distribution}}/{name}"
        for task in study.variant_tasks
    ]


def rib_figure_table(wildcards):
    """The tables behind a figure of ImageNet-RIB."""
    kind = config["figures"][wildcards.rib_figure]["kind"]
    if kind != "rib_similarity":
        name = {"rib_bars": "indices", "rib_matrix": "cells"}[kind]
        return f"<results>/imagenet_rib/{name}.csv"
    return collect(
        "<results>/imagenet_rib/{method}/{distribution}/{task}/similarity.csv",
        method=study.imagenet_rib["methods"],
        distribution=study.imagenet_rib["networks"],
        task=study.variant_tasks,
    )


def published_rib(wildcards):
    """The table of published mRI, for the figure that shows it."""
    kind = config["figures"][wildcards.rib_figure]["kind"]
    table = study.imagenet_rib.get("published")
    if kind != "rib_bars" or table is None:
        return []
    return os.path.relpath(locate(table, Path(workflow.basedir)))
