"""Where files are: which files the rules read and write, from their wildcards."""

FEW = 100000  # images of a folder of yours that are listed while planning

LAST_EPOCH = config["recipes"]["finetune"]["epochs"]


def checkpoints_of(folder, task):
    """The checkpoints of a run in a folder: of every epoch of fine-tuning that is predicted of its task."""
    return [f"<results>/finetune/{folder}/epoch_{epoch}.safetensors" for epoch in names.predicted_epochs(study, task)]


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


def own_results():
    """The table of all checkpoints and the page that shows them; none in a study of published numbers alone."""
    if not runs.runs(study, *names.scored_figures(study)):
        return []
    return [
        "<results>/scores.csv",
        "<results>/page.html",
        *collect("<results>/copies/{source}.csv", source=names.copied_sources(study)),
    ]


def source_file(name):
    """A file of the store of a distribution's source."""

    def path(wildcards):
        source = config["distributions"][wildcards.distribution]["source"]
        return f"<results>/stores/{source}/{name}"

    return path


def copies_left_out(wildcards):
    """The list of a source's images that are copies of others, where those are left out."""
    source = config["distributions"][wildcards.distribution]["source"]
    if not config["sources"][source].get("copies", {}).get("leave_out", False):
        return []
    return f"<results>/copies/{source}.csv"


def prompted_store(name):
    """A file of the store whose classes a diffusion model is asked for, on which the miniature trains it."""

    def path(wildcards):
        return f"<results>/stores/{names.prompted_source(study, wildcards.diffusion_source)}/{name}"

    return path


def prompted_classes(wildcards):
    """The classes that a diffusion model is asked for: drawn ones, or all of the real source's."""
    source = names.prompted_source(study, wildcards.diffusion_source)
    if names.is_drawn(study, source):
        return prompted_store("classes.csv")(wildcards)
    part = "tiny_" if names.collection(study, source).given["format"] == "tiny_imagenet" else ""
    return os.path.relpath(Path(REPOSITORY, "data", f"{part}imagenet_classes.csv"))


def diffusion_model(wildcards):
    """The diffusion model that the pipeline trains or fetches; none where you have its folder."""
    source = config["sources"][wildcards.diffusion_source]
    if source["model"] == "trained":
        return {"model": f"<results>/generated/{wildcards.diffusion_source}/model"}
    if "revision" in source:
        return {"model": f"<resources>/{wildcards.diffusion_source}/model"}
    return {}


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


def scores_from_elsewhere():
    """All tables of published numbers and of other studies that figures show, each by the task that it is of.

    Figures that plot other test sets than their task does are left out.
    """
    published, studies = {}, {}
    for name in names.of_kind(study, "trends"):
        figure = config["figures"][name]
        if "plots" in figure:
            continue
        for table in figure.get("published", []):
            published.setdefault(figure["task"], {})[table] = None
        studies.setdefault(figure["task"], {}).update(figure.get("studies", {}))
    return {
        "published": {task: list(tables) for task, tables in published.items()},
        "studies": {task: tables for task, tables in studies.items() if tables},
    }


def figure_table(wildcards):
    """The table of a figure's scores; none where all of its points are from elsewhere."""
    name = wildcards.get("trend_figure") or wildcards.get("figure")
    return f"<results>/scores/{name}.csv" if runs.runs(study, name) else []


def figure_left_out(wildcards):
    """The same scores without each cluster of the test images."""
    scores = figure_table(wildcards)
    return scores.replace(".csv", "_left_out.parquet") if scores else []


def recogniser(wildcards):
    """Which network judges the images of a generated source."""
    return config["sources"][wildcards.diffusion_source]["recognised_by"]


def recognising_network(wildcards):
    """The weights of that network and the classes that it knows."""
    network = recogniser(wildcards)
    seed = runs.seeds(study, network["distribution"])[0]
    return {
        "weights": pretraining_file("weights.safetensors").format(**network, seed=seed),
        "classes": f"<results>/distributions/{network['distribution']}/classes.csv",
    }


