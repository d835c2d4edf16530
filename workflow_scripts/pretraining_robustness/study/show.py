"""What figures and tables are told: the study that a configuration asks for, put into words and numbers."""

from functools import partial
from typing import Any

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.study import labels, names, params, runs
from pretraining_robustness.study.names import DEFAULT_METHOD
from pretraining_robustness.study.overview import overview
from pretraining_robustness.study.study import Study


def figure(study: Study, name: str) -> dict[str, Any]:
    """Return what the drawing of a figure is told."""
    spec = study.config["figures"][name]
    common = {"name": name, "kind": spec["kind"], "title": spec["title"], "note": labels._note(study, name)}
    if spec["kind"] == "pipeline":
        return {**common, "overview": overview(study)}
    if name in names.rib_figures(study):
        return {**common, **benchmark_labels(study, name)}
    if spec["kind"] == "pictures":
        return {**common, "seed": spec["seed"], "panels": runs.panels(study, name)}
    if spec["kind"] == "published":
        told = {key: spec[key] for key in ("shows", "scale", "baseline", "series", "at_least")}
        panels = [{"title": panel["title"], **_axes_of(study, spec, panel["task"])} for panel in spec["panels"]]
        return {**common, **told, "confidence": study.config["trends"]["confidence"], "panels": panels}
    task_label, metric = labels.task_label(study, spec["task"]), runs.metric(study, name)
    score = score_metric(metric).label
    pair = {
        role: labels.test_set_label(study, spec["task"], one)
        for role, one in runs.pair(study, name)[spec["task"]].items()
    }
    published = names.has_published_scores(study, spec["task"])
    common |= {
        "scale": spec["scale"],
        "confidence": study.config["trends"]["confidence"],
        "labels": {series: labels.label(study, series) for series in runs.series(study, name)},
        "task_label": task_label,
        "metric": metric,
        "task": spec["task"],
        "pairs": runs.pair(study, name),
        "studies": runs.studies(study, name),
    }
    if spec["kind"] == "residuals":
        return {
            **common,
            "baseline": spec["baseline"],
            "series": [series for series in spec["series"] if not runs.is_left_out(study, series)],
            "architectures": {
                one: labels.architecture_label(study, one) for one in study.config["runs"]["architectures"]
            },
            "x_label": "Epochs of fine-tuning",
            "y_label": f"Residual of out-of-distribution {score} ({pair['ood']})",
            "not_run": [labels.label(study, series) for series in spec["series"] if runs.is_left_out(study, series)],
        }
    asked = [series for panel in spec["panels"] for series in panel["series"]]
    return {
        **common,
        "band": spec["band"],
        "references": spec["references"],
        "images": {
            series: images
            for series in runs.series(study, name)
            if (images := names.pretraining_images(study, series)) is not None
        },
        "panels": [
            {
                **panel,
                "series": [s for s in panel["series"] if not runs.is_left_out(study, s)],
                "not_run": [labels.label(study, s) for s in panel["series"] if runs.is_left_out(study, s)],
            }
            for panel in spec["panels"]
        ],
        "x_label": pair["id"] if published else f"In-distribution {score} ({pair['id']})",
        "y_label": pair["ood"] if published else f"Out-of-distribution {score} ({pair['ood']})",
        "not_run": [labels.label(study, series) for series in dict.fromkeys(asked) if runs.is_left_out(study, series)],
    }


def _axes_of(study: Study, figure: dict[str, Any], task: str) -> dict[str, str]:
    """Return the labels of the axes of a panel of published networks."""
    if figure["shows"] == "robustness":
        return {"x_label": "Images of pre-training", "y_label": "Effective robustness (points)"}
    plots = study.config["tasks"][task]["plots"]
    return {"x_label": plots["id"], "y_label": plots["ood"]}


def benchmark(study: Study) -> dict[str, Any]:
    """Return what the indices of ImageNet-RIB are computed of; nothing where it is not asked for."""
    if not names.imagenet_rib(study):
        return {}
    tested_on = [
        name for name in names.imagenet_rib(study)["variants"] if name != names.imagenet_rib(study)["reference"]
    ]
    keys = ("name", "store", "split", "classes")
    tested = names.test_sets(study, names.variant_tasks(study)[0])
    return {
        "variants": {task: names.task_collection(study, task) for task in names.variant_tasks(study)},
        "tested_on": tested_on,
        "stores": tested_on,
        "test_sets": [{key: one[key] for key in keys} for one in tested if one["name"] in tested_on],
        "sharing": names.imagenet_rib(study).get("sharing", []),
        "confidence": study.config["scores"]["confidence"],
    }


def transport(study: Study) -> dict[str, Any]:
    """Return what the distances between variants are measured with."""
    spec = names.imagenet_rib(study)["transport"]
    task, named = names.variant_tasks(study)[0], spec["embedding"]
    network = {
        "architecture": params.architecture(study, named["architecture"]),
        "recipe": params.finetune_recipe(study, task, named["architecture"]),
    }
    run = {**named, "seed": study.config["runs"]["seeds"][0]}
    told = params.prediction(study, task, DEFAULT_METHOD, named["distribution"])
    variants = [one for one in told["test_sets"] if one["name"] in names.imagenet_rib(study)["variants"]]
    return {"stores": told["stores"], "test_sets": variants, "count": spec["count"], "network": network, "run": run}


def set_sizes(study: Study) -> dict[str, Any]:
    """Return what RI by the size of the set fine-tuned on is computed of."""
    tasks = names.tasks_of_set_sizes(study)
    if not tasks:
        return {}
    return {
        "variants": {task: names.task_collection(study, task) for task in tasks},
        "subsets": {task: study.config["tasks"][task].get("subset") for task in tasks},
        "tested_on": benchmark(study)["tested_on"],
        "reference": names.imagenet_rib(study)["reference"],
    }


