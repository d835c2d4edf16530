"""Which runs a figure needs: a run is one network, pre-trained and fine-tuned."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Self, cast

from pretraining_robustness.evaluate.metrics import DEFAULT
from pretraining_robustness.study import names
from pretraining_robustness.study.model import (
    AnswersFigure,
    CrossingFigure,
    ResidualsFigure,
    RIBFigure,
    TableSpec,
    TrendsFigure,
)
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


def scored(study: Study, figure: str) -> TrendsFigure | ResidualsFigure | AnswersFigure:
    """Return what the configuration says of a figure of scores or of answers."""
    return cast(TrendsFigure | ResidualsFigure | AnswersFigure, study.figures[figure])


def asked(study: Study, figure: str) -> list[str]:
    """Series that a figure of scores is declared to show, each once."""
    spec = scored(study, figure)
    if isinstance(spec, AnswersFigure):
        return list(spec.series)
    if isinstance(spec, ResidualsFigure):
        return list(dict.fromkeys([spec.baseline, *spec.series]))
    return list(dict.fromkeys([*spec.references, *(name for panel in spec.panels for name in panel.series)]))


def series(study: Study, figure: str) -> list[str]:
    """Series that a figure of scores shows, each once, without those that the study leaves out."""
    return [name for name in asked(study, figure) if not is_left_out(study, name)]


def is_left_out(study: Study, series: str) -> bool:
    """Whether the study leaves out the distribution of a series."""
    return of_series(series)[0] in study.left_out


def metric(study: Study, figure: str) -> str:
    """Return the metric that a figure of scores shows of its task."""
    return metrics(study)[scored(study, figure).task]


def metrics(study: Study) -> dict[str, str]:
    """Return the metric of each task."""
    return {task: study.tasks[task].metric or DEFAULT for task in names.scored_tasks(study)}


def pair(study: Study, figure: str) -> dict[str, dict[str, str]]:
    """Return the test sets `id` and `ood` that a figure of scores plots, by its task."""
    spec = scored(study, figure)
    return {spec.task: spec.plots.given if spec.plots else names.pairs(study)[spec.task]}


def studies(study: Study, figure: str) -> dict[str, str]:
    """Return the score tables of other studies that a figure shows, by the study's name."""
    return getattr(study.figures[figure], "studies", None) or {}


def runs(study: Study, *figures: str) -> list[Run]:
    """Runs that the figures need, each once, sorted."""
    return sorted({run for figure in figures for run in _figure_runs(study, figure)})


@cache
def all_runs(study: Study) -> list[Run]:
    """Runs that all figures and tables need, those of ImageNet-RIB among them, each once, sorted."""
    shown = [*names.scored_figures(study), *names.answered_figures(study)]
    return sorted({*runs(study, *shown), *rib_runs(study), *set_size_runs(study)})


def needed_splits(study: Study, name: str) -> tuple[str, ...]:
    """Return the splits of which a collection must have images: to train, to test and to choose mergers."""
    own = ["train"] if name in study.tasks and study.tasks[name].test_sets else []
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
        if distribution == SCRATCH or distribution in study.distributions:
            found += series_runs(study, scored(study, figure).task, method, distribution)
    return tuple(found)


def rib_networks(study: Study, name: str) -> list[str]:
    """Return the distributions whose networks a figure or table of ImageNet-RIB shows, without those left out."""
    spec = shown(study, name)
    if isinstance(spec, CrossingFigure):
        networks = [series for panel in spec.panels for series in panel.series]
    else:
        networks = spec.networks or names.imagenet_rib(study).networks
    return [one for one in dict.fromkeys(networks) if not is_left_out(study, one)]


def rib_methods(study: Study, name: str) -> list[str]:
    """Return the methods of fine-tuning that a figure or table of ImageNet-RIB shows."""
    rib, own = names.imagenet_rib(study), {**study.figures, **study.tables}[name]
    methods = getattr(own, "methods", None) or shown(study, name).methods
    if own.kind == "rib_similarity" and not methods:
        leave_weights = [*names.trained_methods(study), *names.merged_methods(study)]
        compared = rib.similarity and rib.similarity.methods
        methods = compared or [one for one in rib.methods if one in leave_weights]
    return methods or rib.methods


def shown(study: Study, name: str) -> RIBFigure | CrossingFigure | TableSpec:
    """Return what says what a figure or table of ImageNet-RIB shows; of a table that is of a figure, the figure."""
    spec = {**study.figures, **study.tables}[name]
    if isinstance(spec, TableSpec) and spec.figure:
        spec = study.figures[spec.figure]
    return cast(RIBFigure | CrossingFigure | TableSpec, spec)


def rib_series(study: Study, *shown_by: str) -> list[tuple[str, str]]:
    """Return method and distribution of the series that figures and tables of ImageNet-RIB show, each once.

    Those of all of them where none is named.
    """
    without = (study.imagenet_rib and study.imagenet_rib.without) or {}
    shown_by = shown_by or (*names.rib_figures(study), *names.rib_tables(study))
    products = (itertools.product(rib_methods(study, name), rib_networks(study, name)) for name in shown_by)
    series = dict.fromkeys(itertools.chain(*products))
    return [(method, network) for method, network in series if method not in without.get(network, [])]


def rib_runs(study: Study, *shown_by: str) -> list[Run]:
    """Return the runs of ImageNet-RIB that figures and tables need: their series on every variant fine-tuned on."""
    return _runs_on(study, names.variant_tasks(study), rib_series(study, *shown_by))


def set_size_runs(study: Study) -> list[Run]:
    """Return the runs that figures of the size of the fine-tuning set need."""
    figures = names.of_kind(study, "rib_set_size")
    return _runs_on(study, names.tasks_of_set_sizes(study), rib_series(study, *figures) if figures else [])


def _runs_on(study: Study, tasks: list[str], series: list[tuple[str, str]]) -> list[Run]:
    return [run for method, of in series for task in tasks for run in series_runs(study, task, method, of)]


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
    own = names.imagenet_rib(study).architectures or []
    named = list(own) if distribution in names.imagenet_rib(study).networks else []
    for name in names.of_kind(study, "rib_crossing") if task in names.variant_tasks(study) else []:
        if distribution in rib_networks(study, name) and method in rib_methods(study, name):
            named += rib_shown_architectures(study, name) or own
    return list(dict.fromkeys(named))


def rib_shown_architectures(study: Study, name: str) -> list[str]:
    """Return the architectures that a figure of the crossing, or a table of it, names."""
    return getattr(shown(study, name), "architectures", None) or []


def architectures(study: Study, distribution: str) -> list[str]:
    """Return the architectures that are trained on a distribution."""
    declared = study.distributions.get(distribution)
    return (declared and declared.architectures) or study.runs.architectures


def seeds(study: Study, distribution: str) -> list[int]:
    """Return the seeds with which networks are trained on a distribution."""
    return (study.runs.seeds_of or {}).get(distribution, study.runs.seeds)


def panels(study: Study, figure: str) -> list[dict[str, Any]]:
    """Return the panels of a figure of images, each with its collection; none needs training."""
    defaults = {"distribution": None, "split": None, "group_by": None, "groups": None, "rows": None}
    panels = [{**defaults, **panel} for panel in study.figures[figure].given["panels"]]
    for panel in panels:
        if panel["distribution"]:
            panel["collection"] = study.distributions[panel["distribution"]].source
    return panels
