"""Check the study's configuration against its schema and against itself, in words a person can act on."""

import ast
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from pretraining_robustness.acquire.wilds_datasets import WILDS
from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.distributions.feasibility import check_feasible
from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.figures.style import series_styles
from pretraining_robustness.networks import libraries
from pretraining_robustness.store.formats import TINY_IMAGES
from pretraining_robustness.study.attention import lacks_attention, needs_attention
from pretraining_robustness.study.declare import RELATIONS
from pretraining_robustness.study.imagenet_rib import TASK
from pretraining_robustness.study.names import DEFAULT_METHOD, MERGES, PER_IMAGE, SCRATCH, START, Names, of_series
from pretraining_robustness.study.runs import Runs
from pretraining_robustness.study.strict_yaml import Loader, line_of, meant_as_number

# What a source needs that is made, not decoded from files.
MADE_FROM = {
    "fractaldb": ["search", "render"],
    "stable_diffusion": ["prompts", "model", "generate", "recognised_by"],
    "published": ["pretrained"],
}


WITH_WNIDS = (
    "imagenet",
    "tiny_imagenet",
    "stable_diffusion",
    "folder",
    "image_text",
)  # formats whose classes are or may be synsets
PROMPTED = ("imagenet", "tiny_imagenet", "folder")  # formats whose classes a diffusion model is asked for
SPLITS = ("train", "id_val", "id_test", "val", "test")
# What a table needs besides its title.
TABLES_NEED = {"sources": "sources", "cooccurrence": "animals", "fitted_trends": "scale", "calibration": "expectations"}
IWILDCAM = ("location", "sequence", "datetime", "split", "y", "class_id", "image")
FITTED_SCALE = "fitted scale (trends.scales)"
MOST_LISTED = 50  # of more names than these, a message gives the nearest, however far it is
METHOD_FILES = Path(__file__).parent.parent / "finetune" / "methods"


def check_config(config: dict[str, Any], schema: Path, repository: Path, files: Sequence[str | Path] = ()) -> None:
    """Raise InputError for the first thing in `config` that is not as `schema` and the rules of a study demand.

    Tables that the config names are looked for in the working folder, then in `repository`. `files` are those that the
    config was read from, the one that counts first, first.
    """
    if isinstance(config.get("imagenet_rib"), dict) and "jobs" in config["imagenet_rib"]:
        raise InputError("config imagenet_rib.jobs: is now the key 'jobs', with one value per stage; see config.yaml")
    validator = Draft202012Validator(yaml.load(schema.read_text(encoding="utf-8"), Loader))
    error = best_match(validator.iter_errors(config))
    if error is not None:
        raise InputError(_describe(error, files))
    _check_networks(config)
    _check_collections(config)
    _check_distributions(config, repository)
    _check_test_sets(config)
    _check_methods(config)
    _check_imagenet_rib(config, repository)
    _check_runs(config)
    _check_figures(config)
    _check_tables(config)
    _check_attention(config)


def known_name(key: str, name: str, kind: str, names: Iterable[str]) -> None:
    """Raise InputError, with the nearest known name, when `name` (found at config key `key`) is not in `names`."""
    names = list(names)
    if name not in names:
        raise InputError(f"config {key}: '{name}' is not {_article(kind)}{_nearest(name, names)}")


def _check_networks(config: dict[str, Any]) -> None:
    """Check the names of networks and of what they take, as far as the libraries tell before they build one."""
    for name, architecture in config["architectures"].items():
        key, builder, arguments = f"architectures.{name}", architecture["builder"], architecture.get("arguments", {})
        _known_in_library(f"{key}.builder", builder, "builder of networks", libraries.builders())
        for argument in arguments:
            taken = libraries.arguments_of(builder)
            _known_in_library(f"{key}.arguments", argument, f"argument of {builder}", taken)
        if builder not in libraries.LIBRARIES or (builder == "open_clip" and "model" not in arguments):
            continue
        model = str(arguments.get("model", ""))
        untagged = model.partition(".")[0] if builder == "timm" else model
        _known_in_library(f"{key}.arguments.model", untagged, f"model of {builder}", libraries.models_of(builder))
        if untagged != model:
            weights = libraries.weights_of(untagged) or None
            _known_in_library(f"{key}.arguments.model", model, "name of weights of timm", weights)


def _known_in_library(key: str, name: str, kind: str, names: Sequence[str] | None) -> None:
    if names is not None:
        known_name(key, name, kind, names)


