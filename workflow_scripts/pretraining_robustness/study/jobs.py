"""Job granularity: which runs or series one job makes, and by which rule.

A unit is the folder of a run (`RUN_FOLDER`), of a series (`SERIES_FOLDER`) or of a pre-trained network
(`NETWORK_FOLDER`). The units of one job share a part of their folders, which the wildcard `{group}` of the rule holds.
Snakemake must know the outputs of a rule but for its wildcards, so groups of other shape have a rule of their own.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Files = dict[str, str | list[str]]
"""Paths by name; `{unit}` in them stands for the folder of a unit."""


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

    def outputs(self, files: Files) -> dict[str, list[str]]:
        """Return the paths of all units by name, unit by unit."""
        lists = {name: paths if isinstance(paths, list) else [paths] for name, paths in files.items()}
        return {
            name: [path.replace("{unit}", folder) for folder in self.folders for path in paths]
            for name, paths in lists.items()
        }

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


def one_of(names: Iterable[str]) -> str:
    """Return a regular expression of these names and nothing else."""
    return "|".join(sorted(names)) or "(?!)"


def unit_pattern(*parts: Iterable[str], seed: bool = True) -> str:
    """Return a regular expression of folders whose parts have these names, and a seed at the end."""
    return "/".join(f"(?:{one})" for one in [*map(one_of, parts), *([r"seed_\d+"] if seed else [])])


def of_unit(files: Files, unit: str) -> dict[str, Any]:
    """Return paths with the folder of this unit in them."""

    def filled(paths: str | list[str]) -> str | list[str]:
        return (
            paths.replace("{unit}", unit) if isinstance(paths, str) else [one.replace("{unit}", unit) for one in paths]
        )

    return {name: filled(paths) for name, paths in files.items()}


def _any_of(names: Iterable[str], escape: bool = True) -> str:
    return f"(?:{'|'.join(map(re.escape, names) if escape else names)})"
