"""What figures and tables are told: the study that a configuration asks for, put into words and numbers."""

import hashlib
import json
from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.study import labels, names, params, runs
from pretraining_robustness.study.experiments import experiments
from pretraining_robustness.study.imagenet_rib import limited
from pretraining_robustness.study.model import (
    AgreementFigure,
    CrossingFigure,
    ImagesFigure,
    PicturesFigure,
    PipelineFigure,
    PublishedFigure,
    ResidualsFigure,
    RIBFigure,
    TrendsFigure,
)
from pretraining_robustness.study.names import DEFAULT_METHOD, SCRATCH, of_series
from pretraining_robustness.study.overview import overview
from pretraining_robustness.study.study import Study


def figure(study: Study, name: str) -> dict[str, Any]:
    """Return what the drawing of a figure is told."""
    spec = study.figures[name]
    common = {"name": name, "kind": spec.kind, "title": spec.title, "note": labels._note(study, name)}
    if isinstance(spec, PipelineFigure):
        return {**common, "overview": overview(study)}
    if isinstance(spec, RIBFigure | CrossingFigure):
        return {**common, **benchmark_labels(study, name)}
    if isinstance(spec, PicturesFigure):
        return {**common, "seed": spec.seed, "panels": runs.panels(study, name)}
    if isinstance(spec, PublishedFigure):
        told = {key: spec.given[key] for key in ("shows", "scale", "baseline", "series", "at_least")}
        panels = [{"title": panel.title, **_axes_of(study, spec, panel.task)} for panel in spec.panels]
        return {**common, **told, "confidence": study.trends.confidence, "panels": panels}
    if isinstance(spec, ImagesFigure):
        return {**common, **answered(study, name), "series": runs.series(study, name), "subset": spec.subset}
    if isinstance(spec, AgreementFigure):
        return {**common, **answered(study, name), "estimates": spec.estimates}
    return {**common, **_of_scores(study, name, spec)}


def _of_scores(study: Study, name: str, spec: TrendsFigure | ResidualsFigure) -> dict[str, Any]:
    """Return what the drawing of a figure of scores is told."""
    metric, pairs = runs.metric(study, name), runs.pair(study, name)
    score = score_metric(metric).label
    pair = {role: labels.test_set_label(study, spec.task, one) for role, one in pairs[spec.task].items()}
    common = {
        "scale": spec.scale,
        "confidence": study.trends.confidence,
        "labels": {series: labels.label(study, series) for series in runs.series(study, name)},
        "task_label": labels.task_label(study, spec.task),
        "metric": metric,
        "task": spec.task,
        "pairs": pairs,
        "studies": runs.studies(study, name),
    }
    if isinstance(spec, ResidualsFigure):
        return {
            **common,
            **_run_and_not(study, spec.series),
            "baseline": spec.baseline,
            "architectures": {one: labels.architecture_label(study, one) for one in study.runs.architectures},
            "x_label": "Epochs of fine-tuning",
            "y_label": f"Residual of out-of-distribution {score} ({pair['ood']})",
        }
    published = names.has_published_scores(study, spec.task)
    images = {series: names.pretraining_images(study, series) for series in runs.series(study, name)}
    asked = dict.fromkeys(series for panel in spec.panels for series in panel.series)
    return {
        **common,
        "band": spec.band,
        "references": spec.references,
        "images": {series: count for series, count in images.items() if count is not None},
        "panels": [{**panel.given, **_run_and_not(study, panel.series)} for panel in spec.panels],
        "x_label": pair["id"] if published else f"In-distribution {score} ({pair['id']})",
        "y_label": pair["ood"] if published else f"Out-of-distribution {score} ({pair['ood']})",
        "not_run": _run_and_not(study, asked)["not_run"],
    }


def _run_and_not(study: Study, series: Iterable[str]) -> dict[str, list[str]]:
    """Return the series that the study runs, and the labels of those that it leaves out."""
    left_out = [one for one in series if runs.is_left_out(study, one)]
    return {
        "series": [one for one in series if one not in left_out],
        "not_run": [labels.label(study, one) for one in left_out],
    }


