"""The raw files of stores, and what is in folders of yours: known, and refused, while planning.

The modules that read folders bring pandas, so that only a study with a folder imports them.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pretraining_robustness.acquire.wilds_datasets import release_file, wilds_folder
from pretraining_robustness.errors import InputError
from pretraining_robustness.study import names, params, places, runs
from pretraining_robustness.study.study import Study

FEW = 100000  # images of a folder of yours that are listed while planning


def drawings(study: Study) -> Iterator[tuple[str, dict[str, Any], dict[str, str], bool]]:
    """Yield what is drawn: its name, module and params, input files, and whether a trained network filters it."""
    if study.acquisition != "draw":
        return
    for folder in names.archives(study):
        yield folder, params.drawing(study, folder), {}, False
    for variant in names.drawn_variants(study, filtered=False):
        drawing = {"module": "imagenet_variants", "world": params.variant_world(study, variant)}
        yield variant, drawing, places.variant_classes(study, variant), False
    for variant in names.drawn_variants(study, filtered=True):
        filtering = params.filtering_network(study, variant)
        world, network = params.variant_world(study, variant) | filtering["filter"], filtering["network"]
        files = {
            "weights": places.pretraining_file("weights.safetensors").format(**network),
            "labels": f"<results>/distributions/{network['distribution']}/classes.csv",
        }
        drawing = {"module": "adversarial_filter", "world": world}
        yield variant, drawing, places.variant_classes(study, variant) | files, True


def raw_files(study: Study, collection: str) -> list[str]:
    """Return the raw files of a collection; none of a folder of yours, whose contents decide, see `folder_contents`."""
    if names.folder(study, collection):
        return []
    return [f"<resources>/{file}" for file in names.format(study, collection).files]


def wilds_files(study: Study, task: str) -> str | list[str]:
    """Return the unpacked data set of a WILDS task from its archive; none where you have its folder."""
    name = str(study.tasks[task].dataset)
    return [] if study.tasks[task].path else f"<resources>/wilds/{wilds_folder(name)}/{release_file(name)}"


def wilds_contents(study: Study, task: str) -> list[str] | None:
    """Return names, sizes and times of the tables of a WILDS folder of yours; its images are taken to be the published
    ones."""
    path = study.tasks[task].path
    if path is None:
        return None
    folder = Path(path, wilds_folder(str(study.tasks[task].dataset)))
    files = [path for path in sorted(folder.glob("[!.]*")) if path.is_file()]
    return [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]


def variant_files(study: Study, name: str) -> list[str]:
    """Return the archives of a variant; none of a folder of yours, see `variant_folder`."""
    return [f"<resources>/{name}/{file}" for file in (study.sources[name].variant or {}).get("files", [])]


@cache
def variant_folder(study: Study, name: str) -> str | None:
    """Return the folder that you have of a variant; what is wrong with it is refused, unless it is read already.

    Where all its images are too many to be listed each time, its store says so.
    """
    path = (study.sources[name].variant or {}).get("path")
    if path is None or _stored(study, name).exists():
        return path
    from pretraining_robustness.store.readers.imagenet_variant import read_variant

    if not Path(path).is_dir():
        wrong = f"config imagenet_rib.variants.{name}.path: {path} is no folder"
        raise InputError(f"{wrong}; correct it, or leave it out to download the files")
    variant = params.variant(study, name)
    if study.acquisition == "download" and (variant["images"] or 0) <= FEW:
        table = places.variant_classes(study, name).get("table")
        read_variant([path], places.imagenet_classes(study), table, variant)
    return path


def _stored(study: Study, name: str) -> Path:
    """Return the summary of a finished store."""
    return Path(places.of_pathvar(study, "results"), "stores", name, "summary.json")


@cache
def opened(study: Study, collection: str) -> Any:
    """Return what a folder's reader finds in it; whatever is wrong with it is refused."""
    from pretraining_robustness.store.readers import check_collection, open_collection

    folder, store = names.folder(study, collection), params.store(study, collection)
    found = open_collection(store["format"], folder, **params.options(study, collection))
    splits, columns = runs.needed_splits(study, collection), names.needed_columns(study, collection)
    check_collection(found, folder, store["on_undecodable"], splits, columns)
    return found


@cache
def _contents(study: Study, collection: str) -> str:
    from pretraining_robustness.store.readers import contents

    return contents(params.store(study, collection)["format"], opened(study, collection))


def folder_contents(study: Study, collection: str) -> str | None:
    """Return a digest of what the reader of a user's folder reads, so that a change of it, and nothing else, decodes
    it again.

    Without the folder, what its finished store was made of, if it was made of a folder of this path.
    """
    folder, stored = names.folder(study, collection), _stored(study, collection)
    if not folder:
        return None
    if not stored.exists() or Path(folder).exists():
        return _contents(study, collection)
    made = json.loads(stored.read_text(encoding="utf-8"))
    before = made.get("folder", folder)
    if Path(folder).absolute() != Path(before).absolute():
        section = "sources" if collection in study.sources else "tasks"
        raise InputError(
            f"config {section}.{collection}.path: there is no folder '{folder}', and the store was made of another; "
            f"did you mean '{before}'?"
        )
    return str(made["contents"])


def declared_distribution(study: Study, name: str) -> dict[str, Any]:
    """Return the declaration of a distribution; one that a folder of yours cannot give is refused."""
    declared = params.distribution(study, name)
    folder = names.folder(study, declared["source"])
    if not folder or not Path(folder).exists():
        return declared
    from pretraining_robustness.distributions.selection import check_counts

    collection = opened(study, declared["source"])
    counts, table = collection.class_counts(), places.superclass_table(study, name)
    if counts and (not table or Path(str(table)).exists()):
        check_counts(
            counts, collection.classes().set_index("class_id")["name"], str(table) if table else None, declared
        )
    return declared
