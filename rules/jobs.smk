"""What the jobs of pre-training, fine-tuning, merging, prediction and scoring make: `Part`s of one run or series each.

A unit is the folder of a run or a series; see study/jobs.py.
"""


def outputs_of(jobs, files):
    """The outputs of a job by name; `files` are their paths for one unit."""
    return {name: jobs.paths(*(paths if isinstance(paths, list) else [paths])) for name, paths in files.items()}


def of_unit(files, unit):
    """Paths with the folder of this unit in them."""
    return {
        name: (
            [path.replace("{unit}", unit) for path in paths]
            if isinstance(paths, list)
            else paths.replace("{unit}", unit)
        )
        for name, paths in files.items()
    }


def inputs_of(jobs, part):
    """What a job reads: the inputs of all its parts, each once."""

    def inputs(wildcards):
        found = {}
        for unit in jobs.units(wildcards.group):
            for name, paths in part(unit).inputs.items():
                found.setdefault(name, {}).update(dict.fromkeys(files_of({name: paths})))
        return {name: list(paths) for name, paths in found.items() if paths}

    return inputs


def parts_of(jobs, part):
    """What a job is told of its parts."""

    def params(wildcards):
        return [with_results(asdict(part(unit))) for unit in jobs.units(wildcards.group)]

    return params


def with_results(value):
    """Fill in where results are, which Snakemake does not do in params."""
    if isinstance(value, str):
        return value.replace("<results>", RESULTS)
    if isinstance(value, dict):
        return {key: with_results(one) for key, one in value.items()}
    if isinstance(value, list):
        return [with_results(one) for one in value]
    return value


PRETRAINED = {
    "weights": "<results>/pretrain/{unit}/weights.safetensors",
    "metrics": "<results>/pretrain/{unit}/metrics.csv",
}
WITH_TEXT = {**PRETRAINED, "text": "<results>/pretrain/{unit}/text.safetensors"}
NETWORKS = [NETWORK_FOLDER.format(**vars(run)) for run in runs.all_runs(study)]


def pretraining_jobs(distributions):
    """The jobs of pre-training on these distributions."""
    return jobs_of(
        unit_pattern(one_of(distributions), one_of(config["architectures"]), r"seed_\d+"),
        [unit for unit in NETWORKS if unit.partition("/")[0] in distributions],
        {"run": None, "distribution": slice(0, 1)}[config["jobs"]["pretrain"]],
    )


@cache
def pretraining(unit):
    """What a network is pre-trained on, and how."""
    distribution, architecture, seed = unit.split("/")
    captioned = distribution in names.captioned(study)
    source = config["distributions"][distribution]["source"]
    inputs = {
        "images": f"<results>/stores/{source}/images.npy",
        "table": f"<results>/stores/{source}/images.parquet",
        "index": f"<results>/distributions/{distribution}/index.parquet",
    }
    classes = f"<results>/distributions/{distribution}/classes.csv"
    if captioned:
        inputs["classes"] = classes
    elif names.objective(study, distribution)["name"] == "supervised":
        inputs["class_table"] = classes
    if params.validation(study, distribution) is not None:
        store = f"<results>/stores/{params.validation(study, distribution)}"
        inputs["validation"] = {
            "images": f"{store}/images.npy",
            "table": f"{store}/images.parquet",
            "classes": classes,
        }
    return Part(
        inputs=inputs,
        outputs=of_unit(WITH_TEXT if captioned else PRETRAINED, unit),
        settings={
            "distribution": distribution,
            "seed": int(seed.removeprefix("seed_")),
            "architecture": params.architecture(study, architecture),
            "recipe": params.pretrain_recipe(study, architecture, distribution),
            "objective": names.objective(study, distribution),
            "state": f"<results>/pretrain/{unit}/unfinished",
            **params.held_out(study, distribution),
        },
        state=f"<results>/pretrain/{unit}/unfinished",
    )


def kept_promises(jobs):
    """The checks of the distributions that a job trains on."""

    def promises(wildcards):
        used = dict.fromkeys(unit.partition("/")[0] for unit in jobs.units(wildcards.group))
        return [f"<results>/distributions/{name}/promises.csv" for name in used]

    return promises


MERGED = {"merged": f"<results>/finetune/{{unit}}/epoch_{LAST_EPOCH}.safetensors"}


def fine_tuned(task):
    """What fine-tuning on a task makes."""
    return {
        "checkpoints": checkpoints_of("{unit}", task),
        "metrics": "<results>/finetune/{unit}/metrics.csv",
    }


def training_jobs():
    """The jobs of fine-tuning and what they make: tasks of which the last epoch is predicted have rules of their own."""
    tasks = {}
    for task in names.tasks(study):
        tasks.setdefault(names.finetune_rule(study, task), []).append(task)
    return [
        (rule_name.removeprefix("finetune"), jobs, fine_tuned(alike[0]))
        for rule_name, alike in tasks.items()
        for jobs in finetuning_jobs("finetune", names.trained_methods(study), alike)
    ]


