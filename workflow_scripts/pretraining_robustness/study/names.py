"""What a configuration names: its sources, tasks, distributions, figures and tables, by kind."""

from functools import cache
from pathlib import Path
from typing import Any

from pretraining_robustness.store.formats import SOURCES, TASKS, Format
from pretraining_robustness.study.model import ImageNetRIB, SourceSpec, TaskSpec
from pretraining_robustness.study.study import Study

DEFAULT_METHOD = "full"  # how networks are fine-tuned where a series names no method
MERGES = tuple(sorted(path.stem for path in (Path(__file__).parent.parent / "finetune" / "mergers").glob("[a-z]*.py")))
"""Kinds of methods that merge weights and train nothing."""
PER_IMAGE = "dawin"  # the kind that merges while it predicts, and leaves no weights (finetune/merge_per_image.py)
ANSWERED_KINDS = ("agreement", "images")
RIB_KINDS = "rib"  # how kinds of figures and tables of ImageNet-RIB begin
START = "start"  # among the networks that are merged: the one before fine-tuning
SCRATCH = "scratch"  # the distribution of networks that are not pre-trained


def of_kind(study: Study, *kinds: str) -> list[str]:
    """Names of the figures and tables of these kinds."""
    return [name for name, one in {**study.figures, **study.tables}.items() if one.kind in kinds]


def scored_figures(study: Study) -> list[str]:
    """Names of the figures that show scores of checkpoints."""
    return of_kind(study, "trends", "residuals")


def answered_figures(study: Study) -> list[str]:
    """Names of the figures that show the answers to single images."""
    return of_kind(study, *ANSWERED_KINDS)


def distributions(study: Study) -> list[str]:
    """Names of the distributions of images that this study makes."""
    return [name for name in trained_distributions(study) if name not in study.left_out]


def trained_distributions(study: Study) -> list[str]:
    """Names of the distributions on which networks are pre-trained."""
    return [name for name in study.distributions if not is_published(study, name)]


def is_published(study: Study, distribution: str) -> bool:
    """Whether only published weights can be had of a distribution."""
    return study.sources[study.distributions[distribution].source].format == "published"


@cache
def captioned(study: Study) -> list[str]:
    """Names of the distributions whose images are learned with captions."""
    return [name for name in trained_distributions(study) if objective(study, name)["name"] == "image_text"]


def sources_of_format(study: Study, format: str) -> list[str]:
    """Names of the sources of a format."""
    return [name for name, source in study.sources.items() if source.format == format]


def prompted_source(study: Study, source: str) -> str:
    """Return the source whose classes a diffusion model is asked for: that of the network which recognises them."""
    judge = study.sources[source].given["recognised_by"]["distribution"]
    return study.distributions[judge].source


def raw_collections(study: Study) -> list[str]:
    """Names of the sources and tasks whose stores are decoded from raw files."""
    tasks = [name for name, task in study.tasks.items() if task.format]
    return [name for name in (*study.sources, *tasks) if format(study, name).reader]


def archives(study: Study) -> dict[str, str]:
    """The collections whose archives are drawn or downloaded, by the folder of the archives."""
    found: dict[str, str] = {}
    collections: dict[str, SourceSpec | TaskSpec] = {**study.sources, **study.tasks}
    for name, one in collections.items():
        folder = format(study, name).folder if one.format and one.path is None else ""
        if folder and (folder not in found or one.format == folder):
            found[folder] = name
    return found


def optional_source(study: Study, name: str) -> str | None:
    """Return the name of a source that is only tested on, which a study can do without; None for any other."""
    trained_on = {declared.source for declared in study.distributions.values()}
    return name if name in study.sources and name not in trained_on else None


def domain_pairs(study: Study) -> list[str]:
    """Names of the tasks that are pairs of domains."""
    return [name for name, task in study.tasks.items() if task.pair_of]


def copied_sources(study: Study) -> list[str]:
    """Names of the sources of which copies among the images of tasks are looked for."""
    return [name for name, source in study.sources.items() if source.copies]


def limited_tasks(study: Study) -> list[str]:
    """Names of the tasks that train on a subset of their training images."""
    return [name for name in tasks(study) if study.tasks[name].train_images and not study.tasks[name].variant]


def imagenet_rib(study: Study) -> ImageNetRIB:
    """What the configuration says of ImageNet-RIB, in a study that has it."""
    assert study.imagenet_rib is not None
    return study.imagenet_rib


def rib_figures(study: Study) -> list[str]:
    """Names of the figures of ImageNet-RIB."""
    return [name for name, one in study.figures.items() if one.kind.startswith(RIB_KINDS)]