def recognitions():
    """How well the images of each generated source that is trained on are recognised."""
    used = {config["distributions"][name]["source"] for name in trained_on()}
    return [
        f"<results>/generated/{source}/recognition.csv"
        for source in names.sources_of_format(study, "stable_diffusion")
        if source in used
    ]


def images_of_task(task):
    """The pictures of a task; pairs of domains share those of their collection."""
    return f"<results>/stores/{names.task_collection(study, task)}/images.npy"


def table_of_task(task):
    """The table of a task's pictures: which split each belongs to."""
    made = [
        *names.domain_pairs(study),
        *names.made_tasks(study),
        *names.limited_tasks(study),
    ]
    folder = "pairs" if task in made else "stores"
    return f"<results>/{folder}/{task}/images.parquet"


def task_table(wildcards):
    """The table of the task in a path."""
    return table_of_task(wildcards.task)


def task_classes(wildcards):
    """The classes of a task and their names."""
    return f"<results>/stores/{names.task_collection(study, wildcards.task)}/classes.csv"


def superclass_table(wildcards):
    """The table of a distribution's superclasses, if it has one beside its source's own classes."""
    label_map = params.label_map(study, wildcards.distribution)
    table = label_map and config["label_maps"][label_map["name"]].get("table")
    if table is None:
        return []
    if label_map["name"] in config.get("downloads", {}):
        return f"<resources>/{label_map['name']}/{Path(table).name}"
    return os.path.relpath(locate(table, REPOSITORY))


def related_manifests(wildcards):
    """The manifests of the distributions that this one promises something about, by relation."""
    return {
        relation: f"<results>/distributions/{other}/manifest.csv"
        for relation, other in params.relations(study, wildcards.distribution).items()
    }


def pretraining_file(name):
    """A file of a run's pre-training."""
    return f"<results>/pretrain/{{distribution}}/{{architecture}}/seed_{{seed}}/{name}"


def built_by(builder):
    """The architectures that a builder builds."""
    found = config["architectures"].items()
    return [name for name, spec in found if spec["builder"] == builder]


def pretrained_weights(run):
    """The weights that fine-tuning starts from, and a head where one is asked for; none for networks from scratch.

    The run may be the wildcards of one, without a method.
    """
    if run.distribution == SCRATCH:
        return {}
    network = NETWORK_FOLDER.format(**vars(run))
    method = names.given_head(study, run.distribution)
    if names.is_variant_task(study, run.task) and method is not None:
        head = Run.of(f"{HEAD_TASK}/{method}/{network}")
        return {"weights": last_checkpoint(head, method)}
    files = {"weights": f"<results>/pretrain/{network}/weights.safetensors"}
    if config["distributions"][run.distribution].get("head") == "zero_shot":
        files["head"] = f"<results>/heads/{run.task}/{network}/head.safetensors"
    return files


def start_file(task):
    """The network with which fine-tuning on a task starts, whatever the method."""
    return f"<results>/start/{task}/{{distribution}}/{{architecture}}/seed_{{seed}}/epoch_0.safetensors"


def method_module(method):
    """The file that holds a method of fine-tuning."""
    kind = names.methods(study)[method]["kind"]
    return f"pretraining_robustness/finetune/methods/{kind}.py"


def last_checkpoint(run, method):
    """The network that a method leaves of a run at the end, or the one that it starts from."""
    if method == START:
        return start_file(names.start_task(study, run.task)).format(**vars(run))
    folder = replace(run, method=method).folder()
    return f"<results>/finetune/{folder}/epoch_{LAST_EPOCH}.safetensors"


def merged_checkpoints(run):
    """The networks that a run's method merges."""
    return [last_checkpoint(run, method) for method in names.methods(study)[run.method]["of"]]


def checkpoints_of_series(task, method, distribution):
    """The checkpoints of all runs of a series, run by run: of the predicted epochs, of the one that a merger leaves, or
    the two that are merged for each image.

    The network before fine-tuning comes first where its head knows the task's classes.
    """
    paths = []
    for run in runs.series_runs(study, task, method, distribution):
        if names.head_fits(study, run.task, run.distribution):
            paths.append(last_checkpoint(run, START))
        if method in names.trained_methods(study):
            paths += checkpoints_of(run.folder(), task)
        elif method in names.merged_methods(study):
            paths.append(last_checkpoint(run, method))
        else:
            paths += merged_checkpoints(run)
    return paths


