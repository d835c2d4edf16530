"""Takes scores, trends and the metrics of trainings; makes one page to explore all results in a browser."""


rule collect_curves:
    """Put the training curves of all runs into one table."""
    input:
        metrics=lambda wildcards: [curve["metrics"] for curve in places.curves(study)],
    output:
        curves="<results>/curves.csv",
    log:
        "<logs>/collect_curves.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        runs=lambda wildcards: [curve["run"] for curve in places.curves(study)],
        code=code("collect_curves.py"),
    message:
        "Collect the training curves of all runs"
    script:
        "../workflow_scripts/collect_curves.py"


rule write_page:
    """Write the page of all results: every checkpoint, trend and training curve, to be explored in a browser."""
    input:
        scores="<results>/scores.csv",
        trends="<results>/trends.csv",
        curves="<results>/curves.csv",
    output:
        page=report(
            "<results>/page.html",
            caption="captions/page.rst",
            category="Interactive page",
            labels={"Page": "Every checkpoint, trend and training curve"},
        ),
    log:
        "<logs>/write_page.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        page=lambda wildcards: {
            "figures": [
                show.figure(study, name)
                for name in names.of_kind(study, "trends")
                if "plots" not in config["figures"][name] and runs.runs(study, name)
            ],
            "pairs": names.pairs(study),
            "architectures": {name: labels.architecture_label(study, name) for name in config["architectures"]},
            "study": config["study"],
            "config": config_text(),
            "versions": locked_versions(),
        },
        code=code("write_page.py"),
    message:
        "Write the page of all results"
    script:
        "../workflow_scripts/write_page.py"


rule bundle:
    """One archive of the study with checksums: scores, predictions, manifests, figures, tables, recipes, versions."""
    input:
        places.figure_files(*study.figures),
        places.table_files(*study.tables),
        lambda wildcards: places.all_series(study, "predictions.parquet"),
        collect("<results>/distributions/{name}/manifest.csv", name=names.distributions(study)),
        collect(
            "<results>/{table}{kind}",
            table=[
                *(["scores"] if runs.runs(study, *names.scored_figures(study)) else []),
                *(f"scores/{figure}" for figure in names.scored_figures(study) if runs.runs(study, figure)),
            ],
            kind=[".csv", "_left_out.parquet"],
        ),
        "<results>/trends.csv",
        "<results>/lines.csv",
    output:
        archive="<results>/bundle.zip",
    log:
        "<logs>/bundle.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        bundle=lambda wildcards: {"results": RESULTS, "config": config_text()},
        code=code("bundle.py"),
    message:
        "Pack the study into bundle.zip"
    script:
        "../workflow_scripts/bundle.py"
