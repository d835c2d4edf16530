"""What a configuration names: its sources, tasks, distributions, figures and tables, by kind."""

from functools import cached_property
from typing import Any

from pretraining_robustness.store.formats import SOURCES, TASKS, Format

DEFAULT_METHOD = "full"  # how networks are fine-tuned where a series names no method
MERGES = (
    "interpolate",
    "lines",
    "uniform_soup",
    "greedy_soup",
)  # kinds of methods that train nothing (finetune/merge.py)
PER_IMAGE = "dawin"  # the kind that merges while it predicts, and leaves no weights (finetune/merge_per_image.py)
RIB_KINDS = "rib"  # how kinds of figures and tables of ImageNet-RIB begin
START = "start"  # among the networks that are merged: the one before fine-tuning
SCRATCH = "scratch"  # the distribution of networks that are not pre-trained


class Names:
    """A configuration (a dict that `check_config` accepts), asked what there is in it."""

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

    @cached_property
    def captioned(self) -> list[str]:
        """Names of the distributions whose images are learned with captions."""
        return [name for name in self.trained_distributions if self.objective(name)["name"] == "image_text"]

    def sources_of_format(self, format: str) -> list[str]:
        """Names of the sources of a format."""
        return [name for name, source in self.config["sources"].items() if source["format"] == format]

    def prompted_source(self, source: str) -> str:
        """Return the source whose classes a diffusion model is asked for: that of the network which recognises them."""
        judge = self.config["sources"][source]["recognised_by"]["distribution"]
        return str(self.config["distributions"][judge]["source"])

    @property
    def raw_collections(self) -> list[str]:
        """Names of the sources and tasks whose stores are decoded from raw files."""
        sources = [name for name in self.config["sources"] if self.format(name).reader]
        tasks = [name for name, task in self.config["tasks"].items() if "format" in task and self.format(name).reader]
        return [*sources, *tasks]

    @property
    def wilds_tasks(self) -> list[str]:
        """Names of the tasks whose stores are decoded from what the wilds package opens."""
        return [name for name, task in self.config["tasks"].items() if task.get("format") == "wilds"]

    @property
    def archives(self) -> dict[str, str]:
        """The collections whose archives are drawn or downloaded, by the folder of the archives."""
        found: dict[str, str] = {}
        for name, one in [*self.config["sources"].items(), *self.config["tasks"].items()]:
            folder = self.format(name).folder if "format" in one and "path" not in one else ""
            if folder and (folder not in found or one["format"] == folder):
                found[folder] = name
        return found

    def optional_source(self, name: str) -> str | None:
        """Return the name of a source that is only tested on, which a study can do without; None for any other."""
        trained_on = {declared["source"] for declared in self.config["distributions"].values()}
        return name if name in self.config["sources"] and name not in trained_on else None

    @property
    def domain_pairs(self) -> list[str]:
        """Names of the tasks that are pairs of domains."""
        return [name for name, task in self.config["tasks"].items() if "pair_of" in task]

    @property
    def copied_sources(self) -> list[str]:
        """Names of the sources of which copies among the images of tasks are looked for."""
        return [name for name, source in self.config["sources"].items() if "copies" in source]

    @property
    def limited_tasks(self) -> list[str]:
        """Names of the tasks of whose training images only some are fine-tuned on."""
        tasks = self.config["tasks"]
        return [name for name in self.tasks if "train_images" in tasks[name] and "variant" not in tasks[name]]

    @property
    def imagenet_rib(self) -> dict[str, Any]:
        """What the configuration says of ImageNet-RIB; nothing where it is not asked for."""
        return dict(self.config.get("imagenet_rib", {}))

    @property
    def rib_figures(self) -> list[str]:
        """Names of the figures of ImageNet-RIB."""
        return [name for name, spec in self.config["figures"].items() if spec["kind"].startswith(RIB_KINDS)]

    @property
    def rib_tables(self) -> list[str]:
        """Names of the tables of ImageNet-RIB."""
        return [name for name, spec in self.config["tables"].items() if spec["kind"].startswith(RIB_KINDS)]

    @property
    def variants(self) -> list[str]:
        """Names of the sources that are variants of ImageNet."""
        return self.sources_of_format("imagenet_variant")

    @property
    def filtered_variants(self) -> list[str]:
        """Names of the variants of which is drawn what a trained network gets wrong."""
        return [name for name in self.variants if self.is_drawn(name) and "filtered_by" in self._drawing(name)]

    @property
    def drawn_variants(self) -> list[str]:
        """Names of the variants that are drawn without a network."""
        return [name for name in self.variants if self.is_drawn(name) and name not in self.filtered_variants]

    def _drawing(self, variant: str) -> dict[str, Any]:
        return dict(self.collection(variant)["variant"]["drawn"])

    @property
    def variant_tasks(self) -> list[str]:
        """Names of the tasks that fine-tune on a variant of ImageNet, all of it."""
        return [name for name, task in self.config["tasks"].items() if "variant" in task and "subset" not in task]

    @property
    def subset_tasks(self) -> list[str]:
        """Names of the tasks that fine-tune on some images a class of a variant of ImageNet."""
        return [name for name, task in self.config["tasks"].items() if "subset" in task]

    def tasks_of_set_sizes(self) -> list[str]:
        """Names of the tasks that fine-tune on the variants of the study of the set's size: on parts of them and on
        all."""
        variants = self.imagenet_rib.get("set_sizes", {}).get("variants", [])
        tasks = [*self.subset_tasks, *self.variant_tasks]
        return [task for task in tasks if self.config["tasks"][task]["variant"] in variants]

    def is_variant_task(self, task: str) -> bool:
        """Whether a task fine-tunes on a variant of ImageNet or a part of one."""
        return "variant" in self.config["tasks"][task]

    @property
    def tasks(self) -> list[str]:
        """Names of the downstream tasks; a collection of domains is none, its pairs are."""
        return [name for name in self.scored_tasks if not self.has_published_scores(name)]

    @property
    def scored_tasks(self) -> list[str]:
        """Names of the tasks of which there are scores: the downstream tasks, and those whose scores are published."""
        return [name for name, task in self.config["tasks"].items() if "domains" not in task]

    def has_published_scores(self, task: str) -> bool:
        """Whether the scores of a task come from tables of published numbers alone."""
        return bool(self.config["tasks"][task].get("format") == "published")

    @property
    def head_tasks(self) -> list[str]:
        """Names of the tasks whose images are those of a pre-training distribution, which give networks a head."""
        return [name for name, task in self.config["tasks"].items() if "distribution" in task]

    def given_head(self, distribution: str) -> str | None:
        """Return the method by which networks of a distribution are given ImageNet's head for ImageNet-RIB, if any."""
        heads = self.imagenet_rib.get("heads", {})
        return heads["method"] if distribution in heads.get("of", []) else None

    def start_task(self, task: str) -> str:
        """Return the task that the network before fine-tuning is kept under: ImageNet-RIB's tasks share theirs."""
        return self.variant_tasks[0] if self.is_variant_task(task) else task

    def task_collection(self, task: str) -> str:
        """Return the collection that holds the images of a task: its own, that of its pair's domains, a variant, or the
        source of a distribution."""
        spec = self.config["tasks"][task]
        if "distribution" in spec:
            return str(self.config["distributions"][spec["distribution"]]["source"])
        return str(spec.get("pair_of") or spec.get("variant") or task)

    def collection(self, name: str) -> dict[str, Any]:
        """Return the configuration of a source or a task; of a pair of domains, that of their collection."""
        sources, tasks = self.config["sources"], self.config["tasks"]
        if name in sources:
            return sources[name]
        holder = self.task_collection(name)
        return sources[holder] if holder in sources else tasks[holder]

    def format(self, name: str) -> Format:
        """Return the format of a source or a task; of a pair of domains, that of their collection."""
        holder = name if name in self.config["sources"] else self.task_collection(name)
        formats = SOURCES if holder in self.config["sources"] else TASKS
        return formats[self.collection(name)["format"]]

    def folder(self, name: str) -> str:
        """Return the folder of yours that a source or a task is read from; none where the pipeline makes its files."""
        return str(self.collection(name).get("path", ""))

    def needed_columns(self, name: str) -> tuple[str, ...]:
        """Return the columns that the table of a collection must have: by which scores group or resample its images."""
        used = [one for task in self.tasks for one in self.test_sets(task) if one["store"] == name]
        return tuple(dict.fromkeys(one[key] for one in used for key in ("groups", "clusters") if one[key] is not None))

    def is_drawn(self, name: str) -> bool:
        """Whether a source or a task is a miniature that the pipeline draws."""
        return self.config["acquisition"] == "draw" and not (self.format(name).own or self.format(name).weights)

    def pretraining_images(self, series: str) -> int | None:
        """Return how many images a series was pre-trained on at full scale: 0 from scratch, None where not stated."""
        distribution, _ = of_series(series)
        if distribution == SCRATCH:
            return 0
        declared = self.config["distributions"].get(distribution, {})
        source = self.config["sources"].get(declared.get("source"), {})
        return declared.get("images", None if "classes" in declared else source.get("images"))

    @cached_property
    def methods(self) -> dict[str, dict[str, Any]]:
        """The methods of fine-tuning by name; an interpolation is one method for each of its alphas, unless held-out
        images choose among them."""
        methods: dict[str, dict[str, Any]] = {}
        for name, spec in self.config["methods"].items():
            if "alphas" in spec and "held_out" not in spec:
                others = {key: value for key, value in spec.items() if key != "alphas"}
                methods |= {interpolated(name, alpha): {**others, "alpha": alpha} for alpha in spec["alphas"]}
            else:
                methods[name] = spec
        return methods

    @property
    def merged_methods(self) -> list[str]:
        """Names of the methods that merge the weights of others into weights and train nothing."""
        return [name for name, spec in self.methods.items() if spec["kind"] in MERGES]

    @property
    def trained_methods(self) -> list[str]:
        """Names of the methods that train."""
        return [name for name, spec in self.methods.items() if spec["kind"] not in (*MERGES, PER_IMAGE)]

    def test_sets(self, task: str) -> list[dict[str, Any]]:
        """Return the test sets of a task: name, store, split, classes (a mask or None), role, groups (and
        which are left out) and clusters."""
        spec = self.config["tasks"][task]
        shared = {"store": task, "classes": None, "groups": spec.get("groups"), "clusters": spec.get("clusters")}
        shared["groups_left_out"] = spec.get("groups_left_out", [])
        return [{"name": name, "split": name, **shared, **declared} for name, declared in spec["test_sets"].items()]

    def test_stores(self, task: str) -> list[str]:
        """Return the names of the stores that a task is tested on, its own first."""
        return list(dict.fromkeys([task, *(test_set["store"] for test_set in self.test_sets(task))]))

    def pairs(self) -> dict[str, dict[str, str]]:
        """Return for each task the test set `id` and the test set `ood` that figures plot where they name no others."""
        return {task: dict(self.config["tasks"][task]["plots"]) for task in self.scored_tasks}

    def head_fits(self, task: str, distribution: str) -> bool:
        """Whether networks of a distribution start fine-tuning with a head that knows the task's classes."""
        return self.is_variant_task(task) or "head" in self.config["distributions"].get(distribution, {})

    def keeps_head(self, task: str, distribution: str) -> bool:
        """Whether fine-tuning goes on with the head of the pre-trained weights."""
        declared = self.config["distributions"].get(distribution, {})
        return self.is_variant_task(task) or declared.get("head") == "pretrained"

    def objective(self, distribution: str) -> dict[str, Any]:
        """Return what pre-training learns by: the name of the objective and its settings."""
        name = self.config["distributions"][distribution].get("objective")
        if name is None:
            return {"name": "supervised"}
        spec = self.config["objectives"][name]
        return {"name": spec["kind"], **{key: spec[key] for key in spec if key not in ("kind", "recipe")}}


def interpolated(name: str, alpha: float) -> str:
    """Return the name of the method that interpolates with weight `alpha` (0..1): wise_ft_50."""
    return f"{name}_{100 * alpha:g}".replace(".", "_")


def of_series(name: str) -> tuple[str, str]:
    """Return distribution and method of a series, "imagenet_full" or "imagenet_full@linear_probe"."""
    distribution, _, method = name.partition("@")
    return distribution, method or DEFAULT_METHOD
