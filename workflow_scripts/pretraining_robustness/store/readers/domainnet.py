"""DomainNet as the wilds package has it: one folder of all domains, with metadata.csv.

Columns (wilds 2.0.0, domainnet_dataset.py; made by p-lambda/wilds, dataset_preprocessing/domainnet/generate_metadata.py
at 46e1dbc2): image_path, domain, split (of that domain: train or test), category, y. In metadata.csv y is the
category's place in the list of 345; sentry_metadata.csv beside it holds 40 categories of four domains with a y of its
own, 0 to 39. Either way the labels run from 0 without a gap, one for each category.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretraining_robustness.csv_tables import CsvTable, read_csv_table
from pretraining_robustness.errors import InputError
from pretraining_robustness.store.readers.named_images import NamedImages
from pretraining_robustness.store.readers.raw import class_table

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata.csv"
COLUMNS = ("image_path", "domain", "split", "category", "y")
SPLITS = ("train", "test")


class DomainNet(NamedImages):
    """Images of DomainNet in the order of its metadata.csv; the class_id is the category.

    Args:
        folder: the unpacked folder, or a file in it; a .csv file is read instead of metadata.csv.

    Raises:
        InputError: for a missing metadata.csv or column in it; names the line with an unknown split, a label that is no
            whole number, a repeated file; for labels with a gap, a label with several categories or a category with
            several labels.
    """

    upright = False

    def __init__(self, folder: str | Path) -> None:
        path = Path(folder)
        if path.suffix == ".csv":
            self.metadata = path
        else:
            self.metadata = (path.parent if path.is_file() else path) / METADATA
        self.table = self._read()
        self.labels = self._labels()
        self.class_ids = self.table.columns["category"]
        self.find(self.table, "image_path", self.metadata.parent)

    def classes(self) -> "pd.DataFrame":
        """Return class_id (the category) and name (without underscores), ordered by label."""
        category_of = dict(zip(self.labels, self.table.columns["category"], strict=True))
        categories = [category_of[label] for label in sorted(category_of)]
        return class_table(categories, (category.replace("_", " ") for category in categories))

    def columns(self, row: int) -> dict[str, str | int]:
        """Return y, domain, category and split (train or test)."""
        return {"y": self.labels[row], **{key: self.table.columns[key][row] for key in ("domain", "category", "split")}}

    def told(self, row: int) -> list[str | int]:
        """Return what the table says of an image."""
        return [self.table.columns[key][row] for key in ("category", "y", "domain", "split")]

    def _read(self) -> CsvTable:
        if not self.metadata.is_file():
            raise InputError(f"{self.metadata}: no such file: unpack DomainNet again")
        table = read_csv_table(self.metadata, COLUMNS)
        if not len(table):
            raise InputError(f"{self.metadata}: the table has no rows: unpack DomainNet again")
        splits, domains = table.columns["split"], table.columns["domain"]
        table.refuse_first(
            (split not in SPLITS for split in splits), f"is no split: {' and '.join(SPLITS)} are", "split"
        )
        table.refuse_first((not domain for domain in domains), "is an image without a domain", "image_path")
        whole = (label.isascii() and label.isdigit() for label in table.columns["y"])
        table.refuse_first((not good for good in whole), "is no label: labels are whole numbers from 0 on", "y")
        return table

    def _labels(self) -> list[int]:
        labels = [int(label) for label in self.table.columns["y"]]
        pairs = set(zip(labels, self.table.columns["category"], strict=True))
        for which, other in ((0, "category"), (1, "y")):
            of: dict[Any, list[str]] = {}
            for pair in sorted(pairs):
                of.setdefault(pair[which], []).append(str(pair[1 - which]))
            value = next((value for value, others in of.items() if len(others) > 1), None)
            if value is not None:
                one = ("y", "category")[which]
                raise InputError(
                    f"{self.metadata}: {one} {value} stands for several of {other}: {' and '.join(of[value])}"
                )
        present = set(labels)
        gap = next((label for label in range(max(present)) if label not in present), None)
        if gap is not None:
            raise InputError(
                f"{self.metadata}: the labels y must run from 0 to {max(labels)} without a gap, but none is {gap}"
            )
        return labels
