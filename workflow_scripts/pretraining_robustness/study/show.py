"""What figures and tables are told: the study that a configuration asks for, put into words and numbers."""

from typing import Any

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.study.labels import Labels
from pretraining_robustness.study.names import DEFAULT_METHOD
from pretraining_robustness.study.overview import overview


class Study(Labels):
    """A configuration, asked everything that the workflow's rules need to know. Cheap: it is asked while planning."""

    def figure(self, name: str) -> dict[str, Any]:
        """Return what the drawing of a figure is told."""
        spec = self.config["figures"][name]
        common = {"name": name, "kind": spec["kind"], "title": spec["title"], "note": self._note(name)}
        if spec["kind"] == "pipeline":
            return {**common, "overview": overview(self)}
        if name in self.rib_figures:
            return {**common, **self.benchmark_labels(name)}
        if spec["kind"] == "pictures":
            return {**common, "seed": spec["seed"], "panels": self.panels(name)}
        if spec["kind"] == "published":
            told = {key: spec[key] for key in ("shows", "scale", "baseline", "series", "at_least")}
            panels = [{"title": panel["title"], **self._axes_of(spec, panel["task"])} for panel in spec["panels"]]
            return {**common, **told, "confidence": self.config["trends"]["confidence"], "panels": panels}
        task_label, metric = self.task_label(spec["task"]), self.metric(name)
        score = score_metric(metric).label
        pair = {role: self.test_set_label(spec["task"], one) for role, one in self.pair(name)[spec["task"]].items()}
        published = self.has_published_scores(spec["task"])
        common |= {
            "scale": spec["scale"],
            "confidence": self.config["trends"]["confidence"],
            "labels": {series: self.label(series) for series in self.series(name)},
            "task_label": task_label,
            "metric": metric,
            "task": spec["task"],
            "pairs": self.pair(name),
            "studies": self.studies(name),
        }
        if spec["kind"] == "residuals":
            return {
                **common,
                "baseline": spec["baseline"],
                "series": [series for series in spec["series"] if not self.is_left_out(series)],
                "architectures": {one: self.architecture_label(one) for one in self.config["runs"]["architectures"]},
                "x_label": "Epochs of fine-tuning",
                "y_label": f"Residual of out-of-distribution {score} ({pair['ood']})",
                "not_run": [self.label(series) for series in spec["series"] if self.is_left_out(series)],
            }
        asked = [series for panel in spec["panels"] for series in panel["series"]]
        return {
            **common,
            "band": spec["band"],
            "references": spec["references"],
            "images": {
                series: images
                for series in self.series(name)
                if (images := self.pretraining_images(series)) is not None
            },
            "panels": [
                {**panel, "series": [s for s in panel["series"] if not self.is_left_out(s)]} for panel in spec["panels"]
            ],
            "x_label": pair["id"] if published else f"In-distribution {score} ({pair['id']})",
            "y_label": pair["ood"] if published else f"Out-of-distribution {score} ({pair['ood']})",
            "not_run": [self.label(series) for series in dict.fromkeys(asked) if self.is_left_out(series)],
        }

    def _axes_of(self, figure: dict[str, Any], task: str) -> dict[str, str]:
        """Return the labels of the axes of a panel of published networks."""
        if figure["shows"] == "robustness":
            return {"x_label": "Images of pre-training", "y_label": "Effective robustness (points)"}
        plots = self.config["tasks"][task]["plots"]
        return {"x_label": plots["id"], "y_label": plots["ood"]}

    def benchmark(self) -> dict[str, Any]:
        """Return what the indices of ImageNet-RIB are computed of; nothing where it is not asked for."""
        if not self.imagenet_rib:
            return {}
        tested_on = [name for name in self.imagenet_rib["variants"] if name != self.imagenet_rib["reference"]]
        keys = ("name", "store", "split", "classes")
        tested = self.test_sets(self.variant_tasks[0])
        return {
            "variants": {task: self.task_collection(task) for task in self.variant_tasks},
            "tested_on": tested_on,
            "stores": tested_on,
            "test_sets": [{key: one[key] for key in keys} for one in tested if one["name"] in tested_on],
            "sharing": self.imagenet_rib.get("sharing", []),
            "confidence": self.config["scores"]["confidence"],
        }

    def transport(self) -> dict[str, Any]:
        """Return what the distances between variants are measured with."""
        spec = self.imagenet_rib["transport"]
        task, named = self.variant_tasks[0], spec["embedding"]
        network = {
            "architecture": self.architecture(named["architecture"]),
            "recipe": self.finetune_recipe(task, named["architecture"]),
        }
        run = {**named, "seed": self.config["runs"]["seeds"][0]}
        told = self.prediction(task, DEFAULT_METHOD, named["distribution"])
        variants = [one for one in told["test_sets"] if one["name"] in self.imagenet_rib["variants"]]
        return {"stores": told["stores"], "test_sets": variants, "count": spec["count"], "network": network, "run": run}

    def set_sizes(self) -> dict[str, Any]:
        """Return what RI by the size of the set fine-tuned on is computed of."""
        tasks = self.tasks_of_set_sizes()
        if not tasks:
            return {}
        return {
            "variants": {task: self.task_collection(task) for task in tasks},
            "subsets": {task: self.config["tasks"][task].get("subset") for task in tasks},
            "tested_on": self.benchmark()["tested_on"],
            "reference": self.imagenet_rib["reference"],
        }

    def similarity(self, method: str, distribution: str) -> dict[str, Any]:
        """Return what the comparison of networks before and after fine-tuning is told."""
        return {
            "networks": self.prediction(self.variant_tasks[0], method, distribution)["networks"],
            "fine_tuned_on": [self.task_collection(task) for task in self.variant_tasks],
            "named": {"method": method, "distribution": distribution},
            **{key: value for key, value in self.imagenet_rib["similarity"].items() if key != "methods"},
        }

    def benchmark_labels(self, name: str) -> dict[str, Any]:
        """Return the readable names of what a figure or table of ImageNet-RIB shows, in the order shown."""
        spec = self.rib_shown(name)
        benchmark, networks = self.benchmark(), self.rib_networks(name)
        labels = {
            **{key: benchmark[key] for key in ("tested_on", "sharing", "confidence")},
            "reference": self.imagenet_rib["reference"],
            "methods": {method: self.method_label(method) for method in self.rib_methods(name)},
            "networks": {network: self.label(network) for network in networks},
            "architectures": self._rib_architectures_shown(name),
            "variants": {variant: self.variant_label(variant) for variant in self.imagenet_rib["variants"]},
        }
        if spec["kind"] == "rib_alphas":
            interpolated = {method: self.methods[method] for method in labels["methods"]}
            labels["alphas"] = {
                method: float(one.get("alpha", 1))
                for method, one in interpolated.items()  # what is merged is at 1
            }
        if spec["kind"] == "rib_transport":
            named = self.imagenet_rib["transport"]
            embedding = f"{self.label(named['embedding']['distribution'])}, {named['embedding']['architecture']}"
            labels |= {"count": named["count"], "embedding": embedding, **self.config["comparisons"]}
        if "panels" not in spec:
            return labels
        images = {network: self.pretraining_images(network) for network in networks}
        return {
            **labels,
            "panels": [
                {**panel, "series": [one for one in panel["series"] if one in networks]} for panel in spec["panels"]
            ],
            "images": {network: number for network, number in images.items() if number},
            **self.config["comparisons"],
        }

    def rib_page(self) -> dict[str, Any]:
        """Return what the page of ImageNet-RIB is told: its name, and those of all that it shows."""
        series = self.rib_series()
        shown = [*self.rib_figures, *self.rib_tables]
        return {
            "study": self.config["study"],
            "note": next(filter(None, map(self._note, shown)), None),
            "figures_shown": [self.config["figures"][name]["title"] for name in self.rib_figures],
            "tables_shown": [self.config["tables"][name]["title"] for name in self.rib_tables],
            "labels": {
                "methods": {method: self.method_label(method) for method, _ in series},
                "distributions": {name: self.label(name) for _, name in series},
                "variants": {name: self.variant_label(name) for name in self.imagenet_rib["variants"]},
            },
        }

    def variant_label(self, name: str) -> str:
        """Return the readable name of a variant, with what is taken of it where that is not all."""
        collection = self.collection(name)
        own = collection["format"] == "imagenet_variant"
        return str(collection["label"] if own else self.imagenet_rib["variants"][name]["label"])

    def _rib_architectures_shown(self, name: str) -> list[str]:
        """Return the architectures that a figure or table of ImageNet-RIB shows, each once."""
        spec = self.rib_shown(name)
        trained = spec.get("architectures", self.imagenet_rib.get("architectures"))
        runs = self.rib_runs(name)
        return list(
            dict.fromkeys(
                run.architecture
                for run in runs
                if trained is None or self.is_published(run.distribution) or run.architecture in trained
            )
        )

    def comparison(self, name: str) -> dict[str, Any]:
        """Return what the comparison of a figure's series is told: the figure without the words around it."""
        return {**self.figure(name), "title": name, "note": None}

    def table(self, name: str) -> dict[str, Any]:
        """Return what the making of a table is told."""
        spec = self.config["tables"][name]
        table = {**spec, "name": name, "note": self._note(name)}
        if name in self.rib_tables:
            table |= self.benchmark_labels(name)
        if spec["kind"] == "experiments":
            table["figures"] = {figure: self.config["figures"][figure]["title"] for figure in self.scored_figures}
        if spec["kind"] in ("fitted_trends", "contrasts", "effective_robustness", "calibration"):
            shown = dict.fromkeys(series for figure in self.scored_figures for series in self.series(figure))
            table |= {
                "labels": {series: self.label(series) for series in shown},
                "confidence": self.config["trends"]["confidence"],
            }
        if spec["kind"] == "fitted_trends":
            figures = self.config["figures"]
            table["tasks"] = {figure: self.task_label(figures[figure]["task"]) for figure in self.scored_figures}
        if spec["kind"] in ("contrasts", "calibration"):
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
                    "copies_left_out": self.collection(source).get("copies", {}).get("leave_out", False),
                }
                for source in spec["sources"]
            ]
        return table
