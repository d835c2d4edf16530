"""What a configuration names: its sources, tasks, distributions, figures and tables, by kind."""

from functools import cache
from pathlib import Path
from typing import Any

from pretraining_robustness.store.formats import SOURCES, TASKS, Format
from pretraining_robustness.study.study import Study

DEFAULT_METHOD = "full"  # how networks are fine-tuned where a series names no method
MERGES = tuple(sorted(path.stem for path in (Path(__file__).parent.parent / "finetune" / "mergers").glob("[a-z]*.py")))
"""Kinds of methods that merge weights and train nothing."""
PER_IMAGE = "dawin"  # the kind that merges while it predicts, and leaves no weights (finetune/merge_per_image.py)
RIB_KINDS = "rib"  # how kinds of figures and tables of ImageNet-RIB begin
START = "start"  # among the networks that are merged: the one before fine-tuning
SCRATCH = "scratch"  # the distribution of networks that are not pre-trained


def figures(study: Study) -> list[str]:
    """Names of the figures."""
    return list(study.config["figures"])


def tables(study: Study) -> list[str]:
    """Names of the tables."""
    return list(study.config["tables"])


def of_kind(study: Study, *kinds: str) -> list[str]:
    """Names of the figures and tables of these kinds."""
    named = {**study.config["figures"], **study.config["tables"]}
    return [name for name, spec in named.items() if spec["kind"] in kinds]


def scored_figures(study: Study) -> list[str]:
    """Names of the figures that show scores of checkpoints."""
    return of_kind(study, "trends", "residuals")


def distributions(study: Study) -> list[str]:
    """Names of the distributions of images that this study makes."""
    return [name for name in trained_distributions(study) if name not in study.config["left_out"]]


def trained_distributions(study: Study) -> list[str]:
    """Names of the distributions on which networks are pre-trained."""
    return [name for name in study.config["distributions"] if not is_published(study, name)]


def published_distributions(study: Study) -> list[str]:
    """Names of the distributions of which only the weights of published networks can be had."""
    return [name for name in study.config["distributions"] if is_published(study, name)]


def is_published(study: Study, distribution: str) -> bool:
    """Whether only published weights can be had of a distribution."""
    return bool(collection(study, study.config["distributions"][distribution]["source"])["format"] == "published")


@cache
def captioned(study: Study) -> list[str]:
    """Names of the distributions whose images are learned with captions."""
    return [name for name in trained_distributions(study) if objective(study, name)["name"] == "image_text"]


def sources_of_format(study: Study, format: str) -> list[str]:
    """Names of the sources of a format."""
    return [name for name, source in study.config["sources"].items() if source["format"] == format]


def prompted_source(study: Study, source: str) -> str:
    """Return the source whose classes a diffusion model is asked for: that of the network which recognises them."""
    judge = study.config["sources"][source]["recognised_by"]["distribution"]
    return str(study.config["distributions"][judge]["source"])


def raw_collections(study: Study) -> list[str]:
    """Names of the sources and tasks whose stores are decoded from raw files."""
    sources = [name for name in study.config["sources"] if format(study, name).reader]
    tasks = [name for name, task in study.config["tasks"].items() if "format" in task and format(study, name).reader]
    return [*sources, *tasks]


def wilds_tasks(study: Study) -> list[str]:
    """Names of the tasks whose stores are decoded from what the wilds package opens."""
    return [name for name, task in study.config["tasks"].items() if task.get("format") == "wilds"]


def archives(study: Study) -> dict[str, str]:
    """The collections whose archives are drawn or downloaded, by the folder of the archives."""
    found: dict[str, str] = {}
    for name, one in [*study.config["sources"].items(), *study.config["tasks"].items()]:
        folder = format(study, name).folder if "format" in one and "path" not in one else ""
        if folder and (folder not in found or one["format"] == folder):
            found[folder] = name
    return found


def optional_source(study: Study, name: str) -> str | None:
    """Return the name of a source that is only tested on, which a study can do without; None for any other."""
    trained_on = {declared["source"] for declared in study.config["distributions"].values()}
    return name if name in study.config["sources"] and name not in trained_on else None


def domain_pairs(study: Study) -> list[str]:
    """Names of the tasks that are pairs of domains."""
    return [name for name, task in study.config["tasks"].items() if "pair_of" in task]


def copied_sources(study: Study) -> list[str]:
    """Names of the sources of which copies among the images of tasks are looked for."""
    return [name for name, source in study.config["sources"].items() if "copies" in source]