def answered(study: Study, name: str) -> dict[str, Any]:
    """Return what a figure of single images' answers is told beside its name and title."""
    task = runs.scored(study, name).task
    pair = runs.pair(study, name)[task]
    return {
        "labels": {series: labels.label(study, series) for series in runs.series(study, name)},
        "task_label": labels.task_label(study, task),
        **{
            f"{axis}_label": labels.test_set_label(study, task, pair[role])
            for axis, role in (("x", "id"), ("y", "ood"))
        },
        **{"confidence": study.trends.confidence, "margin": study.comparisons.margin},
    }


def baseline(study: Study, name: str) -> dict[str, Any]:
    """Return what the writing of a figure's lines for others is told."""
    ((task, pair),) = runs.pair(study, name).items()
    series = [one for one in runs.series(study, name) if of_series(one)[0] in (SCRATCH, *study.distributions)]
    return {
        **{"study": study.study, "metric": runs.metric(study, name), "pairs": {task: pair}},
        **{"confidence": study.trends.confidence, "recipes": {one: _recipes(study, task, one) for one in series}},
        "place": task if pair == names.pairs(study)[task] else f"{task}:{pair['ood']}",
    }


def _recipes(study: Study, task: str, series: str) -> str:
    """Return a digest of the recipes of pre-training and fine-tuning of a series."""
    distribution, method = of_series(series)
    trained = distribution != SCRATCH and not names.is_published(study, distribution)
    recipes = [
        [params.finetune_recipe(study, task, one, method)]
        + ([params.pretrain_recipe(study, one, distribution)] if trained else [])
        for one in runs.architectures(study, distribution)
    ]
    return hashlib.sha256(json.dumps(recipes, sort_keys=True).encode()).hexdigest()[:12]


def measured(study: Study, name: str) -> dict[str, Any]:
    """Return what the measuring of answers for a figure is told."""
    spec = cast(AgreementFigure | ImagesFigure, study.figures[name])
    own = {"estimates": spec.estimates} if isinstance(spec, AgreementFigure) else {"size": spec.subset}
    return {
        **{"task": spec.task, "series": runs.series(study, name), "pair": runs.pair(study, name)[spec.task]},
        **{"test_sets": names.test_sets(study, spec.task), **own},
        **{"confidence": study.trends.confidence, "margin": study.comparisons.margin},
    }


def _axes_of(study: Study, figure: PublishedFigure, task: str) -> dict[str, str]:
    """Return the labels of the axes of a panel of published networks."""
    if figure.shows == "robustness":
        return {"x_label": "Images of pre-training", "y_label": "Effective robustness (points)"}
    plots = names.pairs(study)[task]
    return {"x_label": plots["id"], "y_label": plots["ood"]}


def benchmark(study: Study) -> dict[str, Any]:
    """Return what the indices of ImageNet-RIB are computed of; nothing where it is not asked for."""
    rib = study.imagenet_rib
    if rib is None:
        return {}
    tested_on = [name for name in rib.variants if name != rib.reference]
    keys = ("name", "store", "split", "classes")
    tested = names.test_sets(study, names.variant_tasks(study)[0])
    return {
        "variants": {task: names.task_collection(study, task) for task in names.variant_tasks(study)},
        "tested_on": tested_on,
        "stores": tested_on,
        "test_sets": [{key: one[key] for key in keys} for one in tested if one["name"] in tested_on],
        "sharing": rib.sharing or [],
        "confidence": study.scores.confidence,
    }


def rib_robustness(study: Study) -> dict[str, Any]:
    """Return what the effective robustness of the networks of ImageNet-RIB is measured with."""
    rib = names.imagenet_rib(study)
    baselines = rib.effective_robustness.given if rib.effective_robustness else {}
    return {**baselines, "reference": rib.reference, "tested_on": benchmark(study)["tested_on"]}


