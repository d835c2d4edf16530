"""Takes scores and trends; makes figures: vector PDF, 300 dpi PNG, the points as CSV and the caption as text."""


rule draw_figure:
    """Draw a figure from its tables."""
    input:
        scores="<results>/scores/{figure}.csv",
        trends="<results>/trends/{figure}.csv",
        bands="<results>/trends/{figure}_bands.csv",
    output:
        pdf="<results>/figures/{figure}.pdf",
        png=report(
            "<results>/figures/{figure}.png",
            caption="captions/trends.rst",
            category="Figures",
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