def limited_tasks(study: Study) -> list[str]:
    """Names of the tasks that train on a subset of their training images."""
    declared = study.config["tasks"]
    return [name for name in tasks(study) if "train_images" in declared[name] and "variant" not in declared[name]]


def imagenet_rib(study: Study) -> dict[str, Any]:
    """What the configuration says of ImageNet-RIB; nothing where it is not asked for."""
    return dict(study.config.get("imagenet_rib", {}))


def rib_figures(study: Study) -> list[str]:
    """Names of the figures of ImageNet-RIB."""
    return [name for name, spec in study.config["figures"].items() if spec["kind"].startswith(RIB_KINDS)]


def rib_tables(study: Study) -> list[str]:
    """Names of the tables of ImageNet-RIB."""
    return [name for name, spec in study.config["tables"].items() if spec["kind"].startswith(RIB_KINDS)]


def variants(study: Study) -> list[str]:
    """Names of the sources that are variants of ImageNet."""
    return sources_of_format(study, "imagenet_variant")


def filtered_variants(study: Study) -> list[str]:
    """Names of the drawn variants that are filtered adversarially."""
    return [name for name in variants(study) if is_drawn(study, name) and "filtered_by" in _drawing(study, name)]


def drawn_variants(study: Study) -> list[str]:
    """Names of the variants that are drawn without a network."""
    return [name for name in variants(study) if is_drawn(study, name) and name not in filtered_variants(study)]


def _drawing(study: Study, variant: str) -> dict[str, Any]:
    return dict(collection(study, variant)["variant"]["drawn"])


def variant_tasks(study: Study) -> list[str]:
    """Names of the tasks that fine-tune on a variant of ImageNet, all of it."""
    return [name for name, task in study.config["tasks"].items() if "variant" in task and "subset" not in task]


def subset_tasks(study: Study) -> list[str]:
    """Names of the tasks that fine-tune on some images per class of a variant of ImageNet."""
    return [name for name, task in study.config["tasks"].items() if "subset" in task]


def tasks_of_set_sizes(study: Study) -> list[str]:
    """Names of the tasks that fine-tune on the variants of the study of the set's size: on parts of them and on
    all."""
    variants = imagenet_rib(study).get("set_sizes", {}).get("variants", [])
    tasks = [*subset_tasks(study), *variant_tasks(study)]
    return [task for task in tasks if study.config["tasks"][task]["variant"] in variants]


def is_variant_task(study: Study, task: str) -> bool:
    """Whether a task fine-tunes on a variant of ImageNet or a part of one."""
    return "variant" in study.config["tasks"][task]


def tasks(study: Study) -> list[str]:
    """Names of the downstream tasks; a collection of domains is none, its pairs are."""
    return [name for name in scored_tasks(study) if not has_published_scores(study, name)]


def scored_tasks(study: Study) -> list[str]:
    """Names of the tasks of which there are scores: the downstream tasks, and those whose scores are published."""
    return [name for name, task in study.config["tasks"].items() if "domains" not in task]


def has_published_scores(study: Study, task: str) -> bool:
    """Whether the scores of a task come from tables of published numbers alone."""
    return bool(study.config["tasks"][task].get("format") == "published")


def head_tasks(study: Study) -> list[str]:
    """Names of the tasks whose images are those of a pre-training distribution, which give networks a head."""
    return [name for name, task in study.config["tasks"].items() if "distribution" in task]


def given_head(study: Study, distribution: str) -> str | None:
    """Return the method by which networks of a distribution are given ImageNet's head for ImageNet-RIB, if any."""
    heads = imagenet_rib(study).get("heads", {})
    return heads["method"] if distribution in heads.get("of", []) else None


def predicted_epochs(study: Study, task: str) -> list[int]:
    """Return the epochs of fine-tuning on a task, from 1, after which networks are kept and predicted."""
    last = study.config["recipes"]["finetune"]["epochs"]
    return [last] if study.config["tasks"][task].get("predicted") == "last" else list(range(1, last + 1))


def finetune_rule(study: Study, task: str) -> str:
    """Return the name of the rule that fine-tunes on a task: finetune_last where the last epoch alone is kept."""
    return "finetune_last" if study.config["tasks"][task].get("predicted") == "last" else "finetune"


def start_task(study: Study, task: str) -> str:
    """Return the task that the network before fine-tuning is kept under: ImageNet-RIB's tasks share theirs."""
    return variant_tasks(study)[0] if is_variant_task(study, task) else task