def transport(study: Study) -> dict[str, Any]:
    """Return what the distances between variants are measured with."""
    rib, task = names.imagenet_rib(study), names.variant_tasks(study)[0]
    assert rib.transport is not None
    named = rib.transport.embedding
    network = {
        "architecture": params.architecture(study, named.architecture),
        "recipe": params.finetune_recipe(study, task, named.architecture),
    }
    run = {**named.given, "seed": study.runs.seeds[0]}
    told = params.prediction(study, task, DEFAULT_METHOD, named.distribution)
    variants = [one for one in told["test_sets"] if one["name"] in rib.variants]
    count = rib.transport.count
    return {"stores": told["stores"], "test_sets": variants, "count": count, "network": network, "run": run}


def set_sizes(study: Study) -> dict[str, Any]:
    """Return what RI by the size of the set fine-tuned on is computed of."""
    tasks = names.tasks_of_set_sizes(study)
    if not tasks:
        return {}
    return {
        "variants": {task: names.task_collection(study, task) for task in tasks},
        "subsets": {task: study.config["tasks"][task].get("subset") for task in tasks},
        "tested_on": benchmark(study)["tested_on"],
        "reference": names.imagenet_rib(study).reference,
    }


def _set_sizes_in_words(study: Study) -> dict[str, Any]:
    """Return which sources are fine-tuned on besides variants, and the tasks whose every step is warm-up."""
    subsets = [study.tasks[task] for task in names.subset_tasks(study)]
    also = [study.distributions[task.distribution].source for task in subsets if task.distribution]
    warming = [task.label for task in subsets if (task.finetune or {}).get("warmup_fraction") == 1]
    return {
        "also": list(dict.fromkeys(also)),
        "warming": [str(one).partition(", ")[2].removeprefix("fine-tuned on ") for one in warming],
    }


def similarity(study: Study, method: str, distribution: str) -> dict[str, Any]:
    """Return what the comparison of networks before and after fine-tuning is told."""
    spec = names.imagenet_rib(study).given["similarity"]
    return {
        "networks": params.prediction(study, names.variant_tasks(study)[0], method, distribution)["networks"],
        "fine_tuned_on": [names.task_collection(study, task) for task in names.variant_tasks(study)],
        "named": {"method": method, "distribution": distribution},
        **{key: value for key, value in spec.items() if key != "methods"},
    }


def benchmark_labels(study: Study, name: str) -> dict[str, Any]:
    """Return the readable names of what a figure or table of ImageNet-RIB shows, in the order shown."""
    rib, spec = names.imagenet_rib(study), {**study.figures, **study.tables}[name]
    indices, networks = benchmark(study), runs.rib_networks(study, name)
    told = {
        **{key: indices[key] for key in ("tested_on", "sharing", "confidence")},
        "reference": rib.reference,
        "methods": {method: labels.method_label(study, method) for method in runs.rib_methods(study, name)},
        "networks": {network: labels.label(study, network) for network in networks},
        "architectures": _rib_architectures_shown(study, name),
        "variants": {variant: variant_label(study, variant) for variant in rib.variants},
        "limited": limited(rib.given),
    }
    few = [told["variants"][one] for one in told["limited"]]
    fewer = f", fewer than {told['variants'][told['reference']]} has in {', '.join(few)}" if few else ""
    told["answers"] = f"Answers are limited to the classes of which a variant has images{fewer}."
    if spec.kind == "rib_alphas":  # what is merged is at 1
        told["alphas"] = {one: float(names.methods(study)[one].get("alpha", 1)) for one in told["methods"]}
    if spec.kind == "rib_transport" and rib.transport:
        named = rib.transport.embedding
        embedding = f"{labels.label(study, named.distribution)}, {named.architecture}"
        told |= {"count": rib.transport.count, "embedding": embedding, **study.comparisons.given}
    if spec.kind == "rib_set_size":
        told |= _set_sizes_in_words(study)
        told["variants"] |= {one: f"{labels.source_label(study, one)}, training images" for one in told.pop("also")}
    crossing = runs.shown(study, name)
    if not isinstance(crossing, CrossingFigure):
        return told
    images = {network: names.pretraining_images(study, network) for network in networks}
    return {
        **told,
        "panels": [
            {**panel.given, "series": [one for one in panel.series if one in networks]} for panel in crossing.panels
        ],
        "images": {network: number for network, number in images.items() if number},
        **study.comparisons.given,
    }


