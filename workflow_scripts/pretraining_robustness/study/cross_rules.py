"""Rules between the sections of a configuration, whose keys, types and names are known to be right."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pretraining_robustness.acquire.wilds_datasets import WILDS
from pretraining_robustness.csv_tables import read_csv_table
from pretraining_robustness.distributions.feasibility import check_feasible
from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.panel_limits import check_panels
from pretraining_robustness.study import names, runs
from pretraining_robustness.study.keys import Place, at, key_at
from pretraining_robustness.study.model import (
    COMPLETE_RECIPE,
    AnswersFigure,
    ArchitectureSpec,
    CrossingPanel,
    DistributionSpec,
    Division,
    ImageNetRIB,
    ImagePanel,
    ImagesFigure,
    Pair,
    Panel,
    PublishedFigure,
    Recipe,
    ResidualsFigure,
    Section,
    SourceSpec,
    TaskSpec,
    TestSet,
    TrendsFigure,
    VariantSpec,
)
from pretraining_robustness.study.names import DEFAULT_METHOD, PER_IMAGE, SCRATCH, of_series
from pretraining_robustness.study.refusals import ConfigError, known_name
from pretraining_robustness.study.study import Study

FINETUNE = Path(__file__).parent.parent / "finetune"
METHOD_FILES = {path.stem: path for path in (FINETUNE / "methods").glob("[a-z]*.py")}
MERGER_FILES = {path.stem: path for path in (FINETUNE / "mergers").glob("[a-z]*.py")}
MERGER_FILES |= {PER_IMAGE: FINETUNE / "merge_per_image.py"}
SPLITS = ("train", "id_val", "id_test", "val", "test")
PATHS = ("results", "resources", "logs", "benchmarks")
IWILDCAM = ("location", "sequence", "datetime", "split", "y", "class_id", "image")  # columns of its store
# What a table needs besides its title.
TABLES_NEED = {
    "sources": ("sources",),
    "cooccurrence": ("animals",),
    "fitted_trends": ("scale",),
    "calibration": ("expectations",),
    "rib_crossing": ("figure",),
}
# What figures and tables of ImageNet-RIB need of it.
RIB_NEEDS = {
    "rib_similarity": ("similarity",),
    "rib_set_size": ("set_sizes",),
    "rib_transport": ("transport",),
    "rib_effective": ("effective_robustness",),
    "rib_published": ("published", "published_cells"),
    "rib_unlimited": ("unlimited",),
}


T = TypeVar("T")


def locate(table: str, repository: Path) -> Path:
    """Return where a table that the config names lies: in the working folder, or else in the repository."""
    return Path(table) if Path(table).exists() else repository / table


def check_rules(study: Study, repository: Path) -> None:
    """Raise ConfigError for the first thing that does not go with the rest of the configuration."""
    for check in (_places, _sources, _tasks):
        check(study)
    _distributions(study, repository)
    for check in (_test_sets, _methods):
        check(study)
    _imagenet_rib(study, repository)
    for check in (_training, _figures, _tables):
        check(study)


def _need(study: Study, place: Place, keys: Iterable[str], by: str = "") -> None:
    """Refuse a section that lacks one of these keys."""
    for key in keys:
        if key not in at(place, study.config):
            reason = f", which {by} needs" if by else ""
            described = key_at((*place, key), study.config).description
            raise ConfigError(place, f"the key '{key}' is missing{reason}; add it. {described}".rstrip())


def _excluded(study: Study, place: Place, keys: Iterable[str], reason: str) -> None:
    """Refuse a section that has one of these keys."""
    for key in keys:
        if key in at(place, study.config):
            raise ConfigError((*place, key), f"{reason}; leave the key out")


def _told(place: Place, read: Callable[[], T], prefix: str = "") -> T:
    """Return what a function finds; what it refuses is said of this place."""
    try:
        return read()
    except InputError as error:
        raise ConfigError(place, str(error).removeprefix(prefix)) from None


def _sources(study: Study) -> None:
    for name, source in study.sources.items():
        place, format = ("sources", name), names.format(study, name)
        if name in study.tasks:
            raise ConfigError(place, "a source and a task have the same name; rename one of them")
        if source.format == "imagenet_variant":
            _variant_files(study, name, source.variant or {})
            continue
        if format.own:
            _need(study, place, ["path"], f"the format '{source.format}'")
            continue
        counts = () if format.weights else ("images", "classes")
        _need(study, place, [*format.made_from, *counts], f"the format '{source.format}'")
        if source.format == "stable_diffusion":
            _diffusion(study, name, source)
        elif not format.made_from:
            _raw_files(study, place, name)


def _variant_files(study: Study, name: str, variant: Mapping[str, Any]) -> None:
    place = ("imagenet_rib", "variants", name)
    if study.acquisition == "draw":
        _need(study, place, ["drawn"], "a drawn variant")
    elif name not in (study.downloads or {}) and "path" not in variant:
        raise ConfigError(place, f"its files in downloads.{name} are missing; add them, or its 'path'")


def _raw_files(study: Study, place: Place, name: str) -> None:
    """Check that the raw files of a source or a task are drawn or declared."""
    format, downloads = names.format(study, name), dict(study.downloads or {})
    if format.small:
        if study.acquisition == "download" and format.folder not in downloads:
            raise ConfigError(place, f"its files, downloads.{format.folder}, are missing; add them")
    elif study.acquisition == "draw":
        _need(study, place, ["world"], "a drawn collection")
    elif name != format.name or name not in downloads:
        declared = ", ".join(sorted(set(downloads) - {"place"})) or "nothing"
        wanted = f"a real {format.name} source or task must have that name"
        raise ConfigError(place, f"files to download are declared for {declared}; {wanted}")


def _diffusion(study: Study, name: str, source: SourceSpec) -> None:
    place, asked, model = ("sources", name), names.prompted_source(study, name), str(source.model)
    if not names.format(study, asked).prompted:
        raise ConfigError(
            (*place, "recognised_by"),
            f"{asked} has no classes of ImageNet to ask a model for; name a distribution of ImageNet or Tiny-ImageNet",
        )
    if model == "trained":
        _need(study, place, ["training"], "the model 'trained'")
        _excluded(study, place, ["revision"], "the model 'trained' is not fetched")
    elif not source.revision and not Path(model).is_dir():
        raise ConfigError(
            (*place, "model"),
            f"there is no folder '{model}'; name one that holds model_index.json, or give 'revision', the commit to be "
            "fetched of the model of this name on the Hugging Face Hub",
        )


def _places(study: Study) -> None:
    """Check where files go: under known names, and not among the images of a folder that is read whole."""
    given = study.pathvars or {}
    for name in given:
        known_name(("pathvars",), name, "path of this workflow", PATHS)
    places = {name: Path(given.get(name, name)).resolve() for name in ("results", "resources")}
    variants = study.imagenet_rib.variants if study.imagenet_rib else {}
    folders = {f"sources.{name}": one.path for name, one in study.sources.items() if one.format == "folder"}
    folders |= {f"tasks.{name}": one.path for name, one in study.tasks.items() if one.format == "folder"}
    folders |= {f"imagenet_rib.variants.{name}": one.path for name, one in variants.items()}
    for owner, folder in folders.items():
        if folder is None or Path(folder, "metadata.csv").exists():
            continue
        for name, path in places.items():
            if path.is_relative_to(Path(folder).resolve()):
                key = ("pathvars", name) if name in given else ("pathvars",)
                wrong = f"{name} lie in the images of {owner} ({folder})"
                raise ConfigError(key, f"{wrong}; name another folder for them")


TASK_KINDS = ("format", "pair_of", "variant", "distribution")


def _tasks(study: Study) -> None:
    for name, task in study.tasks.items():
        place: Place = ("tasks", name)
        kinds = [key for key in TASK_KINDS if key in task.given]
        if len(kinds) != 1:
            has = f"has the keys {', '.join(kinds)}" if kinds else f"has none of the keys {', '.join(TASK_KINDS)}"
            raise ConfigError(place, f"{has}; give exactly one")
        if not task.pair_of:
            _excluded(study, place, ["class_subset"], "only a pair of domains ('pair_of') has one")
        if task.format == "domainnet":
            _need(study, place, ["domains"], "the format 'domainnet'")
            _excluded(study, place, ["test_sets", "plots"], "a collection of domains is no task itself, its pairs are")
        elif task.format == "published":
            _need(study, place, ["label", "metric", "plots"], "a task of published scores")
            _excluded(study, place, ["test_sets"], "tables of published scores have no test sets")
            continue
        else:
            _need(study, place, ["test_sets", "plots"], "a task")
        if task.pair_of:
            _need(study, place, ["id_domain", "ood_domain"], "a pair of domains")
            for role in ("id_domain", "ood_domain"):
                known_name((*place, role), task.given[role], "domain", study.tasks[task.pair_of].domains or [])
        if not task.format:
            continue
        if task.splits:
            _division(place, task, task.splits)
        if task.format == "wilds":
            _wilds(study, place, task)
        elif task.format == "folder":
            _need(study, place, ["path"], "the format 'folder'")
        else:
            _need(study, place, ["images", "classes"], f"the format '{task.format}'")
            _raw_files(study, place, name)


def _division(place: Place, task: TaskSpec, division: Division) -> None:
    """Check how a task's splits are made of a column of its table."""
    if task.format != "folder":
        raise ConfigError((*place, "splits"), "only a task of the format 'folder' is divided by a column; leave it out")
    for split, held_out in (("test", division.test), ("val", division.val)):
        if held_out is None:
            continue
        if division.by == "place":
            wrong = not (isinstance(held_out, list) or (isinstance(held_out, float) and 0 < held_out < 1))
            remedy = "By place: a share of the places (0.15), or a list of them"
        else:
            wrong = isinstance(held_out, float | list) or not _is_date(str(held_out))
            remedy = "By date: the first date, as '2016-07-31' in quotes, or the first year"
        if wrong:
            problem = f"{held_out!r} cannot be used; write a value as follows. {remedy}"
            raise ConfigError((*place, "splits", split), problem)
    if (division.id_val or 0) + division.id_test >= 1:
        raise ConfigError((*place, "splits"), "id_val and id_test leave nothing to train on; lower them")