def finetuning_jobs(stage, methods, tasks):
    """The jobs of fine-tuning on these tasks, or merging, by these methods."""
    return jobs_of(
        unit_pattern(
            one_of(tasks),
            one_of(methods),
            one_of([SCRATCH, *config["distributions"]]),
            one_of(config["architectures"]),
            r"seed_\d+",
        ),
        [run.folder() for run in runs.all_runs(study) if run.method in methods and run.task in tasks],
        {"run": None, "distribution": slice(0, 3), "network": slice(2, 5)}[config["jobs"][stage]],
        kept_apart=same_start,
    )


def same_start(unit):
    """The task that a run or series shares its start with; only runs of one start go together."""
    return names.start_task(study, unit.partition("/")[0])


@cache
def finetuning(unit):
    """What a run is fine-tuned on, and how."""
    run = Run.of(unit)
    files = pretrained_weights(run)
    state = f"<results>/finetune/{unit}/unfinished"
    return Part(
        inputs={
            "images": images_of_task(run.task),
            "table": table_of_task(run.task),
            "pretrained": files.get("weights"),
            "head": files.get("head"),
            "class_table": class_table(run.task),
        },
        outputs=of_unit(fine_tuned(run.task), unit),
        settings={**params.finetuning(study, run), "state": state},
        state=state,
    )


def class_table(task):
    """The names of a task's classes; none for a task made of a source, whose classes have no numbers in its store."""
    if {"variant", "distribution"} & set(config["tasks"][task]):
        return None
    return f"<results>/stores/{names.task_collection(study, task)}/classes.csv"


@cache
def merging(unit):
    """Which networks a run merges, how, and the images that choose how, where the method has a choice."""
    run = Run.of(unit)
    chosen = "held_out" in names.methods(study)[run.method]
    return Part(
        inputs={
            "checkpoints": merged_checkpoints(run),
            "images": images_of_task(run.task) if chosen else None,
            "table": table_of_task(run.task) if chosen else None,
        },
        outputs=of_unit(MERGED, unit),
        settings=params.merge(study, run, LAST_EPOCH),
        state=f"<results>/finetune/{unit}/unfinished",
    )


def methods_of(jobs):
    """The names of the methods of a job's runs."""
    return lambda wildcards: list(dict.fromkeys(Run.of(unit).method for unit in jobs.units(wildcards.group)))


def code_of_methods(jobs):
    """The digest of the code of fine-tuning, with that of the methods of a job."""
    methods = methods_of(jobs)
    return lambda wildcards: code("finetune.py", *map(method_module, methods(wildcards)))


def code_of_mergers(jobs):
    """The digest of the code of merging, with that of the mergers of a job."""
    methods = methods_of(jobs)
    return lambda wildcards: code(
        "merge_weights.py",
        *(
            f"pretraining_robustness/finetune/mergers/{names.methods(study)[name]['kind']}.py"
            for name in methods(wildcards)
        ),
    )


def card_to_choose(jobs):
    """GPUs for merging: as many as for prediction where held-out images choose, else none."""
    methods = methods_of(jobs)
    return lambda wildcards: (
        stage_resource("evaluate", "gpu")
        if any("held_out" in names.methods(study)[name] for name in methods(wildcards))
        else 0
    )


PREDICTED = {"predictions": "<results>/evaluate/{unit}/predictions.parquet"}
SCORED = {
    "scores": "<results>/evaluate/{unit}/scores.csv",
    "left_out": "<results>/evaluate/{unit}/left_out.parquet",
}


def evaluation_jobs(stage, *more):
    """The jobs of predicting or scoring series; `more` are expressions of single series beside those of runs."""
    series = unit_pattern(
        one_of(names.tasks(study)),
        one_of(names.methods(study)),
        one_of([SCRATCH, *config["distributions"]]),
    )
    return jobs_of(
        f"(?:{'|'.join([series, *more])})",
        [run.series() for run in runs.all_runs(study)],
        {"distribution": None, "network": slice(2, 3)}[config["jobs"][stage]],
        kept_apart=same_start,
    )


def series_before():
    """An expression of the series of networks before fine-tuning, which variants of ImageNet have once for all methods."""
    return [unit_pattern(task, START, one_of(config["distributions"])) for task in names.variant_tasks(study)[:1]]


def tested_stores(task):
    """Images and table of each store that a task is tested on, its own first."""
    own, *others = names.test_stores(study, task)
    stores = {
        name: [
            f"<results>/stores/{name}/images.npy",
            f"<results>/stores/{name}/images.parquet",
        ]
        for name in others
    }
    return {own: [images_of_task(task), table_of_task(task)], **stores}


