"""Readable names: of distributions with the paper's numbers and this study's, of tasks, and of what is drawn."""

from typing import Any

from pretraining_robustness.study.declare import Declarations, scaled
from pretraining_robustness.study.names import DEFAULT_METHOD, SCRATCH, of_series


class Labels(Declarations):
    """A configuration, asked for words."""

    def label(self, series: str) -> str:
        """Return a readable name with the paper's numbers and, in a scaled study, this study's."""
        distribution, method = of_series(series)
        if method != DEFAULT_METHOD:
            return f"{self.label(distribution)}, {self.method_label(method)}"
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

    def method_label(self, method: str) -> str:
        """Return the readable name of a method, with its alpha where it interpolates."""
        spec = self.methods[method]
        alpha = f", alpha = {spec['alpha']:g}" if "alpha" in spec else ""
        return str(spec.get("label", method)) + alpha

    def task_label(self, task: str) -> str:
        """Return the readable name of a task."""
        return str(self.config["tasks"][task].get("label", task))

    def test_set_label(self, task: str, name: str) -> str:
        """Return what a test set is called on axes: the task and its split, or the source whose images it has."""
        if self.has_published_scores(task):
            return name
        (one,) = (one for one in self.test_sets(task) if one["name"] == name)
        if one["store"] == task:
            return f"{self.task_label(task)}, {name} split"
        label = str(self.collection(one["store"]).get("label", one["store"]))
        return label if one["split"] in ("all", "test") else f"{label}, {one['split']} split"

    def architecture_label(self, name: str) -> str:
        """Return the family of an architecture and its name."""
        return f"{self.config['architectures'][name]['family']} ({name})"

    def _note(self, name: str) -> str | None:
        """Return the line that keeps a figure or table of drawn data from being taken for the paper's."""
        spec = {**self.config["figures"], **self.config["tables"]}[name]
        if spec["kind"] == "pipeline" or not any(map(self.is_drawn, [*self.config["sources"], *self.config["tasks"]])):
            return None
        if spec["kind"] in ("trends", "residuals"):
            drawn = self.is_drawn(spec["task"]) and bool(
                self.runs(name)
            )  # a figure of published numbers shows nothing drawn
            return "Miniature: drawn data and small networks, not the paper's results" if drawn else None
        if spec["kind"] == "pictures":
            drawn = any(self.is_drawn(panel["collection"]) for panel in self.panels(name))
            return "Miniature: pictures that the pipeline draws itself" if drawn else None
        return "Miniature: numbers of data that the pipeline draws itself" if spec["kind"] != "cooccurrence" else None