def _is_date(text: str) -> bool:
    try:
        datetime.fromisoformat(f"{text}-01-01" if len(text) == 4 else text)
    except ValueError:
        return False
    return True


def _wilds(study: Study, place: Place, task: TaskSpec) -> None:
    _need(study, place, ["dataset"], "the format 'wilds'")
    name = str(task.dataset)
    known = WILDS[name]
    if str(task.version or known.version) != known.version:
        raise ConfigError((*place, "version"), f"of {name}, version {known.version} is read; leave the key out")
    for test_set, spec in (task.test_sets or {}).items():
        if not spec.store:
            splits = [*known.splits, "all"]
            known_name((*place, "test_sets", test_set), spec.split or test_set, f"split of WILDS' {name}", splits)
    for domain in ("id_domain", "ood_domain"):
        if domain in task.given and not known.domains:
            raise ConfigError((*place, domain), f"{name} has no domains; leave the key out")
        if domain in task.given:
            known_name((*place, domain), task.given[domain], f"domain of WILDS' {name}", known.domains)
    if known.domains:
        _need(study, place, ["id_domain", "ood_domain"], f"a task of {name}")
    if not task.path and study.acquisition != "download":
        raise ConfigError(
            place,
            f"{name} is not drawn; give 'path', the folder that holds its unpacked folder, or set acquisition to "
            "download",
        )