def similarity(study: Study, method: str, distribution: str) -> dict[str, Any]:
    """Return what the comparison of networks before and after fine-tuning is told."""
    return {
        "networks": params.prediction(study, names.variant_tasks(study)[0], method, distribution)["networks"],
        "fine_tuned_on": [names.task_collection(study, task) for task in names.variant_tasks(study)],
        "named": {"method": method, "distribution": distribution},
        **{key: value for key, value in names.imagenet_rib(study)["similarity"].items() if key != "methods"},
    }


def benchmark_labels(study: Study, name: str) -> dict[str, Any]:
    """Return the readable names of what a figure or table of ImageNet-RIB shows, in the order shown."""
    spec = runs.rib_shown(study, name)
    indices, networks = benchmark(study), runs.rib_networks(study, name)
    told = {
        **{key: indices[key] for key in ("tested_on", "sharing", "confidence")},
        "reference": names.imagenet_rib(study)["reference"],
        "methods": {method: labels.method_label(study, method) for method in runs.rib_methods(study, name)},
        "networks": {network: labels.label(study, network) for network in networks},
        "architectures": _rib_architectures_shown(study, name),
        "variants": {variant: variant_label(study, variant) for variant in names.imagenet_rib(study)["variants"]},
    }
    if spec["kind"] == "rib_alphas":
        interpolated = {method: names.methods(study)[method] for method in told["methods"]}
        told["alphas"] = {
            method: float(one.get("alpha", 1))
            for method, one in interpolated.items()  # what is merged is at 1
        }
    if spec["kind"] == "rib_transport":
        named = names.imagenet_rib(study)["transport"]
        embedding = f"{labels.label(study, named['embedding']['distribution'])}, {named['embedding']['architecture']}"
        told |= {"count": named["count"], "embedding": embedding, **study.config["comparisons"]}
    if "panels" not in spec:
        return told
    images = {network: names.pretraining_images(study, network) for network in networks}
    return {
        **told,
        "panels": [
            {**panel, "series": [one for one in panel["series"] if one in networks]} for panel in spec["panels"]
        ],
        "images": {network: number for network, number in images.items() if number},
        **study.config["comparisons"],
    }


def rib_page(study: Study) -> dict[str, Any]:
    """Return what the page of ImageNet-RIB is told: its name, and those of all that it shows."""
    series = runs.rib_series(study)
    shown = [*names.rib_figures(study), *names.rib_tables(study)]
    return {
        "study": study.config["study"],
        "note": next(filter(None, map(partial(labels._note, study), shown)), None),
        "figures_shown": [study.config["figures"][name]["title"] for name in names.rib_figures(study)],
        "tables_shown": [study.config["tables"][name]["title"] for name in names.rib_tables(study)],
        "labels": {
            "methods": {method: labels.method_label(study, method) for method, _ in series},
            "distributions": {name: labels.label(study, name) for _, name in series},
            "variants": {name: variant_label(study, name) for name in names.imagenet_rib(study)["variants"]},
        },
    }


def variant_label(study: Study, name: str) -> str:
    """Return the readable name of a variant, with what is taken of it where that is not all."""
    collection = names.collection(study, name)
    own = collection["format"] == "imagenet_variant"
    return str(collection["label"] if own else names.imagenet_rib(study)["variants"][name]["label"])


def _rib_architectures_shown(study: Study, name: str) -> list[str]:
    """Return the architectures that a figure or table of ImageNet-RIB shows, each once."""
    spec = runs.rib_shown(study, name)
    trained = spec.get("architectures", names.imagenet_rib(study).get("architectures"))
    shown = runs.rib_runs(study, name)
    return list(
        dict.fromkeys(
            run.architecture
            for run in shown
            if trained is None or names.is_published(study, run.distribution) or run.architecture in trained
        )
    )


def comparison(study: Study, name: str) -> dict[str, Any]:
    """Return what the comparison of a figure's series is told: the figure without the words around it."""
    return {**figure(study, name), "title": name, "note": None}


def table(study: Study, name: str) -> dict[str, Any]:
    """Return what the making of a table is told."""
    spec = study.config["tables"][name]
    table = {**spec, "name": name, "note": labels._note(study, name)}
    if name in names.rib_tables(study):
        table |= benchmark_labels(study, name)
    if spec["kind"] == "experiments":
        table["figures"] = {figure: study.config["figures"][figure]["title"] for figure in names.scored_figures(study)}
    if spec["kind"] in ("fitted_trends", "contrasts", "effective_robustness", "calibration"):
        shown = dict.fromkeys(series for figure in names.scored_figures(study) for series in runs.series(study, figure))
        table |= {
            "labels": {series: labels.label(study, series) for series in shown},
            "confidence": study.config["trends"]["confidence"],
        }
    if spec["kind"] == "fitted_trends":
        figures = study.config["figures"]
        table["tasks"] = {
            figure: labels.task_label(study, figures[figure]["task"]) for figure in names.scored_figures(study)
        }
    if spec["kind"] in ("contrasts", "calibration"):
        table["figures"] = {
            figure: study.config["figures"][figure]["title"] for figure in names.of_kind(study, "trends")
        }
    if spec["kind"] == "effective_robustness":
        table["tasks"] = {task: labels.task_label(study, task) for task in names.tasks(study)}
    if spec["kind"] == "sources":
        table["sources"] = [
            {
                "name": source,
                "label": names.collection(study, source).get("label", source),
                "about": names.collection(study, source).get("about", {}),
                "paper": {key: names.collection(study, source).get(key) for key in ("images", "classes")},
                "copies_left_out": names.collection(study, source).get("copies", {}).get("leave_out", False),
            }
            for source in spec["sources"]
        ]
    return table