def _check_collections(config: dict[str, Any]) -> None:
    for kind in ("sources", "tasks"):
        for name, collection in config[kind].items():
            key = f"{kind}.{name}"
            if name in config["sources"] and name in config["tasks"]:
                raise InputError(f"config {key}: a source and a task have the same name; rename one of them.")
            for other in collection.get("copies", {}).get("of", []):
                known_name(f"{key}.copies.of", other, "source or task", [*config["sources"], *config["tasks"]])
            if "validation" in collection:
                parts = [one for one in Names(config).raw_collections if one in config["sources"]]
                known_name(f"{key}.validation", collection["validation"], "source read from files", parts)
            if "class_subset" in collection and "pair_of" not in collection:
                raise InputError(
                    f"config {key}.class_subset: only a pair of domains ('pair_of') has one; leave it out."
                )
            if "pair_of" in collection:
                _check_pair(config, key, collection)
                continue
            if "variant" in collection:
                _check_variant(config, kind, name, collection)
                continue
            if "distribution" in collection:
                known_name(f"{key}.distribution", collection["distribution"], "distribution", config["distributions"])
                continue
            if collection["format"] == "wilds":
                _check_wilds(config, key, collection)
                continue
            _check_division(key, collection)
            if collection["format"] in ("folder", "image_text"):
                if "path" not in collection:
                    place = "'path', the folder with your pictures"
                    raise InputError(f"config {key}: the format '{collection['format']}' needs {place}.")
                continue
            counted = [] if collection["format"] == "published" else ["images", "classes"]
            needed = [*counted, *MADE_FROM.get(collection["format"], [])]
            if collection["format"] in MADE_FROM:
                _check_made(config, key, collection)
            elif collection["format"] in TINY_IMAGES:
                folder = TINY_IMAGES[collection["format"]].folder
                if config["acquisition"] == "download" and folder not in config.get("downloads", {}):
                    raise InputError(f"config {key}: its files, downloads.{folder}, are missing.")
            elif config["acquisition"] == "draw":
                needed.append("world")
            elif name != collection["format"] or name not in config.get("downloads", {}):
                declared = ", ".join(sorted(set(config.get("downloads", {})) - {"place"})) or "nothing"
                raise InputError(
                    f"config {key}: files to download are declared for {declared}; "
                    f"a real {collection['format']} source or task must have that name."
                )
            for required in needed:
                if required not in collection:
                    raise InputError(f"config {key}: the key '{required}' is missing; {collection['format']} needs it.")


def _check_division(key: str, task: dict[str, Any]) -> None:
    """Check how a task's splits are made of a column of its table."""
    division = task.get("splits")
    if division is None:
        return
    if task["format"] != "folder":
        raise InputError(f"config {key}.splits: only a task of the format 'folder' is divided by a column.")
    for split in ("test", "val"):
        if split not in division:
            continue
        held_out = division[split]
        if isinstance(held_out, float | list) != (division["by"] == "place"):
            wanted = "a share of the places (0.15) or a list of them"
            if division["by"] == "date":
                wanted = "the first date, as '2016-07-31' in quotes, or a year"
            raise InputError(f"config {key}.splits.{split}: is {held_out!r}; write {wanted}.")
        if division["by"] == "date" and not _is_date(str(held_out)):
            raise InputError(f"config {key}.splits.{split}: {held_out!r} is no date as '2016-07-31' or 2016.")
    if division.get("id_val", 0) + division["id_test"] >= 1:
        raise InputError(f"config {key}.splits: id_val and id_test leave nothing to train on; lower them.")


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(f"{text}-01-01" if len(text) == 4 else text)
    except ValueError:
        return False
    return True


def _check_pair(config: dict[str, Any], key: str, pair: dict[str, Any]) -> None:
    with_domains = {name: task["domains"] for name, task in config["tasks"].items() if "domains" in task}
    known_name(f"{key}.pair_of", pair["pair_of"], "collection of domains", with_domains)
    for role in ("id_domain", "ood_domain"):
        known_name(f"{key}.{role}", pair[role], "domain", with_domains[pair["pair_of"]])


def _check_variant(config: dict[str, Any], kind: str, name: str, collection: dict[str, Any]) -> None:
    """Check a variant of ImageNet, and that a task fine-tunes on one."""
    if kind == "tasks":
        return
    key = f"imagenet_rib.variants.{name}"
    if config["acquisition"] == "draw":
        needed, where = "drawn", collection["variant"]
    else:
        needed, where = name, config.get("downloads", {})
        if "path" in collection["variant"]:
            return
    if needed not in where:
        place = "'drawn', how it is drawn" if needed == "drawn" else f"its files in downloads.{name}, or its 'path'"
        raise InputError(f"config {key}: {place}, is missing.")


