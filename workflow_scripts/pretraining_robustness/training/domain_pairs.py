"""Two domains of one store as a downstream task: fine-tuned in the one, evaluated in both.

The splits are those of wilds' DomainNet (wilds 2.0.0, domainnet_dataset.py, `initialize_split_array`, where the domains
are called source and target): of the domain to fine-tune on, its training images are `train` and its test images
`id_test`; of the other, its training images are `val` and its test images `test`. There is no `id_val`.

Labels stay those of the store, whatever pair is asked, so that all pairs of a collection have the same classes. They
run from 0 without a gap over all domains; what a task's head counts (task_splits.task_classes) is one more than the
highest label of the pair.
"""

import logging
from pathlib import Path

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path

logger = logging.getLogger(__name__)

# By the role of a domain in the pair and the split that an image has in its domain.
SPLITS = {
    "id_domain": {"train": "train", "test": "id_test"},
    "ood_domain": {"train": "val", "test": "test"},
}
COLUMNS = ("row", "image", "class_id", "y", "split", "domain")


def pair_domains(table: str | Path, pairs: str | Path, id_domain: str, ood_domain: str) -> None:
    """Write the table of a pair of domains, in the form that fine-tuning and evaluation read.

    Args:
        table: images.parquet of the store, with the columns `COLUMNS`.
        pairs: images.parquet to write: the same columns, the rows of `id_domain` and then those of `ood_domain`, each
            in the order of the store. `row` counts in the store; `split` is train, id_test, val or test.
        id_domain: the domain to fine-tune on.
        ood_domain: the domain that measures performance out of distribution.

    Raises:
        InputError: for a store that knows no domains, a domain that it lacks (named with those that it has), one
            domain twice, or a split of a domain without images.
    """
    wanted = {"id_domain": id_domain, "ood_domain": ood_domain}
    images = pd.read_parquet(table)
    lacking = [column for column in COLUMNS if column not in images]
    if lacking:
        raise InputError(f"{table}: no column {', '.join(lacking)}: pairs are made of a store of format domainnet")
    known = sorted(images["domain"].unique())
    for role, domain in wanted.items():
        if domain not in known:
            raise InputError(f"{role} {domain!r} is not in {table}: its domains are {', '.join(known)}")
    if id_domain == ood_domain:
        raise InputError(f"id_domain and ood_domain are both {id_domain!r}: a pair has two domains")
    parts = []
    for role, domain in wanted.items():
        part = images.loc[images["domain"] == domain, list(COLUMNS)]
        absent = [split for split in SPLITS[role] if split not in set(part["split"])]
        if absent:
            raise InputError(f"{table}: the domain {domain!r} has no image of the split {' and '.join(absent)}")
        parts.append(part.assign(split=part["split"].map(SPLITS[role])))
    pair = pd.concat(parts, ignore_index=True)
    unlearned = set(pair["class_id"]) - set(pair.loc[pair["split"] == "train", "class_id"])
    if unlearned:
        logger.warning("%d classes have no training image in %s, first %s", len(unlearned), id_domain, min(unlearned))
    with atomic_path(pairs) as temporary:
        pair.to_parquet(temporary, index=False)
    counts = ", ".join(f"{number:,} {split}" for split, number in pair["split"].value_counts(sort=False).items())
    logger.info("%s: %s to %s, %s", pairs, id_domain, ood_domain, counts)
