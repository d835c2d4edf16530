"""Takes scores, trends and pictures; makes figures: vector PDF, 300 dpi PNG, what is shown as CSV, a caption as text."""


rule draw_figure:
    """Draw a figure from its tables."""
    input:
        scores=figure_table,
        trends="<results>/trends/{figure}.csv",
        bands="<results>/trends/{figure}_bands.csv",
        comparisons=figure_comparisons,
        published=tables_from_elsewhere("published"),
        studies=tables_from_elsewhere("studies"),
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
        figure=lambda wildcards: study.figure(wildcards.figure),
        code=code("draw_figure.py"),
    message:
        "Draw {wildcards.figure}"
    script:
        "../workflow_scripts/draw_figure.py"


rule draw_pictures:
    """Draw grids of random pictures of sources, distributions or test splits."""
    input:
        images=panel_files("stores", "images.npy", of="collection"),
        tables=panel_files("stores", "images.parquet", of="collection"),
        classes=panel_files("stores", "classes.csv", of="collection"),
        manifests=panel_files("distributions", "manifest.csv", of="distribution"),
    output:
        pdf="<results>/figures/{picture_figure}.pdf",
        png=report(
            "<results>/figures/{picture_figure}.png",
            caption="captions/figure.rst",
            category="Figures",
            labels=report_labels,
        ),
        table="<results>/figures/{picture_figure}.csv",
        caption="<results>/figures/{picture_figure}.txt",
    log:
        "<logs>/draw_pictures/{picture_figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        figure=lambda wildcards: study.figure(wildcards.picture_figure),
        code=code("draw_pictures.py"),
    message:
        "Draw the pictures of {wildcards.picture_figure}"
    script:
        "../workflow_scripts/draw_pictures.py"


rule plan_pipeline:
    """Plan the whole study and list its rules, how often each runs and what each feeds."""
    input:
        rules=RULE_FILES,
    output:
        jobs="<results>/pipeline/jobs.csv",
        edges="<results>/pipeline/edges.csv",
    log:
        "<logs>/plan_pipeline.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    params:
        config=config,
        code=code("plan_pipeline.py"),
    message:
        "Plan the whole study"
    script:
        "../workflow_scripts/plan_pipeline.py"


rule draw_pipeline:
    """Draw the pipeline from the plan of the study."""
    input:
        jobs="<results>/pipeline/jobs.csv",
        edges="<results>/pipeline/edges.csv",
    output:
        pdf="<results>/figures/{pipeline_figure}.pdf",
        png=report(
            "<results>/figures/{pipeline_figure}.png",
            caption="captions/figure.rst",
            category="Figures",
            labels=report_labels,
        ),
        table="<results>/figures/{pipeline_figure}.csv",
        caption="<results>/figures/{pipeline_figure}.txt",
    log:
        "<logs>/draw_pipeline/{pipeline_figure}.log",
    localrule: True
    conda:
        "../envs/analyse.yaml"
    params:
        figure=lambda wildcards: study.figure(wildcards.pipeline_figure),
        code=code("draw_pipeline.py"),
    message:
        "Draw {wildcards.pipeline_figure}"
    script:
        "../workflow_scripts/draw_pipeline.py"
