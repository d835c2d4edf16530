"""Where files of ImageNet-RIB are: which files its rules read, from their wildcards."""

from snakemake.iocontainers import Wildcards

RIB = study.benchmark()

# Where jobs are shared: by networks that need all methods, and by others, a method at a time.
RIB_METHODS = study.imagenet_rib.get("methods", [])
RIB_TRAINED = [name for name in RIB_METHODS if name in study.trained_methods]
RIB_MERGED = [name for name in RIB_METHODS if name in study.merged_methods]
RIB_ARCHITECTURES = study.imagenet_rib.get("architectures", config["architectures"])
NETWORKS_SHARING_JOBS = study.networks_sharing_jobs()
NETWORKS_BY_ALL_METHODS = study.networks_by_all_methods()
RUN_ON_VARIANTS = RUN_FOLDER.replace("{task}/", "")
NETWORK_ON_VARIANTS = RUN_ON_VARIANTS.replace("{method}/", "")


def of_methods(paths, methods):
    """Paths of a series or a run, once for each of these methods."""
    return [path.replace("{method}", method) for method in methods for path in paths]


def on_variants(paths):
    """Paths of a series or a run, once for each variant fine-tuned on."""
    return [
        path.replace("{task}", task) for task in study.variant_tasks for path in paths
    ]


def series_on_variants(wildcards, methods):
    """Task, method and distribution of a network's series: by each of these methods on each variant fine-tuned on."""
    return [
        (task, method, wildcards.distribution)
        for method in methods
        for task in study.variant_tasks
    ]


def checkpoints_on_variants(wildcards, methods):
    """The checkpoints of a network's series by each of these methods on each variant, in that order."""
    return [
        path
        for series in series_on_variants(wildcards, methods)
        for path in checkpoints_of_series(*series)
    ]


def runs_on_variants(wildcards, methods):
    """The runs of one network: by each of these methods on each variant fine-tuned on."""
    network = (wildcards.architecture, wildcards.seed)
    return [Run(*series, *network) for series in series_on_variants(wildcards, methods)]


def of_each_variant(files):
    """Lists of files by name, where no wildcard tells the task: those of each variant's task in turn."""

    def of_all(wildcards):
        found = {}
        for task in study.variant_tasks:
            of_task = files(Wildcards(fromdict={**wildcards, "task": task}))
            for name, paths in of_task.items():
                found.setdefault(name, []).extend(paths)
        return found

    return of_all


def predictions_before(wildcards):
    """Predictions of the networks of a series before fine-tuning, which a variant's task has once for all methods."""
    return (
        predictions_before_all(wildcards)
        if study.is_variant_task(wildcards.task)
        else []
    )


def predictions_before_all(wildcards):
    """Predictions of the networks of a series before fine-tuning on any variant."""
    return f"<results>/evaluate/{study.variant_tasks[0]}/{START}/{wildcards.distribution}/predictions.parquet"


def index_of_task(wildcards):
    """The images of a distribution that is a task; none where a task has all of a store."""
    distribution = config["tasks"][wildcards.variant_task].get("distribution")
    return (
        f"<results>/distributions/{distribution}/index.parquet" if distribution else []
    )


def variant_task_classes(wildcards):
    """The classes of the networks' outputs in their order: ImageNet's, or those of the reference."""
    if study.collection(wildcards.variant_task)["format"] in (
        "imagenet",
        "imagenet_variant",
    ):
        return imagenet_classes(wildcards)
    return f"<results>/stores/{study.imagenet_rib['reference']}/classes.csv"


def rib_file(name):
    """A table of all networks of ImageNet-RIB."""
    return f"<results>/imagenet_rib/{name}.csv"


def rib_tasks(name):
    """A file of the evaluation of each task, by one method from one distribution."""
    return [
        f"<results>/evaluate/{task}/{{method}}/{{distribution}}/{name}"
        for task in study.variant_tasks
    ]


def rib_file_of_method(name):
    """A table of one method and distribution of ImageNet-RIB."""
    return f"<results>/imagenet_rib/{{method}}/{{distribution}}/{name}.csv"


def rib_files(name):
    """A file of every method and distribution of ImageNet-RIB."""
    return [
        f"<results>/imagenet_rib/{method}/{distribution}/{name}"
        for method, distribution in study.rib_series()
    ]


def set_size_scores():
    """Scores after fine-tuning on sets of every size, as the figures that show them ask for."""
    return [
        f"<results>/evaluate/{task}/{method}/{distribution}/scores.csv"
        for method, distribution in study.rib_series(*study.of_kind("rib_set_size"))
        for task in study.tasks_of_set_sizes()
    ]


def test_stores_of_variants(wildcards):
    """The images and the tables of the stores that every variant's task is tested on."""
    return test_stores(Wildcards(fromdict={"task": study.variant_tasks[0]}))


def embedding_network(wildcards):
    """The network by whose features the variants are compared: one before fine-tuning."""
    return start_file(study.variant_tasks[0]).format(**study.transport()["run"])


def crossing_file(figure, name):
    """What the networks of a figure of the crossing are compared by."""
    return f"<results>/imagenet_rib/crossing/{figure}/{name}.csv"


def published_rib(name):
    """A table of what was published of ImageNet-RIB."""
    return os.path.relpath(locate(study.imagenet_rib[name], REPOSITORY))


def rib_page():
    """The page of ImageNet-RIB, in a study that has it."""
    return ["<results>/imagenet_rib.html"] if study.imagenet_rib else []
