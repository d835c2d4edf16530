"""Which runs a figure needs: a run is one network, pre-trained and fine-tuned."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pretraining_robustness.study.names import SCRATCH, Names
from pretraining_robustness.trends.metric import METRICS


@dataclass(frozen=True, order=True)
class Run:
    """One network: pre-trained on `distribution` (or not at all: `scratch`) and fine-tuned on `task`."""

    task: str
    distribution: str
    architecture: str
    seed: int


class Runs(Names):
    """A configuration, asked what its figures need."""

    def asked(self, figure: str) -> list[str]:
        """Distributions that a figure of scores is declared to show, each once."""
        spec = self.config["figures"][figure]
        if spec["kind"] == "residuals":
            names = [spec["baseline"], *spec["series"]]
        else:
            names = [*spec["references"], *(name for panel in spec["panels"] for name in panel["series"])]
        return list(dict.fromkeys(names))

    def series(self, figure: str) -> list[str]:
        """Distributions that a figure of scores shows, each once, without those that the study leaves out."""
        return [name for name in self.asked(figure) if name not in self.config["left_out"]]

    def metric(self, figure: str) -> str:
        """Return what a figure of scores shows of its task: macro_f1 or accuracy."""
        return self.metrics()[self.config["figures"][figure]["task"]]

    def metrics(self) -> dict[str, str]:
        """Return the metric of each task."""
        return {task: self.config["tasks"][task].get("metric", METRICS[0]) for task in self.tasks}

    def studies(self, figure: str) -> dict[str, str]:
        """Return the score tables of other studies that a figure shows, by the study's name."""
        return dict(self.config["figures"][figure].get("studies", {}))

    def runs(self, *figures: str) -> list[Run]:
        """Runs that the figures need, each once, sorted."""
        return sorted({run for figure in figures for run in self._figure_runs(figure)})

    def _figure_runs(self, figure: str) -> Iterator[Run]:
        own = [name for name in self.series(figure) if name == SCRATCH or name in self.config["distributions"]]
        for distribution in own:
            for architecture in self.architectures(distribution):
                for seed in self.config["runs"]["seeds"]:
                    yield Run(self.config["figures"][figure]["task"], distribution, architecture, seed)

    def architectures(self, distribution: str) -> list[str]:
        """Return the architectures that are trained on a distribution."""
        declared = self.config["distributions"].get(distribution, {})
        return list(declared.get("architectures", self.config["runs"]["architectures"]))

    def panels(self, figure: str) -> list[dict[str, Any]]:
        """Return the panels of a figure of pictures, each with its collection; none needs training."""
        defaults = {"distribution": None, "split": None, "group_by": None, "groups": None, "rows": None}
        panels = [{**defaults, **panel} for panel in self.config["figures"][figure]["panels"]]
        for panel in panels:
            if panel["distribution"]:
                panel["collection"] = self.config["distributions"][panel["distribution"]]["source"]
        return panels
