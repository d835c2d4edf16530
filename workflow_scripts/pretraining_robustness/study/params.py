"""Params of each rule, scaled to this study: the configuration states the paper's numbers."""

from collections.abc import Iterable, Mapping
from typing import Any

from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.study import names, runs
from pretraining_robustness.study.names import DEFAULT_METHOD, PER_IMAGE, SCRATCH
from pretraining_robustness.study.runs import Run
from pretraining_robustness.study.study import Study

RELATIONS = ("nested_in", "classes_nested_in", "same_images_per_label_as")  # what a distribution promises of another
COPY = 0.95  # correlation of pixels from which an image is taken for a copy of another
IMAGES_PER_INSTANCE = 100  # FractalDB renders a system in 25 weightings, each of them flipped in 4 ways


def world(study: Study, name: str) -> dict[str, Any]:
    """Return what the drawing rule of a source or a task is told: images, classes, seed and looks."""
    given, scale = names.collection(study, name).given, study.scale.given
    prefix = "" if name in study.sources else "domain_" if "domains" in given else "task_"
    return {
        "images": scaled(given["images"], scale[f"{prefix}images"]),
        "classes": scaled(given["classes"], scale[f"{prefix}classes"]),
        "seed": study.world_seed,
        **_kept(given, "domains"),
        **given.get("world", {}),
    }


def drawing(study: Study, folder: str) -> dict[str, Any]:
    """Return the module that draws the archives in a folder of `archives`, and what it is told."""
    name = names.archives(study)[folder]
    format = names.format(study, name)
    told = {"format": folder} if format.small else {}
    return {"module": format.drawn_by, "world": world(study, name) | told}


def variant(study: Study, name: str) -> dict[str, Any]:
    """Return how a variant of ImageNet is read; of a drawn one, how much there is is not known before."""
    spec, drawn = study.sources[name], names.is_drawn(study, name)
    counts = {key: None if drawn else spec.given.get(key) for key in ("images", "classes")}
    return {**_kept(spec.variant or {}, "layout", "border", "password", "only"), **counts}


def variant_task(study: Study, name: str) -> dict[str, Any]:
    """Return which images of a variant, or of a distribution, are fine-tuned on, and which are held out."""
    spec = study.tasks[name]
    variant = names.imagenet_rib(study).variants.get(spec.variant or "")
    split = (variant and variant.split) or "all"
    choice = {"held_out": spec.held_out or 0.0, "split": split, "seed": study.selection_seed}
    return {**choice, "train_images": spec.train_images, "subset": spec.subset and spec.subset.given}


def variant_world(study: Study, name: str) -> dict[str, Any]:
    """Return what the drawing of a variant of ImageNet is told: as many classes and as large as its ImageNet."""
    (imagenet,) = names.sources_of_format(study, "imagenet")
    imagenet_world = world(study, imagenet)
    drawn = (study.sources[name].variant or {})["drawn"]
    left_out = ("kind", "filtered_by") if "filtered_by" in drawn else ()
    own = {key: drawn[key] for key in drawn if key not in left_out}
    return {**own, **{key: imagenet_world[key] for key in ("classes", "seed", "image_size")}}


def filtering_network(study: Study, name: str) -> dict[str, Any]:
    """Return which network filters what is drawn of a variant, and what the filter is told of it."""
    network = (study.sources[name].variant or {})["drawn"]["filtered_by"]
    return {
        "network": {**network, "seed": runs.seeds(study, network["distribution"])[0]},
        "filter": {
            "architecture": architecture(study, network["architecture"]),
            "recipe": pretrain_recipe(study, **network),
            "size": store(study, name)["size"],
        },
    }


def training_images(study: Study, task: str) -> dict[str, int]:
    """Return how many training images of a task are fine-tuned on, and the seed of their choice."""
    count = scaled(study.tasks[task].train_images or 0, scale(study, task)["task_images"])
    return {"count": count, "seed": study.selection_seed}


