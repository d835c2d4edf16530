"""Job granularity: which runs or series one job makes, and by which rule.

A unit is the folder of a run (`RUN_FOLDER`), of a series (`SERIES_FOLDER`) or of a pre-trained network
(`NETWORK_FOLDER`). The units of one job share a part of their folders, which the wildcard `{group}` of the rule holds.
Snakemake must know the outputs of a rule but for its wildcards, so groups of other shape have a rule of their own.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Jobs:
    """The jobs of one rule.

    Attributes:
        suffix: of its name: nothing where a job has one unit, else _together, _together_2 and so on.
        group: regular expression of the wildcard `{group}`.
        folders: of the units of one job, with `{group}` in them.
    """

    suffix: str
    group: str
    folders: tuple[str, ...] = ("{group}",)

    def paths(self, *patterns: str) -> list[str]:
        """Return these paths for each unit, whose folder is `{unit}` in them."""
        return [pattern.replace("{unit}", folder) for folder in self.folders for pattern in patterns]

    def units(self, group: str) -> list[str]:
        """Return the folders of the units that one job makes."""
        return [folder.replace("{group}", group) for folder in self.folders]

    @property
    def words(self) -> str:
        """What a job makes, for its message."""
        return "{wildcards.group}" + (f" ({len(self.folders)} parts)" if len(self.folders) > 1 else "")


def jobs_of(
    single: str,
    units: Iterable[str] = (),
    shared: slice | None = None,
    kept_apart: Callable[[str], str] = lambda unit: "",
) -> list[Jobs]:
    """Return the rules of a stage: one for jobs of one unit, before it those for jobs of several.

    Args:
        single: regular expression of a unit that the stage can make.
        units: that the study needs.
        shared: the parts of the folder that the units of one job share; None for one unit per job.
        kept_apart: units that differ in this go into different jobs.
    """
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    if shared is None:
        return [Jobs("", single)]
    for unit in sorted(set(units)):
        parts = unit.split("/")
        group = "/".join(parts[shared])
        parts[shared] = ["{group}"]
        groups[kept_apart(unit), group].append("/".join(parts))
    shapes: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for (_, group), folders in groups.items():
        if len(folders) > 1:
            shapes[tuple(folders)].append(group)
    together = [
        Jobs("_together" + (f"_{number}" if number > 1 else ""), _any_of(shapes[folders]), folders)
        for number, folders in enumerate(sorted(shapes, key=lambda one: -len(shapes[one])), start=1)
    ]
    taken = [folder.replace("{group}", jobs.group) for jobs in together for folder in jobs.folders]
    others = f"(?!{_any_of(taken, escape=False)}/)" if taken else ""
    return [*together, Jobs("", others + single)]


def unit_pattern(*names: str) -> str:
    """Return a regular expression of folders whose parts have these names."""
    return "/".join(f"(?:{name})" for name in names)


def _any_of(names: Iterable[str], escape: bool = True) -> str:
    return f"(?:{'|'.join(map(re.escape, names) if escape else names)})"