def rib_tables(study: Study) -> list[str]:
    """Names of the tables of ImageNet-RIB."""
    return [name for name, one in study.tables.items() if one.kind.startswith(RIB_KINDS)]


def variants(study: Study) -> list[str]:
    """Names of the sources that are variants of ImageNet."""
    return sources_of_format(study, "imagenet_variant")


def drawn_variants(study: Study, filtered: bool) -> list[str]:
    """Names of the variants that are drawn: without a network, or `filtered` adversarially by one."""
    drawn = [name for name in variants(study) if is_drawn(study, name)]
    return [name for name in drawn if ("filtered_by" in (study.sources[name].variant or {})["drawn"]) == filtered]


def variant_tasks(study: Study) -> list[str]:
    """Names of the tasks that fine-tune on a variant of ImageNet, all of it."""
    return [name for name, task in study.tasks.items() if task.variant and not task.subset]


def subset_tasks(study: Study) -> list[str]:
    """Names of the tasks that fine-tune on some images per class of a variant of ImageNet."""
    return [name for name, task in study.tasks.items() if task.subset]


def tasks_of_set_sizes(study: Study) -> list[str]:
    """Names of the tasks that fine-tune on the variants of the study of the set's size: on parts of them and on
    all."""
    sizes = study.imagenet_rib and study.imagenet_rib.set_sizes
    variants = sizes.variants if sizes else []
    tasks = (*subset_tasks(study), *variant_tasks(study))
    return [task for task in tasks if study.tasks[task].distribution or study.tasks[task].variant in variants]


def is_variant_task(study: Study, task: str) -> bool:
    """Whether a task fine-tunes on a variant of ImageNet, a part of one, or a part of ImageNet's training images."""
    return bool(study.tasks[task].variant or study.tasks[task].subset)


def tasks(study: Study) -> list[str]:
    """Names of the downstream tasks; a collection of domains is none, its pairs are."""
    return [name for name in scored_tasks(study) if not has_published_scores(study, name)]


def scored_tasks(study: Study) -> list[str]:
    """Names of the tasks of which there are scores: the downstream tasks, and those whose scores are published."""
    return [name for name, task in study.tasks.items() if task.domains is None]


def has_published_scores(study: Study, task: str) -> bool:
    """Whether the scores of a task come from tables of published numbers alone."""
    return study.tasks[task].format == "published"


def made_tasks(study: Study) -> list[str]:
    """Names of the tasks on variants of ImageNet or its parts, and of those on a distribution's images: for heads."""
    heads = [name for name, task in study.tasks.items() if task.distribution and not task.subset]
    return [*variant_tasks(study), *subset_tasks(study), *heads]


def given_head(study: Study, distribution: str) -> str | None:
    """Return the method by which networks of a distribution are given ImageNet's head for ImageNet-RIB, if any."""
    heads = study.imagenet_rib and study.imagenet_rib.heads
    return heads.method if heads and distribution in heads.of else None


def predicted_epochs(study: Study, task: str) -> list[int]:
    """Return the epochs of fine-tuning on a task, from 1, after which networks are kept and predicted."""
    last = study.recipes.finetune["epochs"] or 0
    return [last] if study.tasks[task].predicted == "last" else list(range(1, last + 1))


def finetune_rule(study: Study, task: str) -> str:
    """Return the name of the rule that fine-tunes on a task: finetune_last where the last epoch alone is kept."""
    return "finetune_last" if study.tasks[task].predicted == "last" else "finetune"


def start_task(study: Study, task: str) -> str:
    """Return the task that the network before fine-tuning is kept under: ImageNet-RIB's tasks share theirs."""
    return variant_tasks(study)[0] if is_variant_task(study, task) else task


def task_collection(study: Study, task: str) -> str:
    """Return the collection that holds the images of a task: its own, that of its pair's domains, a variant, or the
    source of a distribution."""
    spec = study.tasks[task]
    if spec.distribution:
        return study.distributions[spec.distribution].source
    return spec.pair_of or spec.variant or task


def collection(study: Study, name: str) -> SourceSpec | TaskSpec:
    """Return what is said of a source or a task; of a pair of domains, of their collection."""
    holder = name if name in study.sources else task_collection(study, name)
    return study.sources[holder] if holder in study.sources else study.tasks[holder]


def format(study: Study, name: str) -> Format:
    """Return the format of a source or a task; of a pair of domains, that of their collection."""
    found = collection(study, name)
    return (SOURCES if isinstance(found, SourceSpec) else TASKS)[str(found.format)]


