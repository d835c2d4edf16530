"""Which runs a figure needs: a run is one network, pre-trained and fine-tuned."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from pretraining_robustness.evaluate.metrics import DEFAULT
from pretraining_robustness.study.names import SCRATCH, Names, of_series


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


class Runs(Names):
    """A configuration, asked what its figures need."""

    def asked(self, figure: str) -> list[str]:
        """Series that a figure of scores is declared to show, each once."""
        spec = self.config["figures"][figure]
        if spec["kind"] == "residuals":
            names = [spec["baseline"], *spec["series"]]
        else:
            names = [*spec["references"], *(name for panel in spec["panels"] for name in panel["series"])]
        return list(dict.fromkeys(names))

    def series(self, figure: str) -> list[str]:
        """Series that a figure of scores shows, each once, without those that the study leaves out."""
        return [name for name in self.asked(figure) if not self.is_left_out(name)]

    def is_left_out(self, series: str) -> bool:
        """Whether the study leaves out the distribution of a series."""
        return of_series(series)[0] in self.config["left_out"]

    def metric(self, figure: str) -> str:
        """Return the metric that a figure of scores shows of its task."""
        return self.metrics()[self.config["figures"][figure]["task"]]

    def metrics(self) -> dict[str, str]:
        """Return the metric of each task."""
        return {task: self.config["tasks"][task].get("metric", DEFAULT) for task in self.scored_tasks}

    def pair(self, figure: str) -> dict[str, dict[str, str]]:
        """Return the test sets `id` and `ood` that a figure of scores plots, by its task."""
        spec = self.config["figures"][figure]
        return {spec["task"]: spec.get("plots", self.pairs()[spec["task"]])}

    def studies(self, figure: str) -> dict[str, str]:
        """Return the score tables of other studies that a figure shows, by the study's name."""
        return dict(self.config["figures"][figure].get("studies", {}))

    def runs(self, *figures: str) -> list[Run]:
        """Runs that the figures need, each once, sorted."""
        return sorted({run for figure in figures for run in self._figure_runs(figure)})

    def all_runs(self) -> list[Run]:
        """Runs that all figures and tables need, those of ImageNet-RIB among them, each once, sorted."""
        return sorted({*self.runs(*self.scored_figures), *self.rib_runs(), *self.set_size_runs()})

    def needed_splits(self, name: str) -> tuple[str, ...]:
        """Return the splits of which a collection must have images: to train, to test and to choose mergers."""
        own = ["train"] if name in self.config["tasks"] and "test_sets" in self.config["tasks"][name] else []
        used = [one["split"] for task in self.tasks for one in self.test_sets(task) if one["store"] == name]
        methods = [self.methods[run.method] for run in self.runs(*self.scored_figures) if run.task == name]
        held_out = sorted({method["held_out"] for method in methods if "held_out" in method})
        return tuple(split for split in dict.fromkeys([*own, *used, *held_out]) if split != "all")

    def _figure_runs(self, figure: str) -> Iterator[Run]:
        for distribution, method in map(of_series, self.series(figure)):
            if distribution == SCRATCH or distribution in self.config["distributions"]:
                yield from self.series_runs(self.config["figures"][figure]["task"], method, distribution)

    def rib_shown(self, name: str) -> dict[str, Any]:
        """Return what a figure or table of ImageNet-RIB is declared to show; a table may show that of a figure."""
        spec = {**self.config["figures"], **self.config["tables"]}[name]
        return {**self.config["figures"].get(spec.get("figure"), {}), **spec}

    def rib_networks(self, name: str) -> list[str]:
        """Return the distributions whose networks a figure or table of ImageNet-RIB shows, without those left out."""
        spec = self.rib_shown(name)
        panels = [series for panel in spec.get("panels", []) for series in panel["series"]]
        shown = panels or spec.get("networks", self.imagenet_rib["networks"])
        return [one for one in dict.fromkeys(shown) if not self.is_left_out(one)]

    def rib_methods(self, name: str) -> list[str]:
        """Return the methods of fine-tuning that a figure or table of ImageNet-RIB shows."""
        spec, methods = self.rib_shown(name), self.imagenet_rib["methods"]
        if spec["kind"] == "rib_similarity":
            leave_weights = [*self.trained_methods, *self.merged_methods]
            methods = self.imagenet_rib["similarity"].get("methods", [one for one in methods if one in leave_weights])
        return list(spec.get("methods", methods))

    def rib_series(self, *names: str) -> list[tuple[str, str]]:
        """Return method and distribution of the series that figures and tables of ImageNet-RIB show, each once.

        Those of all of them where none is named.
        """
        without = self.imagenet_rib.get("without", {})
        shown = [
            itertools.product(self.rib_methods(name), self.rib_networks(name))
            for name in names or [*self.rib_figures, *self.rib_tables]
        ]
        series = dict.fromkeys(itertools.chain(*shown))
        return [(method, network) for method, network in series if method not in without.get(network, [])]

    def rib_runs(self, *names: str) -> list[Run]:
        """Return the runs of ImageNet-RIB that figures and tables need: their series on every variant fine-tuned on."""
        return [
            run
            for method, distribution in self.rib_series(*names)
            for task in self.variant_tasks
            for run in self.series_runs(task, method, distribution)
        ]

    def set_size_runs(self) -> list[Run]:
        """Return the runs that figures of the size of the fine-tuning set need."""
        figures = self.of_kind("rib_set_size")
        return [
            run
            for method, distribution in (self.rib_series(*figures) if figures else [])
            for task in self.tasks_of_set_sizes()
            for run in self.series_runs(task, method, distribution)
        ]

    def series_runs(self, task: str, method: str, distribution: str) -> Iterator[Run]:
        """Yield the runs of a series: every architecture with every seed of its distribution."""
        architectures = self.architectures(distribution)
        if self.is_variant_task(task) and not self.is_published(distribution):
            architectures = self.rib_architectures(task, method, distribution) or architectures
        for architecture in architectures:
            for seed in self.seeds(distribution):
                yield Run(task, method, distribution, architecture, seed)

    def rib_architectures(self, task: str, method: str, distribution: str) -> list[str]:
        """Return the architectures of a series of ImageNet-RIB that its configuration names.

        They are those of imagenet_rib for its own networks, and those of the figures of the crossing that show the
        series, which do not show parts of variants.
        """
        spec = self.imagenet_rib
        named = list(spec.get("architectures", [])) if distribution in spec["networks"] else []
        for name in self.of_kind("rib_crossing") if task in self.variant_tasks else []:
            if distribution in self.rib_networks(name) and method in self.rib_methods(name):
                named += self.rib_shown(name).get("architectures", spec.get("architectures", []))
        return list(dict.fromkeys(named))

    def architectures(self, distribution: str) -> list[str]:
        """Return the architectures that are trained on a distribution."""
        declared = self.config["distributions"].get(distribution, {})
        return list(declared.get("architectures", self.config["runs"]["architectures"]))

    def seeds(self, distribution: str) -> list[int]:
        """Return the seeds with which networks are trained on a distribution."""
        runs = self.config["runs"]
        return list(runs.get("seeds_of", {}).get(distribution, runs["seeds"]))

    def panels(self, figure: str) -> list[dict[str, Any]]:
        """Return the panels of a figure of pictures, each with its collection; none needs training."""
        defaults = {"distribution": None, "split": None, "group_by": None, "groups": None, "rows": None}
        panels = [{**defaults, **panel} for panel in self.config["figures"][figure]["panels"]]
        for panel in panels:
            if panel["distribution"]:
                panel["collection"] = self.config["distributions"][panel["distribution"]]["source"]
        return panels