def rib_page(study: Study) -> dict[str, Any]:
    """Return what the page of ImageNet-RIB is told: its name, and those of all that it shows."""
    series = runs.rib_series(study)
    shown = [*names.rib_figures(study), *names.rib_tables(study)]
    return {
        "study": study.study,
        "note": next(filter(None, map(partial(labels._note, study), shown)), None),
        "figures_shown": [study.figures[name].title for name in names.rib_figures(study)],
        "tables_shown": [study.tables[name].title for name in names.rib_tables(study)],
        "labels": {
            "methods": {method: labels.method_label(study, method) for method, _ in series},
            "distributions": {name: labels.label(study, name) for _, name in series},
            "variants": {name: variant_label(study, name) for name in names.imagenet_rib(study).variants},
        },
    }


def variant_label(study: Study, name: str) -> str:
    """Return the readable name of a variant, with what is taken of it where that is not all."""
    collection = names.collection(study, name)
    own = collection.format == "imagenet_variant" and collection.label
    return own or names.imagenet_rib(study).variants[name].label


def _rib_architectures_shown(study: Study, name: str) -> list[str]:
    """Return the architectures that a figure or table of ImageNet-RIB shows, each once."""
    trained = runs.rib_shown_architectures(study, name) or names.imagenet_rib(study).architectures
    return list(
        dict.fromkeys(
            run.architecture
            for run in runs.rib_runs(study, name)
            if trained is None or names.is_published(study, run.distribution) or run.architecture in trained
        )
    )


def comparison(study: Study, name: str) -> dict[str, Any]:
    """Return what the comparison of a figure's series is told: the figure without the words around it."""
    return {**figure(study, name), "title": name, "note": None}


def table(study: Study, name: str) -> dict[str, Any]:
    """Return what the making of a table is told."""
    spec, scored = study.tables[name], names.scored_figures(study)
    table = {**spec.given, "name": name, "note": labels._note(study, name)}
    if name in names.rib_tables(study):
        table |= benchmark_labels(study, name)
    if spec.kind == "experiments":
        table |= {"figures": _titles(study, scored), "experiments": experiments(study)}
    if spec.kind in ("fitted_trends", "contrasts", "effective_robustness", "calibration"):
        shown = dict.fromkeys(series for figure in scored for series in runs.series(study, figure))
        table |= {
            "labels": {series: labels.label(study, series) for series in shown},
            "confidence": study.trends.confidence,
        }
    if spec.kind == "fitted_trends":
        table["tasks"] = {figure: labels.task_label(study, runs.scored(study, figure).task) for figure in scored}
    if spec.kind in ("contrasts", "calibration"):
        table["figures"] = _titles(study, names.of_kind(study, "trends"))
    if spec.kind == "effective_robustness":
        table["tasks"] = {task: labels.task_label(study, task) for task in names.tasks(study)}
    if spec.kind == "sources":
        table["sources"] = [_source(study, source) for source in spec.sources or []]
    return table


def _titles(study: Study, figures: Iterable[str]) -> dict[str, str]:
    return {name: study.figures[name].title for name in figures}


def _source(study: Study, name: str) -> dict[str, Any]:
    """Return what the table of sources is told of one."""
    spec = study.sources[name]
    return {
        "name": name,
        "label": labels.source_label(study, name),
        "about": spec.about.given if spec.about else {},
        "paper": {"images": spec.images, "classes": spec.classes},
        "copies_left_out": spec.copies.leave_out if spec.copies else False,
    }
