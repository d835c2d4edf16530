"""Takes tables and images; makes figures: vector PDF, 300 dpi PNG, what is shown as CSV, a caption as text."""


rule draw_figure:
    """Draw a figure from its tables or images."""
    input:
        unpack(lambda wildcards: figure_inputs(study, wildcards.figure)),
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
        code=lambda wildcards: code("draw_figure.py", drawing_module(study, wildcards.figure)),
    message:
        "Draw {wildcards.figure}"
    script:
        "../workflow_scripts/draw_figure.py"
