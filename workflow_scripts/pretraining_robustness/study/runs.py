"""Which runs a figure needs: a run is one network, pre-trained and fine-tuned."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from pretraining_robustness.evaluate.metrics import DEFAULT
from pretraining_robustness.study import names
from pretraining_robustness.study.names import SCRATCH, of_series
from pretraining_robustness.study.study import Study


@dataclass(frozen=True, order=True)
class Run:
    """One network: pre-trained on `distribution` (or not at all: `scratch`) and fine-tuned on `task` by `method`.

    This is the identity of a run in paths, score tables, captions and on the page.
    """

    task: str
    method: str
    distribution: str
    architecture: str
    seed: int

    @classmethod
    def of(cls, folder: str) -> Self:
        """Return the run of a folder, as `folder` gives it."""
        task, method, distribution, architecture, seed = folder.split("/")
        return cls(task, method, distribution, architecture, int(seed.removeprefix("seed_")))

    def folder(self) -> str:
        """Return the run's folder below the folder of a stage."""
        return RUN_FOLDER.format(**vars(self))

    def series(self) -> str:
        """Return the folder of the run's series, which all its architectures and seeds share."""
        return SERIES_FOLDER.format(**vars(self))


NETWORK_FOLDER = "{distribution}/{architecture}/seed_{seed}"
SERIES_FOLDER = "{task}/{method}/{distribution}"
RUN_FOLDER = "{task}/{method}/" + NETWORK_FOLDER
"""Where the files of a pre-trained network, a series and a run are below the folder of a stage."""


def asked(study: Study, figure: str) -> list[str]:
    """Series that a figure of scores is declared to show, each once."""
    spec = study.config["figures"][figure]
    if spec["kind"] == "residuals":
        names = [spec["baseline"], *spec["series"]]
    else:
        names = [*spec["references"], *(name for panel in spec["panels"] for name in panel["series"])]
    return list(dict.fromkeys(names))


def series(study: Study, figure: str) -> list[str]:
    """Series that a figure of scores shows, each once, without those that the study leaves out."""
    return [name for name in asked(study, figure) if not is_left_out(study, name)]


def is_left_out(study: Study, series: str) -> bool:
    """Whether the study leaves out the distribution of a series."""
    return of_series(series)[0] in study.config["left_out"]


def metric(study: Study, figure: str) -> str:
    """Return the metric that a figure of scores shows of its task."""
    return metrics(study)[study.config["figures"][figure]["task"]]


def metrics(study: Study) -> dict[str, str]:
    """Return the metric of each task."""
    return {task: study.config["tasks"][task].get("metric", DEFAULT) for task in names.scored_tasks(study)}


def pair(study: Study, figure: str) -> dict[str, dict[str, str]]:
    """Return the test sets `id` and `ood` that a figure of scores plots, by its task."""
    spec = study.config["figures"][figure]
    return {spec["task"]: spec.get("plots", names.pairs(study)[spec["task"]])}


def studies(study: Study, figure: str) -> dict[str, str]:
    """Return the score tables of other studies that a figure shows, by the study's name."""
    return dict(study.config["figures"][figure].get("studies", {}))


def runs(study: Study, *figures: str) -> list[Run]:
    """Runs that the figures need, each once, sorted."""
    return sorted({run for figure in figures for run in _figure_runs(study, figure)})


def all_runs(study: Study) -> list[Run]:
    """Runs that all figures and tables need, those of ImageNet-RIB among them, each once, sorted."""
    return sorted({*runs(study, *names.scored_figures(study)), *rib_runs(study), *set_size_runs(study)})


def needed_splits(study: Study, name: str) -> tuple[str, ...]:
    """Return the splits of which a collection must have images: to train, to test and to choose mergers."""
    own = ["train"] if name in study.config["tasks"] and "test_sets" in study.config["tasks"][name] else []
    used = [one["split"] for task in names.tasks(study) for one in names.test_sets(study, task) if one["store"] == name]
    methods = [
        names.methods(study)[run.method] for run in runs(study, *names.scored_figures(study)) if run.task == name
    ]
    held_out = sorted({method["held_out"] for method in methods if "held_out" in method})
    return tuple(split for split in dict.fromkeys([*own, *used, *held_out]) if split != "all")


@cache
def _figure_runs(study: Study, figure: str) -> tuple[Run, ...]:
    found: list[Run] = []
    for distribution, method in map(of_series, series(study, figure)):
        if distribution == SCRATCH or distribution in study.config["distributions"]:
            found += series_runs(study, study.config["figures"][figure]["task"], method, distribution)
    return tuple(found)


