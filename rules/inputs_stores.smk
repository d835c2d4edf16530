"""Where the raw files of stores are, and what is in folders of yours: known, and refused, while planning."""


def raw_files(wildcards):
    """The raw files of a collection; none of a user's folder, whose contents decide, see `folder_contents`."""
    if names.folder(study, wildcards.collection):
        return []
    return [f"<resources>/{file}" for file in names.format(study, wildcards.collection).files]


def wilds_files(wildcards):
    """The unpacked data set of a WILDS task from its archive; none where you have its folder, see `wilds_contents`."""
    task = config["tasks"][wildcards.wilds_task]
    if "path" in task:
        return []
    folder = wilds_folder(task["dataset"])
    return f"<resources>/wilds/{folder}/{release_file(task['dataset'])}"


def wilds_contents(wildcards):
    """Names, sizes and times of the tables of a WILDS folder of yours; its images are taken to be the published ones."""
    task = config["tasks"][wildcards.wilds_task]
    if "path" not in task:
        return None
    folder = Path(task["path"], wilds_folder(task["dataset"]))
    files = [path for path in sorted(folder.glob("[!.]*")) if path.is_file()]
    return [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]


@cache
def opened(collection):
    """What a folder's reader finds in it; whatever is wrong with it is said while planning."""
    from pretraining_robustness.store.readers import (
        check_collection,
        open_collection,
    )

    folder, store = names.folder(study, collection), params.store(study, collection)
    with refusals_in_one_line():
        found = open_collection(store["format"], folder, **params.options(study, collection))
        check_collection(
            found,
            folder,
            store["on_undecodable"],
            runs.needed_splits(study, collection),
            names.needed_columns(study, collection),
        )
    return found


@cache
def contents_of(collection):
    """The digest of what a folder's reader reads."""
    from pretraining_robustness.store.readers import contents

    return contents(params.store(study, collection)["format"], opened(collection))


def refuse_another_path(collection, folder, stored):
    """Refuse a path that leads nowhere unless the finished store was made of it."""
    section = "sources" if collection in config["sources"] else "tasks"
    if Path(folder).absolute() != Path(stored).absolute():
        with refusals_in_one_line():
            raise InputError(
                f"config {section}.{collection}.path: there is no folder '{folder}', and the store was made of another; "
                f"did you mean '{stored}'?"
            )


def folder_contents(wildcards):
    """A digest of what the reader of a user's folder reads, so that a change of it, and nothing else, decodes it again.

    Without the folder, what its finished store was made of, if it was made of a folder of this path.
    """
    folder = names.folder(study, wildcards.collection)
    if not folder:
        return None
    stores = config.get("pathvars", {}).get("results", "results")
    summary = Path(stores, "stores", wildcards.collection, "summary.json")
    if summary.exists() and not Path(folder).exists():
        made = json.loads(summary.read_text(encoding="utf-8"))
        refuse_another_path(wildcards.collection, folder, made.get("folder", folder))
        return made["contents"]
    return contents_of(wildcards.collection)


def declared_distribution(wildcards):
    """The declaration of a distribution; one that a folder of yours cannot give is refused while planning."""
    declared = params.distribution(study, wildcards.distribution)
    folder = names.folder(study, declared["source"])
    if not folder or not Path(folder).exists():
        return declared
    from pretraining_robustness.distributions.selection import check_counts

    collection = opened(declared["source"])
    counts, table = collection.class_counts(), superclass_table(wildcards)
    if counts and (not table or Path(table).exists()):
        class_names = collection.classes().set_index("class_id")["name"]
        with refusals_in_one_line():
            check_counts(counts, class_names, table or None, declared)
    return declared
