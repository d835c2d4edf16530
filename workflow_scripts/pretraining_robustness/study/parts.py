"""What the jobs of pre-training, fine-tuning, merging, prediction and scoring make: `Part`s of one run or series each.

A unit is the folder of a run or a series; see jobs.py.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from pretraining_robustness.parts import Part
from pretraining_robustness.study import names, params, places, runs, show
from pretraining_robustness.study.jobs import Files, Jobs, jobs_of, of_unit, unit_pattern
from pretraining_robustness.study.names import DEFAULT_METHOD, SCRATCH, START
from pretraining_robustness.study.runs import NETWORK_FOLDER, Run
from pretraining_robustness.study.study import Study

PRETRAINED: Files = {
    "weights": "<results>/pretrain/{unit}/weights.safetensors",
    "metrics": "<results>/pretrain/{unit}/metrics.csv",
}
WITH_TEXT: Files = {**PRETRAINED, "text": "<results>/pretrain/{unit}/text.safetensors"}
PREDICTED: Files = {"predictions": "<results>/evaluate/{unit}/predictions.parquet"}
SCORED: Files = {
    "scores": "<results>/evaluate/{unit}/scores.csv",
    "left_out": "<results>/evaluate/{unit}/left_out.parquet",
}
COMPARED: Files = {
    "turned": "<results>/imagenet_rib/{unit}/turned.csv",
    "errors": "<results>/imagenet_rib/{unit}/standard_errors.csv",
    "mean_errors": "<results>/imagenet_rib/{unit}/mean_errors.csv",
}


def fine_tuned(study: Study, task: str) -> Files:
    """Return what fine-tuning on a task makes."""
    checkpoints = places.checkpoints_of(study, "{unit}", task)
    return {"checkpoints": checkpoints, "metrics": "<results>/finetune/{unit}/metrics.csv"}


def merged(study: Study) -> Files:
    """Return what merging makes."""
    return {"merged": places.merged_file(study, "{unit}")}


def pretraining_jobs(study: Study, distributions: Iterable[str]) -> list[Jobs]:
    """Return the jobs of pre-training on these distributions."""
    distributions = set(distributions)
    units = [NETWORK_FOLDER.format(**vars(run)) for run in runs.all_runs(study) if run.distribution in distributions]
    shared = {"run": None, "distribution": slice(0, 1)}[study.jobs.pretrain]
    return jobs_of(unit_pattern(distributions, study.architectures), units, shared)


def training_jobs(study: Study) -> list[tuple[str, Jobs, Files]]:
    """Return the jobs of fine-tuning and what they make, with the end of their rule's name: tasks of which the last
    epoch is predicted have rules of their own."""
    tasks: dict[str, list[str]] = {}
    for task in names.tasks(study):
        tasks.setdefault(names.finetune_rule(study, task), []).append(task)
    return [
        (rule.removeprefix("finetune"), jobs, fine_tuned(study, alike[0]))
        for rule, alike in tasks.items()
        for jobs in finetuning_jobs(study, study.jobs.finetune, names.trained_methods(study), alike)
    ]


def finetuning_jobs(study: Study, together: str, methods: list[str], tasks: list[str]) -> list[Jobs]:
    """Return the jobs of fine-tuning on these tasks, or merging, by these methods."""
    return jobs_of(
        unit_pattern(tasks, methods, [SCRATCH, *study.distributions], study.architectures),
        [run.folder() for run in runs.all_runs(study) if run.method in methods and run.task in tasks],
        {"run": None, "distribution": slice(0, 3), "network": slice(2, 5)}[together],
        kept_apart=lambda unit: same_start(study, unit),
    )


def evaluation_jobs(study: Study, together: str, *more: str) -> list[Jobs]:
    """Return the jobs of predicting or scoring series; `more` are expressions of series beside those of runs."""
    series = unit_pattern(names.tasks(study), names.methods(study), [SCRATCH, *study.distributions], seed=False)
    return jobs_of(
        f"(?:{'|'.join([series, *more])})",
        [run.series() for run in runs.all_runs(study)],
        {"distribution": None, "network": slice(2, 3)}[together],
        kept_apart=lambda unit: same_start(study, unit),
    )


def comparison_jobs(study: Study) -> list[Jobs]:
    """Return the jobs of comparing predictions on variants of ImageNet with those before fine-tuning."""
    return jobs_of(
        unit_pattern(names.methods(study), study.distributions, seed=False),
        ["/".join(series) for series in runs.rib_series(study)],
        {"distribution": None, "network": slice(1, 2)}[study.jobs.score],
    )


def series_before(study: Study) -> list[str]:
    """Return an expression of the series of networks before fine-tuning, which variants of ImageNet have once for all
    methods."""
    tasks = names.variant_tasks(study)[:1]
    return [unit_pattern([task], [START], study.distributions, seed=False) for task in tasks]


def same_start(study: Study, unit: str) -> str:
    """Return the task that a run or series shares its start with; only runs of one start go together."""
    return names.start_task(study, unit.partition("/")[0])


@cache
def _ranks(study: Study) -> dict[str, int]:
    """Return the first figure of scores that shows a series or a distribution, by its place in the config."""
    ranks: dict[str, int] = {}
    for rank, figure in enumerate(names.scored_figures(study)):
        for run in runs.runs(study, figure):
            ranks.setdefault(run.series(), rank)
            ranks.setdefault(run.distribution, rank)
    return ranks


def training_priority(study: Study, jobs: Jobs, group: str) -> int:
    """Return the priority of a training: earlier figures first, among them the largest; all other jobs come before
    trainings, as soon as they can."""
    unit = jobs.units(group)[0].split("/")
    series = "/".join(unit[:3]) if len(unit) == 5 else unit[0]
    return len(jobs.folders) - 1000 * (1 + _ranks(study).get(series, len(study.figures)))


@cache
def pretraining(study: Study, unit: str) -> Part:
    """Return what a network is pre-trained on, and how."""
    distribution, architecture, seed = unit.split("/")
    captioned, objective = distribution in names.captioned(study), names.objective(study, distribution)
    classes, state = f"<results>/distributions/{distribution}/classes.csv", f"<results>/pretrain/{unit}/unfinished"
    inputs: dict[str, Any] = {
        "images": places.source_file(study, distribution, "images.npy"),
        "table": places.source_file(study, distribution, "images.parquet"),
        "index": f"<results>/distributions/{distribution}/index.parquet",
    }
    if captioned:
        inputs["classes"] = classes
    elif objective["name"] == "supervised":
        inputs["class_table"] = classes
    if store := params.validation(study, distribution):
        files = {
            key: places.store_file(store, f"images.{end}") for key, end in (("images", "npy"), ("table", "parquet"))
        }
        inputs["validation"] = {**files, "classes": classes}
    return Part(
        inputs=inputs,
        outputs=of_unit(WITH_TEXT if captioned else PRETRAINED, unit),
        settings={
            "distribution": distribution,
            "seed": int(seed.removeprefix("seed_")),
            "architecture": params.architecture(study, architecture),
            "recipe": params.pretrain_recipe(study, architecture, distribution),
            "objective": objective,
            "state": state,
            **params.held_out(study, distribution),
        },
        state=state,
    )


@cache
def finetuning(study: Study, unit: str) -> Part:
    """Return what a run is fine-tuned on, and how."""
    run, state = Run.of(unit), f"<results>/finetune/{unit}/unfinished"
    files, task = places.pretrained_weights(study, run), study.tasks[run.task]
    own_classes = task.variant is None and task.distribution is None
    return Part(
        inputs={
            "images": places.images_of_task(study, run.task),
            "table": places.table_of_task(study, run.task),
            "class_table": places.classes_of_task(study, run.task) if own_classes else None,
            "pretrained": files.get("weights"),
            "head": files.get("head"),
        },
        outputs=of_unit(fine_tuned(study, run.task), unit),
        settings={**params.finetuning(study, run), "state": state},
        state=state,
    )


@cache
def merging(study: Study, unit: str) -> Part:
    """Return which networks a run merges, how, and the images that choose how, where the method has a choice."""
    run = Run.of(unit)
    chosen = "held_out" in names.methods(study)[run.method]
    return Part(
        inputs={
            "checkpoints": places.merged_checkpoints(study, run),
            "images": places.images_of_task(study, run.task) if chosen else None,
            "table": places.table_of_task(study, run.task) if chosen else None,
        },
        outputs=of_unit(merged(study), unit),
        settings=params.merge(study, run, study.recipes.finetune["epochs"] or 0),
        state=f"<results>/finetune/{unit}/unfinished",
    )


@cache
def prediction(study: Study, unit: str) -> Part:
    """Return with which networks a series is predicted, on which test sets."""
    task, method, distribution = unit.split("/")
    before = None
    if method == START:
        method = DEFAULT_METHOD
        started = runs.series_runs(study, task, method, distribution)
        checkpoints = [places.last_checkpoint(study, run, START) for run in started]
    else:
        checkpoints = places.checkpoints_of_series(study, task, method, distribution)
        if names.is_variant_task(study, task):
            before = f"<results>/evaluate/{names.variant_tasks(study)[0]}/{START}/{distribution}/predictions.parquet"
    told = params.prediction(study, task, method, distribution)
    return Part(
        inputs={"stores": places.tested_stores(study, task), "checkpoints": checkpoints, "before": before},
        outputs=of_unit(PREDICTED, unit),
        settings={key: told[key] for key in told if key != "stores"},
        state=f"<results>/evaluate/{unit}/unfinished",
    )


@cache
def scoring(study: Study, unit: str) -> Part:
    """Return how the predictions of a series are scored."""
    task, method, distribution = unit.split("/")
    told = params.scoring(study, task, method, distribution)
    tables = {name: table for name, (_, table) in places.tested_stores(study, task).items()}
    return Part(
        inputs={**of_unit(PREDICTED, unit), "tables": tables},
        outputs=of_unit(SCORED, unit),
        settings={**{key: told[key] for key in told if key != "stores"}, **study.scores.given},
        state=f"<results>/evaluate/{unit}/unfinished_scores",
    )


@cache
def comparison(study: Study, unit: str) -> Part:
    """Return which predictions of a method and distribution are compared with those before fine-tuning."""
    method, distribution = unit.split("/")
    tasks, told = names.variant_tasks(study), show.benchmark(study)
    return Part(
        inputs={
            "predictions": {task: f"<results>/evaluate/{task}/{unit}/predictions.parquet" for task in tasks},
            "tasks": {task: places.table_of_task(study, task) for task in tasks},
            "tables": {name: places.store_file(name, "images.parquet") for name in told["stores"]},
        },
        outputs=of_unit(COMPARED, unit),
        settings={
            **{key: told[key] for key in ("variants", "test_sets", "sharing")},
            "method": method,
            "distribution": distribution,
        },
        state=f"<results>/imagenet_rib/{unit}/unfinished",
    )


def score_tables(study: Study) -> dict[str, list[Run]]:
    """Return the tables of scores, by their place below the results: of which runs each is."""
    scored = names.scored_figures(study)
    return {
        "scores": runs.runs(study, *scored),
        **{f"scores/{name}": runs.runs(study, name) for name in scored},
        "scores/imagenet_rib": runs.rib_runs(study),
    }


def scores_of_table(study: Study, table: str) -> Files:
    """Return the scores of the series of the runs of a table, and the same without each cluster of test images."""
    series = dict.fromkeys(run.series() for run in score_tables(study)[table])
    return {name: [str(path).replace("{unit}", one) for one in series] for name, path in SCORED.items()}