def _distributions(study: Study, repository: Path) -> None:
    for name, distribution in study.distributions.items():
        place, source = ("distributions", name), study.sources[distribution.source].given
        if name == SCRATCH:
            raise ConfigError(place, "'scratch' stands for no pre-training; choose another name")
        if names.is_published(study, name):
            _published(study, place, distribution)
            continue
        if distribution.distinct_images and distribution.distinct_images >= (distribution.images or 0):
            wrong = "there must be more 'images' than these, to which they are repeated"
            raise ConfigError((*place, "distinct_images"), f"{wrong}; raise 'images' or leave the key out")
        choice = distribution.classes.given if distribution.classes else {}
        if distribution.classes is not None:
            _choice_of_classes((*place, "classes"), choice)
        images = distribution.distinct_images or distribution.images
        asked = {"images": images, "classes": choice.get("most_frequent", choice.get("random"))}
        for what, count in asked.items():
            if count is not None and what in source and count > source[what]:
                has = f"{distribution.source} has {source[what]:,}"
                raise ConfigError(place, f"asks for {count:,} {what}, but {has}; ask for fewer")
        if {"under", "not_under"} & set(choice) and not names.format(study, distribution.source).synsets:
            raise ConfigError(
                (*place, "classes"),
                f"{distribution.source} has no WordNet synsets; only ImageNet has, and a folder whose class folders "
                "are called as ImageNet's (n01440764)",
            )
        if distribution.labels:
            mapped = study.label_maps[distribution.labels].source
            if mapped != distribution.source:
                wrong = f"'{distribution.labels}' is a label map of {mapped}"
                raise ConfigError((*place, "labels"), f"{wrong}; take another")
        elif "ratio" in choice or distribution.balanced == "superclasses":
            raise ConfigError(place, "there are no superclasses without 'labels'; name a label map")
        feasible = partial(check_feasible, name, study.config, lambda table: locate(table, repository))
        _told(place, feasible, f"config distributions.{name}: ")


