"""What a study costs: GPU and CPU hours, disk, and its longest run, from a table of rates.

Needs no data and no GPU. Training costs images x passes x milliseconds per image. The rates are those of
`data/rates.csv`, each measured or estimated, for an H100 and 224 x 224 pixels, and grow with the number of pixels.
Small networks are CPU-bound, on fast GPUs too: they have rates of their own at 32 x 32 pixels on each GPU.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pretraining_robustness.imagenet_rib import HELD_OUT
from pretraining_robustness.plan.rates import Rates
from pretraining_robustness.store.readers import open_collection
from pretraining_robustness.study import names, params
from pretraining_robustness.study.imagenet_rib import HEAD_TASK
from pretraining_robustness.study.names import DEFAULT_METHOD, PER_IMAGE, SCRATCH, START
from pretraining_robustness.study.runs import Run
from pretraining_robustness.study.study import Study

ALL = "all"  # in place of a split: every image of a store

PIXELS = 224  # side for which the rates of training are
SMALL_PIXELS, SMALL = 32, "training at 32 pixels"  # side and quantity of the rates of small networks
OWN_PIXELS = "open_clip"  # builder whose networks have rates at the size that they were made for, as `input: own` has
HELD_GB = 40  # of checkpoints in one pass over test images: half of a card's 80 GB (`evaluate.predict`)
JPEG_PIXELS = 256
HOUR = 3.6e6  # milliseconds


@dataclass(frozen=True)
class Part:
    """What a rule costs for one network or data set."""

    rule: str
    distribution: str
    architecture: str = ""
    gpu_hours: float = 0.0
    disk_gb: float = 0.0
    run: Run | None = None
    core_hours: float = 0.0


class Costs:
    """The costs of a study on one kind of GPU, `card`."""

    def __init__(self, study: Study, rates: Rates, card: str) -> None:
        self.study, self.rates, self.factor = study, rates, rates.card(card)
        self.small = {name: rate for name, rate in rates.of(SMALL).items() if name.endswith(f" on {card}".lower())}
        self.on = f" on {card}"
        self.counted: dict[str, Counter[str]] = {}  # see `_own`

    def parts(self, runs: Iterable[Run]) -> list[Part]:
        """Return what runs cost, with what they start from; a network that several share counts once."""
        predicted = self._with_merged(runs)
        runs = [*predicted, *sorted({head for run in predicted if (head := self._head(run)) is not None})]
        networks = sorted(
            {(run.distribution, run.architecture, run.seed) for run in runs if run.distribution != SCRATCH}
        )
        parts = [self._pretraining(*network) for network in networks]
        trained = [run for run in runs if run.method in names.trained_methods(self.study)]
        decoding = self._decoding_runs(predicted)
        parts += [*map(self._finetuning, trained), *(self._prediction(run, decoding[run]) for run in predicted)]
        sources = {self.study.config["distributions"][name]["source"] for name, _, _ in networks}
        trained_on = {name for name, _, _ in networks if not names.is_published(self.study, name)}
        sources |= {part for name in trained_on if (part := params.validation(self.study, name)) is not None}
        tasks = {run.task for run in runs}
        named = tasks | {store for task in tasks for store in names.test_stores(self.study, task)}
        stores = {
            names.task_collection(self.study, name) if name in names.tasks(self.study) else name for name in named
        }
        return parts + [part for name in sorted(sources | stores) for part in self._data(name)]

    def by_test_set(self, runs: Iterable[Run]) -> dict[str, float]:
        """Return the GPU hours that the prediction of each store takes, without each task's own."""
        hours: dict[str, float] = defaultdict(float)
        for run in self._with_merged(runs):
            for store, images in self._tested(run).items():
                if store != run.task:
                    each = self._inference(run.architecture, self.recipe(run))
                    hours[store] += images * each / HOUR
        return dict(hours)

    def evaluation(self) -> dict[str, float]:
        """Return how many images of each variant one complete evaluation of ImageNet-RIB predicts."""
        tested = [one for task in names.variant_tasks(self.study) for one in names.test_sets(self.study, task)]
        return {one["store"]: self.split(one["store"], one["split"]) for one in tested if one["name"] != HELD_OUT}

    def _head(self, run: Run) -> Run | None:
        """Return the run that gives a network ImageNet's head before it is fine-tuned on a variant, if one does."""
        method = names.given_head(self.study, run.distribution) if names.is_variant_task(self.study, run.task) else None
        return None if method is None else replace(run, task=HEAD_TASK, method=method)

    def _with_merged(self, runs: Iterable[Run]) -> list[Run]:
        """Return the runs, those whose weights they average, and ImageNet-RIB's networks before fine-tuning."""
        methods, found = names.methods(self.study), set()
        for run in runs:
            merged = {run.method, *methods[run.method].get("of", [])} - {START}
            found |= {replace(run, method=name) for name in merged}
            if names.is_variant_task(self.study, run.task):
                found.add(replace(run, task=names.start_task(self.study, run.task), method=START))
        return sorted(found)

    def _pretraining(self, distribution: str, architecture: str, seed: int) -> Part:
        disk = self._weights(architecture)
        if names.is_published(self.study, distribution):
            towers = params.architecture(self.study, architecture)["builder"] == OWN_PIXELS
            return Part(f"take_published_{'towers' if towers else 'weights'}", distribution, architecture, 0.0, disk)
        rule, objective = "pretrain", names.objective(self.study, distribution)["name"]
        recipe = params.pretrain_recipe(self.study, architecture, distribution)
        each = self._milliseconds(architecture, recipe)
        if objective == "self_supervised":
            each *= 2  # two views
        if objective == "image_text":
            rule = "pretrain_image_text"
            each += self.rates("training", "text network") * self.factor
        return Part(rule, distribution, architecture, seen(recipe, self.images(distribution)) * each / HOUR, disk)

    def _finetuning(self, run: Run) -> Part:
        recipe = self.recipe(run)
        images, method = self.split(run.task, "train"), names.methods(self.study)[run.method]
        whole = seen(recipe, images) * self._milliseconds(run.architecture, recipe)
        head_first = method.get("probe_epochs", 0) * images * self._inference(run.architecture, recipe)
        only_head = seen(recipe, images) * self._inference(run.architecture, recipe)
        hours = (only_head if method["kind"] == "linear_probe" else whole + head_first) / HOUR
        disk = len(names.predicted_epochs(self.study, run.task)) * self._weights(run.architecture)
        cores = self._decoding(run.task, seen(recipe, images))
        return Part(
            names.finetune_rule(self.study, run.task), run.distribution, run.architecture, hours, disk, run, cores
        )

    def _decoding_runs(self, predicted: Iterable[Run]) -> dict[Run, int]:
        """Return how many passes over the test images each run decodes: the networks of a job and one size share one.

        Those that are merged per image take two more, and checkpoints that a card does not hold at once further ones.
        """
        whole_network = self.study.config["jobs"]["predict"] == "network"
        passes: dict[Run, int] = {}
        held: dict[tuple[Any, ...], float] = defaultdict(float)
        for run in predicted:
            recipe = self.recipe(run)
            method = names.methods(self.study).get(run.method, {})
            one_job = whole_network and run.method != START
            size = (recipe["image_size"], str(recipe.get("evaluation")), recipe.get("input") and run.architecture)
            key = (run.distribution, *(() if one_job else (run.task, run.method)), size, one_job)
            trained = run.method in names.trained_methods(self.study)
            states = len(names.predicted_epochs(self.study, run.task)) if trained else 1
            if method.get("kind") == PER_IMAGE:
                passes[run] = 2
                continue
            before = math.ceil(held[key] / HELD_GB)
            held[key] += states * self._weights(run.architecture)
            passes[run] = math.ceil(held[key] / HELD_GB) - before
        return passes

    def _prediction(self, run: Run, passes: int) -> Part:
        each = self._inference(run.architecture, self.recipe(run))
        hours = sum(self._tested(run).values()) * each / HOUR
        cores = passes * sum(
            self._decoding(one["store"], self.split(one["store"], one["split"]))
            for one in names.test_sets(self.study, run.task)
        )
        return Part("predict", run.distribution, run.architecture, hours, 0.0, run, cores)

    def _decoding(self, name: str, images: float) -> float:
        """Return the hours of a core that decoding takes where a store keeps files."""
        if params.store(self.study, name)["encoding"] != "files":
            return 0.0
        return images / (self.rates("decoding", "a core from files") or 1) / 3600

    def _tested(self, run: Run) -> dict[str, float]:
        """Return how many images of each store are predicted, by all checkpoints of a run together."""
        trained = run.method in names.trained_methods(self.study)
        checkpoints = len(names.predicted_epochs(self.study, run.task)) if trained else 1
        if run.method in names.methods(self.study) and names.methods(self.study)[run.method]["kind"] == PER_IMAGE:
            checkpoints = 2 + names.methods(self.study)[run.method]["groups"]
        images: dict[str, float] = defaultdict(float)
        for one in names.test_sets(self.study, run.task):
            images[one["store"]] += checkpoints * self.split(one["store"], one["split"])
        return images

    def recipe(self, run: Run) -> dict[str, Any]:
        """Return the recipe of a run's fine-tuning."""
        method = DEFAULT_METHOD if run.method == START else run.method
        return params.finetune_recipe(self.study, run.task, run.architecture, method)

    def _data(self, collection: str) -> Iterator[Part]:
        """Yield what the images of a source or a task cost: archives, stores, and generated images."""
        spec = names.collection(self.study, collection).given
        if spec["format"] == "published":
            return
        images = self._total(collection)
        if spec["format"] == "fractaldb":
            render = params.render(self.study, collection)
            supports = images / (render["instances"] * 4)
            yield Part("render_fractals", collection, disk_gb=supports * render["size"] ** 2 / 8 / 1e9)
            return
        store = params.store(self.study, collection)
        each = 3 * store["size"] ** 2
        if store["encoding"] == "jpeg":
            each = self.rates("jpeg", "a stored picture of 256 px") * 1e3 * (store["size"] / JPEG_PIXELS) ** 2
        if store["encoding"] == "files":
            each = self._archive(collection) * 1e9 / max(images, 1.0)
        if spec["format"] != "stable_diffusion":
            if self.study.config["acquisition"] == "download":
                yield Part("acquire", collection, disk_gb=self._archive(collection))
            decoding = images / (self.rates("decoding", "a core") or 1) / 3600
            yield Part("build_store", collection, disk_gb=images * each / 1e9, core_hours=decoding)
            return
        plan = params.generate(self.study, collection)
        passes = plan["steps"] * (1 + plan.get("guided_part", 1.0))
        step = self.rates("training", "U-Net") * (plan["image_size"] / 512) ** 2 * self.factor
        yield Part("generate_images", collection, "", images * passes * step / HOUR, images * each / 1e9)
        yield Part("gather_generated", collection, disk_gb=images * each / 1e9)

    def images(self, distribution: str) -> int:
        """Return how many images a distribution has at the study's scale."""
        declared = params.distribution(self.study, distribution)
        return int(declared.get("repeated_to") or declared["images"] or self._total(declared["source"]))

    def split(self, task: str, split: str) -> float:
        """Return the number of images of a split of a task, or of a source of test images, at the study's scale."""
        spec = self.study.config["tasks"].get(task)
        if own := self._own(task):
            return own[split]
        if spec is None:
            if split == ALL:
                return self._total(task)
            return self.rates("images", f"{task} {split}") * params.scale(self.study, task)["images"]
        if "variant" in spec:
            return self._of_variant(task, split)
        if split == "train" and task in names.limited_tasks(self.study):
            return params.training_images(self.study, task)["count"]
        if "distribution" in spec:
            images, each = self.images(spec["distribution"]), spec.get("subset", {}).get("images_per_class")
            return min(images, each * names.collection(self.study, task).given["classes"]) if each else images
        if "pair_of" in spec:  # `train` and `id_test` in one domain, `test` in the other
            domain = spec["ood_domain" if split in ("val", "test") else "id_domain"]
            return self.rates("images", f"{domain} {'train' if split == 'train' else 'test'}") * self._scale(task)
        return self.rates("images", f"{task} {split}") * self._scale(task)

    def _of_variant(self, task: str, split: str) -> float:
        """Return how many images a split of a task of ImageNet-RIB has."""
        spec = self.study.config["tasks"][task]
        variant, held_out, subset = spec["variant"], spec.get("held_out", 0.0), spec.get("subset", {})
        images = self.split(variant, self.study.config["imagenet_rib"]["variants"][variant].get("split", ALL))
        if split != "train":
            return images * (held_out if split == "id_val" else 1.0)
        most = [(1 - held_out) * images, float(spec.get("train_images", images))]
        if spec.get("renderings") == "one":
            most.append((1 - held_out) * self.study.config["imagenet_rib"]["variants"][variant]["originals"])
        if subset.get("equal") == "epochs":
            most.append(float(subset["images_per_class"] * names.collection(self.study, task).given["classes"]))
        return min(most)

    def _own(self, collection: str) -> Counter[str]:
        """Count the images of each split, and all, of a folder of yours; nothing of other collections."""
        if not names.folder(self.study, collection) or not names.format(self.study, collection).own:
            return Counter()
        if collection not in self.counted:
            options = params.options(self.study, collection)
            found = open_collection(
                names.format(self.study, collection).name, names.folder(self.study, collection), **options
            )
            self.counted[collection] = Counter(getattr(found, "splits", ())) + Counter({ALL: len(found)})
        return self.counted[collection]

    def _scale(self, collection: str) -> float:
        spec = names.collection(self.study, collection).given
        name = "domain_images" if "domains" in spec else "task_images"
        return float(params.scale(self.study, collection)[name])

    def _total(self, collection: str) -> float:
        if own := self._own(collection):
            return own[ALL]
        is_task = collection in self.study.config["tasks"]
        factor = self._scale(collection) if is_task else params.scale(self.study, collection)["images"]
        images = names.collection(self.study, collection).given.get("images") or self.rates.images(collection)
        return float(images) * factor

    def _archive(self, collection: str) -> float:
        """Return the GB of a collection's archives: those that the config states, or the table."""
        name = collection
        if folder := names.format(self.study, collection).folder:
            name = folder
            if names.archives(self.study).get(name) != collection:  # they count for the first that reads them
                return 0.0
        files = self.study.config.get("downloads", {}).get(name, {}).get("files", {})
        sizes = [file.get("bytes") for file in files.values()]
        return sum(sizes) / 1e9 if sizes and all(sizes) else self.rates("archive", collection)

    def _weights(self, architecture: str) -> float:
        own = ("weights", architecture) in self.rates.values
        return self.rates("weights", architecture if own else self._name(architecture)) / 1e3

    def _name(self, architecture: str) -> str:
        spec = params.architecture(self.study, architecture)
        return str(spec["arguments"].get("model", spec["builder"])).partition(".")[0]  # timm's tags are of weights

    def _inference(self, architecture: str, recipe: Mapping[str, Any]) -> float:
        """Return the time per image of a prediction, in milliseconds: a part of a training step's."""
        reduced = (recipe.get("evaluation") or {}).get("arithmetic", "auto") != "float32"
        part = self.rates("inference", "a training step's part" if reduced else "a training step's part in float32")
        return part * self._milliseconds(architecture, recipe)

    def _milliseconds(self, architecture: str, recipe: Mapping[str, Any]) -> float:
        """Return the time per image of a training step, in milliseconds."""
        if (small := self.small.get(f"{architecture}{self.on}".lower())) is not None:
            return small * float((recipe["image_size"] / SMALL_PIXELS) ** 2)
        own = params.architecture(self.study, architecture)["builder"] == OWN_PIXELS or recipe.get("input") == "own"
        pixels = 1.0 if own else (recipe["image_size"] / PIXELS) ** 2
        return self.rates("training", self._name(architecture)) * pixels * self.factor


def seen(recipe: Mapping[str, Any], images: float) -> float:
    """Return how many images a training on `images` sees: all per epoch, or a batch per step."""
    if recipe.get("epochs") is not None:
        return float(recipe["epochs"] * recipe.get("passes", 1) * images)
    return float(recipe["steps"] * min(recipe["batch_size"], images))
