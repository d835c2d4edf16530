"""Takes tables and images; makes figures: vector PDF, 300 dpi PNG, what is shown as CSV, a caption as text."""

from pretraining_robustness.figures.kinds import FROM_CONFIG, KINDS, reads


def figure_inputs(wildcards):
    """What a figure is drawn from: the files that the module of its kind reads."""
    name = wildcards.figure
    kind = config["figures"][name]["kind"]
    files = {
        key: (
            tables_from_config(name, key)
            if path == FROM_CONFIG
            else figure_paths(name, f"<results>/{path}")
        )
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
        return [published_rib(key)] if key in names.imagenet_rib(study) else []
    tables = config["figures"][name].get(key, [])
    return list(tables.values()) if isinstance(tables, dict) else list(tables)


def drawing_module(wildcards):
    """The module that draws figures of a kind, below the folder of the scripts."""
    kind = config["figures"][wildcards.figure]["kind"]
    return f"pretraining_robustness/figures/kinds/{KINDS[kind]}.py"


rule draw_figure:
    """Draw a figure from its tables or images."""
    input:
        unpack(figure_inputs),
    output:
        pdf="<results>/figures/{figure}.pdf",
        png=report(
            "<results>/figures/{figure}.png",
            caption="captions/figure.rst",
            category="Figures",
            labels=report_labels,
        ),
        table="<results>/figures/{figure}.csv",
        caption="<results>/figures/{figure}.txt",
    log:
        "<logs>/draw_figure/{figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        figure=lambda wildcards: show.figure(study, wildcards.figure),
        code=lambda wildcards: code("draw_figure.py", drawing_module(wildcards)),
    message:
        "Draw {wildcards.figure}"
    script:
        "../workflow_scripts/draw_figure.py"