def _choice_of_classes(place: Place, choice: Mapping[str, Any]) -> None:
    ways = [key for key in ("most_frequent", "random", "under", "not_under", "ratio") if key in choice]
    alone = [way for way in ways if not (way in ("under", "not_under") and "random" in ways)]
    if len(alone) != 1 or len(ways) > 2:
        raise ConfigError(
            place,
            f"chooses classes in {len(ways)} ways ({', '.join(ways) or 'none'}); give one of most_frequent, random, "
            "under, not_under, ratio, or random with one of under and not_under",
        )
    for key, other in {"at_least": "random", "superclasses": "ratio", "subclasses": "ratio"}.items():
        if key in choice and other not in choice:
            raise ConfigError((*place, key), f"it goes with '{other}' alone; add that, or leave it out")


def _published(study: Study, place: Place, distribution: DistributionSpec) -> None:
    """Published weights are taken as they are: nothing can be chosen of what they were trained on."""
    chosen = [key for key in distribution.given if key not in ("source", "label", "evidence", "architectures", "head")]
    _excluded(study, place, chosen, f"only weights can be had of {distribution.source}")
    _need(study, place, ["architectures"], "a distribution of published weights")
    for name in (distribution.architectures or []) if distribution.head == "zero_shot" else []:
        if study.architectures[name].builder != "open_clip":
            wrong = f"{name} has no text network to make a zero-shot head with"
            raise ConfigError((*place, "head"), f"{wrong}; leave the key out")


def _test_sets(study: Study) -> None:
    """Check the test sets of every task, which of them figures plot, and the metric."""
    for task in names.tasks(study):
        place, spec = ("tasks", task), study.tasks[task]
        if spec.metric and METRICS[spec.metric].grouped:
            _need(study, place, ["groups"], f"the metric '{spec.metric}'")
        for test_set in names.test_sets(study, task):
            here: Place = (*place, "test_sets", test_set["name"])
            if test_set["store"] == task and test_set["split"] not in (*SPLITS, "all"):
                known_name((*here, "split"), test_set["split"], "split", [*SPLITS, "all"])
            if test_set["classes"] not in (None, "present"):
                _column((*here, "classes"), test_set["classes"], "class_id")
            if test_set["store"] in study.tasks and study.tasks[test_set["store"]].format == "iwildcam":
                for kind in ("groups", "clusters"):
                    if test_set[kind] is not None:
                        known_name((*place, kind), test_set[kind], "column of iWildCam's store", IWILDCAM)
        _plots((*place, "plots"), spec.plots, spec.test_sets)


def _plots(place: Place, pair: Pair | None, test_sets: Mapping[str, TestSet] | None) -> None:
    for role, name in pair.given.items() if pair else ():
        known_name((*place, role), name, "test set of the task", test_sets or {})
        of_role = [one for one, spec in (test_sets or {}).items() if spec.role == role]
        known_name((*place, role), name, f"test set of the role '{role}'", of_role)