def _check_imagenet_rib(config: dict[str, Any], repository: Path) -> None:
    """Check what ImageNet-RIB names."""
    spec, study = config.get("imagenet_rib"), Names(config)
    if spec is None:
        for name in (*study.rib_figures, *study.rib_tables):
            raise InputError(f"config {name}: it shows ImageNet-RIB, but the key 'imagenet_rib' is missing; add it.")
        return
    if Names(config).of_kind("rib_similarity") and "similarity" not in spec:
        raise InputError("config imagenet_rib: the key 'similarity' is missing; a figure shows it.")
    for name in spec.get("similarity", {}).get("methods", []):
        known = [*study.trained_methods, *study.merged_methods]
        known_name("imagenet_rib.similarity.methods", name, "method that leaves weights", known)
    if study.of_kind("rib_set_size") and "set_sizes" not in spec:
        raise InputError("config imagenet_rib: the key 'set_sizes' is missing; a figure shows it.")
    if study.of_kind("rib_transport") and "transport" not in spec:
        raise InputError("config imagenet_rib: the key 'transport' is missing; a figure or table shows it.")
    for kind, name in spec.get("transport", {}).get("embedding", {}).items():
        known_name(f"imagenet_rib.transport.embedding.{kind}", name, kind, config[f"{kind}s"])
    tuned = [name for name in spec["variants"] if TASK.format(name) in config["tasks"]]
    for name in spec.get("set_sizes", {}).get("variants", []):
        known_name("imagenet_rib.set_sizes.variants", name, "variant that is fine-tuned on", tuned)
    if study.of_kind("rib_effective") and "effective_robustness" not in spec:
        raise InputError("config imagenet_rib: the key 'effective_robustness' is missing; a figure or table shows it.")
    for name in spec.get("effective_robustness", {}).get("baselines", []):
        known_name("imagenet_rib.effective_robustness.baselines", name, "distribution", config["distributions"])
    for key in ("published", "published_cells"):
        if study.of_kind("rib_published") and key not in spec:
            raise InputError(f"config imagenet_rib: the key '{key}' is missing; a table shows it.")
        if key in spec and not locate(spec[key], repository).is_file():
            raise InputError(f"config imagenet_rib.{key}: {spec[key]} is not a file; correct the path.")
    known_name("imagenet_rib.reference", spec["reference"], "variant", spec["variants"])
    for name, variant in spec["variants"].items():
        for part in variant.get("only", {}):
            parts = [one for one in re.findall(r"{(\w+)}", variant.get("layout", "")) if one not in ("class", "image")]
            known_name(f"imagenet_rib.variants.{name}.only", part, "part of the layout", parts)
        if not {"files", "path"} & set(variant):
            known = [*config["sources"], *config["tasks"]]
            known_name("imagenet_rib.variants", name, "source or task (without 'files' it must be one)", known)
        network = variant.get("drawn", {}).get("filtered_by", {})
        for kind in network:
            key = f"imagenet_rib.variants.{name}.drawn.filtered_by.{kind}"
            known_name(key, network[kind], kind, config[f"{kind}s"])
    for name in spec.get("sharing", []):
        known_name("imagenet_rib.sharing", name, "variant", spec["variants"])
    for name in spec.get("architectures", []):
        known_name("imagenet_rib.architectures", name, "architecture", config["architectures"])
    methods = Runs(config).methods
    for name in spec["methods"]:
        known_name("imagenet_rib.methods", name, "method", methods)
        if "held_out" in methods[name] and "held_out" not in spec:
            raise InputError(
                f"config imagenet_rib.methods: '{name}' chooses by held-out images, and none are held out; "
                "set imagenet_rib.held_out, or leave it out."
            )
    for name in spec["networks"]:
        known_name("imagenet_rib.networks", name, "distribution", config["distributions"])
    _check_rib_shown(config)
    _check_heads(config, spec)
    for name, left_out in spec.get("without", {}).items():
        known_name("imagenet_rib.without", name, "distribution of imagenet_rib.networks", spec["networks"])
        for method in left_out:
            known_name(f"imagenet_rib.without.{name}", method, "method of imagenet_rib.methods", spec["methods"])