@cache
def curves():
    """The metrics of every training, and whose they are."""
    found, trained = [], set(names.trained_distributions(study))
    for run in runs.runs(study, *names.scored_figures(study)):
        named = vars(run)
        if run.method in names.trained_methods(study):
            found.append(("finetune", named, run.folder()))
        if run.distribution in trained:
            folder = f"{run.distribution}/{run.architecture}/seed_{run.seed}"
            found.append(("pretrain", {**named, "task": "", "method": ""}, folder))
    stages = {folder: (stage, named) for stage, named, folder in found}
    return [
        {
            "metrics": f"<results>/{stage}/{folder}/metrics.csv",
            "run": {
                "stage": stage,
                **named,
                "benchmark": benchmark_file(stage, named, folder),
            },
        }
        for folder, (stage, named) in sorted(stages.items())
    ]


def benchmark_file(stage, named, folder):
    """Where Snakemake writes how long a training took."""
    captioned = stage == "pretrain" and named["distribution"] in names.captioned(study)
    place = config.get("pathvars", {}).get("benchmarks", "benchmarks")
    if stage == "finetune":
        stage = names.finetune_rule(study, named["task"])
    return f"{place}/{'pretrain_image_text' if captioned else stage}/{folder}.tsv"


@cache
def variant_folder(name):
    """The folder that you have of a variant, unless it is read already; what is wrong with it is said while planning.

    Where all its images are too many to be listed each time, its store says so.
    """
    variant, results = params.variant(study, name), config.get("pathvars", {}).get("results")
    folder = Path(names.collection(study, name).given["variant"]["path"])
    if Path(results or "results", "stores", name, "summary.json").exists():
        return str(folder)
    from pretraining_robustness.store.readers.imagenet_variant import read_variant

    with refusals_in_one_line():
        if not folder.is_dir():
            raise InputError(
                f"config imagenet_rib.variants.{name}.path: {folder} is no folder; "
                "correct it, or leave it out to download the files"
            )
        if config["acquisition"] == "download" and (variant["images"] or 0) <= FEW:
            classes = imagenet_classes(None)
            read_variant([folder], classes, variant_classes(name).get("table"), variant)
    return str(folder)


def variant_raw(wildcards):
    """The raw files of a variant: the folder that you have, or its archives."""
    variant = names.collection(study, wildcards.variant).given["variant"]
    if "path" in variant:
        return ancient(variant_folder(wildcards.variant))
    return [f"<resources>/{wildcards.variant}/{name}" for name in variant["files"]]


def variant_classes(name):
    """The table of a variant's classes, where it has only some."""
    table = names.collection(study, name).given["variant"].get("table")
    return {"table": os.path.relpath(locate(table, REPOSITORY))} if table else {}


def imagenet_classes(wildcards):
    """ImageNet's classes in the order of the networks' outputs: those of the drawn ImageNet, or all of them."""
    archives = names.sources_of_format(study, "imagenet")
    if config["acquisition"] == "draw" and archives:
        return f"<results>/stores/{archives[0]}/classes.csv"
    return os.path.relpath(Path(REPOSITORY, "data", "imagenet_classes.csv"))


# Not dated: another network in the study trains none of the others again.
ARCHITECTURES = ancient("<results>/architectures.csv")


def networks_of_study(wildcards):
    """The architectures of the study's networks, and the methods that fine-tune each of them."""
    every = runs.all_runs(study)
    trained = names.trained_methods(study)
    pairs = {(run.method, run.architecture): run for run in every if run.method in trained}
    return {
        "architectures": {
            name: params.architecture(study, name) for name in sorted({run.architecture for run in every})
        },
        "sizes": {name: params.image_sizes(study, name, every) for name in sorted({run.architecture for run in every})},
        "methods": [
            {
                "name": run.method,
                "architecture": run.architecture,
                "values": params.method(study, run.method),
                "recipe": params.finetune_recipe(study, run.task, run.architecture, run.method),
            }
            for run in pairs.values()
        ],
    }