def task_collection(study: Study, task: str) -> str:
    """Return the collection that holds the images of a task: its own, that of its pair's domains, a variant, or the
    source of a distribution."""
    spec = study.config["tasks"][task]
    if "distribution" in spec:
        return str(study.config["distributions"][spec["distribution"]]["source"])
    return str(spec.get("pair_of") or spec.get("variant") or task)


def collection(study: Study, name: str) -> dict[str, Any]:
    """Return the configuration of a source or a task; of a pair of domains, that of their collection."""
    sources, tasks = study.config["sources"], study.config["tasks"]
    if name in sources:
        return sources[name]
    holder = task_collection(study, name)
    return sources[holder] if holder in sources else tasks[holder]


def format(study: Study, name: str) -> Format:
    """Return the format of a source or a task; of a pair of domains, that of their collection."""
    holder = name if name in study.config["sources"] else task_collection(study, name)
    formats = SOURCES if holder in study.config["sources"] else TASKS
    return formats[collection(study, name)["format"]]


def folder(study: Study, name: str) -> str:
    """Return the folder of yours that a source or a task is read from; none where the pipeline makes its files."""
    return str(collection(study, name).get("path", ""))


def needed_columns(study: Study, name: str) -> tuple[str, ...]:
    """Return the columns that the table of a collection must have: by which scores group or resample its images."""
    used = [one for task in tasks(study) for one in test_sets(study, task) if one["store"] == name]
    return tuple(dict.fromkeys(one[key] for one in used for key in ("groups", "clusters") if one[key] is not None))


def is_drawn(study: Study, name: str) -> bool:
    """Whether a source or a task is a miniature that the pipeline draws."""
    return study.config["acquisition"] == "draw" and not (format(study, name).own or format(study, name).weights)


def pretraining_images(study: Study, series: str) -> int | None:
    """Return how many images a series was pre-trained on at full scale: 0 from scratch, None where not stated."""
    distribution, _ = of_series(series)
    if distribution == SCRATCH:
        return 0
    declared = study.config["distributions"].get(distribution, {})
    source = study.config["sources"].get(declared.get("source"), {})
    return declared.get("images", None if "classes" in declared else source.get("images"))


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
    spec = study.config["tasks"][task]
    shared = {"store": task, "classes": None, "groups": spec.get("groups"), "clusters": spec.get("clusters")}
    shared["groups_left_out"] = spec.get("groups_left_out", [])
    return [{"name": name, "split": name, **shared, **declared} for name, declared in spec["test_sets"].items()]


def test_stores(study: Study, task: str) -> list[str]:
    """Return the names of the stores that a task is tested on, its own first."""
    return list(dict.fromkeys([task, *(test_set["store"] for test_set in test_sets(study, task))]))


def pairs(study: Study) -> dict[str, dict[str, str]]:
    """Return for each task the test set `id` and the test set `ood` that figures plot where they name no others."""
    return {task: dict(study.config["tasks"][task]["plots"]) for task in scored_tasks(study)}


def head_fits(study: Study, task: str, distribution: str) -> bool:
    """Whether networks of a distribution start fine-tuning with a head that knows the task's classes."""
    return is_variant_task(study, task) or "head" in study.config["distributions"].get(distribution, {})


def keeps_head(study: Study, task: str, distribution: str) -> bool:
    """Whether fine-tuning goes on with the head of the pre-trained weights."""
    declared = study.config["distributions"].get(distribution, {})
    return is_variant_task(study, task) or declared.get("head") == "pretrained"


def objective(study: Study, distribution: str) -> dict[str, Any]:
    """Return what pre-training learns by: the name of the objective and its settings."""
    name = study.config["distributions"][distribution].get("objective")
    if name is None:
        return {"name": "supervised"}
    spec = study.config["objectives"][name]
    return {"name": spec["kind"], **{key: spec[key] for key in spec if key not in ("kind", "recipe")}}


def interpolated(name: str, alpha: float) -> str:
    """Return the name of the method that interpolates with weight `alpha` (0..1): wise_ft_50."""
    return f"{name}_{100 * alpha:g}".replace(".", "_")


def of_series(name: str) -> tuple[str, str]:
    """Return distribution and method of a series, "imagenet_full" or "imagenet_full@linear_probe"."""
    distribution, _, method = name.partition("@")
    return distribution, method or DEFAULT_METHOD