def _check_rib_shown(config: dict[str, Any]) -> None:
    """Check what figures and tables of ImageNet-RIB name."""
    study = Names(config)
    for name in (*study.rib_figures, *study.rib_tables):
        kind = "figures" if name in config["figures"] else "tables"
        key, shown = f"{kind}.{name}", config[kind][name]
        if kind == "tables" and shown["kind"] == "rib_crossing":
            known_name(
                f"{key}.figure", shown.get("figure", ""), "figure of the crossing", study.of_kind("rib_crossing")
            )
        for method in shown.get("methods", []):
            known_name(f"{key}.methods", method, "method", study.methods)
        for network in shown.get("networks", []):
            known_name(f"{key}.networks", network, "distribution", config["distributions"])
        for architecture in shown.get("architectures", []):
            known_name(f"{key}.architectures", architecture, "architecture", config["architectures"])
        for number, panel in enumerate(shown.get("panels", [])):
            place = f"{key}.panels.{number}"
            for series in panel["series"]:
                known_name(f"{place}.series", series, "distribution", config["distributions"])
            if "ordered_by" in panel:
                _check_order(f"{place}.ordered_by", panel["series"], study)


def _check_heads(config: dict[str, Any], spec: dict[str, Any]) -> None:
    """Check that every network of ImageNet-RIB has a head of ImageNet's classes, or is given one."""
    heads, study = spec.get("heads", {"of": []}), Runs(config)
    networks = list(dict.fromkeys([*spec["networks"], *(name for _, name in study.rib_series())]))
    for name in heads["of"]:
        known_name("imagenet_rib.heads.of", name, "distribution whose networks are fine-tuned", networks)
    if "method" in heads:
        known_name("imagenet_rib.heads.method", heads["method"], "method that trains", Names(config).trained_methods)
        if not _knows_imagenet(config, heads["trained_on"]):
            raise InputError(
                f"config imagenet_rib.heads.trained_on: {heads['trained_on']} has not ImageNet's classes; take another."
            )
    for name in networks:
        if name in heads["of"]:
            continue
        strange = [] if _knows_imagenet(config, name) else [name]
        if Names(config).is_published(name):
            architectures = config["architectures"]
            named = {one: architectures[one] for one in config["distributions"][name].get("architectures", [])}
            strange = [one for one, architecture in named.items() if not _publishes_imagenet_head(architecture)]
        if strange:
            raise InputError(
                f"config imagenet_rib.networks: {strange[0]} has no head of ImageNet's 1,000 classes; take another, or "
                f"add {name} to imagenet_rib.heads.of, which gives it one."
            )


def _knows_imagenet(config: dict[str, Any], distribution: str) -> bool:
    """Whether the networks of a distribution learn ImageNet's classes, all of them and as they are; or as many as
    another reference has."""
    declared, study = config["distributions"][distribution], Names(config)
    objective = config["objectives"].get(declared.get("objective"), {"kind": "supervised"})["kind"]
    if {"classes", "labels"} & set(declared) or objective != "supervised":
        return False
    source, reference = study.collection(declared["source"]), study.collection(study.imagenet_rib["reference"])
    if reference["format"] == "imagenet_variant":
        return bool(source["format"] == "imagenet")
    return bool(source.get("classes") == reference.get("classes"))


def _publishes_imagenet_head(architecture: dict[str, Any]) -> bool:
    """Whether published weights have ImageNet's head, by their name: timm's tags say what was trained on last."""
    if architecture["builder"] != "timm":
        return bool(architecture["builder"] != "open_clip")
    _, _, tag = architecture.get("arguments", {}).get("model", "").partition(".")
    return not tag or "in1k" in tag


def _check_wilds(config: dict[str, Any], key: str, task: dict[str, Any]) -> None:
    if "dataset" not in task:
        raise InputError(f"config {key}: the key 'dataset' is missing; name one of {', '.join(WILDS)}.")
    name = task["dataset"]
    known_name(f"{key}.dataset", name, "WILDS image classification data set", WILDS)
    if str(task.get("version", WILDS[name].version)) != WILDS[name].version:
        raise InputError(f"config {key}.version: of {name}, version {WILDS[name].version} is read; leave the key out.")
    for test_set, spec in task["test_sets"].items():
        if "store" not in spec:
            split = spec.get("split", test_set)
            known_name(f"{key}.test_sets.{test_set}", split, f"split of WILDS' {name}", [*WILDS[name].splits, "all"])
    for domain in ("id_domain", "ood_domain"):
        if domain not in task and WILDS[name].domains:
            raise InputError(f"config {key}: the key '{domain}' is missing; a task of {name} is a pair of domains.")
        if domain in task and not WILDS[name].domains:
            raise InputError(f"config {key}.{domain}: {name} has no domains; leave the key out.")
        if domain in task:
            known_name(f"{key}.{domain}", task[domain], f"domain of WILDS' {name}", WILDS[name].domains)
    if "path" not in task and config["acquisition"] != "download":
        raise InputError(
            f"config {key}: {name} is not drawn; give 'path', the folder that holds its unpacked folder, "
            "or set acquisition to download."
        )


