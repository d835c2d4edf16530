"""What a checked configuration asks for: which runs a figure needs and what each rule is told.

The configuration states the paper's numbers; a study's `scale` turns them into its own. Everything here is cheap: the
workflow asks it while planning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pretraining_robustness.config import SCRATCH


@dataclass(frozen=True, order=True)
class Run:
    """One network: pre-trained on `distribution` (or not at all: `scratch`) and fine-tuned on `task`."""

    task: str
    distribution: str
    architecture: str
    seed: int


class Study:
    """A configuration (a dict that `check_config` accepts), asked in the workflow's own words."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    @property
    def figures(self) -> list[str]:
        """Names of the figures."""
        return list(self.config["figures"])

    def series(self, figure: str) -> list[str]:
        """Distributions that a figure shows, each once, without those that the study leaves out."""
        spec = self.config["figures"][figure]
        names = [*spec["references"], *(name for panel in spec["panels"] for name in panel["series"])]
        return [name for name in dict.fromkeys(names) if name not in self.config["left_out"]]

    def runs(self, *figures: str) -> list[Run]:
        """Runs that the figures need, each once, sorted."""
        return sorted({run for figure in figures for run in self._figure_runs(figure)})

    def _figure_runs(self, figure: str) -> Iterator[Run]:
        for distribution in self.series(figure):
            for architecture in self.config["runs"]["architectures"]:
                for seed in self.config["runs"]["seeds"]:
                    yield Run(self.config["figures"][figure]["task"], distribution, architecture, seed)

    def collection(self, name: str) -> dict[str, Any]:
        """Return the configuration of a source or a task."""
        return self.config["sources"].get(name) or self.config["tasks"][name]

    def is_drawn(self, name: str) -> bool:
        """Whether a source or a task is a miniature that the pipeline draws."""
        return self.config["acquisition"] == "draw" and self.collection(name)["format"] != "folder"

    def world(self, name: str) -> dict[str, Any]:
        """Return what the drawing rule of a source or a task is told: images, classes, seed and looks."""
        collection, scale = self.collection(name), self.config["scale"]
        prefix = "task_" if name in self.config["tasks"] else ""
        return {
            "images": scaled(collection["images"], scale[f"{prefix}images"]),
            "classes": scaled(collection["classes"], scale[f"{prefix}classes"]),
            "seed": self.config["world_seed"],
            **collection["world"],
        }

    def store(self, name: str) -> dict[str, Any]:
        """Return how the images of a source or a task are stored."""
        collection, is_task = self.collection(name), name in self.config["tasks"]
        own_folder = "metadata_folder" if is_task else "class_folders"
        return {
            "fit": "stretch" if is_task else "crop",
            **self.config["store"],
            **collection.get("store", {}),
            "format": own_folder if collection["format"] == "folder" else collection["format"],
        }

    def distribution(self, name: str) -> dict[str, Any]:
        """Return the declaration of a distribution at the study's scale."""
        declared = self.config["distributions"][name]
        scale = self.config["scale"] if self.collection(declared["source"])["format"] != "folder" else None
        images, frequent = declared.get("images"), declared.get("classes", {}).get("most_frequent")
        if scale:
            images = images and scaled(images, scale["images"])
            frequent = frequent and scaled(frequent, scale["classes"])
        return {
            "distribution": name,
            "source": declared["source"],
            "most_frequent": frequent,
            "images": images,
            "balanced": declared.get("balanced", False),
            "seed": self.config["selection_seed"],
        }

    def recipe(self, stage: str, architecture: str) -> dict[str, Any]:
        """Return the recipe of a stage (pretrain, finetune) for an architecture, without empty keys."""
        merged = {**self.config["recipes"][stage], **self.config["architectures"][architecture].get(stage, {})}
        augmentation = {key: value for key, value in merged["augmentation"].items() if value is not None}
        return {key: value for key, value in merged.items() if value is not None} | {"augmentation": augmentation}

    def architecture(self, name: str) -> dict[str, Any]:
        """Return what builds an architecture."""
        spec = self.config["architectures"][name]
        return {"name": name, "builder": spec["builder"], "arguments": spec.get("arguments", {})}

    def label(self, distribution: str) -> str:
        """Return a readable name with the paper's number of images and, in a scaled study, this study's."""
        if distribution == SCRATCH:
            return "From scratch (no pre-training)"
        declared = self.config["distributions"][distribution]
        if "label" in declared:
            return declared["label"]
        source = self.collection(declared["source"])
        name = source.get("label", declared["source"])
        total = declared.get("images", source.get("images"))
        if total is None:
            return f"{name}, all images"
        amount = f"all {total:,} images" if "images" not in declared else f"{total:,} images"
        here = ""
        if source["format"] != "folder" and self.config["scale"]["images"] != 1:
            here = f" (here {scaled(total, self.config['scale']['images']):,})"
        return f"{name}, {amount}{here}"

    def figure(self, name: str) -> dict[str, Any]:
        """Return what the drawing of a figure is told."""
        spec = self.config["figures"][name]
        task = self.config["tasks"][spec["task"]]
        left_out = set(self.config["left_out"])
        panels = [{**panel, "series": [s for s in panel["series"] if s not in left_out]} for panel in spec["panels"]]
        task_label = task.get("label", spec["task"])
        asked = [series for panel in spec["panels"] for series in panel["series"]]
        note = "Miniature: drawn data and small networks, not the paper's results"
        return {
            "name": name,
            "kind": spec["kind"],
            "title": spec["title"],
            "scale": spec["scale"],
            "band": spec["band"],
            "confidence": self.config["trends"]["confidence"],
            "references": spec["references"],
            "panels": panels,
            "labels": {series: self.label(series) for series in self.series(name)},
            "task_label": task_label,
            "x_label": f"In-distribution macro F1 score ({task_label}, {task['id_split']} split)",
            "y_label": f"Out-of-distribution macro F1 score ({task_label}, {task['ood_split']} split)",
            "note": note if self.is_drawn(spec["task"]) else None,
            "not_run": [self.label(series) for series in dict.fromkeys(asked) if series in left_out],
        }


def scaled(number: int, factor: float) -> int:
    """Return `number` times `factor`, rounded, at least 1."""
    return max(1, round(number * factor))
