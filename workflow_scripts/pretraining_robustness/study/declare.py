"""What each rule is told, at the study's scale: the configuration states the paper's numbers."""

from typing import Any

from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.study.names import DEFAULT_METHOD, PER_IMAGE
from pretraining_robustness.study.runs import Run, Runs

RELATIONS = ("nested_in", "classes_nested_in", "same_images_per_label_as")  # what a distribution promises of another
COPY = 0.95  # correlation of pixels from which a picture is taken for a copy of another
IMAGES_PER_INSTANCE = 100  # FractalDB renders a system in 25 weightings, each of them flipped in 4 ways


class Declarations(Runs):
    """A configuration, asked what it declares of sources, distributions, networks and recipes."""

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
            **collection.get("world", {}),
        }

    def drawing(self, folder: str) -> dict[str, Any]:
        """Return the module that draws the archives in a folder of `archives`, and what it is told."""
        name = self.archives[folder]
        format = self.format(name)
        told = {"format": folder} if format.small else {}
        return {"module": format.drawn_by, "world": self.world(name) | told}

    def variant(self, name: str) -> dict[str, Any]:
        """Return how a variant of ImageNet is read; of a drawn one, how much there is is not known before."""
        spec, drawn = self.collection(name), self.is_drawn(name)
        counts = {key: None if drawn else spec.get(key) for key in ("images", "classes")}
        return {"layout": spec["variant"]["layout"], **_kept(spec["variant"], "border", "password", "only"), **counts}

    def variant_task(self, name: str) -> dict[str, Any]:
        """Return which images of a variant, or of a distribution, are fine-tuned on, and which are held out."""
        spec = self.config["tasks"][name]
        split = self.imagenet_rib["variants"].get(spec.get("variant"), {}).get("split", "all")
        choice = {"held_out": spec.get("held_out", 0.0), "split": split, "seed": self.config["selection_seed"]}
        return {**choice, "train_images": spec.get("train_images"), "subset": spec.get("subset")}

    def variant_world(self, name: str) -> dict[str, Any]:
        """Return what the drawing of a variant of ImageNet is told: as many classes and as large as its ImageNet."""
        (imagenet,) = self.sources_of_format("imagenet")
        world = self.world(imagenet)
        drawn = self.collection(name)["variant"]["drawn"]
        left_out = ("kind", "filtered_by") if "filtered_by" in drawn else ()
        own = {key: drawn[key] for key in drawn if key not in left_out}
        return {**own, **{key: world[key] for key in ("classes", "seed", "image_size")}}

    def filtering_network(self, name: str) -> dict[str, Any]:
        """Return which network filters what is drawn of a variant, and what the filter is told of it."""
        network = self.collection(name)["variant"]["drawn"]["filtered_by"]
        return {
            "network": {**network, "seed": self.seeds(network["distribution"])[0]},
            "filter": {
                "architecture": self.architecture(network["architecture"]),
                "recipe": self.pretrain_recipe(**network),
                "size": self.store(name)["size"],
            },
        }

    def training_images(self, task: str) -> dict[str, int]:
        """Return how many training images of a task are fine-tuned on, and the seed of their choice."""
        count = scaled(self.config["tasks"][task]["train_images"], self.scale(task)["task_images"])
        return {"count": count, "seed": self.config["selection_seed"]}

    def copies(self, source: str) -> dict[str, Any]:
        """Return among which collections copies of a source's images are looked for, in which splits of them (all where
        none is named: those that the study trains or tests on), and what is a copy."""
        spec = self.config["sources"][source]["copies"]
        whole = {one["store"] for task in self.tasks for one in self.test_sets(task) if one["split"] == "all"}
        splits = [[] if name in whole else list(self.needed_splits(name)) for name in spec["of"]]
        return {"names": spec["of"], "splits": splits, "correlation": spec.get("correlation", COPY)}

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

    def pair_of_domains(self, task: str) -> dict[str, Any]:
        """Return which domains a task pairs, and which classes it has where it has only some."""
        spec = self.config["tasks"][task]
        subset = {"classes": spec["class_subset"]} if "class_subset" in spec else {}
        return {**_kept(spec, "id_domain", "ood_domain"), **subset}

    def options(self, name: str) -> dict[str, Any]:
        """Return what the reader of a source or a task is told besides the path."""
        collection = self.collection(name)
        return {"divided": collection["splits"]} if "splits" in collection else {}

    def store(self, name: str) -> dict[str, Any]:
        """Return how the images of a source or a task are stored."""
        collection, is_task, format = self.collection(name), name in self.config["tasks"], self.format(name)
        counted = format.small and not self.is_drawn(name)
        return {
            "fit": "stretch" if is_task else "crop",
            **self.config["store"],
            **collection.get("store", {}),
            "format": format.name,
            **({"expected": {key: collection[key] for key in ("images", "classes")}} if counted else {}),
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
        format = self.format(collection)
        return dict.fromkeys(self.config["scale"], 1.0) if format.own or format.weights else self.config["scale"]

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

    def pretrain_recipe(self, architecture: str, distribution: str) -> dict[str, Any]:
        """Return the recipe of pre-training an architecture; the objective of a distribution may change it."""
        objective = self.config["distributions"][distribution].get("objective")
        changed = self.config["objectives"][objective].get("recipe", {}) if objective is not None else {}
        return self._recipe("pretrain", self.config["architectures"][architecture].get("pretrain", {}), changed)

    def validation(self, distribution: str) -> str | None:
        """Return the source whose images measure a pre-training, where it learns labels and its own source has one."""
        source = self.collection(self.config["distributions"][distribution]["source"])
        return source.get("validation") if self.objective(distribution)["name"] == "supervised" else None

    def held_out(self, distribution: str) -> dict[str, float]:
        """Return the share of a distribution's images that measures its pre-training, where it learns labels."""
        share = self.config["runs"].get("held_out")
        measured = share and self.objective(distribution)["name"] == "supervised" and not self.validation(distribution)
        return {"held_out": share} if measured else {}

    def finetune_recipe(self, task: str, architecture: str, method: str = DEFAULT_METHOD) -> dict[str, Any]:
        """Return the recipe of fine-tuning an architecture on a task by a method.

        What all fine-tuning shares is changed by the task, then by the architecture, then by the method.
        """
        spec = self.config["tasks"][task]
        shared = self.config["tasks"].get(spec.get("pair_of"), {}).get("finetune", {})
        by_architecture = self.config["architectures"][architecture].get("finetune", {})
        by_method = self.methods[method].get("recipe", {})
        return self._recipe("finetune", shared, spec.get("finetune", {}), by_architecture, by_method)

    def finetuning(self, run: Run) -> dict[str, Any]:
        """Return what the fine-tuning of a run is told."""
        return {
            "distribution": run.distribution,
            "method": self.method(run.method),
            "keep_head": self.keeps_head(run.task, run.distribution),
            "seed": int(run.seed),
            "architecture": self.architecture(run.architecture),
            "recipe": self.finetune_recipe(run.task, run.architecture, run.method),
        }

    def merge(self, run: Run, epoch: int) -> dict[str, Any]:
        """Return what the merging of a run's networks of an epoch is told."""
        return {
            "method": self.method(run.method),
            "epoch": epoch,
            "architecture": self.architecture(run.architecture),
            "recipe": self.finetune_recipe(run.task, run.architecture),
        }

    def scoring(self, task: str, method: str, distribution: str) -> dict[str, Any]:
        """Return what the scoring of a series is told; on variants of ImageNet only accuracy counts."""
        return {
            "task": task,
            "method": method,
            "distribution": distribution,
            "stores": self.test_stores(task),
            "test_sets": self.test_sets(task),
            "metrics": [self.config["tasks"][task]["metric"]] if self.is_variant_task(task) else list(METRICS),
        }

    def prediction(self, task: str, method: str, distribution: str) -> dict[str, Any]:
        """Return what the prediction of a series is told: its stores, test sets and networks, and how to merge them."""
        keys = ("name", "store", "split", "classes")
        merged = {"groups": self.methods[method]["groups"]} if self.methods[method]["kind"] == PER_IMAGE else {}
        return {
            "stores": self.test_stores(task),
            "test_sets": [{key: test_set[key] for key in keys} for test_set in self.test_sets(task)],
            "networks": [
                {
                    "name": run.architecture,
                    "seed": run.seed,
                    "architecture": self.architecture(run.architecture),
                    "recipe": self.finetune_recipe(task, run.architecture, method),
                }
                for run in self.series_runs(task, method, distribution)
            ],
            **merged,
        }

    def method(self, name: str) -> dict[str, Any]:
        """Return what fine-tuning is told of a method: its kind and settings."""
        return {key: value for key, value in self.methods[name].items() if key not in ("label", "recipe")}

    def _recipe(self, stage: str, *changes: dict[str, Any]) -> dict[str, Any]:
        """Return the recipe of a stage with changes, the last one first, without empty keys."""
        merged = dict(self.config["recipes"][stage])
        for change in changes:
            merged |= change
        augmentation = {key: value for key, value in merged["augmentation"].items() if value is not None}
        return {key: value for key, value in merged.items() if value is not None} | {"augmentation": augmentation}

    def architecture(self, name: str) -> dict[str, Any]:
        """Return what builds an architecture."""
        spec = self.config["architectures"][name]
        return {"name": name, "builder": spec["builder"], "arguments": spec.get("arguments", {})}


def _kept(spec: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return the keys that a specification has."""
    return {key: spec[key] for key in keys if key in spec}


def scaled(number: int, factor: float) -> int:
    """Return `number` times `factor`, rounded, at least 1."""
    return max(1, round(number * factor))