def _check_made(config: dict[str, Any], key: str, source: dict[str, Any]) -> None:
    if source["format"] == "stable_diffusion":
        judge = source["recognised_by"]
        known_name(f"{key}.recognised_by.distribution", judge["distribution"], "distribution", config["distributions"])
        known_name(f"{key}.recognised_by.architecture", judge["architecture"], "architecture", config["architectures"])
        asked = config["distributions"][judge["distribution"]]["source"]
        if source.get("model") == "trained" and "training" not in source:
            raise InputError(f"config {key}: the model 'trained' needs 'training'; or name a model or a folder.")
        if config["sources"].get(asked, {}).get("format") not in PROMPTED:
            raise InputError(
                f"config {key}.recognised_by: {asked} has no classes of ImageNet to ask a model for; name a "
                "distribution of ImageNet or Tiny-ImageNet."
            )
        if source["model"] == "trained" and "revision" in source:
            raise InputError(f"config {key}.revision: the model 'trained' is not fetched; leave the key out.")
        if source["model"] != "trained" and "revision" not in source and not Path(source["model"]).is_dir():
            raise InputError(
                f"config {key}.model: there is no folder '{source['model']}'; name one that holds model_index.json, or "
                "give 'revision', the commit to be fetched of the model of this name on the Hugging Face Hub."
            )


def locate(table: str, repository: Path) -> Path:
    """Return where a table that the config names lies: in the working folder, or else in the repository."""
    return Path(table) if Path(table).exists() else repository / table


def _check_distributions(config: dict[str, Any], repository: Path) -> None:
    for name, label_map in config["label_maps"].items():
        known_name(f"label_maps.{name}.source", label_map["source"], "source", config["sources"])
    for name, distribution in config["distributions"].items():
        key = f"distributions.{name}"
        if name == SCRATCH:
            raise InputError(f"config {key}: 'scratch' stands for no pre-training; choose another name.")
        known_name(f"{key}.source", distribution["source"], "source", config["sources"])
        source = config["sources"][distribution["source"]]
        if "objective" in distribution:
            known_name(f"{key}.objective", distribution["objective"], "objective", config["objectives"])
        for architecture in distribution.get("architectures", []):
            known_name(f"{key}.architectures", architecture, "architecture", config["architectures"])
        if source["format"] == "published":
            _check_published(key, distribution, config["architectures"])
            continue
        choice = distribution.get("classes", {})
        asked = {
            "images": distribution.get("images"),
            "classes": choice.get("most_frequent", choice.get("random")),
        }
        for what, count in asked.items():
            if count is not None and what in source and count > source[what]:
                raise InputError(
                    f"config {key}: asks for {count:,} {what}, but {distribution['source']} has {source[what]:,}; "
                    "ask for fewer."
                )
        if {"under", "not_under"} & set(choice) and source["format"] not in WITH_WNIDS:
            raise InputError(
                f"config {key}.classes: {distribution['source']} has no WordNet synsets; only ImageNet has, and a "
                "folder whose class folders are called as ImageNet's (n01440764)."
            )
        if "labels" in distribution:
            known_name(f"{key}.labels", distribution["labels"], "label map", config["label_maps"])
            mapped = config["label_maps"][distribution["labels"]]["source"]
            if mapped != distribution["source"]:
                raise InputError(
                    f"config {key}.labels: '{distribution['labels']}' is a label map of {mapped}; take another."
                )
        elif "ratio" in choice or distribution.get("balanced") == "superclasses":
            raise InputError(f"config {key}: there are no superclasses without 'labels'; name a label map.")
        for relation in RELATIONS:
            if relation in distribution:
                known_name(f"{key}.{relation}", distribution[relation], "distribution", config["distributions"])
        check_feasible(name, config, lambda table: locate(table, repository))
    for name in config["left_out"]:
        known_name("left_out", name, "distribution", config["distributions"])


