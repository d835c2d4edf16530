"""What a checked configuration asks for: which runs a figure needs and what each rule is told.

The configuration states the paper's numbers; a study's `scale` turns them into its own. Everything here is cheap: the
workflow asks it while planning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pretraining_robustness.config import RELATIONS, SCRATCH


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

    @property
    def tables(self) -> list[str]:
        """Names of the tables."""
        return list(self.config["tables"])

    def of_kind(self, *kinds: str) -> list[str]:
        """Names of the figures and tables of these kinds."""
        named = {**self.config["figures"], **self.config["tables"]}
        return [name for name, spec in named.items() if spec["kind"] in kinds]

    @property
    def scored_figures(self) -> list[str]:
        """Names of the figures that show scores of checkpoints."""
        return self.of_kind("trends", "residuals")

    @property
    def distributions(self) -> list[str]:
        """Names of the distributions that this study does not leave out."""
        return [name for name in self.config["distributions"] if name not in self.config["left_out"]]

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

    def runs(self, *figures: str) -> list[Run]:
        """Runs that the figures need, each once, sorted."""
        return sorted({run for figure in figures for run in self._figure_runs(figure)})

    def _figure_runs(self, figure: str) -> Iterator[Run]:
        for distribution in self.series(figure):
            for architecture in self.config["runs"]["architectures"]:
                for seed in self.config["runs"]["seeds"]:
                    yield Run(self.config["figures"][figure]["task"], distribution, architecture, seed)

    def panels(self, figure: str) -> list[dict[str, Any]]:
        """Return the panels of a figure of pictures, each with its collection; none needs training."""
        defaults = {"distribution": None, "split": None, "group_by": None, "groups": None, "rows": None}
        panels = [{**defaults, **panel} for panel in self.config["figures"][figure]["panels"]]
        for panel in panels:
            if panel["distribution"]:
                panel["collection"] = self.config["distributions"][panel["distribution"]]["source"]
        return panels

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
        return self.declaration(name, full_scale=False)

    def declaration(self, name: str, full_scale: bool) -> dict[str, Any]:
        """Return the declaration of a distribution at the study's scale or the paper's."""
        declared = self.config["distributions"][name]
        scale = dict.fromkeys(self.config["scale"], 1.0) if full_scale else self.scale(declared["source"])
        choice = dict(declared.get("classes", {}))
        factors = {
            "most_frequent": scale["classes"],
            "random": scale["classes"],
            "at_least": scale["images"] / scale["classes"],
            "subclasses": scale["subclasses"],
            "superclasses": scale["superclasses"],
        }
        choice |= {key: scaled(choice[key], by) for key, by in factors.items() if isinstance(choice.get(key), int)}
        return {
            "distribution": name,
            "source": declared["source"],
            "classes": choice,
            "label_map": self.label_map(name),
            "images": scaled(declared["images"], scale["images"]) if "images" in declared else None,
            "balanced": declared.get("balanced"),
            "short_classes": declared.get("short_classes", "refuse"),
            "seed": self.config["selection_seed"],
        }

    def scale(self, collection: str) -> dict[str, float]:
        """Return the factors on the paper's numbers for a source or task; 1 for your own folders."""
        own = self.collection(collection)["format"] == "folder"
        return dict.fromkeys(self.config["scale"], 1.0) if own else self.config["scale"]

    def label_map(self, distribution: str) -> dict[str, Any] | None:
        """Return where a distribution's superclasses are written: name, key and column; None if classes are labels."""
        name = self.config["distributions"][distribution].get("labels")
        if name is None:
            return None
        spec = self.config["label_maps"][name]
        return {"name": name, "key": spec.get("key", "class_id"), "column": spec["column"]}

    def relations(self, distribution: str) -> dict[str, str]:
        """Return the distributions that this one must agree with, by what it promises of them."""
        declared = self.config["distributions"][distribution]
        return {relation: declared[relation] for relation in RELATIONS if relation in declared}

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
        """Return a readable name with the paper's numbers and, in a scaled study, this study's."""
        if distribution == SCRATCH:
            return "From scratch (no pre-training)"
        declared = self.config["distributions"][distribution]
        return declared.get("label", self._describe(declared)) + self._here(distribution)

    def _describe(self, declared: dict[str, Any]) -> str:
        source = self.collection(declared["source"])
        name = source.get("label", declared["source"])
        images, random = declared.get("images"), declared.get("classes", {}).get("random")
        if "labels" in declared:
            return f"{name}, {self.config['label_maps'][declared['labels']]['label']}"
        if random and images:
            return f"{random:,} classes of {images // random:,} images"
        if images:
            return f"{name}, {images:,} images"
        return f"{name}, all {source['images']:,} images" if "images" in source else f"{name}, all images"

    def _here(self, distribution: str) -> str:
        """Say how much of it this study has, where that is less than the paper's."""
        declared, here = self.config["distributions"][distribution], self.distribution(distribution)
        total = declared.get("images", self.collection(declared["source"]).get("images"))
        factor = self.scale(declared["source"])["images"]
        if total is None or factor == 1:
            return ""
        images, choice = scaled(total, factor), here["classes"]
        random = choice.get("random")
        if "table" in self.config["label_maps"].get(declared.get("labels"), {}) and not choice:
            return f" (here fewer, {images:,} images)"
        if random:
            return f" (here {random:,} of {images // random:,})"
        if "subclasses" in choice:
            subclasses = max(1, round(choice["ratio"] * choice["subclasses"]))
            return f" (here {subclasses}, {images:,} images)"
        return f" (here {images:,})" if {"label", "labels"}.isdisjoint(declared) else f" (here {images:,} images)"

    def figure(self, name: str) -> dict[str, Any]:
        """Return what the drawing of a figure is told."""
        spec = self.config["figures"][name]
        common = {"name": name, "kind": spec["kind"], "title": spec["title"], "note": self._note(name)}
        if spec["kind"] == "pipeline":
            return common
        if spec["kind"] == "pictures":
            return {**common, "seed": spec["seed"], "panels": self.panels(name)}
        task = self.config["tasks"][spec["task"]]
        task_label = task.get("label", spec["task"])
        left_out = set(self.config["left_out"])
        common |= {
            "scale": spec["scale"],
            "confidence": self.config["trends"]["confidence"],
            "labels": {series: self.label(series) for series in self.series(name)},
            "task_label": task_label,
        }
        if spec["kind"] == "residuals":
            return {
                **common,
                "baseline": spec["baseline"],
                "series": [series for series in spec["series"] if series not in left_out],
                "architectures": {one: self.architecture_label(one) for one in self.config["runs"]["architectures"]},
                "x_label": "Epochs of fine-tuning",
                "y_label": f"Residual of out-of-distribution macro F1 score ({task_label}, {task['ood_split']} split)",
                "not_run": [self.label(series) for series in spec["series"] if series in left_out],
            }
        asked = [series for panel in spec["panels"] for series in panel["series"]]
        return {
            **common,
            "band": spec["band"],
            "references": spec["references"],
            "panels": [
                {**panel, "series": [s for s in panel["series"] if s not in left_out]} for panel in spec["panels"]
            ],
            "x_label": f"In-distribution macro F1 score ({task_label}, {task['id_split']} split)",
            "y_label": f"Out-of-distribution macro F1 score ({task_label}, {task['ood_split']} split)",
            "not_run": [self.label(series) for series in dict.fromkeys(asked) if series in left_out],
        }

    def architecture_label(self, name: str) -> str:
        """Return the family of an architecture and its name."""
        return f"{self.config['architectures'][name]['family']} ({name})"

    def _note(self, name: str) -> str | None:
        """Return the line that keeps a figure or table of drawn data from being taken for the paper's."""
        spec = {**self.config["figures"], **self.config["tables"]}[name]
        if spec["kind"] == "pipeline" or not any(map(self.is_drawn, [*self.config["sources"], *self.config["tasks"]])):
            return None
        if spec["kind"] in ("trends", "residuals"):
            drawn = self.is_drawn(spec["task"])
            return "Miniature: drawn data and small networks, not the paper's results" if drawn else None
        if spec["kind"] == "pictures":
            drawn = any(self.is_drawn(panel["collection"]) for panel in self.panels(name))
            return "Miniature: pictures that the pipeline draws itself" if drawn else None
        return "Miniature: numbers of data that the pipeline draws itself" if spec["kind"] != "cooccurrence" else None

    def table(self, name: str) -> dict[str, Any]:
        """Return what the making of a table is told."""
        spec = self.config["tables"][name]
        table = {**spec, "name": name, "note": self._note(name)}
        if spec["kind"] == "experiments":
            table["figures"] = {figure: self.config["figures"][figure]["title"] for figure in self.scored_figures}
        if spec["kind"] == "sources":
            table["sources"] = [
                {
                    "name": source,
                    "label": self.collection(source).get("label", source),
                    "about": self.collection(source).get("about", {}),
                    "paper": {key: self.collection(source).get(key) for key in ("images", "classes")},
                }
                for source in spec["sources"]
            ]
        return table


def scaled(number: int, factor: float) -> int:
    """Return `number` times `factor`, rounded, at least 1."""
    return max(1, round(number * factor))