def _methods(study: Study) -> None:
    """Check the settings of the methods of fine-tuning."""
    declared = study.config["methods"]
    for name, spec in declared.items():
        place, kind = ("methods", name), spec["kind"]
        settings = _settings({**METHOD_FILES, **MERGER_FILES}[kind])
        if kind in MERGER_FILES:
            number = settings.pop("NETWORKS", None)
            _need(study, place, ["of", *(name for name, default in settings.items() if default is None)], kind)
            settings["of"] = None
            if number is not None and len(spec["of"]) != ast.literal_eval(number):
                count = ast.literal_eval(number)
                raise ConfigError(
                    (*place, "of"), f"{kind} merges {count} networks, not {len(spec['of'])}; list {count}"
                )
        for setting in spec:
            if setting not in ("kind", "label", "recipe"):
                known_name(place, setting, f"setting of {kind}", settings)
    _need(study, ("methods",), [DEFAULT_METHOD], "a study")
    if declared[DEFAULT_METHOD]["kind"] != DEFAULT_METHOD:
        wrong = f"it is not '{DEFAULT_METHOD}', which other methods start from"
        raise ConfigError(("methods", DEFAULT_METHOD, "kind"), f"{wrong}; give this method another name")


def _settings(file: Path) -> dict[str, ast.expr | None]:
    """Return the settings of a method or merger with their defaults, None for one that is needed.

    They are the fields of the class in its file, which is not imported here.
    """
    classes = [node for node in ast.parse(file.read_bytes()).body if isinstance(node, ast.ClassDef)]
    fields = [node for kind in classes for node in kind.body if isinstance(node, ast.AnnAssign)]
    return {field.target.id: field.value for field in fields if isinstance(field.target, ast.Name)}


def _imagenet_rib(study: Study, repository: Path) -> None:
    rib = study.imagenet_rib
    shown = [*names.rib_figures(study), *names.rib_tables(study)]
    for name in shown:
        section = "figures" if name in study.figures else "tables"
        if rib is None:
            raise ConfigError((section, name), "it shows ImageNet-RIB, but the key 'imagenet_rib' is missing; add it")
        kind = {**study.figures, **study.tables}[name].kind
        _need(study, ("imagenet_rib",), RIB_NEEDS.get(kind, ()), f"{section}.{name}")
    if rib is None:
        return
    if shown and not runs.rib_series(study):
        raise ConfigError(
            ("left_out",),
            f"it leaves out all networks of ImageNet-RIB ({', '.join(rib.networks)}), so that {shown[0]} and "
            f"{len(shown) - 1} other figures and tables would show nothing; keep one, or leave these out",
        )
    for key, table in (("published", rib.published), ("published_cells", rib.published_cells)):
        if table and not locate(table, repository).is_file():
            raise ConfigError(("imagenet_rib", key), f"{table} is not a file; correct the path")
    for name, variant in rib.variants.items():
        _variant(study, ("imagenet_rib", "variants", name), name, variant)
    for name in rib.methods:
        if "held_out" in names.methods(study)[name] and rib.held_out is None:
            raise ConfigError(
                ("imagenet_rib", "methods"),
                f"'{name}' chooses by held-out images, and none are held out; set imagenet_rib.held_out, or leave the "
                "method out",
            )
    _heads(study, rib)


def _variant(study: Study, place: Place, name: str, variant: VariantSpec) -> None:
    if not variant.files and not variant.path:
        known = [*study.sources, *study.tasks]
        known_name(place, name, "source or task (without 'files' or 'path' it must be one)", known)
    else:
        _need(study, place, ["classes", "layout"], "a variant with files of its own")
    for part in variant.only or {}:
        parts = [one for one in re.findall(r"{(\w+)}", variant.layout or "") if one not in ("class", "image")]
        known_name((*place, "only"), part, "part of the layout", parts)
    if variant.drawn and variant.drawn.kind == "adversarial":
        _need(study, (*place, "drawn"), ["filtered_by"], "adversarial")


def _heads(study: Study, rib: ImageNetRIB) -> None:
    """Check that every network of ImageNet-RIB has a head of ImageNet's classes, or is given one."""
    given = rib.heads.of if rib.heads else []
    networks = list(dict.fromkeys([*rib.networks, *(name for _, name in runs.rib_series(study))]))
    for number, name in enumerate(given):
        place = ("imagenet_rib", "heads", "of", number)
        known_name(place, name, "distribution whose networks are fine-tuned", networks)
    if rib.heads and not _knows_imagenet(study, rib.heads.trained_on):
        wrong = f"{rib.heads.trained_on} does not have ImageNet's classes"
        raise ConfigError(("imagenet_rib", "heads", "trained_on"), f"{wrong}; choose another distribution")
    for name in (name for name in networks if name not in given):
        strange = [] if _knows_imagenet(study, name) else [name]
        if names.is_published(study, name):
            named = study.distributions[name].architectures or []
            strange = [one for one in named if not _publishes_imagenet_head(study.architectures[one])]
        if strange:
            raise ConfigError(
                ("imagenet_rib", "networks"),
                f"{strange[0]} has no head of ImageNet's 1,000 classes; take another, or add {name} to "
                "imagenet_rib.heads.of, which gives it one",
            )