def folder(study: Study, name: str) -> str:
    """Return the folder of yours that a source or a task is read from; none where the pipeline makes its files."""
    return collection(study, name).path or ""


def needed_columns(study: Study, name: str) -> tuple[str, ...]:
    """Return the columns that the table of a collection must have: by which scores group or resample its images."""
    used = [one for task in tasks(study) for one in test_sets(study, task) if one["store"] == name]
    return tuple(dict.fromkeys(one[key] for one in used for key in ("groups", "clusters") if one[key] is not None))


def is_drawn(study: Study, name: str) -> bool:
    """Whether a source or a task is a miniature that the pipeline draws."""
    return study.acquisition == "draw" and not (format(study, name).own or format(study, name).weights)


def pretraining_images(study: Study, series: str) -> int | None:
    """Return how many images a series was pre-trained on at full scale: 0 from scratch, None where not stated."""
    distribution, _ = of_series(series)
    if distribution == SCRATCH:
        return 0
    declared = study.distributions.get(distribution)
    if declared is None:
        return None
    return declared.images or (None if declared.classes else study.sources[declared.source].images)


@cache
def methods(study: Study) -> dict[str, dict[str, Any]]:
    """The methods of fine-tuning by name; an interpolation is one method for each of its alphas, unless held-out
    images choose among them."""
    methods: dict[str, dict[str, Any]] = {}
    for name, spec in study.config["methods"].items():
        if "alphas" in spec and "held_out" not in spec:
            others = {key: value for key, value in spec.items() if key != "alphas"}
            methods |= {interpolated(name, alpha): {**others, "alpha": alpha} for alpha in spec["alphas"]}
        else:
            methods[name] = spec
    return methods


def merged_methods(study: Study) -> list[str]:
    """Names of the methods that merge the weights of others into weights and train nothing."""
    return [name for name, spec in methods(study).items() if spec["kind"] in MERGES]


def trained_methods(study: Study) -> list[str]:
    """Names of the methods that train."""
    return [name for name, spec in methods(study).items() if spec["kind"] not in (*MERGES, PER_IMAGE)]


def test_sets(study: Study, task: str) -> list[dict[str, Any]]:
    """Return the test sets of a task: name, store, split, classes (a mask or None), role, groups (and
    which are left out) and clusters."""
    spec = study.tasks[task]
    shared: dict[str, Any] = {"store": task, "classes": None, "groups": spec.groups, "clusters": spec.clusters}
    shared["groups_left_out"] = spec.groups_left_out or []
    return [{"name": name, "split": name, **shared, **one.given} for name, one in (spec.test_sets or {}).items()]


def test_stores(study: Study, task: str) -> list[str]:
    """Return the names of the stores that a task is tested on, its own first."""
    return list(dict.fromkeys([task, *(test_set["store"] for test_set in test_sets(study, task))]))


def pairs(study: Study) -> dict[str, dict[str, str]]:
    """Return for each task the test set `id` and the test set `ood` that figures plot where they name no others."""
    return {task: dict(study.tasks[task].given["plots"]) for task in scored_tasks(study)}


def head_fits(study: Study, task: str, distribution: str) -> bool:
    """Whether networks of a distribution start fine-tuning with a head that knows the task's classes."""
    declared = study.distributions.get(distribution)
    return is_variant_task(study, task) or (declared is not None and declared.head is not None)


def keeps_head(study: Study, task: str, distribution: str) -> bool:
    """Whether fine-tuning goes on with the head of the pre-trained weights."""
    declared = study.distributions.get(distribution)
    return is_variant_task(study, task) or (declared is not None and declared.head == "pretrained")


def objective(study: Study, distribution: str) -> dict[str, Any]:
    """Return what pre-training learns by: the name of the objective and its settings."""
    name = study.distributions[distribution].objective
    if name is None:
        return {"name": "supervised"}
    spec = study.objectives[name].given
    return {"name": spec["kind"], **{key: spec[key] for key in spec if key not in ("kind", "recipe")}}


def interpolated(name: str, alpha: float) -> str:
    """Return the name of the method that interpolates with weight `alpha` (0..1): wise_ft_50."""
    return f"{name}_{100 * alpha:g}".replace(".", "_")


def of_series(name: str) -> tuple[str, str]:
    """Return distribution and method of a series, "imagenet_full" or "imagenet_full@linear_probe"."""
    distribution, _, method = name.partition("@")
    return distribution, method or DEFAULT_METHOD