def rib_shown(study: Study, name: str) -> dict[str, Any]:
    """Return what a figure or table of ImageNet-RIB is declared to show; a table may show that of a figure."""
    spec = {**study.config["figures"], **study.config["tables"]}[name]
    return {**study.config["figures"].get(spec.get("figure"), {}), **spec}


def rib_networks(study: Study, name: str) -> list[str]:
    """Return the distributions whose networks a figure or table of ImageNet-RIB shows, without those left out."""
    spec = rib_shown(study, name)
    panels = [series for panel in spec.get("panels", []) for series in panel["series"]]
    shown = panels or spec.get("networks", names.imagenet_rib(study)["networks"])
    return [one for one in dict.fromkeys(shown) if not is_left_out(study, one)]


def rib_methods(study: Study, name: str) -> list[str]:
    """Return the methods of fine-tuning that a figure or table of ImageNet-RIB shows."""
    spec, methods = rib_shown(study, name), names.imagenet_rib(study)["methods"]
    if spec["kind"] == "rib_similarity":
        leave_weights = [*names.trained_methods(study), *names.merged_methods(study)]
        methods = names.imagenet_rib(study)["similarity"].get(
            "methods", [one for one in methods if one in leave_weights]
        )
    return list(spec.get("methods", methods))


def rib_series(study: Study, *shown_by: str) -> list[tuple[str, str]]:
    """Return method and distribution of the series that figures and tables of ImageNet-RIB show, each once.

    Those of all of them where none is named.
    """
    without = names.imagenet_rib(study).get("without", {})
    shown = [
        itertools.product(rib_methods(study, name), rib_networks(study, name))
        for name in shown_by or [*names.rib_figures(study), *names.rib_tables(study)]
    ]
    series = dict.fromkeys(itertools.chain(*shown))
    return [(method, network) for method, network in series if method not in without.get(network, [])]


def rib_runs(study: Study, *shown_by: str) -> list[Run]:
    """Return the runs of ImageNet-RIB that figures and tables need: their series on every variant fine-tuned on."""
    return [
        run
        for method, distribution in rib_series(study, *shown_by)
        for task in names.variant_tasks(study)
        for run in series_runs(study, task, method, distribution)
    ]


def set_size_runs(study: Study) -> list[Run]:
    """Return the runs that figures of the size of the fine-tuning set need."""
    figures = names.of_kind(study, "rib_set_size")
    return [
        run
        for method, distribution in (rib_series(study, *figures) if figures else [])
        for task in names.tasks_of_set_sizes(study)
        for run in series_runs(study, task, method, distribution)
    ]


def series_runs(study: Study, task: str, method: str, distribution: str) -> Iterator[Run]:
    """Yield the runs of a series: every architecture with every seed of its distribution."""
    trained_on = architectures(study, distribution)
    if names.is_variant_task(study, task) and not names.is_published(study, distribution):
        trained_on = rib_architectures(study, task, method, distribution) or trained_on
    for architecture in trained_on:
        for seed in seeds(study, distribution):
            yield Run(task, method, distribution, architecture, seed)


def rib_architectures(study: Study, task: str, method: str, distribution: str) -> list[str]:
    """Return the architectures of a series of ImageNet-RIB that its configuration names.

    They are those of imagenet_rib for its own networks, and those of the figures of the crossing that show the
    series, which do not show parts of variants.
    """
    spec = names.imagenet_rib(study)
    named = list(spec.get("architectures", [])) if distribution in spec["networks"] else []
    for name in names.of_kind(study, "rib_crossing") if task in names.variant_tasks(study) else []:
        if distribution in rib_networks(study, name) and method in rib_methods(study, name):
            named += rib_shown(study, name).get("architectures", spec.get("architectures", []))
    return list(dict.fromkeys(named))


def architectures(study: Study, distribution: str) -> list[str]:
    """Return the architectures that are trained on a distribution."""
    declared = study.config["distributions"].get(distribution, {})
    return list(declared.get("architectures", study.config["runs"]["architectures"]))


def seeds(study: Study, distribution: str) -> list[int]:
    """Return the seeds with which networks are trained on a distribution."""
    runs = study.config["runs"]
    return list(runs.get("seeds_of", {}).get(distribution, runs["seeds"]))


def panels(study: Study, figure: str) -> list[dict[str, Any]]:
    """Return the panels of a figure of images, each with its collection; none needs training."""
    defaults = {"distribution": None, "split": None, "group_by": None, "groups": None, "rows": None}
    panels = [{**defaults, **panel} for panel in study.config["figures"][figure]["panels"]]
    for panel in panels:
        if panel["distribution"]:
            panel["collection"] = study.config["distributions"][panel["distribution"]]["source"]
    return panels