@cache
def prediction(unit):
    """With which networks a series is predicted, on which test sets."""
    task, method, distribution = unit.split("/")
    before = None
    if method == START:
        method = DEFAULT_METHOD
        started = runs.series_runs(study, task, method, distribution)
        checkpoints = [last_checkpoint(run, START) for run in started]
    else:
        checkpoints = checkpoints_of_series(task, method, distribution)
        if names.is_variant_task(study, task):
            before = f"<results>/evaluate/{names.variant_tasks(study)[0]}/{START}/{distribution}/predictions.parquet"
    told = params.prediction(study, task, method, distribution)
    stores = tested_stores(task)
    return Part(
        inputs={"stores": stores, "checkpoints": checkpoints, "before": before},
        outputs=of_unit(PREDICTED, unit),
        settings={key: told[key] for key in told if key != "stores"},
        state=f"<results>/evaluate/{unit}/unfinished",
    )


@cache
def scoring(unit):
    """How the predictions of a series are scored."""
    task, method, distribution = unit.split("/")
    told = params.scoring(study, task, method, distribution)
    stores = tested_stores(task)
    return Part(
        inputs={
            **of_unit(PREDICTED, unit),
            "tables": {name: table for name, (_, table) in stores.items()},
        },
        outputs=of_unit(SCORED, unit),
        settings={
            **{key: told[key] for key in told if key != "stores"},
            **config["scores"],
        },
        state=f"<results>/evaluate/{unit}/unfinished_scores",
    )


# The tables of scores, by their place below the results: of which runs each is.
SCORE_TABLES = {
    "scores": lambda: runs.runs(study, *names.scored_figures(study)),
    **{f"scores/{name}": partial(partial(runs.runs, study), name) for name in names.scored_figures(study)},
    "scores/imagenet_rib": partial(runs.rib_runs, study),
}


def scores_of_table(wildcards):
    """Scores of the series of the runs of a table, and the same without each cluster of the test images."""
    runs = SCORE_TABLES[wildcards.score_table]()
    series = dict.fromkeys(run.series() for run in runs)
    return {name: [path.replace("{unit}", one) for one in series] for name, path in SCORED.items()}


@cache
def rank_of():
    """The first figure of scores that shows a series or a distribution, by its place in the config."""
    ranks = {}
    for rank, figure in enumerate(names.scored_figures(study)):
        for run in runs.runs(study, figure):
            ranks.setdefault(run.series(), rank)
            ranks.setdefault(run.distribution, rank)
    return ranks


def training_priority(jobs):
    """Trainings of earlier figures first, among them the largest; all other jobs come before them, as soon as they can."""

    def priority(wildcards):
        unit = jobs.units(wildcards.group)[0].split("/")
        series = "/".join(unit[:3]) if len(unit) == 5 else unit[0]
        rank = rank_of().get(series, len(study.figures))
        return len(jobs.folders) - 1000 * (1 + rank)

    return priority


def study_networks(wildcards):
    """Pre-trained weights of every network that the study needs."""
    networks = dict.fromkeys(
        NETWORK_FOLDER.format(**vars(run)) for run in runs.all_runs(study) if run.distribution != SCRATCH
    )
    return [f"<results>/pretrain/{one}/weights.safetensors" for one in networks]


def study_checkpoints(wildcards):
    """Checkpoints of every run that the study needs."""
    found = []
    for run in runs.all_runs(study):
        if run.method in names.trained_methods(study):
            found += checkpoints_of(run.folder(), run.task)
        elif run.method in names.merged_methods(study):
            found += of_unit(MERGED, run.folder()).values()
    return found


def study_series(name):
    """A file of the evaluation of every series that the study needs."""

    def paths(wildcards):
        series = dict.fromkeys(run.series() for run in runs.all_runs(study))
        return [f"<results>/evaluate/{one}/{name}" for one in series]

    return paths


def trained_on():
    """The distributions of images that the study's networks are pre-trained on."""
    needed = dict.fromkeys(run.distribution for run in runs.all_runs(study))
    return [name for name in needed if name in names.trained_distributions(study)]


def study_distributions(wildcards):
    """The index of every distribution that networks are pre-trained on, and its checks."""
    return collect(
        "<results>/distributions/{name}/{file}",
        name=trained_on(),
        file=["index.parquet", "promises.csv"],
    )


def study_stores(wildcards):
    """The tables of all stores that networks are trained or tested on."""
    sources = {config["distributions"][name]["source"] for name in trained_on()}
    tasks = dict.fromkeys(run.task for run in runs.all_runs(study))
    tested = [table for task in tasks for _, table in tested_stores(task).values()]
    own = [f"<results>/stores/{name}/images.parquet" for name in sorted(sources)]
    return list(dict.fromkeys([*own, *tested]))