def _check_published(key: str, distribution: dict[str, Any], architectures: dict[str, Any]) -> None:
    """Published weights are taken as they are: nothing can be chosen of what they were trained on."""
    for choice in distribution:
        if choice not in ("source", "label", "evidence", "architectures", "head"):
            raise InputError(
                f"config {key}.{choice}: only weights can be had of {distribution['source']}; leave it out."
            )
    if "architectures" not in distribution:
        raise InputError(f"config {key}: the key 'architectures' is missing; name those whose weights are published.")
    for name in distribution["architectures"] if distribution.get("head") == "zero_shot" else []:
        if architectures[name]["builder"] != "open_clip":
            raise InputError(
                f"config {key}.head: {name} has no text network to make a zero-shot head with; leave it out."
            )


def _check_test_sets(config: dict[str, Any]) -> None:
    """Check the test sets of every task, which of them figures plot, and the metric."""
    study = Names(config)
    for task in study.tasks:
        spec = config["tasks"][task]
        if "metric" in spec:
            known_name(f"tasks.{task}.metric", spec["metric"], "metric", METRICS)
            if METRICS[spec["metric"]].grouped and "groups" not in spec:
                raise InputError(
                    f"config tasks.{task}.metric: '{spec['metric']}' needs 'groups', a column of the store."
                )
        for test_set in study.test_sets(task):
            key = f"tasks.{task}.test_sets.{test_set['name']}"
            if test_set["store"] != task:
                known_name(f"{key}.store", test_set["store"], "source or task", [*config["sources"], *config["tasks"]])
            elif test_set["split"] not in (*SPLITS, "all"):
                known_name(f"{key}.split", test_set["split"], "split", [*SPLITS, "all"])
            if test_set["classes"] not in (None, "present"):
                _column(f"{key}.classes", test_set["classes"], "class_id")
            if config["tasks"].get(test_set["store"], {}).get("format") == "iwildcam":
                for kind in ("groups", "clusters"):
                    if test_set[kind] is not None:
                        known_name(f"tasks.{task}.{kind}", test_set[kind], "column of iWildCam's store", IWILDCAM)
        _check_plots(f"tasks.{task}.plots", spec["plots"], spec["test_sets"])


def _check_plots(key: str, pair: dict[str, str], test_sets: dict[str, Any]) -> None:
    for role, name in pair.items():
        known_name(f"{key}.{role}", name, "test set of the task", test_sets)


def _check_methods(config: dict[str, Any]) -> None:
    """Check the methods of fine-tuning: their kinds, their settings, and what they merge."""
    files = {path.stem: path for path in METHOD_FILES.glob("[a-z]*.py")}
    mergers = (*MERGES, PER_IMAGE)
    trained = [name for name, spec in config["methods"].items() if spec["kind"] not in mergers]
    for name, spec in config["methods"].items():
        key = f"methods.{name}"
        known_name(f"{key}.kind", spec["kind"], "kind of fine-tuning or merger", [*files, *mergers])
        if spec["kind"] in mergers:
            own = {"interpolate": ["alphas"], "lines": ["scales"], "greedy_soup": ["held_out"], PER_IMAGE: ["groups"]}
            needed = ["of", *own.get(spec["kind"], [])]
            for setting in needed:
                if setting not in spec:
                    raise InputError(f"config {key}: the key '{setting}' is missing; {spec['kind']} needs it.")
            settings = [*needed, "held_out"] if spec["kind"] == "interpolate" else needed
            for other in spec["of"]:
                known_name(f"{key}.of", other, "method that trains", [*trained, START])
            if spec["kind"] in ("interpolate", "lines", PER_IMAGE) and len(spec["of"]) != 2:
                raise InputError(f"config {key}.of: {spec['kind']} is of two networks, not {len(spec['of'])}.")
            if "held_out" in spec and "held_out" in settings:
                known_name(f"{key}.held_out", spec["held_out"], "split", SPLITS)
        else:
            settings = _settings(files[spec["kind"]])
        for setting in spec:
            if setting not in ("kind", "label", "recipe"):
                known_name(f"{key}.{setting}", setting, f"setting of {spec['kind']}", settings)
    if config["methods"][DEFAULT_METHOD]["kind"] != DEFAULT_METHOD:
        raise InputError(
            f"config methods.{DEFAULT_METHOD}.kind: it is '{DEFAULT_METHOD}', what other methods depart from."
        )


def _settings(file: Path) -> list[str]:
    """Return the settings of a method: the fields of the class `Method` in its file, which is not imported here."""
    classes = [node for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.ClassDef)]
    fields = [node for kind in classes for node in kind.body if isinstance(node, ast.AnnAssign)]
    return [field.target.id for field in fields if isinstance(field.target, ast.Name)]


