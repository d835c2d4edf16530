"""What figures and tables are made from: the files that the module of their kind reads."""

from pretraining_robustness.figures.kinds import FROM_CONFIG, KINDS, reads
from pretraining_robustness.tables import kinds as table_kinds


def figure_inputs(wildcards):
    """What a figure is drawn from: the files that the module of its kind reads."""
    name = wildcards.figure
    kind = config["figures"][name]["kind"]
    files = {
        key: (tables_from_config(name, key) if path == FROM_CONFIG else figure_paths(name, f"<results>/{path}"))
        for key, path in reads(kind).items()
    }
    if kind in ("trends", "residuals"):
        files["scores"] = figure_table(wildcards)
    return {key: found for key, found in files.items() if found}


def figure_paths(name, path):
    """The files of a figure that a path with wildcards stands for: one, or one per panel or series."""
    if "{method}" in path:
        series = runs.rib_series(study, name)
        return [path.format(method=one, distribution=other) for one, other in series]
    if "{collection}" in path or "{distribution}" in path:
        panels = runs.panels(study, name)
        key = "collection" if "{collection}" in path else "distribution"
        return [path.format(**panel) for panel in panels if panel[key]]
    return path.format(figure=name)


def tables_from_config(name, key):
    """The tables that the config names for a figure under a key: paths, by name or not."""
    if name in names.rib_figures(study):
        return [published_rib(key)] if key in config.get("imagenet_rib", {}) else []
    tables = config["figures"][name].get(key, [])
    return list(tables.values()) if isinstance(tables, dict) else list(tables)


def drawing_module(wildcards):
    """The module that draws figures of a kind, below the folder of the scripts."""
    kind = config["figures"][wildcards.figure]["kind"]
    return f"pretraining_robustness/figures/kinds/{KINDS[kind]}.py"


def table_inputs(wildcards):
    """What a table is made from: the files that the module of its kind reads."""
    spec = config["tables"][wildcards.table]
    trends = names.of_kind(study, "trends")
    expected = [one["figure"] for one in spec.get("expectations", [])]
    shown = [spec["figure"]] if "figure" in spec else expected or trends
    sources = spec.get("sources", [])
    values = {
        "table": [wildcards.table],
        "figure": list(dict.fromkeys(shown)),
        "distribution": names.distributions(study),
        "source": sources,
        "copied_source": [one for one in sources if one in names.copied_sources(study)],
    }
    return {
        name: ([published_rib(name)] if path == table_kinds.FROM_CONFIG else collect(f"<results>/{path}", **values))
        for name, path in table_kinds.reads(spec["kind"]).items()
    }


def table_code(wildcards):
    """Digest of what makes a table of this kind."""
    kind = config["tables"][wildcards.table]["kind"]
    return code("tabulate_results.py", f"pretraining_robustness/tables/kinds/{kind}.py")


def answered_figure(wildcards):
    """The name of a figure of single images' answers."""
    return next(value for name, value in wildcards.items() if name.endswith("_figure"))


def answers_of_figure(wildcards):
    """The predictions of each series of a figure."""
    name = answered_figure(wildcards)
    task = config["figures"][name]["task"]
    series = [reversed(names.of_series(one)) for one in runs.series(study, name)]
    return [f"<results>/evaluate/{task}/{'/'.join(one)}/predictions.parquet" for one in series]


def stores_of_figure(wildcards):
    """The stores that a figure's task is tested on, its own first."""
    return list(tested_stores(config["figures"][answered_figure(wildcards)]["task"]))


def tables_of_figure(wildcards):
    """The tables of these stores."""
    task = config["figures"][answered_figure(wildcards)]["task"]
    return [table for _, table in tested_stores(task).values()]