def _knows_imagenet(study: Study, distribution: str) -> bool:
    """Whether the networks of a distribution learn ImageNet's classes, all of them and as they are; or as many as
    another reference has."""
    declared = study.distributions[distribution]
    if declared.classes or declared.labels or names.objective(study, distribution)["name"] != "supervised":
        return False
    source = study.sources[declared.source]
    reference = names.collection(study, names.imagenet_rib(study).reference)
    if reference.format == "imagenet_variant":
        return source.format == "imagenet"
    return source.classes == reference.classes


def _publishes_imagenet_head(architecture: ArchitectureSpec) -> bool:
    """Whether published weights have ImageNet's head, by their name: timm's tags say what was trained on last."""
    if architecture.builder != "timm":
        return architecture.builder != "open_clip"
    _, _, tag = (architecture.arguments or {}).get("model", "").partition(".")
    return not tag or "in1k" in tag


def _training(study: Study) -> None:
    _need(study, ("store",), ["size", "encoding", "on_undecodable"])
    for name, download in (study.downloads or {}).items():
        for file, spec in download["files"].items() if name != "place" else ():  # type: ignore[index]
            if not {"md5", "sha256", "bytes"} & set(spec):
                place = ("downloads", name, "files", file)
                raise ConfigError(place, "one of the keys md5, sha256, bytes is missing; add it")
    for stage, recipe in (("pretrain", study.recipes.pretrain), ("finetune", study.recipes.finetune)):
        _need(study, ("recipes", stage), COMPLETE_RECIPE)
        for name in study.runs.architectures:
            merged = {**recipe, **study.architectures[name].given.get(stage, {})}
            if (merged.get("epochs") is None) == (merged.get("steps") is None):
                raise ConfigError(("recipes", stage), f"for {name}; give either 'epochs' or 'steps', the other null")
    if study.recipes.finetune.get("epochs") is None:
        raise ConfigError(("recipes", "finetune"), "a checkpoint is written after each epoch; give 'epochs'")
    partial: dict[Place, Recipe | None] = {
        (section, name, "finetune", "epochs"): one.finetune
        for section, named in (("architectures", study.architectures), ("tasks", study.tasks))
        for name, one in named.items()
    }
    partial["recipes", "scratch", "epochs"] = study.recipes.scratch
    for where, changed in partial.items():
        if "epochs" in (changed or {}):
            raise ConfigError(
                where,
                "all networks have one number of epochs, so that every series has the same checkpoints; set "
                "recipes.finetune.epochs, or 'passes' here for a longer training",
            )


def _figures(study: Study) -> None:
    for name, figure in study.figures.items():
        place: Place = ("figures", name)
        for number, panel in enumerate(getattr(figure, "panels", [])):
            here = (*place, "panels", number)
            if isinstance(panel, ImagePanel):
                if len({"collection", "distribution"} & set(panel.given)) != 1:
                    wrong = "its images are of one collection or one distribution"
                    raise ConfigError(here, f"{wrong}; give one of the keys")
                if panel.groups:
                    _need(study, here, ["group_by"], "groups")
            elif isinstance(panel, Panel | CrossingPanel) and panel.ordered_by:
                _order((*here, "ordered_by"), panel.series, study)
        if isinstance(figure, PublishedFigure):
            _published_figure(place, figure)
        if not isinstance(figure, TrendsFigure | ResidualsFigure | AnswersFigure):
            continue
        if study.tasks[figure.task].predicted == "last":
            raise ConfigError(
                ("tasks", figure.task, "predicted"),
                f"figure {name} shows the checkpoints of all epochs; write all, or remove the figure",
            )
        if names.has_published_scores(study, figure.task):
            _need(study, place, ["published"], "a task of published scores")
            _excluded(study, place, ["plots"], "the task names its axes")
        _plots((*place, "plots"), figure.plots, study.tasks[figure.task].test_sets)
        if isinstance(figure, ImagesFigure) and len(figure.series) != len(("first", "second")):
            raise ConfigError((*place, "series"), f"{len(figure.series)} series; a figure of images compares two")
        elsewhere = _from_elsewhere(place, figure)
        for here, series in _series_of(place, figure.given):
            distribution, method = of_series(series)
            if "@" in series:
                known_name(here, method, "method", names.methods(study))
            known = [SCRATCH, *study.distributions, *([] if "@" in series else elsewhere)]
            known_name(here, distribution, "distribution", known)
        if isinstance(figure, TrendsFigure):
            panels = [[one for one in panel.series if not runs.is_left_out(study, one)] for panel in figure.panels]
            _told(place, partial(check_panels, panels, figure.references), "figures: ")