def _check_runs(config: dict[str, Any]) -> None:
    for name in config["runs"]["architectures"]:
        known_name("runs.architectures", name, "architecture", config["architectures"])
    for name in config["runs"].get("seeds_of", {}):
        known_name("runs.seeds_of", name, "distribution", [SCRATCH, *config["distributions"]])
    for stage, recipe in config["recipes"].items():
        for name in config["runs"]["architectures"]:
            merged = {**recipe, **config["architectures"][name].get(stage, {})}
            if (merged.get("epochs") is None) == (merged.get("steps") is None):
                raise InputError(
                    f"config recipes.{stage}: give either 'epochs' or 'steps' (the other null), for {name}."
                )
        if stage == "finetune" and recipe.get("epochs") is None:
            raise InputError("config recipes.finetune: give 'epochs'; a checkpoint is written after each.")
    for name, architecture in config["architectures"].items():
        if "epochs" in architecture.get("finetune", {}):
            raise InputError(
                f"config architectures.{name}.finetune: 'epochs' is one number for all architectures, so that every "
                "series has the same checkpoints; set recipes.finetune.epochs."
            )


def _check_figures(config: dict[str, Any]) -> None:
    for name, figure in config["figures"].items():
        key = f"figures.{name}"
        distributions, methods = [SCRATCH, *config["distributions"]], Names(config).methods
        series_names = [*distributions, *_from_elsewhere(key, figure)]
        if figure["kind"] == "pictures":
            for number, panel in enumerate(figure["panels"]):
                if "distribution" in panel:
                    place = f"{key}.panels.{number}.distribution"
                    known_name(place, panel["distribution"], "distribution", config["distributions"])
                elif "collection" in panel:
                    collections = [*config["sources"], *config["tasks"]]
                    known_name(f"{key}.panels.{number}.collection", panel["collection"], "source or task", collections)
        if figure["kind"] not in ("trends", "residuals"):
            continue
        tasks = [task for task, spec in config["tasks"].items() if "domains" not in spec]
        known_name(f"{key}.task", figure["task"], "task", tasks)
        if "plots" in figure:
            _check_plots(f"{key}.plots", figure["plots"], config["tasks"][figure["task"]]["test_sets"])
        known_name(f"{key}.scale", figure["scale"], FITTED_SCALE, config["trends"]["scales"])
        if figure["kind"] == "residuals":
            named = [("baseline", figure["baseline"]), *(("series", series) for series in figure["series"])]
        else:
            named = [("references", series) for series in figure["references"]]
            for number, panel in enumerate(figure["panels"]):
                named += [(f"panels.{number}.series", series) for series in panel["series"]]
            _check_series(key, figure, config["left_out"])
        for place, series in named:
            distribution, method = of_series(series)
            if "@" in series:
                known_name(f"{key}.{place}", method, "method", methods)
            known_name(f"{key}.{place}", distribution, "distribution", distributions if "@" in series else series_names)
        for number, panel in enumerate(figure.get("panels", [])):
            if "ordered_by" in panel:
                _check_order(f"{key}.panels.{number}.ordered_by", panel["series"], Names(config))


def _check_order(key: str, names: list[str], study: Names) -> None:
    """Series that are ordered by their number of images must each have one, all different."""
    images = {series: study.pretraining_images(series) for series in names}
    for series, count in images.items():
        if count is None:
            raise InputError(f"config {key}: '{series}' states no number of images; leave ordered_by out.")
    counts = [count for count in images.values() if count]
    if len(set(counts)) < max(3, len(counts)):
        raise InputError(
            f"config {key}: needs three or more pre-trained series, all of different numbers of images; leave it out."
        )


def _check_series(key: str, figure: dict[str, Any], left_out: Sequence[str]) -> None:
    """Refuse a figure with more series than its marks can tell apart."""
    panels = [[name for name in panel["series"] if of_series(name)[0] not in left_out] for panel in figure["panels"]]
    try:
        series_styles(panels, figure["references"])
    except InputError as error:
        raise InputError(f"config {key}: {str(error).removeprefix('figures: ')}") from None


def _from_elsewhere(key: str, figure: dict[str, Any]) -> list[str]:
    """Return the series that the tables of published numbers and other studies give a figure."""
    series = []
    for path in figure.get("published", []):
        series += _published_groups(key, path)
    for study, path in figure.get("studies", {}).items():
        series += [f"{study}/{name}" for name in _column(key, path, "distribution")]
    return list(dict.fromkeys(series))


def _published_groups(key: str, path: str) -> list[str]:
    from pretraining_robustness.trends.published import read_published  # pandas: half a second that few studies spend

    try:
        return [str(group) for group in read_published(path)["group"]]
    except InputError as error:
        raise InputError(f"config {key}: {error}") from None


