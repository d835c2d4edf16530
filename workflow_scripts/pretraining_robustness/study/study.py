"""What a checked configuration asks for: which runs a figure needs and what each rule is told.

The configuration states the paper's numbers; a study's `scale` turns them into its own. Everything here is cheap: the
workflow asks it while planning.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pretraining_robustness.study.check import RELATIONS, SCRATCH
from pretraining_robustness.trends.metric import METRICS, score_metric

OWN = ("folder", "image_text")  # formats of your own data, which no scale changes
NOT_RAW = ("fractaldb", "stable_diffusion", "published")  # formats of sources whose stores are not decoded from files
IMAGES_PER_INSTANCE = 100  # FractalDB renders a system in 25 weightings, each of them flipped in 4 ways


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
        """Names of the distributions of images that this study makes."""
        return [name for name in self.trained_distributions if name not in self.config["left_out"]]

    @property
    def trained_distributions(self) -> list[str]:
        """Names of the distributions on which networks are pre-trained."""
        return [name for name in self.config["distributions"] if not self.is_published(name)]

    @property
    def published_distributions(self) -> list[str]:
        """Names of the distributions of which only the weights of published networks can be had."""
        return [name for name in self.config["distributions"] if self.is_published(name)]

    def is_published(self, distribution: str) -> bool:
        """Whether only published weights can be had of a distribution."""
        return bool(self.collection(self.config["distributions"][distribution]["source"])["format"] == "published")

    def captioned(self) -> list[str]:
        """Names of the distributions whose images are learned with captions."""
        return [name for name in self.trained_distributions if self.objective(name)["name"] == "image_text"]

    def sources_of_format(self, format: str) -> list[str]:
        """Names of the sources of a format."""
        return [name for name, source in self.config["sources"].items() if source["format"] == format]

    @property
    def raw_collections(self) -> list[str]:
        """Names of the sources and tasks whose stores are decoded from raw files."""
        sources = [name for name, source in self.config["sources"].items() if source["format"] not in NOT_RAW]
        return [*sources, *(name for name, task in self.config["tasks"].items() if "pair_of" not in task)]

    @property
    def domain_pairs(self) -> list[str]:
        """Names of the tasks that are pairs of domains."""
        return [name for name, task in self.config["tasks"].items() if "pair_of" in task]

    @property
    def tasks(self) -> list[str]:
        """Names of the downstream tasks; a collection of domains is none, its pairs are."""
        return [name for name, task in self.config["tasks"].items() if "domains" not in task]

    def task_collection(self, task: str) -> str:
        """Return the collection that holds the images of a task: its own, or that of its pair's domains."""
        return str(self.config["tasks"][task].get("pair_of", task))

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

    def collection(self, name: str) -> dict[str, Any]:
        """Return the configuration of a source or a task; of a pair of domains, that of their collection."""
        return self.config["sources"].get(name) or self.config["tasks"][self.task_collection(name)]

    def is_drawn(self, name: str) -> bool:
        """Whether a source or a task is a miniature that the pipeline draws."""
        return self.config["acquisition"] == "draw" and self.collection(name)["format"] not in (*OWN, "published")

    def world(self, name: str) -> dict[str, Any]:
        """Return what the drawing rule of a source or a task is told: images, classes, seed and looks."""
        collection, scale = self.collection(name), self.config["scale"]
        prefix = "" if name in self.config["sources"] else "domain_" if "domains" in collection else "task_"
        domains = {"domains": collection["domains"]} if "domains" in collection else {}
        return {
            "images": scaled(collection["images"], scale[f"{prefix}images"]),
            "classes": scaled(collection["classes"], scale[f"{prefix}classes"]),
            "seed": self.config["world_seed"],
            **domains,
            **collection["world"],
        }

    def search(self, source: str) -> dict[str, Any]:
        """Return what the search for fractals is told: how many categories, and how."""
        spec = self.collection(source)
        return {"categories": scaled(spec["classes"], self.config["scale"]["classes"]), **spec["search"]}

    def render(self, source: str) -> dict[str, Any]:
        """Return how fractals are drawn: each weighting of a system in so many instances, each of them flipped."""
        spec, scale = self.collection(source), self.config["scale"]
        images, classes = scaled(spec["images"], scale["images"]), scaled(spec["classes"], scale["classes"])
        return {"instances": max(1, round(images / classes / IMAGES_PER_INSTANCE)), **spec["render"]}

    def prompts(self, source: str) -> dict[str, Any]:
        """Return how prompts are dealt out to the images that Stable Diffusion generates."""
        spec = self.collection(source)
        return {"images": scaled(spec["images"], self.config["scale"]["images"]), **spec["prompts"]}

    def generate(self, source: str) -> dict[str, Any]:
        """Return how Stable Diffusion generates images, and how they are stored."""
        spec = self.collection(source)
        settings = {key: value for key, value in spec["generate"].items() if key != "shards"}
        store = {**self.config["store"], **spec.get("store", {})}
        return {**settings, "size": store["size"], "encoding": store["encoding"]}

    def published(self, distribution: str) -> str:
        """Return the name of the published weights that stand for a distribution."""
        return str(self.collection(self.config["distributions"][distribution]["source"])["pretrained"])

    def objective(self, distribution: str) -> dict[str, Any]:
        """Return what pre-training learns by: the name of the objective and its settings."""
        name = self.config["distributions"][distribution].get("objective")
        if name is None:
            return {"name": "supervised"}
        spec = self.config["objectives"][name]
        return {"name": spec["kind"], **{key: spec[key] for key in spec if key not in ("kind", "recipe")}}

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
            "take": declared.get("take"),
            "seed": self.config["selection_seed"],
        }

    def scale(self, collection: str) -> dict[str, float]:
        """Return the factors on the paper's numbers for a source or task; 1 for your own folders."""
        own = self.collection(collection)["format"] in (*OWN, "published")
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

    def recipe(self, stage: str, architecture: str, distribution: str = SCRATCH) -> dict[str, Any]:
        """Return the recipe of a stage (pretrain, finetune) for an architecture, without empty keys.

        The objective of a distribution may change the recipe of pre-training.
        """
        merged = {**self.config["recipes"][stage], **self.config["architectures"][architecture].get(stage, {})}
        objective = self.config["distributions"].get(distribution, {}).get("objective")
        if stage == "pretrain" and objective is not None:
            merged |= self.config["objectives"][objective].get("recipe", {})
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
        if distribution not in self.config["distributions"]:
            return distribution  # from elsewhere: published numbers or another study
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
        task_label, metric = self.task_label(spec["task"]), self.metric(name)
        score = score_metric(metric).label
        left_out = set(self.config["left_out"])
        common |= {
            "scale": spec["scale"],
            "confidence": self.config["trends"]["confidence"],
            "labels": {series: self.label(series) for series in self.series(name)},
            "task_label": task_label,
            "metric": metric,
            "studies": self.studies(name),
        }
        if spec["kind"] == "residuals":
            return {
                **common,
                "baseline": spec["baseline"],
                "series": [series for series in spec["series"] if series not in left_out],
                "architectures": {one: self.architecture_label(one) for one in self.config["runs"]["architectures"]},
                "x_label": "Epochs of fine-tuning",
                "y_label": f"Residual of out-of-distribution {score} ({task_label}, {task['ood_split']} split)",
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
            "x_label": f"In-distribution {score} ({task_label}, {task['id_split']} split)",
            "y_label": f"Out-of-distribution {score} ({task_label}, {task['ood_split']} split)",
            "not_run": [self.label(series) for series in dict.fromkeys(asked) if series in left_out],
        }

    def task_label(self, task: str) -> str:
        """Return the readable name of a task."""
        return str(self.config["tasks"][task].get("label", task))

    def comparison(self, name: str) -> dict[str, Any]:
        """Return what the comparison of a figure's series is told: the figure without the words around it."""
        return {**self.figure(name), "title": name, "note": None}

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
        if spec["kind"] in ("fitted_trends", "contrasts", "effective_robustness"):
            shown = dict.fromkeys(series for figure in self.scored_figures for series in self.series(figure))
            table |= {
                "labels": {series: self.label(series) for series in shown},
                "confidence": self.config["trends"]["confidence"],
            }
        if spec["kind"] == "fitted_trends":
            figures = self.config["figures"]
            table["tasks"] = {figure: self.task_label(figures[figure]["task"]) for figure in self.scored_figures}
        if spec["kind"] == "contrasts":
            table["figures"] = {figure: self.config["figures"][figure]["title"] for figure in self.of_kind("trends")}
        if spec["kind"] == "effective_robustness":
            table["tasks"] = {task: self.task_label(task) for task in self.tasks}
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
