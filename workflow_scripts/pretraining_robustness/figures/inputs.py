"""Which files a figure is drawn from: those that the module of its kind reads."""

from pretraining_robustness.figures.kinds import FROM_CONFIG, KINDS, reads
from pretraining_robustness.study import names, places, runs
from pretraining_robustness.study.study import Study


def figure_inputs(study: Study, name: str) -> dict[str, str | list[str]]:
    """Return the files that a figure is drawn from, by their names in `READS`."""
    kind = study.figures[name].kind
    files: dict[str, str | list[str]] = {
        key: _from_config(study, name, key) if path == FROM_CONFIG else _paths(study, name, f"<results>/{path}")
        for key, path in reads(kind).items()
    }
    if kind in ("trends", "residuals"):
        files["scores"] = places.figure_table(study, name)
    return {key: found for key, found in files.items() if found}


def _paths(study: Study, name: str, path: str) -> str | list[str]:
    """Return the files that a path with wildcards stands for: one, or one per panel or series."""
    if "{method}" in path:
        return [path.format(method=one, distribution=other) for one, other in runs.rib_series(study, name)]
    for key in ("collection", "distribution"):
        if f"{{{key}}}" in path:
            return [path.format(**panel) for panel in runs.panels(study, name) if panel[key]]
    return path.format(figure=name)


def _from_config(study: Study, name: str, key: str) -> list[str]:
    """Return the tables that the config names for a figure under a key."""
    if name in names.rib_figures(study):
        table = names.imagenet_rib(study).given.get(key)
        return [places.located(table)] if table else []
    return places.from_elsewhere(study, name, key)


def drawing_module(study: Study, name: str) -> str:
    """Return the module that draws figures of a kind, below the folder of the scripts."""
    return f"pretraining_robustness/figures/kinds/{KINDS[study.figures[name].kind]}.py"