def copies(study: Study, source: str) -> dict[str, Any]:
    """Return among which collections copies of a source's images are looked for, in which splits of them (all where
    none is named: those that the study trains or tests on), and what is a copy."""
    spec = study.sources[source].copies
    assert spec is not None
    whole = {
        one["store"] for task in names.tasks(study) for one in names.test_sets(study, task) if one["split"] == "all"
    }
    splits = [[] if name in whole else list(runs.needed_splits(study, name)) for name in spec.of]
    return {"names": spec.of, "splits": splits, "correlation": spec.correlation or COPY}


def search(study: Study, source: str) -> dict[str, Any]:
    """Return what the search for fractals is told: how many categories, and how."""
    spec = study.sources[source].given
    return {"categories": scaled(spec["classes"], study.scale.classes), **spec["search"]}


def render(study: Study, source: str) -> dict[str, Any]:
    """Return how fractals are drawn: each weighting of a system in so many instances, each of them flipped."""
    spec, scale = study.sources[source].given, study.scale
    images, classes = scaled(spec["images"], scale.images), scaled(spec["classes"], scale.classes)
    return {"instances": max(1, round(images / classes / IMAGES_PER_INSTANCE)), **spec["render"]}


def prompts(study: Study, source: str) -> dict[str, Any]:
    """Return how prompts are dealt out to the images that Stable Diffusion generates."""
    spec = study.sources[source].given
    return {"images": scaled(spec["images"], study.scale.images), **spec["prompts"]}


def generate(study: Study, source: str) -> dict[str, Any]:
    """Return how Stable Diffusion generates images, and how they are stored."""
    spec = study.sources[source].given
    settings = {key: value for key, value in spec["generate"].items() if key != "shards"}
    store = {**study.store.given, **spec.get("store", {})}
    return {**settings, "size": store["size"], "encoding": store["encoding"]}


def recogniser(study: Study, source: str) -> dict[str, Any]:
    """Return how the network is built that judges the images of a generated source, and how it was trained."""
    network = study.sources[source].given["recognised_by"]
    recipe = pretrain_recipe(study, **network)
    return {"architecture": architecture(study, network["architecture"]), "recipe": recipe}


def wilds(study: Study, task: str) -> dict[str, Any]:
    """Return which data set of the wilds package a task is, and its domains."""
    return _kept(study.tasks[task].given, "dataset", "id_domain", "ood_domain")


def published(study: Study, distribution: str) -> str:
    """Return the name of the published weights that stand for a distribution."""
    return str(study.sources[study.distributions[distribution].source].pretrained)


def pair_of_domains(study: Study, task: str) -> dict[str, Any]:
    """Return which domains a task pairs, and which classes it has where it has only some."""
    spec = study.tasks[task]
    subset = {"classes": spec.class_subset} if spec.class_subset else {}
    return {**_kept(spec.given, "id_domain", "ood_domain"), **subset}


def options(study: Study, name: str) -> dict[str, Any]:
    """Return what the reader of a source or a task is told besides the path."""
    splits = names.collection(study, name).given.get("splits")
    return {"divided": splits} if splits else {}


def store(study: Study, name: str) -> dict[str, Any]:
    """Return how the images of a source or a task are stored."""
    given, format = names.collection(study, name).given, names.format(study, name)
    counted = format.small and not names.is_drawn(study, name)
    return {
        "fit": "stretch" if name in study.tasks else "crop",
        **study.store.given,
        **given.get("store", {}),
        "format": format.name,
        **({"expected": _kept(given, "images", "classes")} if counted else {}),
    }


def distribution(study: Study, name: str) -> dict[str, Any]:
    """Return the declaration of a distribution at the study's scale."""
    return declaration(study, name, full_scale=False)


