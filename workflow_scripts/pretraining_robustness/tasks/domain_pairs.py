"""Two domains of one store as a downstream task: fine-tuned in the one, evaluated in both.

The splits are those of wilds' DomainNet (wilds 2.0.0, domainnet_dataset.py, `initialize_split_array`, where the domains
are called source and target): of the domain to fine-tune on, its training images are `train` and its test images
`id_test`; of the other, its training images are `val` and its test images `test`. There is no `id_val`.

Rows and labels are those of the store for every pair, so its images open with the table of any pair, in any encoding.
All pairs of a collection have the same classes, unless a pair has a class subset.
"""

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path
from pretraining_robustness.tasks.splits import CLASS_IDS

logger = logging.getLogger(__name__)

# By the role of a domain in the pair and the split that an image has in its domain.
SPLITS = {
    "id_domain": {"train": "train", "test": "id_test"},
    "ood_domain": {"train": "val", "test": "test"},
}
OTHER = "other"  # the split of the images of all other domains; not a split of a task
COLUMNS = ("row", "class_id", "y", "split", "domain")


def pair_domains(
    table: str | Path, pairs: str | Path, id_domain: str, ood_domain: str, classes: Sequence[str] | None = None
) -> None:
    """Write the table of a pair of domains, in the form that fine-tuning and evaluation read.

    Args:
        table: images.parquet of the store, with the columns `COLUMNS`.
        pairs: images.parquet to write: the same rows and columns, but `split` is train, id_test, val, test or other.
        id_domain: the domain to fine-tune on.
        ood_domain: the domain that measures performance out of distribution.
        classes: the task's class_ids, numbered in the order of the store's labels; images of other classes have y = -1.
            None for all of the store's classes.

    Raises:
        InputError: a store without domains; a domain or class that it lacks (the message names those that it has); one
            domain twice; a split of a domain without images.
    """
    wanted = {"id_domain": id_domain, "ood_domain": ood_domain}
    images = pd.read_parquet(table)
    lacking = [column for column in COLUMNS if column not in images]
    if lacking:
        raise InputError(f"{table}: no column {', '.join(lacking)}: pairs of domains need a store of format domainnet")
    known = sorted(images["domain"].unique())
    for role, domain in wanted.items():
        if domain not in known:
            raise InputError(f"{role} {domain!r} is not in {table}: its domains are {', '.join(known)}")
    if id_domain == ood_domain:
        raise InputError(f"id_domain and ood_domain are both {id_domain!r}: a pair has two domains")
    class_ids = None if classes is None else _chosen(images, classes, table)
    if class_ids is not None:
        numbers = {class_id: number for number, class_id in enumerate(class_ids)}
        images["y"] = images["class_id"].map(numbers).fillna(-1).astype("int64")
    splits = pd.Series(OTHER, index=images.index)
    for role, domain in wanted.items():
        of_domain = (images["domain"] == domain) & (images["y"] >= 0)
        absent = [split for split in SPLITS[role] if split not in set(images.loc[of_domain, "split"])]
        if absent:
            of = " with the task's classes" if classes else ""
            raise InputError(f"{table}: the domain {domain!r} has no image of the split {' and '.join(absent)}{of}")
        splits[of_domain] = images.loc[of_domain, "split"].map(SPLITS[role])
    unlearned = set(images.loc[splits != OTHER, "class_id"]) - set(images.loc[splits == "train", "class_id"])
    if unlearned:
        logger.warning("%d classes have no training image in %s, first %s", len(unlearned), id_domain, min(unlearned))
    columns = pyarrow.Table.from_pandas(images.assign(split=splits), preserve_index=False)
    if class_ids is not None:
        columns = columns.replace_schema_metadata({**columns.schema.metadata, CLASS_IDS: json.dumps(class_ids)})
    with atomic_path(pairs) as temporary:
        pyarrow.parquet.write_table(columns, temporary)
    counts = ", ".join(f"{number:,} {split}" for split, number in splits[splits != OTHER].value_counts().items())
    logger.info("%s: %s to %s, %s", pairs, id_domain, ood_domain, counts)


def _chosen(images: pd.DataFrame, classes: Sequence[str], table: str | Path) -> list[str]:
    """Return the chosen class_ids in the order of the store's labels."""
    label = images.drop_duplicates("class_id").set_index("class_id")["y"]
    strange = next((name for name in classes if name not in label.index), None)
    if strange is not None:
        known = ", ".join(sorted(label.index)[:10])
        raise InputError(f"{table}: no class {strange!r} for class_subset; there are {len(label)}: {known} and so on")
    return sorted(set(classes), key=lambda name: int(label[name]))
