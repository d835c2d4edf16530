"""Readable names: of distributions with the paper's numbers and this study's, of tasks, and of what is drawn."""

from functools import partial

from pretraining_robustness.study import names, params, runs
from pretraining_robustness.study.imagenet_rib import draws_renderings
from pretraining_robustness.study.model import DistributionSpec
from pretraining_robustness.study.names import DEFAULT_METHOD, SCRATCH, of_series
from pretraining_robustness.study.params import scaled
from pretraining_robustness.study.study import Study


def label(study: Study, series: str) -> str:
    """Return a readable name with the paper's numbers and, in a scaled study, this study's."""
    distribution, method = of_series(series)
    if method != DEFAULT_METHOD:
        return f"{label(study, distribution)}, {method_label(study, method)}"
    if distribution == SCRATCH:
        return "From scratch (no pre-training)"
    if distribution not in study.distributions:
        return distribution  # from elsewhere: published numbers or another study
    declared = study.distributions[distribution]
    return (declared.label or _describe(study, declared)) + _here(study, distribution)


def source_label(study: Study, name: str) -> str:
    """Return the readable name of a source or of the collection of a task."""
    return names.collection(study, name).label or name


def _describe(study: Study, declared: DistributionSpec) -> str:
    source, name = study.sources[declared.source], source_label(study, declared.source)
    images, random = declared.images, declared.classes and declared.classes.random
    if declared.labels:
        return f"{name}, {study.label_maps[declared.labels].label}"
    if declared.distinct_images:
        return f"{name}, {declared.distinct_images:,} images repeated to {images:,}"
    if random and images:
        return f"{random:,} classes of {images // random:,} images"
    if images:
        return f"{name}, {images:,} images"
    but = " but copies" if source.copies and source.copies.leave_out else ""
    return f"{name}, all {source.images:,} images{but}" if source.images else f"{name}, all images{but}"


def _here(study: Study, distribution: str) -> str:
    """Say how much of it this study has, where that is less than the paper's."""
    declared, here = study.distributions[distribution], params.distribution(study, distribution)
    total = declared.images or study.sources[declared.source].images
    factor = params.scale(study, declared.source)["images"]
    if total is None or factor == 1:
        return ""
    images, choice = scaled(total, factor), here["classes"]
    random = choice.get("random")
    if declared.labels and study.label_maps[declared.labels].table and not choice:
        return f" (here fewer, {images:,} images)"
    if random:
        return f" (here {random:,} of {images // random:,})"
    if "subclasses" in choice:
        subclasses = max(1, round(choice["ratio"] * choice["subclasses"]))
        return f" (here {subclasses}, {images:,} images)"
    return f" (here {images:,} images)" if declared.label or declared.labels else f" (here {images:,})"


def method_label(study: Study, method: str) -> str:
    """Return the readable name of a method, with its alpha where it interpolates."""
    spec = names.methods(study)[method]
    alpha = f", alpha = {spec['alpha']:g}" if "alpha" in spec else ""
    return str(spec.get("label", method)) + alpha


def task_label(study: Study, task: str) -> str:
    """Return the readable name of a task."""
    return study.tasks[task].label or task


def test_set_label(study: Study, task: str, name: str) -> str:
    """Return what a test set is called on axes: the task and its split, or the source whose images it has."""
    if names.has_published_scores(study, task):
        return name
    (one,) = (one for one in names.test_sets(study, task) if one["name"] == name)
    if one["store"] == task:
        return f"{task_label(study, task)}, {name} split"
    label = source_label(study, one["store"])
    return label if one["split"] in ("all", "test") else f"{label}, {one['split']} split"


def architecture_label(study: Study, name: str) -> str:
    """Return the family of an architecture and its name."""
    return f"{study.architectures[name].family} ({name})"


def _note(study: Study, name: str) -> str | None:
    """Return what must not be overlooked of a figure or table: drawn data, and which renderings are fine-tuned on."""
    of_rib = name in [*names.rib_figures(study), *names.rib_tables(study)]
    shown = {**study.config["figures"], **study.config["tables"]}[name]["kind"] not in ("pipeline", "pictures")
    remark = study.config.get("remark") if shown else None
    told = [_drawn_note(study, name), _renderings_note(study) if of_rib else None, remark]
    return ". ".join(filter(None, told)) or None


def _renderings_note(study: Study) -> str | None:
    """Return what an epoch of fine-tuning shows of variants with several renderings of an image."""
    rib = names.imagenet_rib(study)
    told = []
    for one in rib.variants.values():
        if one.originals and one.images and one.fine_tuned_on is not False:
            drawn = "one, drawn anew in every epoch; the published study shows all"
            shown = drawn if draws_renderings(rib.given, one.given) else "all, as the published study does"
            count = round(one.images / one.originals)
            told.append(f"Fine-tuning on {one.label} shows of an image's {count} renderings {shown}")
    return ". ".join(told) or None


def _drawn_note(study: Study, name: str) -> str | None:
    """Return the line that keeps a figure or table of drawn data from being taken for the paper's."""
    kind = {**study.figures, **study.tables}[name].kind
    if kind == "pipeline" or not any(map(partial(names.is_drawn, study), [*study.sources, *study.tasks])):
        return None
    if kind in ("trends", "residuals", *names.ANSWERED_KINDS):  # a figure of published numbers shows nothing drawn
        drawn = names.is_drawn(study, runs.scored(study, name).task) and bool(runs.runs(study, name))
        return "Miniature: drawn data and small networks, not the paper's results" if drawn else None
    if kind == "pictures":
        drawn = any(names.is_drawn(study, panel["collection"]) for panel in runs.panels(study, name))
        return "Miniature: images that the pipeline draws itself" if drawn else None
    return "Miniature: numbers of data that the pipeline draws itself" if kind != "cooccurrence" else None
