"""Where files of ImageNet-RIB are: which files its rules read, from their wildcards."""

RIB = show.benchmark(study)


def index_of_task(wildcards):
    """The images of a distribution that is a task; none where a task has all of a store."""
    distribution = config["tasks"][wildcards.variant_task].get("distribution")
    return f"<results>/distributions/{distribution}/index.parquet" if distribution else []


def variant_task_classes(wildcards):
    """The classes of the networks' outputs in their order: ImageNet's, or those of the reference."""
    if names.collection(study, wildcards.variant_task).given["format"] in (
        "imagenet",
        "imagenet_variant",
    ):
        return imagenet_classes(wildcards)
    return f"<results>/stores/{config['imagenet_rib']['reference']}/classes.csv"


def rib_file(name):
    """A table of all networks of ImageNet-RIB."""
    return f"<results>/imagenet_rib/{name}.csv"


def rib_file_of_method(name):
    """A table of one method and distribution of ImageNet-RIB."""
    return f"<results>/imagenet_rib/{{method}}/{{distribution}}/{name}.csv"


def rib_files(name):
    """A file of every method and distribution of ImageNet-RIB."""
    return [f"<results>/imagenet_rib/{method}/{distribution}/{name}" for method, distribution in runs.rib_series(study)]


def set_size_scores():
    """Scores after fine-tuning on sets of every size, as the figures that show them ask for."""
    series = dict.fromkeys(run.series() for run in runs.set_size_runs(study))
    return [f"<results>/evaluate/{one}/scores.csv" for one in series]


def embedding_network(wildcards):
    """The network by whose features the variants are compared: one before fine-tuning."""
    return start_file(names.variant_tasks(study)[0]).format(**show.transport(study)["run"])


def crossing_file(figure, name):
    """What the networks of a figure of the crossing are compared by."""
    return f"<results>/imagenet_rib/crossing/{figure}/{name}.csv"


def published_rib(name):
    """A table of what was published of ImageNet-RIB."""
    return os.path.relpath(locate(config.get("imagenet_rib", {})[name], REPOSITORY))


def rib_page():
    """The page of ImageNet-RIB, in a study that has it."""
    return ["<results>/imagenet_rib.html"] if config.get("imagenet_rib", {}) else []


COMPARED = {
    name: f"<results>/imagenet_rib/{{unit}}/{file}.csv"
    for name, file in [
        ("turned", "turned"),
        ("errors", "standard_errors"),
        ("mean_errors", "mean_errors"),
    ]
}


@cache
def comparison_with_start(unit):
    """Which predictions of a method and distribution are compared with those before fine-tuning."""
    method, distribution = unit.split("/")
    return Part(
        inputs={
            "predictions": {
                task: f"<results>/evaluate/{task}/{unit}/predictions.parquet" for task in names.variant_tasks(study)
            },
            "tasks": {task: table_of_task(task) for task in names.variant_tasks(study)},
            "tables": {name: f"<results>/stores/{name}/images.parquet" for name in RIB["stores"]},
        },
        outputs=of_unit(COMPARED, unit),
        settings={
            **{key: RIB[key] for key in ("variants", "test_sets", "sharing")},
            "method": method,
            "distribution": distribution,
        },
        state=f"<results>/imagenet_rib/{unit}/unfinished",
    )