def declaration(study: Study, name: str, full_scale: bool) -> dict[str, Any]:
    """Return the declaration of a distribution at the study's scale or the paper's."""
    declared = study.distributions[name]
    by = dict.fromkeys(study.scale.given, 1.0) if full_scale else scale(study, declared.source)
    choice = dict(declared.classes.given if declared.classes else {})
    factors = {
        "most_frequent": by["classes"],
        "random": by["classes"],
        "at_least": by["images"] / by["classes"],
        "subclasses": by["subclasses"],
        "superclasses": by["superclasses"],
    }
    choice |= {key: scaled(choice[key], by) for key, by in factors.items() if isinstance(choice.get(key), int)}
    images = scaled(declared.images, by["images"]) if declared.images else None
    distinct = scaled(declared.distinct_images, by["images"]) if declared.distinct_images else None
    return {
        **({"repeated_to": images} if distinct else {}),
        "distribution": name,
        "source": declared.source,
        "classes": choice,
        "label_map": label_map(study, name),
        "images": distinct or images,
        "balanced": declared.balanced,
        "short_classes": declared.short_classes or "refuse",
        "take": declared.take,
        "seed": study.selection_seed,
    }


def scale(study: Study, collection: str) -> dict[str, float]:
    """Return the factors on the paper's numbers for a source or task; 1 for your own folders."""
    format = names.format(study, collection)
    return dict.fromkeys(study.scale.given, 1.0) if format.own or format.weights else study.scale.given


def label_map(study: Study, distribution: str) -> dict[str, Any] | None:
    """Return where a distribution's superclasses are written: name, key and column; None if classes are labels."""
    name = study.distributions[distribution].labels
    if name is None:
        return None
    spec = study.label_maps[name]
    return {"name": name, "key": spec.key or "class_id", "column": spec.column}


def relations(study: Study, distribution: str) -> dict[str, str]:
    """Return the distributions that this one must agree with, by what it promises of them."""
    return _kept(study.distributions[distribution].given, *RELATIONS)


def pretrain_recipe(study: Study, architecture: str, distribution: str) -> dict[str, Any]:
    """Return the recipe of pre-training an architecture; the objective of a distribution may change it."""
    objective = study.distributions[distribution].objective
    changed = study.objectives[objective].recipe if objective else None
    return _recipe(study.recipes.pretrain, study.architectures[architecture].pretrain, changed)


def validation(study: Study, distribution: str) -> str | None:
    """Return the source whose images measure a pre-training, where it learns labels and its own source has one."""
    source = study.sources[study.distributions[distribution].source]
    return source.validation if names.objective(study, distribution)["name"] == "supervised" else None


def held_out(study: Study, distribution: str) -> dict[str, float]:
    """Return the share of a distribution's images that measures its pre-training, where it learns labels."""
    supervised = names.objective(study, distribution)["name"] == "supervised"
    measured = supervised and not validation(study, distribution)
    return {"held_out": study.runs.held_out} if study.runs.held_out and measured else {}


def finetune_recipe(
    study: Study, task: str, architecture: str, method: str = DEFAULT_METHOD, distribution: str = ""
) -> dict[str, Any]:
    """Return the recipe of fine-tuning an architecture on a task by a method.

    What all fine-tuning shares is changed by the task, then by the architecture, then from scratch, then by the method.
    """
    spec = study.tasks[task]
    shared = study.tasks[spec.pair_of].finetune if spec.pair_of else None
    by_architecture, by_method = study.architectures[architecture].finetune, names.methods(study)[method].get("recipe")
    from_scratch = study.recipes.scratch if distribution == SCRATCH else None
    return _recipe(study.recipes.finetune, shared, spec.finetune, by_architecture, from_scratch, by_method)


def image_sizes(study: Study, architecture: str, every: Iterable[Run]) -> list[int]:
    """Return the sides in pixels of the images that networks of an architecture are trained on, as far as recipes say.

    Published weights may bring their own (`input: own`).
    """
    sizes = set()
    for run in every:
        if run.architecture == architecture:
            trained = [finetune_recipe(study, run.task, architecture, run.method, run.distribution)]
            published = run.distribution != SCRATCH and names.is_published(study, run.distribution)
            if run.distribution != SCRATCH and not published:
                trained.append(pretrain_recipe(study, architecture, run.distribution))
            sizes |= {one["image_size"] for one in trained if not (published and one.get("input") == "own")}
    return sorted(sizes)