def _published_figure(place: Place, figure: PublishedFigure) -> None:
    """Check that the tables of a figure of published networks have its groups, and that each has a panel."""
    groups = _from_elsewhere(place, figure)
    for here, name in _series_of(place, {"baseline": figure.baseline, "series": figure.series}):
        known_name(here, name, "group of its tables", groups)
    panels, tables = len(figure.panels), len(figure.published)
    if panels != tables:
        raise ConfigError((*place, "panels"), f"{panels} panels for {tables} tables; give one per table")


def _series_of(place: Place, figure: Mapping[str, Any]) -> Iterator[tuple[Place, str]]:
    """Yield the series of a figure of scores and where they stand."""
    if "baseline" in figure:
        yield (*place, "baseline"), figure["baseline"]
    for key in ("references", "series"):
        for number, series in enumerate(figure.get(key, [])):
            yield (*place, key, number), series
    for panel, spec in enumerate(figure.get("panels", [])):
        for number, series in enumerate(spec["series"]):
            yield (*place, "panels", panel, "series", number), series


def _order(place: Place, listed: list[str], study: Study) -> None:
    """Series that are ordered by their number of images must each have one, all different."""
    known = [name for name in listed if of_series(name)[0] in (SCRATCH, *study.distributions)]
    images = {series: names.pretraining_images(study, series) for series in known}
    for series, count in images.items():
        if count is None:
            raise ConfigError(place, f"'{series}' states no number of images; leave ordered_by out")
    counts = [count for count in images.values() if count]
    if len(set(counts)) < max(3, len(counts)):
        wrong = "needs three or more pre-trained series, all of different numbers of images"
        raise ConfigError(place, f"{wrong}; leave ordered_by out")


def _from_elsewhere(place: Place, figure: Section) -> list[str]:
    """Return the series that the tables of published numbers and other studies give a figure."""
    series: list[str] = []
    for number, path in enumerate(figure.given.get("published", [])):
        from pretraining_robustness.trends.published import read_published  # pandas: half a second that few studies pay

        groups = _told((*place, "published", number), partial(read_published, path))["group"]
        series += map(str, groups)
    for study, path in figure.given.get("studies", {}).items():
        series += [f"{study}/{name}" for name in _column((*place, "studies", study), path, "distribution")]
    return series


def _column(place: Place, path: str, column: str) -> list[str]:
    return _told(place, partial(read_csv_table, path, (column,))).columns[column]


def _tables(study: Study) -> None:
    distributions = [SCRATCH, *study.distributions]
    if names.of_kind(study, "effective_robustness"):
        for number, name in enumerate(study.effective_robustness.baselines):
            known_name(("effective_robustness", "baselines", number), of_series(name)[0], "distribution", distributions)
    for name, table in study.tables.items():
        place = ("tables", name)
        if name in study.figures:
            raise ConfigError(place, "a figure has the same name; rename one of them")
        _need(study, place, TABLES_NEED.get(table.kind, ()), table.kind)
        for number, one in enumerate(table.expectations or []):
            for key in {"first", "second"} & set(one.given):
                here = (*place, "expectations", number, key)
                known_name(here, of_series(one.given[key])[0], "distribution", distributions)
        if table.kind == "effective_robustness" and not runs.runs(study, *names.scored_figures(study)):
            raise ConfigError(place, "it shows this study's own checkpoints, and no figure has any; leave it out")