def _column(key: str, path: str, column: str) -> list[str]:
    try:
        return read_csv_table(path, (column,)).columns[column]
    except InputError as error:
        raise InputError(f"config {key}: {error}") from None


def _check_attention(config: dict[str, Any]) -> None:
    """Refuse a method that needs attention for a network that has none."""
    study = Runs(config)
    for run in [*study.rib_runs(), *study.runs(*study.scored_figures)]:
        if needs_attention(study.methods[run.method]) and lacks_attention(config["architectures"][run.architecture]):
            raise InputError(
                f"config methods.{run.method}: it needs attention, which {run.architecture} ({run.distribution}) has "
                "not; leave the method out, or this network of it (imagenet_rib.without)."
            )


def _check_tables(config: dict[str, Any]) -> None:
    study, distributions = Runs(config), [SCRATCH, *config["distributions"]]
    for name in config["effective_robustness"]["baselines"] if study.of_kind("effective_robustness") else []:
        known_name("effective_robustness.baselines", of_series(name)[0], "distribution", distributions)
    for name, table in config["tables"].items():
        if name in config["figures"]:
            raise InputError(f"config tables.{name}: a figure has the same name; rename one of them.")
        required = TABLES_NEED.get(table["kind"])
        if required and required not in table:
            raise InputError(f"config tables.{name}: the key '{required}' is missing; {table['kind']} needs it.")
        for source in table.get("sources", []):
            known_name(f"tables.{name}.sources", source, "source", config["sources"])
        for number, one in enumerate(table.get("expectations", [])):
            key = f"tables.{name}.expectations.{number}"
            known_name(f"{key}.figure", one["figure"], "figure of trends", study.of_kind("trends"))
            for place in ("first", "second"):
                if place in one:
                    known_name(f"{key}.{place}", of_series(one[place])[0], "distribution", distributions)
        if "scale" in table:
            known_name(f"tables.{name}.scale", table["scale"], FITTED_SCALE, config["trends"]["scales"])
        if table["kind"] == "effective_robustness" and not study.runs(*study.scored_figures):
            raise InputError(
                f"config tables.{name}: it shows this study's own checkpoints, and no figure has any; leave it out."
            )


def _describe(error: ValidationError, files: Sequence[str | Path]) -> str:
    """Say a schema violation in one line: where, what is wrong, what is allowed."""
    key = ".".join(str(part) for part in error.absolute_path)
    place = f"config {key}" if key else "config"
    schema = error.schema if isinstance(error.schema, dict) else {}
    properties = schema.get("properties", {})
    line = line_of(list(error.absolute_path), files)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        unknown = next(name for name in error.instance if name not in properties)
        line = line_of([*error.absolute_path, unknown], files)
        return f"{place}: unknown key '{unknown}'{_on(line)}{_nearest(str(unknown), properties)}"
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        meaning = properties.get(missing, {}).get("description", "")
        return f"{place}: the key '{missing}' is missing{_on(line)}. {meaning}"
    if error.validator == "anyOf" and all(list(one) == ["required"] for one in error.validator_value):
        needed = [" and ".join(one["required"]) for one in error.validator_value]
        return f"{place}: one of the keys {', '.join(needed)} is missing{_on(line)}; add it."
    if error.validator == "enum":
        allowed = [str(value) for value in error.validator_value]
        nearest = _nearest(str(error.instance), allowed)
        return f"{place}: {error.instance!r} is not one of {', '.join(allowed)}{_on(line)}{nearest}"
    remedy = _remedy(error)
    meaning = f" ({schema['description']})" if "description" in schema else ""
    return f"{place}: {error.message}{_on(line)}{meaning}{remedy}"


def _on(line: str) -> str:
    return f" ({line})" if line else ""


def _remedy(error: ValidationError) -> str:
    """Say how to write what YAML did not read as it was meant."""
    if error.validator != "type":
        return ""
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    if isinstance(error.instance, str):
        number = meant_as_number(error.instance)
        return f"; write {number}" if number and {"number", "integer"} & set(wanted) else ""
    if "string" in wanted and not isinstance(error.instance, dict | list):
        return "; put a name in quotes"
    return ""


def _nearest(name: str, names: Iterable[str]) -> str:
    names = list(map(str, names))
    close = get_close_matches(name, names, n=1, cutoff=0.5 if len(names) < MOST_LISTED else 0)
    return f"; did you mean '{close[0]}'?" if close else f"; known are: {', '.join(names)}."


def _article(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