def finetuning(study: Study, run: Run) -> dict[str, Any]:
    """Return what the fine-tuning of a run is told."""
    return {
        "distribution": run.distribution,
        "method": method(study, run.method),
        "keep_head": names.keeps_head(study, run.task, run.distribution),
        "seed": int(run.seed),
        "architecture": architecture(study, run.architecture),
        "recipe": finetune_recipe(study, run.task, run.architecture, run.method, run.distribution),
        "epochs": names.predicted_epochs(study, run.task),
        **_kept(study.tasks[run.task].given, "renderings"),
    }


def merge(study: Study, run: Run, epoch: int) -> dict[str, Any]:
    """Return what the merging of a run's networks of an epoch is told."""
    return {
        "method": method(study, run.method),
        "epoch": epoch,
        "architecture": architecture(study, run.architecture),
        "recipe": finetune_recipe(study, run.task, run.architecture),
    }


def scoring(study: Study, task: str, method: str, distribution: str) -> dict[str, Any]:
    """Return what the scoring of a series is told; on variants of ImageNet only accuracy counts."""
    return {
        "task": task,
        "method": method,
        "distribution": distribution,
        "stores": names.test_stores(study, task),
        "test_sets": names.test_sets(study, task),
        "metrics": [study.tasks[task].metric] if names.is_variant_task(study, task) else list(METRICS),
    }


def prediction(study: Study, task: str, method: str, distribution: str) -> dict[str, Any]:
    """Return what the prediction of a series is told: its stores, test sets and networks, and how to merge them."""
    keys = ("name", "store", "split", "classes")
    merged = (
        {"groups": names.methods(study)[method]["groups"]} if names.methods(study)[method]["kind"] == PER_IMAGE else {}
    )
    return {
        "stores": names.test_stores(study, task),
        "test_sets": [{key: test_set[key] for key in keys} for test_set in names.test_sets(study, task)],
        "networks": [
            {
                "name": run.architecture,
                "seed": run.seed,
                "architecture": architecture(study, run.architecture),
                "recipe": finetune_recipe(study, task, run.architecture, method),
            }
            for run in runs.series_runs(study, task, method, distribution)
        ],
        **merged,
        "kept": study.predictions.kept,
    }


def method(study: Study, name: str) -> dict[str, Any]:
    """Return what fine-tuning is told of a method: its kind and settings."""
    return {key: value for key, value in names.methods(study)[name].items() if key not in ("label", "recipe")}


def _recipe(recipe: Mapping[str, Any], *changes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a recipe with changes, the last one first, without empty keys."""
    merged = dict(recipe)
    for change in changes:
        merged |= change or {}
    augmentation = {key: value for key, value in merged["augmentation"].items() if value is not None}
    return {key: value for key, value in merged.items() if value is not None} | {"augmentation": augmentation}


def architecture(study: Study, name: str) -> dict[str, Any]:
    """Return what builds an architecture."""
    spec = study.architectures[name]
    return {"name": name, "builder": spec.builder, "arguments": spec.arguments or {}}


def _kept(spec: dict[str, Any], *keys: str) -> dict[str, Any]:
    """Return the keys that a specification has."""
    return {key: spec[key] for key in keys if key in spec}


def scaled(number: int, factor: float) -> int:
    """Return `number` times `factor`, rounded, at least 1."""
    return max(1, round(number * factor))


def networks(study: Study) -> dict[str, Any]:
    """Return the architectures of the study's networks, their image sizes, and the methods that fine-tune each."""
    every, trained = runs.all_runs(study), names.trained_methods(study)
    pairs = {(run.method, run.architecture): run for run in every if run.method in trained}
    used = sorted({run.architecture for run in every})
    return {
        "architectures": {name: architecture(study, name) for name in used},
        "sizes": {name: image_sizes(study, name, every) for name in used},
        "methods": [
            {
                "name": run.method,
                "architecture": run.architecture,
                "values": method(study, run.method),
                "recipe": finetune_recipe(study, run.task, run.architecture, run.method),
            }
            for run in pairs.values()
        ],
    }
